"""Where footage that left a camera is read from: a folder, or a store (behind the same protocol)."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pi_sec_cam.durable import storage_error

_PIECE = 1 << 20


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
        def fail(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError | NotADirectoryError):
                raise storage_error(f"cannot read {error.filename}", error) from error

        for folder, below, names in os.walk(self._top / under, onerror=fail):
            below.sort()
            for name in sorted(names):
                path = Path(folder, name)
                try:
                    status = path.lstat()
                except FileNotFoundError:
                    continue
                if path.is_symlink() or not path.is_file():
                    continue
                modified = datetime.fromtimestamp(status.st_mtime, UTC)
                yield FoundFile(path.relative_to(self._top).as_posix(), status.st_size, modified)

    def read(self, path: str, begin: int = 0) -> Iterator[bytes]:
        try:
            with (self._top / path).open("rb") as file:
                file.seek(begin)
                while piece := file.read(_PIECE):
                    yield piece
        except FileNotFoundError:
            raise
        except OSError as error:
            raise storage_error(f"cannot read {self._top / path}", error) from error
