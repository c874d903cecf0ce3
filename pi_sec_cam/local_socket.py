"""How commands on the same machine reach the daemon: one JSON line each way over a Unix socket of mode 0600.

Where the socket is stands in `daemon.lock` in the storage directory, which the daemon keeps locked while it runs. Its
name follows from the directory's path, so that it is found without that file too: `status` is wanted most when the disk
is gone.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import logging
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from pi_sec_cam.errors import DaemonUnreachable, StorageError
from pi_sec_cam.worker import Worker

log = logging.getLogger(__name__)

_LOCK_NAME = "daemon.lock"
_MAX_REQUEST = 4096
_DEADLINE_S = 2.0
_POLL_S = 0.25
_MAX_ADDRESS = 107  # unix(7): sun_path has 108 bytes, the last one is zero
_SERVICE_DIRECTORY = Path("/run/pi-sec-cam")


class DaemonLock:
    """Makes sure that one daemon at a time uses a storage directory, and tells others where its socket is."""

    def __init__(self, storage: Path) -> None:
        self._path = storage / _LOCK_NAME
        self._descriptor: int | None = None
        self.socket_path = _place_for(_socket_name(storage))

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            StorageError: another daemon has it, or the directory cannot be written to.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise StorageError(f"cannot write {self._path}: {error.strerror}") from error
        try:
            _lock(descriptor, self._path)
        except StorageError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        try:
            _write_whole(descriptor, json.dumps({"pid": os.getpid(), "socket": str(self.socket_path)}).encode() + b"\n")
        except OSError as error:  # a full disk must not keep the camera from watching
            log.warning("cannot write %s (%s): `pi-sec-cam status` may not find this daemon", self._path, error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            # The file stays: removing it would let a third daemon lock a new one while a second waits for this.
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = ""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            owner = f" (process {json.loads(os.pread(descriptor, _MAX_REQUEST, 0))['pid']})"
        raise StorageError(
            f"{path.parent} is in use by another daemon{owner}: stop that one, "
            "or give this one its own storage.directory"
        ) from None
    except OSError as error:
        raise StorageError(f"cannot lock {path}: {error.strerror}") from error


def _write_whole(descriptor: int, text: bytes) -> None:
    """Replace what the file holds; on a full disk it keeps its old block, so this mostly works there too."""
    if os.pwrite(descriptor, text, 0) < len(text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.ftruncate(descriptor, len(text))


class LocalServer(Worker):
    """Answers local commands, one at a time; a caller has two seconds in all, however slowly it speaks and listens.

    Args:
        path: of the socket; a stale one is replaced.
        commands: by name; each gives an object that JSON can hold.

    Raises:
        StorageError: there can be no socket at `path`. The camera can do without.
    """

    def __init__(self, path: Path, commands: dict[str, Callable[[], object]]) -> None:
        super().__init__("local socket")
        self._path = path
        self._commands = commands
        if fault := _fault_of(path.parent):
            raise StorageError(fault)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path.unlink(missing_ok=True)
            self._listener.bind(str(path))
            path.chmod(0o600)  # before listen(): until then nobody can connect
            self._listener.listen(8)
        except OSError as error:
            self._listener.close()
            raise StorageError(f"cannot listen at {path}: {error.strerror or error}") from error
        self._listener.settimeout(0.5)

    def stop(self) -> None:
        super().stop()
        # A caller who says nothing ends the wait for one; if many are waiting, nobody has to.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            caller.setblocking(False)
            caller.connect(str(self._path))

    def work(self) -> None:
        try:
            while not self.stopping.is_set():
                try:
                    connection, _ = self._listener.accept()
                except TimeoutError:
                    self.advance()
                    continue
                with connection, contextlib.suppress(OSError):
                    self._serve(connection)
                self.advance()
        finally:
            self._listener.close()
            self._path.unlink(missing_ok=True)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(_POLL_S)
        deadline_us = self.clock.monotonic_us() + round(_DEADLINE_S * 1e6)
        line = b""
        while not line.endswith(b"\n") and len(line) < _MAX_REQUEST and self._goes_on(deadline_us):
            with contextlib.suppress(TimeoutError):
                piece = connection.recv(_MAX_REQUEST - len(line))
                if not piece:
                    break
                line += piece
        left = memoryview(json.dumps(self._answer(line)).encode() + b"\n")
        while left and self._goes_on(deadline_us):
            with contextlib.suppress(TimeoutError):
                left = left[connection.send(left) :]

    def _goes_on(self, deadline_us: int) -> bool:
        return not self.stopping.is_set() and self.clock.monotonic_us() < deadline_us

    def _answer(self, line: bytes) -> object:
        try:
            name = json.loads(line)["command"]
            command = self._commands[name]
        except (ValueError, KeyError, TypeError):
            return {"error": f"known commands: {', '.join(self._commands)}"}
        return command()


def ask(storage: Path, command: str) -> object:
    """What the daemon of a storage directory answers; the directory itself need not be there any more.

    Raises:
        DaemonUnreachable: none runs there, or it does not answer within some seconds.
    """
    lock = storage / _LOCK_NAME
    places, unreadable = [], False
    try:
        places.append(Path(json.loads(lock.read_bytes())["socket"]))
    except PermissionError:
        unreadable = True
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no daemon was here yet, or the disk is gone, or was full
    places += [directory / _socket_name(storage) for directory in _directories() if _ours_to_ask(directory)]
    for place in places:
        try:
            return _ask_at(place, command)
        except PermissionError as error:
            raise DaemonUnreachable(
                f"not allowed to talk to the daemon at {place}: run this as the user that it runs as"
            ) from error
        except DaemonUnreachable:
            raise
        except (OSError, ValueError) as error:
            log.debug("no daemon at %s: %s", place, error)
    if unreadable:
        raise DaemonUnreachable(f"cannot read {lock}: run this as the user that the daemon runs as")
    if not os.path.isdir(storage):
        raise DaemonUnreachable(
            f"{storage} is not there, and no daemon of this user answers for it: if it is on a disk of its own, is "
            "that mounted? Start the daemon with `pi-sec-cam run`"
        )
    raise DaemonUnreachable(f"no daemon is running for {storage}: start it with `pi-sec-cam run`")


def _ask_at(place: Path, command: str) -> object:
    """The answer from one socket.

    Raises:
        OSError, ValueError: nobody listens there.
        DaemonUnreachable: somebody listens and does not answer.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(3 * _DEADLINE_S)
        connection.connect(str(place))
        try:
            connection.sendall(json.dumps({"command": command}).encode() + b"\n")
            with connection.makefile("rb") as reply:
                return json.loads(reply.read())
        except (OSError, ValueError) as error:
            raise DaemonUnreachable(f"the daemon at {place} does not answer") from error


def _ours_to_ask(directory: Path) -> bool:
    """Whether an answer from there is the daemon's: only root makes directories in /run, but anybody does in /tmp."""
    with contextlib.suppress(OSError):
        return directory == _SERVICE_DIRECTORY or directory.lstat().st_uid == os.getuid()
    return False


def _socket_name(storage: Path) -> str:
    """The same for each spelling of the path that `status` and `run` make of a configuration; nothing need exist."""
    return f"{hashlib.sha256(os.path.abspath(storage).encode(errors='surrogateescape')).hexdigest()[:16]}.sock"


def _directories() -> Iterator[Path]:
    """Where a socket may be, the best first: a storage directory on exFAT or a NAS has no sockets."""
    if given := os.environ.get("RUNTIME_DIRECTORY"):  # systemd's
        yield Path(given.split(":")[0])
    yield _SERVICE_DIRECTORY
    if session := os.environ.get("XDG_RUNTIME_DIR"):
        # `su` and `sudo -E` leave another user's there.
        with contextlib.suppress(OSError):
            if os.stat(session).st_uid == os.getuid():
                yield Path(session) / "pi-sec-cam"
    yield Path(f"/tmp/pi-sec-cam-{os.getuid()}")  # noqa: S108 - its owner and mode are checked


def _place_for(name: str) -> Path:
    """The first place where a socket of that name can be; where there is none, the last, which then says why."""
    places = [directory / name for directory in _directories()]
    fit = (place for place in places if len(os.fsencode(place)) <= _MAX_ADDRESS and not _fault_of(place.parent))
    return next(fit, places[-1])


def _fault_of(directory: Path) -> str | None:
    """Why a directory, made if it does not exist, cannot have our socket. In /tmp somebody else may have been first."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
    except OSError as error:
        return f"cannot make {directory} for the socket: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        return f"{directory} is not a directory that belongs to this user alone: remove it"
    if not os.access(directory, os.W_OK | os.X_OK):
        return f"{directory}, for the socket, cannot be written to"
    return None
