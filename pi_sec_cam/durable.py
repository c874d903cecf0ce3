"""Writes that survive a power cut, and errors of the disk put into words (docs/recording-format.md, Durability)."""

import errno
import os
import pwd
from contextlib import suppress
from pathlib import Path

from pi_sec_cam.errors import StorageError
from pi_sec_cam.ownership import give_to_owner

_WAYS_OUT = {
    errno.ENOSPC: "the disk is full; delete old recordings or use a larger disk",
    errno.EDQUOT: "this user's disk quota is used up; delete old recordings or raise the quota",
    errno.EFBIG: "the file would be larger than this file system or this user's limits allow",
    errno.EROFS: "the file system is mounted read-only; see dmesg for disk errors, then mount it writable",
    errno.EIO: "the disk reports an error; see dmesg, and replace the disk if it goes on",
    errno.ENOTDIR: "something on the way to it is a file, not a directory; move it away or choose another place",
    errno.ENAMETOOLONG: "a name in it is too long for the file system; choose a shorter one",
}


def storage_error(doing: str, error: OSError) -> StorageError:
    """What went wrong and the way out; `errno` is kept for those who act on it.

    Args:
        doing: the beginning of the sentence, with the path: "cannot write /mnt/clips".
    """
    if error.errno in {errno.EACCES, errno.EPERM}:
        way_out = f"user {_user()} may not; give that user the right to (chown, chmod) or choose another place"
    else:
        way_out = _WAYS_OUT.get(error.errno or 0) or error.strerror or str(error)
    described = StorageError(f"{doing}: {way_out}")
    described.errno = error.errno
    return described


def write_atomically(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Replace `path` by `data`: readers and a power cut find the old file or the new one, never a mixture.

    On return the bytes and the name are on the disk. One writer a file at a time.

    Args:
        mode: who may read and write it, less what the umask takes; 0o600 for secrets.

    Raises:
        OSError: from the disk; the old file is then still whole.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        try:
            give_to_owner(file, path.parent)
            write_at(file, data, 0)
            os.fsync(file)
        finally:
            os.close(file)
        os.replace(beside, path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
    sync_directory(path.parent)


def write_new(path: Path, data: bytes) -> None:
    """Make a file, whose bytes are on the disk on return; its name is when the directory is synced.

    Raises:
        FileExistsError: there is one already.
        OSError: from the disk; some of it may stand there.
    """
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        give_to_owner(file, path.parent)
        write_at(file, data, 0)
        os.fsync(file)
    finally:
        os.close(file)


def write_at(file: int, data: bytes, at: int) -> None:
    """Write all of `data` at offset `at`; not durable before the file is synced.

    Raises:
        OSError: from the disk; some of it may have been written.
    """
    left = memoryview(data)
    while left:
        written = os.pwrite(file, left, at)
        left, at = left[written:], at + written


def make_directories(path: Path, top: Path) -> None:
    """Make `path` and what is missing between it and `top`, which must exist; each name is durable on return.

    Raises:
        OSError: from the disk; NotADirectoryError if a file is in the way.
    """
    if path == top or path.is_dir():
        return
    make_directories(path.parent, top)
    try:
        path.mkdir()
    except FileExistsError:
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None
    try:
        give_to_owner(path, path.parent)
        sync_directory(path.parent)
    except OSError:
        with suppress(OSError):  # the next try makes it anew, and its name durable
            path.rmdir()
        raise


def sync_directory(path: Path) -> None:
    """Make names that were created, renamed or removed in `path` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the bytes of `path` durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _user() -> str:
    """Name of the user who runs this; the number where there is no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
