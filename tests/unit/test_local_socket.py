"""Local commands reach the one daemon of a storage directory, and nobody else's."""

import contextlib
import errno
import json
import os
import shutil
import socket
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from pi_sec_cam.errors import DaemonRefused, DaemonUnreachable, EventNotFound, StorageError
from pi_sec_cam.local_socket import DaemonLock, LocalServer, ask, place
from pi_sec_cam.local_socket import lock as lock_module
from pi_sec_cam.local_socket import server as server_module
from pi_sec_cam.worker import stop_all


@pytest.fixture(autouse=True)
def runtime_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "runtime"))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(place, "_SERVICE_DIRECTORY", tmp_path / "service")
    return tmp_path / "runtime"


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    (tmp_path / "storage").mkdir()
    return tmp_path / "storage"


def label(event: str, labels: list[str]) -> object:
    if len(event) == 0:
        raise ValueError("no event")
    if event == "Yard/none":
        raise EventNotFound("no event Yard/none")
    return {"event": event, "labels": labels}


@pytest.fixture
def server(storage: Path) -> Iterator[LocalServer]:
    with DaemonLock(storage) as lock:
        commands = {"status": lambda: {"state": "working", "name": "Gärtchen"}, "label": label}
        server = LocalServer(lock.socket_path, commands)
        server.start()
        yield server
        stop_all([server], 5)


@pytest.mark.usefixtures("server")
def test_a_command_is_answered(storage: Path) -> None:
    assert ask(storage, "status") == {"state": "working", "name": "Gärtchen"}


@pytest.mark.usefixtures("server")
def test_an_unknown_command_is_answered_with_the_known_ones(storage: Path) -> None:
    with pytest.raises(DaemonRefused, match="known commands: status, label"):
        ask(storage, "explode")


@pytest.mark.usefixtures("server")
def test_a_command_gets_its_arguments(storage: Path) -> None:
    long = ["ä" * 5000]
    assert ask(storage, "label", {"event": "Yard/x", "labels": long}) == {"event": "Yard/x", "labels": long}


@pytest.mark.usefixtures("server")
def test_what_the_daemon_says_against_a_command_is_told(storage: Path) -> None:
    with pytest.raises(DaemonRefused, match="no event Yard/none"):
        ask(storage, "label", {"event": "Yard/none", "labels": []})


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("arguments", [{}, {"event": "x"}, {"event": "x", "labels": [], "colour": "red"}])
def test_arguments_that_a_command_does_not_take_are_refused(storage: Path, arguments: dict[str, object]) -> None:
    with pytest.raises(DaemonRefused, match="another version"):
        ask(storage, "label", arguments)


@pytest.mark.usefixtures("server")
def test_the_socket_is_for_its_owner_alone(storage: Path) -> None:
    path = json.loads((storage / "daemon.lock").read_text())["socket"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("said", [b"", b"\n", b"[]\n", b'"status"\n', b'{"command": []}\n', b"\xff\xfe\n", b"x" * 9000])
def test_nonsense_does_not_disturb(storage: Path, said: bytes) -> None:
    path = json.loads((storage / "daemon.lock").read_text())["socket"]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(path)
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1000)
    assert ask(storage, "status") == {"state": "working", "name": "Gärtchen"}


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("event", [7, None, ""])
def test_senseless_arguments_do_not_end_the_server(storage: Path, event: object) -> None:
    with pytest.raises(DaemonRefused, match="label failed"):
        ask(storage, "label", {"event": event, "labels": []})
    assert ask(storage, "label", {"event": "x", "labels": []})


def test_a_second_daemon_is_refused_by_name(storage: Path) -> None:
    with DaemonLock(storage), pytest.raises(StorageError, match=rf"process {os.getpid()}"), DaemonLock(storage):
        pass


def test_a_daemon_waits_for_a_command_to_end(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DaemonLock(storage, command="events lock") as command:
        monkeypatch.setattr(lock_module, "_pause", lambda: command.__exit__(None, None, None))
        with DaemonLock(storage):
            said = json.loads((storage / "daemon.lock").read_text())
    assert "command" not in said


def test_a_command_that_does_not_end_is_named(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[int] = []
    monkeypatch.setattr(lock_module, "_pause", lambda: pauses.append(1))
    named = rf"`pi-sec-cam catalogue rebuild` \(process {os.getpid()}\)"
    with (
        DaemonLock(storage, command="catalogue rebuild"),
        pytest.raises(StorageError, match=named),
        DaemonLock(storage),
    ):
        pass
    assert len(pauses) == 50


def test_a_daemon_is_not_waited_for(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "_pause", lambda: pytest.fail("waits"))
    with (
        DaemonLock(storage),
        pytest.raises(StorageError, match="another daemon"),
        DaemonLock(storage, command="events lock"),
    ):
        pass


def test_a_second_daemon_is_refused_while_the_disk_is_missing(storage: Path) -> None:
    storage.rmdir()
    with (
        DaemonLock(storage, with_storage=False),
        pytest.raises(StorageError, match="in use"),
        DaemonLock(storage, with_storage=False),
    ):
        pass


def test_the_lock_goes_on_to_the_disk_that_has_come(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DaemonLock(storage) as lock:
        storage.rename(storage.parent / "gone")
        storage.mkdir()
        lock.lock_storage()
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(storage / "run"))  # as another machine
        with pytest.raises(StorageError, match="in use"), DaemonLock(storage):
            pass


def test_after_the_daemon_the_storage_is_free(storage: Path) -> None:
    for _ in range(2):
        with DaemonLock(storage):
            pass


def test_the_lock_says_what_holds_now_however_long_the_last_one_was(storage: Path) -> None:
    (storage / "daemon.lock").write_text("x" * 5000)
    with DaemonLock(storage) as lock:
        assert json.loads((storage / "daemon.lock").read_text()) == {
            "pid": os.getpid(),
            "socket": str(lock.socket_path),
        }


@pytest.mark.parametrize("written", [None, 7])
def test_on_a_full_disk_the_lock_still_locks(
    storage: Path, written: int | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(descriptor: int, data: bytes, offset: int) -> int:
        if written is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written

    before = '{"pid": 1, "socket": "/run/pi-sec-cam/0.sock"}'
    (storage / "daemon.lock").write_text(before)
    monkeypatch.setattr(os, "pwrite", full)
    with DaemonLock(storage), pytest.raises(StorageError, match="in use"), DaemonLock(storage):
        pass
    assert "No space left on device" in caplog.text
    assert (storage / "daemon.lock").read_text() == before


@pytest.mark.parametrize("lock", [None, "", "{}", "garbage", '{"pid": 1, "socket": "/nowhere/x.sock"}'])
def test_without_a_daemon_the_way_out_is_said(storage: Path, lock: str | None) -> None:
    if lock is not None:
        (storage / "daemon.lock").write_text(lock)
    with pytest.raises(DaemonUnreachable, match="pi-sec-cam run"):
        ask(storage, "status")


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("lock", [None, "", '{"pid": 1, "socket": "/nowhere/x.sock"}', '{"pid": 1, "socket": 5}'])
def test_the_daemon_is_found_without_what_the_lock_says(storage: Path, lock: str | None) -> None:
    (storage / "daemon.lock").unlink()
    if lock is not None:
        (storage / "daemon.lock").write_text(lock)
    assert ask(storage, "status") == {"state": "working", "name": "Gärtchen"}


@pytest.mark.usefixtures("server")
def test_the_daemon_is_found_when_its_storage_has_gone(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(storage)
    assert ask(storage, "status") == {"state": "working", "name": "Gärtchen"}
    monkeypatch.chdir(storage.parent)
    assert ask(Path(storage.name), "status") == {"state": "working", "name": "Gärtchen"}


def test_that_the_storage_has_gone_is_said(storage: Path) -> None:
    storage.rmdir()
    with pytest.raises(DaemonUnreachable, match=r"is not there.*mounted.*pi-sec-cam run"):
        ask(storage, "status")


@pytest.mark.usefixtures("server")
def test_another_users_socket_is_not_believed(
    storage: Path, runtime_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (storage / "daemon.lock").unlink()
    stranger = 4_000_000_000 + os.getpid()
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    with pytest.raises(DaemonUnreachable, match="pi-sec-cam run"):
        ask(storage, "status")


def test_a_daemon_that_gives_no_answer_is_not_called_absent(storage: Path) -> None:
    with DaemonLock(storage) as lock, socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(lock.socket_path))
        deaf.listen()
        with pytest.raises(DaemonUnreachable, match="does not answer"):
            ask(storage, "status", seconds=0.05)


@pytest.mark.parametrize("error", [OSError("the disk is gone"), OverflowError("too large"), AssertionError("ours")])
def test_a_command_that_fails_as_nobody_thought_of_is_answered_and_others_go_on(
    storage: Path, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> object:
        raise error

    with DaemonLock(storage) as lock:
        server = LocalServer(lock.socket_path, {"status": broken, "strange": lambda: b"no JSON", "fine": lambda: 1})
        server.start()
        with pytest.raises(DaemonRefused, match=f"status failed.*{error}"):
            ask(storage, "status")
        with pytest.raises(DaemonRefused, match="strange failed"):
            ask(storage, "strange")
        assert ask(storage, "fine") == 1
        stop_all([server], 5)
    assert server.fault is None
    assert str(error) in caplog.text


def test_a_stale_socket_is_replaced(storage: Path, server: LocalServer) -> None:
    path = Path(json.loads((storage / "daemon.lock").read_text())["socket"])
    stop_all([server], 5)
    path.write_text("left behind")
    again = LocalServer(path, {"status": lambda: 1})
    again.start()
    assert ask(storage, "status") == 1
    stop_all([again], 5)


def test_a_runtime_directory_that_others_may_write_to_is_refused(runtime_directory: Path) -> None:
    runtime_directory.mkdir()
    runtime_directory.chmod(0o777)
    with pytest.raises(StorageError, match="belongs to this user alone"):
        LocalServer(runtime_directory / "x.sock", {})


def others_may_write(directory: Path) -> None:
    directory.mkdir()
    directory.chmod(0o777)


def a_file_is_there(directory: Path) -> None:
    directory.write_text("")


def a_link_is_there(directory: Path) -> None:
    (directory.parent / "target").mkdir()
    directory.symlink_to(directory.parent / "target")


@pytest.mark.parametrize("spoil", [others_may_write, a_file_is_there, a_link_is_there])
def test_a_directory_that_cannot_have_the_socket_is_passed_over(
    spoil: Callable[[Path], None], storage: Path, runtime_directory: Path, tmp_path: Path
) -> None:
    spoil(runtime_directory)
    with DaemonLock(storage) as lock:
        assert lock.socket_path.parent == tmp_path / "service"
        server = LocalServer(lock.socket_path, {"status": lambda: 1})
        server.start()
        assert ask(storage, "status") == 1
        stop_all([server], 5)


def test_a_directory_whose_path_is_too_long_for_a_socket_is_passed_over(
    storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / ("long" * 30)))
    assert DaemonLock(storage).socket_path.parent == tmp_path / "service"


@pytest.mark.parametrize("mine", [True, False])
def test_the_session_directory_is_used_only_by_its_owner(
    mine: bool, storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    session = Path(tempfile.mkdtemp())  # shorter than tmp_path: a socket's path has 107 bytes
    request.addfinalizer(lambda: shutil.rmtree(session))
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(session))
    (tmp_path / "service").write_text("")
    if mine:
        assert DaemonLock(storage).socket_path.parent == session / "pi-sec-cam"
    else:
        stranger = 4_000_000_000 + os.getpid()
        monkeypatch.setattr(os, "getuid", lambda: stranger)  # whose session it is not
        place = DaemonLock(storage).socket_path.parent
        place.rmdir()
        assert place == Path(f"/tmp/pi-sec-cam-{stranger}")
        assert not (session / "pi-sec-cam").exists()


@pytest.mark.parametrize("name", ["x.sock", "x" * 120, "gone/x.sock"])
def test_where_no_socket_can_be_there_is_one_kind_of_error(name: str, runtime_directory: Path) -> None:
    if "/" in name:
        a_file_is_there(runtime_directory)
    else:
        runtime_directory.mkdir(mode=0o700)
        (runtime_directory / "x.sock").mkdir()
    with pytest.raises(StorageError, match="runtime"):
        LocalServer(runtime_directory / name, {})


class DrippingCaller:
    """Sends a byte every twentieth of a second and never ends its line."""

    def __init__(self, path: Path) -> None:
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(str(path))
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._drip)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join(5)
        self._connection.close()

    def _drip(self) -> None:
        with contextlib.suppress(OSError):  # the daemon has hung up, as it should
            while not self._enough.wait(0.05):
                self._connection.sendall(b"x")


@pytest.mark.usefixtures("server")
def test_a_slow_caller_keeps_others_out_no_longer_than_its_time(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_DEADLINE_S", 0.4)
    path = Path(json.loads((storage / "daemon.lock").read_text())["socket"])
    began = time.monotonic()
    with DrippingCaller(path):
        assert ask(storage, "status") == {"state": "working", "name": "Gärtchen"}
    assert 0.2 < time.monotonic() - began < 1


def test_a_slow_caller_does_not_delay_the_stop(storage: Path, server: LocalServer) -> None:
    path = Path(json.loads((storage / "daemon.lock").read_text())["socket"])
    with DrippingCaller(path):
        others = [socket.socket(socket.AF_UNIX) for _ in range(8)]
        for other in others:  # the queue is full too
            other.connect(str(path))
        began = time.monotonic()
        stop_all([server], 5)
        assert time.monotonic() - began < 0.5
        for other in others:
            other.close()


def test_a_caller_who_does_not_listen_does_not_delay_the_stop(storage: Path) -> None:
    with DaemonLock(storage) as lock, socket.socket(socket.AF_UNIX) as deaf:
        asked = threading.Event()

        def long_answer() -> object:
            asked.set()
            return "x" * 5_000_000

        server = LocalServer(lock.socket_path, {"status": long_answer})
        server.start()
        deaf.connect(str(lock.socket_path))
        deaf.sendall(b'{"command": "status"}\n')
        assert asked.wait(5)
        began = time.monotonic()
        stop_all([server], 5)
        assert time.monotonic() - began < 0.5
