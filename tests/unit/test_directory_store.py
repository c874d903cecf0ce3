"""What is the directory store's own (the rest is in tests/contract/test_store.py): its marker, and what disks do."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from pi_sec_cam.errors import NameTaken, PermanentError, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.stores import new_name
from pi_sec_cam.offsite.stores.directory import DirectoryStore
from pi_sec_cam.offsite.stores.path import MARKER
from tests.system.filesystems import Mounts

PATH = "cam1/2026-11-21/09.15.00/video0.h264"
ID = "0123456789abcdef" * 2


class Machine:
    """One machine that uses the folder."""

    def __init__(self, folder: Path, known: str | None = None) -> None:
        self.known = known
        self.store = DirectoryStore(folder, known_id=lambda: self.known, remember=self._remember)

    def _remember(self, store_id: str) -> None:
        self.known = store_id

    def put(self, data: bytes, path: str = PATH) -> None:
        self.store.put(path, data, interrupted=lambda: False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "a nas"
    made.mkdir()
    return made


def refuse(monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> None:
    def refused(*arguments: object, **named: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, refused)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreRefuses, match="mount its disk, or make it"):
        Machine(tmp_path / "nas").put(b"data")
    assert not (tmp_path / "nas").exists()


def test_the_folder_gets_an_id_that_several_machines_share(folder: Path) -> None:
    one, two = Machine(folder), Machine(folder)
    one.put(b"one")
    two.put(b"two", "cam2/file")
    assert one.known == two.known == (folder / MARKER).read_text().strip()
    assert names(folder) == {MARKER, PATH, "cam2/file"}


@pytest.mark.parametrize("marker", [None, "", "f" * 32, "nonsense\n"])
def test_nothing_is_written_where_the_right_disk_is_not(folder: Path, marker: str | None) -> None:
    machine = Machine(folder, known=ID)
    if marker is not None:
        (folder / MARKER).write_text(marker)
    before = names(folder)
    with pytest.raises(StoreRefuses, match=r"[mM]ount.*echo 0123456789abcdef") as caught:
        machine.put(b"data")
    assert names(folder) == before
    assert machine.known == ID
    advised = str(caught.value).partition("now: " if marker == "f" * 32 else "one: ")[2]
    assert os.system(advised) == 0
    machine.put(b"data")
    assert names(folder) == {MARKER, PATH}


def test_what_a_killed_one_left_is_replaced_and_not_followed(folder: Path, tmp_path: Path) -> None:
    machine = Machine(folder)
    machine.put(b"first", "cam1/2026-11-21/09.15.00/motion0.jpg")
    left = folder / "cam1/2026-11-21/09.15.00/.video0.h264.part"
    left.write_bytes(b"half a file that is longer")
    machine.put(b"whole")
    assert (folder / PATH).read_bytes() == b"whole"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"not ours")
    (folder / "cam1/.file.part").symlink_to(elsewhere)
    machine.put(b"whole", "cam1/file")
    assert elsewhere.read_bytes() == b"not ours"
    assert not any(name.endswith(".part") for name in names(folder))


@pytest.mark.parametrize("also_without", [None, "_rename_without_replacing"])
def test_file_systems_without_hard_links(
    folder: Path, monkeypatch: pytest.MonkeyPatch, also_without: str | None
) -> None:
    refuse(monkeypatch, "link", errno.EPERM)
    if also_without:

        def refused(*arguments: object) -> None:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

        monkeypatch.setattr(new_name, also_without, refused)
    machine = Machine(folder)
    machine.put(b"data")
    machine.put(b"data")
    with pytest.raises(NameTaken):
        machine.put(b"other data")
    place = os.open(folder, os.O_RDONLY)
    (folder / "new").write_bytes(b"new")
    with pytest.raises(FileExistsError):
        new_name.give_new_name(place, "new", MARKER)
    os.close(place)
    assert (folder / PATH).read_bytes() == b"data"
    assert names(folder) == {MARKER, PATH, "new"}


@pytest.mark.parametrize("call", ["write", "fsync", "open"])
@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        (errno.EIO, TemporaryError, "error"),
        (errno.ESTALE, TemporaryError, "Stale"),
        (errno.ENOTCONN, TemporaryError, "not connected"),
        (errno.ENOSPC, StoreRefuses, "full"),
        (errno.EDQUOT, StoreRefuses, "full"),
        (errno.EROFS, StoreRefuses, "allowed"),
        (errno.EACCES, StoreRefuses, "allowed"),
    ],
)
def test_what_errors_of_the_disk_mean(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, kind: type[Exception], says: str
) -> None:
    machine = Machine(folder)
    machine.put(b"before", "cam1/before")
    with monkeypatch.context() as trouble:
        refuse(trouble, call, number)
        with pytest.raises(TemporaryError, match=says) as caught:
            machine.put(b"data")
    assert type(caught.value) is kind
    assert names(folder) == {MARKER, "cam1/before"}
    machine.put(b"data")
    assert names(folder) == {MARKER, "cam1/before", PATH}


def test_a_file_is_on_the_disk_before_it_has_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(folder)
    machine.put(b"before", "cam1/2026-11-21/09.15.00/motion0.jpg")
    synced: list[tuple[bool, int, bool]] = []

    def fsync(descriptor: int) -> None:
        found = os.fstat(descriptor)
        synced.append((stat.S_ISREG(found.st_mode), found.st_size, (folder / PATH).exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    machine.put(b"data")
    assert [(regular, there) for regular, _, there in synced] == [(True, False), (False, True)]
    assert synced[0][1] == len(b"data")


def test_a_read_only_disk(folder: Path) -> None:
    with Mounts() as mounts:
        Machine(folder).put(b"before")
        mounts.mount("--bind", folder, folder)
        mounts.mount("-o", "remount,ro,bind", folder)
        with pytest.raises(StoreRefuses, match="Read-only"):
            Machine(mounts.seen(folder)).put(b"data", "cam1/after")


@pytest.mark.parametrize("path", ["cam1/" + "n" * 256, "cam1/file/video0.h264"])
def test_what_the_file_system_will_never_have(folder: Path, path: str) -> None:
    machine = Machine(folder)
    machine.put(b"data", "cam1/file")
    with pytest.raises(PermanentError, match="cam1"):
        machine.put(b"data", path)
    assert names(folder) == {MARKER, "cam1/file"}


def stands_a_folder(place: Path) -> None:
    place.mkdir()


def stands_a_link(place: Path) -> None:
    (place.parent / "linked").write_bytes(b"data")
    place.symlink_to("linked")


def stands_a_pipe(place: Path) -> None:
    os.mkfifo(place)


@pytest.mark.parametrize("stands", [stands_a_folder, stands_a_link, stands_a_pipe])
def test_what_is_no_file_takes_the_name_too(folder: Path, stands: Callable[[Path], None]) -> None:
    (folder / PATH).parent.mkdir(parents=True)
    stands(folder / PATH)
    before = (folder / PATH).lstat()
    with pytest.raises(NameTaken):
        Machine(folder).put(bytes(before.st_size or 4))
    assert (folder / PATH).lstat() == before


def test_files_are_for_whom_the_folder_is(folder: Path) -> None:
    before = os.umask(0o027)
    try:
        Machine(folder).put(b"data")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / PATH).stat().st_mode) == 0o640
    assert stat.S_IMODE((folder / PATH).parent.stat().st_mode) == 0o750
    if os.geteuid() == 0:
        os.chown(folder, 4711, 4712)
        Machine(folder).put(b"data", "cam2/day/file")
        for path in ("cam2", "cam2/day", "cam2/day/file"):
            assert ((folder / path).stat().st_uid, (folder / path).stat().st_gid) == (4711, 4712)
