"""What root makes in somebody's directory belongs to that somebody: else their daemon could not write it."""

import contextlib
import os
from pathlib import Path


def give_to_owner(made: int | Path, directory: Path) -> None:
    """Give what was just made in `directory` to whom the directory belongs to; does nothing for other users than root.

    Args:
        made: an open file, or the path of a directory. (A file's path could be a link by now, to whatever its owner
            wants to be given.)

    Raises:
        OSError: from the disk.
    """
    if os.geteuid() != 0:
        return
    owner = directory.stat()
    if owner.st_uid == 0:
        return
    with contextlib.suppress(PermissionError):  # on a network share root may be nobody, and has nothing to give
        if isinstance(made, int):
            os.fchown(made, owner.st_uid, owner.st_gid)
        else:
            os.lchown(made, owner.st_uid, owner.st_gid)
