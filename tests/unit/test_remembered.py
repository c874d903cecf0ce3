"""What a machine remembers of a storage survives everything but the loss of its own state directory."""

import json
import os
import stat
from pathlib import Path

import pytest

from pi_sec_cam import remembered
from pi_sec_cam.remembered import Remembered

ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setattr(remembered, "_SERVICE_DIRECTORY", tmp_path / "service")
    return tmp_path / "state"


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "storage"


def test_nothing_is_remembered_at_first_and_nothing_is_written_for_it(storage: Path, state_directory: Path) -> None:
    memory = Remembered(storage)
    assert (memory.storage_id, memory.file_system, memory.stopped, memory.trouble) == (None, None, frozenset(), None)
    assert not state_directory.exists()


def test_what_is_set_is_there_for_others(storage: Path) -> None:
    memory, other = Remembered(storage), Remembered(storage)
    memory.remember_storage(ID, 2**63 + 5)
    other.stopped = frozenset({"Yard", "Gärtchen"})
    assert (memory.storage_id, memory.file_system) == (ID, 2**63 + 5)
    assert memory.stopped == {"Yard", "Gärtchen"}
    other.stopped = frozenset()
    assert memory.stopped == frozenset()


def test_each_store_has_an_id_and_logins_are_known_without_their_disk(storage: Path) -> None:
    memory, other = Remembered(storage), Remembered(storage)
    assert (memory.store_id("directory-1"), memory.logins) == (None, frozenset())
    memory.remember_store("directory-1", "a")
    other.remember_store("directory-2", "b")
    other.logins = {"dropbox"}
    assert (memory.store_id("directory-1"), memory.store_id("directory-2"), memory.logins) == ("a", "b", {"dropbox"})


def test_each_storage_has_its_own_memory_however_its_path_is_spelled(
    storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Remembered(storage).remember_storage(ID, 1)
    assert Remembered(tmp_path / "other").storage_id is None
    monkeypatch.chdir(tmp_path)
    assert Remembered(Path("x/../storage")).storage_id == ID


def test_the_file_is_for_its_owner_alone_and_says_what_it_is_about(storage: Path, state_directory: Path) -> None:
    memory = Remembered(storage)
    memory.remember_storage(ID, 1)
    assert os.listdir(state_directory) == [memory.path.name]
    assert stat.S_IMODE(memory.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(state_directory.stat().st_mode) == 0o700
    assert json.loads(memory.path.read_text())["storage"] == str(storage)


def test_what_is_known_already_is_not_written(storage: Path) -> None:
    memory = Remembered(storage)
    memory.remember_storage(ID, 1)
    memory.stopped = frozenset({"Yard", "Door"})
    before = memory.path.stat()
    memory.remember_storage(ID, 1)
    memory.stopped = frozenset({"Door", "Yard"})
    after = memory.path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_the_file_is_synced_before_it_is_in_place_and_each_new_name_after(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, replace = os.fsync, os.replace

    def traced_sync(descriptor: int) -> None:
        name = Path(os.readlink(f"/proc/self/fd/{descriptor}")).name
        steps.append("file" if name.startswith(".") else name)
        sync(descriptor)

    def traced_replace(source: str, target: Path) -> None:
        steps.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", traced_sync)
    monkeypatch.setattr(os, "replace", traced_replace)
    memory = Remembered(storage)
    memory.remember_storage(ID, 1)
    assert steps == [memory.path.parent.parent.name, "file", "rename", "state"]


def test_what_a_later_version_wrote_is_kept(storage: Path) -> None:
    memory = Remembered(storage)
    memory.remember_storage(ID, 1)
    memory.path.write_text(json.dumps({**json.loads(memory.path.read_text()), "colour": ["blue"]}))
    memory.stopped = frozenset({"Yard"})
    assert json.loads(memory.path.read_text())["colour"] == ["blue"]
    assert memory.storage_id == ID


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{",
        "[]",
        "null",
        "\0\0\0",
        "[" * 100_000,
        '{"storage_id": 5}',
        '{"file_system": "x"}',
        '{"stopped": "Yard"}',
        '{"stopped": [5]}',
    ],
)
def test_a_damaged_file_is_set_aside(said: str, storage: Path, caplog: pytest.LogCaptureFixture) -> None:
    memory = Remembered(storage)
    memory.path.parent.mkdir()
    memory.path.write_text(said)
    assert memory.storage_id is None
    assert memory.path.with_suffix(".json.damaged").read_text() == said
    assert caplog.text.count("is damaged") == 1
    memory.remember_storage(ID, 1)
    assert Remembered(storage).storage_id == ID


def test_without_a_place_it_remembers_for_itself_and_says_so_once(
    storage: Path, state_directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state_directory.write_text("no directory")
    memory = Remembered(storage)
    memory.remember_storage(ID, 1)
    memory.stopped = frozenset({"Yard"})
    assert memory.storage_id == ID
    assert memory.stopped == {"Yard"}
    assert caplog.text.count("cannot") == 1
    assert memory.trouble is not None
    assert str(memory.path) in memory.trouble
    state_directory.unlink()
    memory.stopped = frozenset({"Door"})
    assert memory.trouble is None
    assert Remembered(storage).storage_id == ID
    assert Remembered(storage).stopped == {"Door"}


def test_a_failed_write_leaves_the_old_file_and_no_other(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Remembered(storage)
    memory.remember_storage(ID, 1)

    def broken(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    memory.stopped = frozenset({"Yard"})
    assert memory.stopped == {"Yard"}
    assert os.listdir(memory.path.parent) == [memory.path.name]
    assert Remembered(storage).stopped == frozenset()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for others")
def test_what_root_writes_the_service_can_read(storage: Path, state_directory: Path) -> None:
    state_directory.mkdir()
    os.chown(state_directory, 65534, 65534)
    memory = Remembered(storage)
    memory.remember_storage(ID, 1)
    assert (memory.path.stat().st_uid, memory.path.stat().st_gid) == (65534, 65534)


def test_the_state_directory_is_systemds_else_the_services_else_the_users(
    storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def directory() -> Path:
        return Remembered(storage).path.parent

    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}/one:{tmp_path}/two")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert directory() == tmp_path / "one"
    monkeypatch.delenv("STATE_DIRECTORY")
    assert directory() == tmp_path / "xdg/pi-sec-cam"
    (tmp_path / "service").mkdir()
    assert directory() == tmp_path / "service"
    (tmp_path / "service").rmdir()
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert directory() == tmp_path / "home/.local/state/pi-sec-cam"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert directory() == tmp_path / "home/.local/state/pi-sec-cam"
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # nobody knows this user
    assert directory() == tmp_path / "service"
