"""What can be read back from, and deleted in, a place that cameras send to: by its owner, at home."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from pi_sec_cam.errors import OffsiteError, StoreRefuses
from pi_sec_cam.evidence.footage import Footage

PlaceKind = Literal["folder", "dropbox", "s3"]


class NothingKept(OffsiteError, LookupError):
    """A place that keeps nothing of what was deleted or overwritten in it; the message says what might have."""


class NamesRefused(StoreRefuses):
    """Files whose names would lead out of the folder that they are fetched to, or can be no file's name here.

    Attributes:
        names: the first of them.
        count: how many there are.
    """

    def __init__(self, message: str, names: tuple[str, ...], count: int) -> None:
        super().__init__(message)
        self.names = names
        self.count = count


@dataclass(frozen=True, slots=True)
class DeletedFile:
    """A former state of a file, which can be read back: it was deleted, or overwritten.

    Attributes:
        path: as FoundFile has it.
        bytes: its length; None where the place does not say.
        deleted_at: when it was deleted or overwritten, by the place's clock; None where it does not say.
        version: what the place calls this state.
    """

    path: str
    bytes: int | None
    deleted_at: datetime | None
    version: str


class Place(Footage, Protocol):
    """A folder, an app's folder in Dropbox, a bucket: `open_place` opens one. One thread.

    Paths that it gives are those of files below its top, and safe to be used below any folder: no part of one is empty,
    `.`, `..` or longer than a name may be, or has a NUL. `files` and `deleted` raise NamesRefused for others, after all
    else has been given; who goes on without them has to say so.

    What cannot be answered just now is asked again a few times (`Patience`) before TemporaryError is raised; a download
    that breaks off goes on where it did.

    Attributes:
        kind: which of them.
    """

    kind: PlaceKind

    def deleted(self, under: str = "") -> Iterable[DeletedFile]:
        """All former states that can be read back, of files in a folder and the folders in it, or of one file.

        Of each file the newest comes first. A state that is the file's present one is not among them. Dropbox is asked
        once a file that is or was there: where it is known which files are missing or altered, ask for those.

        Raises:
            NothingKept: this place keeps none, for nobody.
            TemporaryError, StoreRefuses: as `files`.
        """
        ...

    def read_deleted(self, deleted: DeletedFile, begin: int = 0) -> Iterator[bytes]:
        """As `read`, of a former state; nothing is changed in the place."""
        ...

    def delete(self, path: str) -> None:
        """Delete one file; done, if it is not there. Places that keep former states keep this one too.

        Raises:
            PermanentError: it is the path of no file.
            TemporaryError, StoreRefuses, StorageError: as `files`.
        """
        ...

    def close(self) -> None:
        """Let go of connections. May be called again."""
        ...
