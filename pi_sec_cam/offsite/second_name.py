"""A second name for a file: a hard link, or a copy where the file system has none."""

import errno
import filecmp
import os
from pathlib import Path

from pi_sec_cam.durable import write_new

COPYING = ".copy"
"""What the name of a copy ends with until it is whole; it begins with a dot."""

# What file systems without hard links answer, and those where a file has too many.
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


class NameCollision(Exception):
    """Another file, with other bytes, has this name."""


def give_second_name(source: Path, target: Path) -> None:
    """Give a durable file another name, or make a durable copy; the caller syncs the directory. May be done again.

    Raises:
        NameCollision: a file with other bytes has that name.
        OSError: from the disk.
    """
    if target.exists():
        if not filecmp.cmp(source, target, shallow=False):
            raise NameCollision(str(target))
        return
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        beside = target.with_name(f".{target.name}{COPYING}")
        beside.unlink(missing_ok=True)
        write_new(beside, source.read_bytes())
        os.rename(beside, target)
