"""The right disk is told from an empty mount point and from another disk; what is wrong is said with the way out."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.disk import Disk
from pi_sec_cam.remembered import Remembered

OTHER = "f" * 32


@pytest.fixture(autouse=True)
def state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "mnt/clips"


@pytest.fixture
def memory(directory: Path) -> Remembered:
    return Remembered(directory)


@pytest.fixture
def disk(directory: Path, memory: Remembered) -> Disk:
    return Disk(directory, memory)


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What statvfs says; may be changed."""
    said = SimpleNamespace(
        f_bavail=10**6, f_blocks=10**7, f_frsize=4096, f_files=1000, f_favail=500, f_flag=0, f_fsid=42
    )
    monkeypatch.setattr(os, "statvfs", lambda path: said)
    return said


def marker(directory: Path) -> str:
    return (directory / "storage-id").read_text().strip()


def test_at_first_use_the_directory_is_made_and_gets_an_id(disk: Disk, directory: Path, memory: Remembered) -> None:
    assert disk.check().kind == "new"
    assert not directory.exists()
    state = disk.claim()
    assert (state.kind, state.detail) == ("ready", "")
    assert marker(directory) == state.storage_id == memory.storage_id
    disk.guard()


def test_what_the_disk_can_take_is_reported(disk: Disk, directory: Path) -> None:
    state = disk.claim()
    space = os.statvfs(directory)
    assert state.total_bytes == space.f_blocks * space.f_frsize
    assert state.free_bytes is not None
    assert 0 < state.free_bytes <= state.total_bytes
    assert state.device == directory.stat().st_dev


def test_a_directory_with_recordings_of_an_earlier_version_is_taken_as_it_is(disk: Disk, directory: Path) -> None:
    (directory / "recordings/Yard").mkdir(parents=True)
    assert disk.check().kind == "new"
    assert disk.claim().kind == "ready"


def test_looking_and_claiming_again_write_nothing(
    disk: Disk, directory: Path, memory: Remembered, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.claim()
    before = [(directory / "storage-id").stat(), memory.path.stat(), directory.stat()]
    monkeypatch.setattr(os, "fsync", lambda descriptor: pytest.fail("something was written"))
    assert [disk.claim().kind, disk.check().kind] == ["ready", "ready"]
    after = [(directory / "storage-id").stat(), memory.path.stat(), directory.stat()]
    assert [(s.st_ino, s.st_mtime_ns) for s in before] == [(s.st_ino, s.st_mtime_ns) for s in after]


def gone(directory: Path) -> None:
    shutil.rmtree(directory)


def empty(directory: Path) -> None:
    gone(directory)
    directory.mkdir()


def with_a_stranger(directory: Path) -> None:
    empty(directory)
    (directory / "holiday.jpg").touch()


def with_a_senseless_id(directory: Path) -> None:
    empty(directory)
    (directory / "storage-id").write_bytes(b"\0" * 33)


def a_link_to_nowhere(directory: Path) -> None:
    gone(directory)
    directory.symlink_to("/media/nowhere")


def gone_with_its_disk(directory: Path) -> None:
    """A mount point that the system makes when it mounts (/media/…), and takes away afterwards."""
    gone(directory)
    memory = Remembered(directory)
    assert memory.storage_id is not None
    memory.remember_storage(memory.storage_id, 4711)


MISSING = [gone_with_its_disk, empty, with_a_stranger, with_a_senseless_id, a_link_to_nowhere]


@pytest.mark.parametrize("happens", MISSING)
def test_a_disk_that_is_not_there_is_missed_and_nothing_is_made_in_its_place(
    happens: Callable[[Path], None], disk: Disk, directory: Path
) -> None:
    disk.claim()
    happens(directory)
    before = sorted(directory.parent.rglob("*"))
    for state in (disk.check(), disk.claim()):
        assert state.kind == "missing"
        assert "mounted?" in state.detail
        assert not state.writable
    with pytest.raises(StorageError, match=r"storage\.directory"):
        disk.guard()
    assert sorted(directory.parent.rglob("*")) == before


def test_a_directory_that_somebody_deletes_is_made_again(disk: Disk, directory: Path) -> None:
    mine = disk.claim().storage_id
    gone(directory)
    assert disk.check().kind == "missing"
    assert disk.claim().kind == "ready"
    assert marker(directory) == mine


@pytest.mark.parametrize("happens", [gone_with_its_disk, empty, with_a_stranger])
def test_the_owner_may_say_that_what_is_there_now_is_right(
    happens: Callable[[Path], None], disk: Disk, directory: Path
) -> None:
    old = disk.claim().storage_id
    happens(directory)
    assert disk.accept().kind == "ready"
    assert marker(directory) != old, "the old disk would not be noticed when it comes back"
    assert Disk(directory, Remembered(directory)).check().kind == "ready"


def test_another_disk_is_named_and_may_be_accepted(disk: Disk, directory: Path, memory: Remembered) -> None:
    mine = disk.claim().storage_id
    (directory / "storage-id").write_text(f"{OTHER}\n")
    for state in (disk.check(), disk.claim()):
        assert state.kind == "wrong"
        assert state.storage_id == OTHER
        assert f"{OTHER}" in state.detail
        assert f"{mine}" in state.detail
        assert "pi-sec-cam storage accept" in state.detail
    with pytest.raises(StorageError, match="another disk"):
        disk.guard()
    assert disk.accept().kind == "ready"
    assert marker(directory) == memory.storage_id == OTHER


def test_a_running_process_notices_what_a_command_accepted(disk: Disk, directory: Path) -> None:
    disk.claim()
    (directory / "storage-id").write_text(f"{OTHER}\n")
    assert disk.check().kind == "wrong"
    Disk(directory, Remembered(directory)).accept()
    assert disk.check().kind == "ready"


def test_a_disk_from_elsewhere_is_remembered_where_there_was_none(
    disk: Disk, directory: Path, memory: Remembered
) -> None:
    directory.mkdir(parents=True)
    (directory / "storage-id").write_text(f"{OTHER}\n")
    assert disk.check().kind == "ready"
    assert memory.storage_id is None
    assert disk.claim().kind == "ready"
    assert memory.storage_id == marker(directory) == OTHER


def test_a_deleted_id_is_written_again_beside_the_recordings(disk: Disk, directory: Path) -> None:
    mine = disk.claim().storage_id
    (directory / "recordings").mkdir()
    (directory / "storage-id").unlink()
    assert disk.check().kind == "missing"
    assert disk.claim().kind == "ready"
    assert marker(directory) == mine


def test_recordings_below_the_mount_point_do_not_pass_for_the_disk(
    disk: Disk, directory: Path, space: SimpleNamespace
) -> None:
    disk.claim()
    (directory / "recordings").mkdir()
    (directory / "storage-id").unlink()
    space.f_fsid = 43
    assert disk.claim().kind == "missing"
    assert not (directory / "storage-id").exists()


def test_without_a_memory_the_disk_is_taken_for_right(disk: Disk, state_directory: Path) -> None:
    state_directory.write_text("no directory")
    assert disk.claim().kind == "ready"
    disk.guard()


def test_a_read_only_disk_is_not_for_writing(disk: Disk, space: SimpleNamespace) -> None:
    disk.claim()
    space.f_flag = os.ST_RDONLY
    state = disk.check()
    assert (state.kind, state.writable) == ("read-only", False)
    assert "mount it writable" in state.detail
    with pytest.raises(StorageError, match="mount it writable"):
        disk.guard()


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"f_bavail": 0}, "full"),
        ({"f_bavail": 970}, "full"),
        ({"f_bavail": 980}, "ready"),
        ({"f_favail": 3}, "full"),
        ({"f_favail": 16}, "ready"),
        ({"f_files": 0, "f_favail": 0}, "ready"),
    ],
)
def test_a_disk_without_bytes_or_inodes_is_full(
    said: dict[str, int], kind: str, disk: Disk, space: SimpleNamespace
) -> None:
    disk.claim()
    space.__dict__.update(said)
    state = disk.check()
    assert (state.kind, state.writable) == (kind, True)
    assert bool(state.detail) == (kind == "full")
    assert ("inodes" in state.detail) == ("f_favail" in said and kind == "full")
    disk.guard()


def test_a_full_disk_with_recordings_can_be_tidied_before_it_has_an_id(
    disk: Disk, directory: Path, space: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (directory / "recordings").mkdir(parents=True)
    space.f_bavail = 0

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert disk.claim().kind == "full"
    assert disk.check().writable
    space.f_bavail = 10**6
    assert disk.claim().kind == "ready"


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES])
def test_an_error_of_the_disk_is_put_into_words(number: int, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.claim()

    def broken(path: object) -> os.statvfs_result:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "statvfs", broken)
    state = disk.check()
    assert (state.kind, state.writable, state.free_bytes) == ("unusable", False, None)
    assert state.detail.startswith(f"cannot use {disk.directory} (storage.directory): ")
    with pytest.raises(StorageError, match="cannot use"):
        disk.guard()


def test_a_file_in_the_way_is_explained(disk: Disk, directory: Path) -> None:
    directory.parent.mkdir()
    directory.write_text("no directory")
    assert disk.claim().kind == "unusable"
    assert "is a file" in disk.claim().detail
    with pytest.raises(StorageError, match="is a file"):
        disk.accept()


def test_a_link_to_the_disk_is_followed(disk: Disk, directory: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    directory.parent.mkdir()
    directory.symlink_to(tmp_path / "elsewhere")
    assert disk.claim().kind == "ready"
    assert marker(tmp_path / "elsewhere") == marker(directory)


def test_a_directory_of_someone_else_is_explained() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o555)
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            disk = Disk(directory, Remembered(directory))
            for state in (disk.check(), disk.claim()):
                assert state.kind == "unusable"
                assert "may not; give that user the right" in state.detail
            with pytest.raises(StorageError, match="may not"):
                disk.accept()
        finally:
            os.seteuid(os.getuid())
            directory.chmod(0o755)


def test_a_nearly_full_disk_gets_its_id_at_first_use(disk: Disk, directory: Path, space: SimpleNamespace) -> None:
    space.f_bavail = 10
    assert disk.claim().kind == "full"
    assert marker(directory) == disk.check().storage_id


def test_the_disk_is_the_same_wherever_the_process_goes(
    directory: Path, memory: Remembered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    disk = Disk(directory.relative_to(tmp_path), memory)
    disk.claim()
    monkeypatch.chdir("/")
    assert disk.check().kind == "ready"


def test_without_room_for_its_id_a_disk_is_full_and_gets_it_later(
    disk: Disk, directory: Path, memory: Remembered, monkeypatch: pytest.MonkeyPatch
) -> None:
    (directory / "recordings").mkdir(parents=True)

    def refuses(*_: object) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", refuses)
        state = disk.claim()
    assert (state.kind, state.storage_id, memory.storage_id) == ("full", None, None)
    assert "quota" in state.detail
    assert state.device == directory.stat().st_dev
    assert disk.claim().kind == "ready"


def test_without_room_for_the_directory_it_is_no_reason_to_give_up(
    disk: Disk, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.parent.mkdir()

    def refuses(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "mkdir", refuses)
        state = disk.claim()
    assert (state.kind, state.writable) == ("new", False)
    assert "full" in state.detail
    assert disk.claim().kind == "ready"
