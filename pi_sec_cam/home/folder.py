"""A folder on this machine, or one that is mounted: downloaded footage, a network drive."""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pi_sec_cam.durable import storage_error
from pi_sec_cam.errors import PermanentError
from pi_sec_cam.evidence.footage import FolderFootage, FoundFile
from pi_sec_cam.home.protocol import DeletedFile, NothingKept, PlaceKind
from pi_sec_cam.offsite.stores.path import parts_of


class FolderPlace:
    """What is below a folder; links are not followed. Names are not looked at: a disk has none that lead elsewhere."""

    kind: PlaceKind = "folder"

    def __init__(self, top: Path) -> None:
        self.where = str(top)
        self._top = top
        self._footage = FolderFootage(top)

    def files(self, under: str = "") -> Iterator[FoundFile]:
        return self._footage.files("/".join(parts_of(under)) if under else "")

    def read(self, path: str, begin: int = 0) -> Iterator[bytes]:
        return self._footage.read("/".join(parts_of(path)), begin)

    def deleted(self, under: str = "") -> Iterator[DeletedFile]:
        raise NothingKept(
            f"{self.where} is a folder, and a folder keeps nothing of what was deleted. If it is on a network drive, "
            "look for its snapshots there (often .snapshot, .zfs/snapshot or #snapshot), and name one of those instead"
        )

    def read_deleted(self, deleted: DeletedFile, begin: int = 0) -> Iterator[bytes]:
        raise NothingKept(f"{self.where} is a folder, which keeps nothing of what was deleted")

    def delete(self, path: str) -> None:
        """Also the folders that nothing is in any more then."""
        *folders, name = parts_of(path)
        opened: list[int] = []
        try:
            opened.append(os.open(self._top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            for folder in folders:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                opened.append(os.open(folder, flags, dir_fd=opened[-1]))
            os.unlink(name, dir_fd=opened[-1])
            with suppress(OSError):  # something is in it, or the server made it and keeps it
                for folder, above in zip(reversed(folders), reversed(opened[:-1]), strict=True):
                    os.rmdir(folder, dir_fd=above)
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno in {errno.EISDIR, errno.ELOOP, errno.ENOTDIR}:
                raise PermanentError(f"{path} is no file in {self.where}, or only by way of a link") from error
            raise storage_error(f"cannot delete {self._top / path}", error) from error
        finally:
            for descriptor in opened:
                os.close(descriptor)

    def close(self) -> None:
        pass
