"""Where footage that left a camera is read from: a folder, or a store (behind the same protocol)."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from pi_sec_cam.durable import storage_error

_PIECE = 1 << 20
_PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file.

    Attributes:
        path: with forward slashes, relative to the footage's top: `<camera>/<day>/<time>/<name>` if that is where the
            cameras' folders are.
        bytes: its length.
        modified: when the store got it, by the store's clock; None where it does not say.
    """

    path: str
    bytes: int
    modified: datetime | None = None


class Footage(Protocol):
    """What has come back, or lies in a store. One thread.

    Attributes:
        where: for people.
    """

    where: str

    def files(self, under: str = "") -> Iterable[FoundFile]:
        """All files in a folder and the folders in it, in any order; none if there is no such folder.

        Raises:
            TemporaryError, StoreRefuses: the store's.
            StorageError: the disk's.
        """
        ...

    def read(self, path: str, begin: int = 0) -> Iterator[bytes]:
        """A file's bytes from `begin` on, in pieces of a megabyte or less.

        Raises:
            FileNotFoundError: it is not there (any more).
            TemporaryError, StoreRefuses, StorageError: as `files`.
        """
        ...


class FolderFootage:
    """A folder on this machine. Links are not followed: what they point to was not downloaded."""

    def __init__(self, top: Path) -> None:
        self.where = str(top)
        self._top = top

    def files(self, under: str = "") -> Iterator[FoundFile]:
        if under and not self._is_below(under):
            return
        folders = [under]  # a list, since what somebody else has made may be deeper than calls can be
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(self._top / folder) as found:
                    entries = sorted(found, key=lambda entry: entry.name)
                for entry in entries:
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(path)
                    elif entry.is_file(follow_symlinks=False):
                        status = entry.stat(follow_symlinks=False)
                        yield FoundFile(path, status.st_size, moment_of_file(status.st_mtime))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise storage_error(f"cannot read {self._top / folder}", error) from error

    def read(self, path: str, begin: int = 0) -> Iterator[bytes]:
        try:
            with self._plain(path) as file:
                file.seek(begin)
                while piece := file.read(_PIECE):
                    yield piece
        except FileNotFoundError:
            raise
        except OSError as error:
            raise storage_error(f"cannot read {self._top / path}", error) from error

    def _plain(self, path: str) -> BinaryIO:
        """The file, opened; it is not there any more if something else has taken its place since it was listed."""
        above = path.rpartition("/")[0]
        if (above and not self._is_below(above)) or not stat.S_ISREG(os.lstat(self._top / path).st_mode):
            raise FileNotFoundError(path)
        return open(os.open(self._top / path, _PLAIN), "rb")

    def _is_below(self, folder: str) -> bool:
        """Whether no link has to be followed on the way there."""
        parts = folder.split("/")
        return not any(self._top.joinpath(*parts[:end]).is_symlink() for end in range(1, len(parts) + 1))


def moment_of_file(seconds: float) -> datetime | None:
    """When a file was changed, by its seconds since 1970; None where no calendar has that: anyone can give any time."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
