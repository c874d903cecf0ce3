"""Makes sure that one daemon at a time uses a storage directory, and tells others where its socket is."""

import contextlib
import errno
import fcntl
import json
import logging
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from pi_sec_cam.errors import StorageError
from pi_sec_cam.local_socket.place import LOCK_NAME, MAX_REQUEST, fault_of, place_for
from pi_sec_cam.ownership import give_to_owner

log = logging.getLogger(__name__)

_TRIES, _PAUSE_S = 50, 0.1  # five seconds in all


class DaemonLock:
    """Held while a daemon, or a command without one, uses a storage directory.

    There are two locks: one beside the socket, for this machine, and `daemon.lock` in the storage directory, for a disk
    that several machines or several paths lead to. The second can only be had while the right disk is there.

    Args:
        with_storage: take the second on entering; else `lock_storage` does, later.
        command: what holds it, if it is not the daemon: "events lock". Whoever comes meanwhile waits some seconds.

    Attributes:
        socket_path: where the socket belongs.
    """

    def __init__(self, storage: Path, *, with_storage: bool = True, command: str | None = None) -> None:
        self._storage_lock = storage / LOCK_NAME
        self._with_storage = with_storage
        self._command = command
        self._of_machine: int | None = None
        self._of_storage: int | None = None
        self.socket_path = place_for(storage)

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            StorageError: another daemon has it, or a command that does not end, or the directory cannot be written to.
        """
        directory = self.socket_path.parent
        if fault_of(directory) is None:  # without a place for a socket, the storage's own lock has to do
            with contextlib.suppress(PermissionError):
                self._of_machine = self._locked(self.socket_path.with_suffix(".lock"))
        try:
            if self._with_storage:
                self.lock_storage()
        except BaseException:
            self._release()
            raise
        return self

    def lock_storage(self) -> None:
        """Take the storage directory's own lock; again when another disk has come to its place.

        Raises:
            StorageError: as on entering.
        """
        self.unlock_storage()
        self._of_storage = self._locked(self._storage_lock)

    def unlock_storage(self) -> None:
        """Let go of the storage directory's own lock: its disk has gone, and may be repaired meanwhile."""
        if self._of_storage is not None:
            descriptor, self._of_storage = self._of_storage, None
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def _locked(self, path: Path) -> int:
        """The locked file's descriptor; the file says whose it is.

        Raises:
            StorageError: see __enter__.
        """
        try:
            descriptor = _opened(path)
        except OSError as error:
            refused = StorageError(f"cannot write {path}: {error.strerror}")
            refused.errno = error.errno
            raise refused from error
        try:
            self._lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, StorageError):
                raise
            raise StorageError(f"cannot lock {path}: {error.strerror}") from error
        said: dict[str, object] = {"pid": os.getpid(), "socket": str(self.socket_path)}
        if self._command is not None:
            said["command"] = self._command
        try:
            _write_whole(descriptor, json.dumps(said).encode() + b"\n")
        except OSError as error:  # a full disk must not keep the camera from watching
            log.warning("cannot write %s (%s): `pi-sec-cam status` may not find this daemon", path, error)
        return descriptor

    def _lock(self, descriptor: int) -> None:
        """Lock the file; a command that holds it has some seconds to come to its end.

        Raises:
            StorageError: somebody else has it.
            OSError: from the file system.
        """
        for _ in range(_TRIES):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            command, owner = _owner(descriptor)
            if command is None:
                break
            _pause()
        if command is not None:
            raise StorageError(
                f"{self._storage_lock.parent} is in use by `pi-sec-cam {command}`{owner}: wait until that is done"
            )
        raise StorageError(
            f"{self._storage_lock.parent} is in use by another daemon{owner}: stop that one, or give this one its own "
            "storage.directory"
        )

    def _release(self) -> None:
        # The files stay: removing one would let a third daemon lock a new one while a second waits for this.
        self.unlock_storage()
        if self._of_machine is not None:
            descriptor, self._of_machine = self._of_machine, None
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _opened(path: Path) -> int:
    """The file, made if there is none."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return os.open(path, flags)
    try:
        give_to_owner(descriptor, path.parent)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _owner(descriptor: int) -> tuple[str | None, str]:
    """Which command says in the file that it is theirs (None: the daemon), and which process, for the message."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        said = json.loads(os.pread(descriptor, MAX_REQUEST, 0))
        return said.get("command"), f" (process {said['pid']})"
    return None, ""


def _pause() -> None:
    threading.Event().wait(_PAUSE_S)


def _write_whole(descriptor: int, text: bytes) -> None:
    """Replace what the file holds; on a full disk it keeps its old block, so this mostly works there too."""
    if os.pread(descriptor, len(text) + 1, 0) == text:
        return
    if os.pwrite(descriptor, text, 0) < len(text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.ftruncate(descriptor, len(text))
