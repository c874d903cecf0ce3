"""A folder that is elsewhere: a mounted network drive, a disk in another room."""

import errno
import os
import re
import shlex
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pi_sec_cam.errors import Interrupted, NameTaken, OffsiteError, PermanentError, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.stores.new_name import give_new_name
from pi_sec_cam.offsite.stores.path import MARKER, parts_of
from pi_sec_cam.ownership import give_to_owner

_PIECE_BYTES = 1 << 18
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
# EINVAL, EILSEQ: characters that FAT, exFAT and Windows' shares do not have; ENOTDIR: a file where a folder should be.
_NEVER = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOTDIR}


class DirectoryStore:
    """A folder, which must exist: it is never made, since a disk that is not mounted looks like one that is missing.

    At the first use a file with a random id (MARKER) is put into it, and that id is remembered on this machine. From
    then on nothing is written where this id is not: a network drive that is not mounted does not fill the camera's own
    card. A folder that has an id when none is remembered is taken as it is, so that several machines can share one.

    A file is written beside its name, synced, and then given the name without ever replacing another. What stands is
    checked by its length; reading it back would only show what this machine has in memory, while errors of the medium
    show when it is synced. A share whose server is away blocks whoever writes, for as long as its mount options say
    (`soft,timeo=` of NFS): that is one uploader's thread, and nobody waits for it.

    Args:
        path: the folder, absolute.
        known_id: the id that is remembered for it, None if there is none.
        remember: remembers an id, for longer than this process.
    """

    kind = "directory"

    def __init__(self, path: Path, *, known_id: Callable[[], str | None], remember: Callable[[str], None]) -> None:
        self.where = str(path)
        self._path = path
        self._known_id = known_id
        self._remember = remember

    def warm(self) -> None:
        with suppress(OSError), self._place():  # an automount mounts, a sleeping disk wakes up
            pass

    def put(self, path: str, data: bytes, *, interrupted: Callable[[], bool]) -> None:
        *folders, name = parts_of(path)
        try:
            with self._place() as place, _folder(place, self._path, folders) as folder:
                if not _stands(folder, name, data, interrupted):
                    _write_new(folder, self._path.joinpath(*folders), name, data, interrupted)
        except FileExistsError:
            raise NameTaken(f"another file stands under {path} in {self.where}; it was left as it is") from None
        except OffsiteError:  # StoreRefuses and TemporaryError are OSErrors too
            raise
        except OSError as error:
            if error.errno in _NEVER:
                raise PermanentError(f"{self.where} cannot have a file {path}: {error.strerror}") from error
            raise self._in_words(error, f"cannot write {path} to") from error

    def close(self) -> None:
        pass

    @contextmanager
    def _place(self) -> Iterator[int]:
        """The folder, opened, and it is the right one: what is mounted or unmounted meanwhile does not matter."""
        try:
            place = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            raise StoreRefuses(f"{self.where} is no folder that exists: mount its disk, or make it") from None
        except OSError as error:
            raise self._in_words(error, "cannot open") from error
        try:
            self._check(place)
            yield place
        finally:
            os.close(place)

    def _check(self, place: int) -> None:
        try:
            found, known = _read_marker(place), self._known_id()
            if found is None and known is None:
                found = uuid.uuid4().hex
                _write_new(place, self._path, MARKER, f"{found}\n".encode(), lambda: False)
        except OSError as error:
            raise self._in_words(error, "cannot use") from error
        accept = f"echo {known} > {shlex.quote(f'{self.where}/{MARKER}')}"
        if found is None:
            raise StoreRefuses(
                f"{self.where} lacks its file {MARKER}: is its disk mounted? If this is the right one: {accept}"
            )
        if known is None:
            self._remember(found)
        elif found != known:
            raise StoreRefuses(
                f"another disk is at {self.where}: its id is {found}, and {known} belongs there. Mount the right one, "
                f"or say that this is the right one now: {accept}"
            )

    def _in_words(self, error: OSError, doing: str) -> TemporaryError:
        """What an error of the disk means for whoever sends."""
        said = f"{doing} {self.where}: {error.strerror or error}"
        if error.errno in _FULL:
            return StoreRefuses(f"{said}; it is full: delete something there, or use a larger disk")
        if error.errno in _FORBIDDEN:
            return StoreRefuses(f"{said}; the camera's user must be allowed to write there")
        return TemporaryError(said)


@contextmanager
def _folder(place: int, at: Path, names: list[str]) -> Iterator[int]:
    """The folder below `place`, opened; it is made where it is missing.

    Args:
        at: where `place` is, to know whose it is.
    """
    folder = os.dup(place)
    try:
        for name in names:
            try:
                os.mkdir(name, dir_fd=folder)
            except FileExistsError:
                pass
            else:
                give_to_owner(at / name, at)
                _sync_folder(folder)
            deeper = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder, at = deeper, at / name
        yield folder
    finally:
        os.close(folder)


def _stands(folder: int, name: str, data: bytes, interrupted: Callable[[], bool]) -> bool:
    """Whether a file of that name stands there, with these bytes.

    Raises:
        FileExistsError: with other bytes, or no file.
    """
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno == errno.ELOOP:  # a symbolic link
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from None
        raise
    try:
        found = os.fstat(file)
        same = stat.S_ISREG(found.st_mode) and found.st_size == len(data)
        for start in range(0, len(data), _PIECE_BYTES):
            if not same:
                break
            _give_up_if(interrupted, name)
            same = os.pread(file, _PIECE_BYTES, start) == data[start : start + _PIECE_BYTES]
    finally:
        os.close(file)
    if not same:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
    return True


def _write_new(folder: int, at: Path, name: str, data: bytes, interrupted: Callable[[], bool]) -> None:
    """Write a file and give it its name when it is whole and durable; replaces what a killed one left beside it.

    Raises:
        FileExistsError: a file of that name stands there.
        Interrupted: as asked; nothing is left.
    """
    beside = f".{name}.part"
    with suppress(FileNotFoundError):
        os.unlink(beside, dir_fd=folder)
    try:
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder)
        try:
            give_to_owner(file, at)
            left = memoryview(data)
            while left:
                _give_up_if(interrupted, name)
                left = left[os.write(file, left[:_PIECE_BYTES]) :]
            _give_up_if(interrupted, name)
            os.fsync(file)
            if os.fstat(file).st_size != len(data):
                raise OSError(errno.EIO, "it did not keep all bytes")
        finally:
            os.close(file)
        give_new_name(folder, beside, name)
    except (OSError, Interrupted):
        with suppress(OSError):
            os.unlink(beside, dir_fd=folder)
        raise
    _sync_folder(folder)


def _give_up_if(interrupted: Callable[[], bool], name: str) -> None:
    if interrupted():
        raise Interrupted(f"{name} was given up")


def _sync_folder(folder: int) -> None:
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.EOPNOTSUPP}:  # shares and FUSE file systems may not have it
            raise


def _read_marker(place: int) -> str | None:
    try:
        file = os.open(MARKER, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place)
    except FileNotFoundError:
        return None
    try:
        said = os.read(file, 100).decode("ascii", "replace").strip()
    finally:
        os.close(file)
    return said if re.fullmatch("[0-9a-f]{32}", said) else None
