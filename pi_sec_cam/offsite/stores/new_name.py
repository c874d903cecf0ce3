"""Gives a file another name that nothing may have yet, on whatever file system it is."""

import ctypes
import errno
import os

_NO_REPLACE = 1  # RENAME_NOREPLACE of renameat2(2)
_NOT_THERE = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EMLINK}


def give_new_name(folder: int, old: str, new: str) -> None:
    """Rename a file within a folder; nothing is replaced.

    A hard link does that, else (FAT, exFAT, some shares) renameat2(2), else (some FUSE file systems) a look and a plain
    rename: who makes a file of that name between the two would lose it. To create the name first and fill it would
    close that gap and open a worse one: half a file under its name after a power cut. Of a name, one camera is the only
    writer.

    Args:
        folder: an open directory.

    Raises:
        FileExistsError: something has the name; all is as it was.
        OSError: from the file system.
    """
    try:
        os.link(old, new, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
    else:
        os.unlink(old, dir_fd=folder)
        return
    try:
        _rename_without_replacing(folder, old, new)
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
        if _is_there(folder, new):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new) from None
        os.rename(old, new, src_dir_fd=folder, dst_dir_fd=folder)


def _rename_without_replacing(folder: int, old: str, new: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(folder, os.fsencode(old), folder, os.fsencode(new), _NO_REPLACE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), new)


def _is_there(folder: int, name: str) -> bool:
    try:
        os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True
