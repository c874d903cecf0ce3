"""The folder that footage is fetched into: no link in it is followed, nothing that stands in it is replaced."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from pi_sec_cam.durable import storage_error, sync_directory
from pi_sec_cam.errors import PiSecCamError, StorageError
from pi_sec_cam.offsite.stores.new_name import give_new_name
from pi_sec_cam.offsite.stores.path import parts_of

PART = ".part"
"""What the name of a file ends with until it is whole."""

ASIDE = ".pi-sec-cam-wrong"
"""The folder for what the place has, and the camera has not sent."""

LONGEST_NAME_BYTES = 240
"""Of a file that can be fetched: names have 255 bytes at most, and what is not whole has a longer one."""

_PIECE = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLAIN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Part:
    """A file that is being fetched, under the name that it has until it is whole.

    Attributes:
        bytes: how many of it are there.

    Raises (all methods):
        StorageError: from the disk.
    """

    def __init__(self, file: int, path: Path) -> None:
        self._file = file
        self._path = path
        self.bytes = 0
        self._digest = sha256()

    @property
    def sha256(self) -> str:
        """Of what is there, in hexadecimal."""
        return self._digest.hexdigest()

    def go_on(self) -> None:
        """Take up what an earlier attempt has left."""
        self.bytes, self._digest = 0, sha256()
        for piece in self.read():
            self._digest.update(piece)
            self.bytes += len(piece)

    def restart(self) -> None:
        """Forget what is there."""
        with _in_words(self._path, "write"):
            os.ftruncate(self._file, 0)
        self.bytes, self._digest = 0, sha256()

    def append(self, piece: bytes) -> None:
        left = memoryview(piece)
        with _in_words(self._path, "write"):
            while left:
                written = os.pwrite(self._file, left, self.bytes)
                self._digest.update(left[:written])
                self.bytes += written
                left = left[written:]

    def read(self) -> Iterator[bytes]:
        """What is there."""
        at = 0
        with _in_words(self._path, "read"):
            while piece := os.pread(self._file, _PIECE, at):
                at += len(piece)
                yield piece

    def sync(self) -> None:
        """Its bytes are durable on return."""
        with _in_words(self._path, "write"):
            os.fsync(self._file)


class Destination:
    """Used in a `with` block, in which no other process fetches into the same folder. One thread.

    What it makes is for its user alone. Its paths are those of the place that is fetched from: they are checked here,
    too, so that nothing is ever written outside of the folder.

    Args:
        top: the folder; it is made if it is not there.

    Raises (all methods):
        StorageError: from the disk, or something is in the way.
        PermanentError: a path that would lead out of the folder.
    """

    def __init__(self, top: Path) -> None:
        self.top = top
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            with _in_words(self.top, "use"):
                self.top.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._descriptor = os.open(self.top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                self._lock()
        except FileExistsError:
            raise StorageError(f"{self.top} is no folder; name another with -o") from None
        except StorageError:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def free_bytes(self) -> int:
        """For this user."""
        with _in_words(self.top, "use"):
            space = os.fstatvfs(self._descriptor)
        return space.f_bavail * space.f_frsize

    def length(self, path: str) -> int | None:
        """Of the file that has this name, in bytes; None if there is none."""
        with _in_words(self.top / path, "look at"):
            try:
                with self._folder(path) as (folder, name):
                    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                return None
        if not stat.S_ISREG(found.st_mode):
            raise StorageError(f"{self.top / path} is no file, but a file has to go there; move it away")
        return found.st_size

    def read(self, path: str) -> Iterator[bytes]:
        """What the file of this name holds; nothing if there is none."""
        with _in_words(self.top / path, "read"):
            try:
                with self._folder(path) as (folder, name):
                    file = os.open(name, os.O_RDONLY | _PLAIN, dir_fd=folder)
            except FileNotFoundError:
                return
            with os.fdopen(file, "rb") as opened:
                while piece := opened.read(_PIECE):
                    yield piece

    @contextmanager
    def part(self, path: str) -> Iterator[Part]:
        """The unfinished file for this name. It stays after the block, until it gets another name, or is removed."""
        shown = self.top / path
        with _in_words(shown, "write"), self._folder(path, make=True) as (folder, name):
            file = os.open(name + PART, os.O_RDWR | os.O_CREAT | _PLAIN, 0o600, dir_fd=folder)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise StorageError(f"{shown}{PART} is no file; move it away")
            yield Part(file, shown)
        finally:
            os.close(file)

    def keep(self, path: str) -> None:
        """Give the unfinished file its name; durable when the folder is synced (`sync`).

        Raises:
            FileExistsError: something has the name.
        """
        with _in_words(self.top / path, "write"), self._folder(path) as (folder, name):
            give_new_name(folder, name + PART, name)

    def put_aside(self, path: str, mark: str) -> Path:
        """Keep the unfinished file where nobody takes it for the camera's; where it is then.

        Args:
            mark: tells several of the same name apart.
        """
        aside = f"{ASIDE}/{path}.{mark}"
        with (
            _in_words(self.top / aside, "write"),
            self._folder(path) as (folder, name),
            self._folder(aside, make=True) as (target, new),
        ):
            os.rename(name + PART, new, src_dir_fd=folder, dst_dir_fd=target)
        return self.top / aside

    def forget_part(self, path: str) -> None:
        """Remove the unfinished file."""
        with _in_words(self.top / path, "remove"), self._folder(path) as (folder, name), suppress(FileNotFoundError):
            os.unlink(name + PART, dir_fd=folder)

    def sync(self, folder: str) -> None:
        """Make the names in a folder durable."""
        with _in_words(self.top / folder, "write"), suppress(FileNotFoundError):
            sync_directory(self.top / folder)

    @contextmanager
    def _folder(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The folder of a file, opened step by step, and the file's name in it."""
        *folders, name = parts_of(path)
        folder = os.dup(self._descriptor)
        try:
            for each in folders:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(each, 0o700, dir_fd=folder)
                deeper = os.open(each, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = deeper
            yield folder, name
        finally:
            os.close(folder)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(f"another `pi-sec-cam fetch` writes into {self.top}; wait until it is done") from None
        except OSError as error:
            if error.errno not in {errno.ENOLCK, errno.EOPNOTSUPP}:  # some network drives have no locks
                raise


@contextmanager
def _in_words(path: Path, doing: str) -> Iterator[None]:
    try:
        yield
    except (PiSecCamError, FileExistsError):
        raise
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise StorageError(
                f"cannot {doing} {path}: where a folder has to be on the way to it is a file, or a link, which is not "
                "followed; move it away"
            ) from error
        raise storage_error(f"cannot {doing} {path}", error) from error
