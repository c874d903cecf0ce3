"""Passes on the files of a listing whose names are safe below any folder, and tells of the others."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from pi_sec_cam.errors import PermanentError
from pi_sec_cam.home.protocol import NamesRefused
from pi_sec_cam.offsite.stores.path import parts_of

_SHOWN = 5
_LONGEST_NAME_BYTES = 255  # of ext4, XFS, Btrfs and ZFS, in UTF-8


class _Named(Protocol):
    @property
    def path(self) -> str: ...


Named = TypeVar("Named", bound=_Named)


def checked_path(path: str) -> str:
    """The path, which is that of a file below wherever it is used.

    Raises:
        PermanentError: it is not.
    """
    try:
        long = max(len(part.encode()) for part in parts_of(path)) > _LONGEST_NAME_BYTES
    except UnicodeEncodeError:
        raise PermanentError(f"{path!r} has characters that are none") from None
    if long:
        raise PermanentError(f"{path!r} is longer than a file's name may be")
    return path


def is_safe(path: str) -> bool:
    """Whether `checked_path` lets it through."""
    try:
        checked_path(path)
    except PermanentError:
        return False
    return True


def checked_folder(path: str) -> str:
    """As `checked_path`, of a folder; empty for the top."""
    return checked_path(path) if path else ""


def well_named(where: str, found: Iterable[Named]) -> Iterator[Named]:
    """Those with a safe name, one by one.

    A store takes names that a disk does not: who may write there could have footage fetched over one's own files.

    Raises:
        NamesRefused: at the end, if there were others.
    """
    refused: list[str] = []
    count = 0
    for file in found:
        try:
            checked_path(file.path)
        except PermanentError:
            count += 1
            if len(refused) < _SHOWN:
                refused.append(file.path)
        else:
            yield file
    if count:
        shown = ", ".join(ascii(name) for name in refused)
        more = f" and {count - len(refused)} more" if count > len(refused) else ""
        raise NamesRefused(
            f"{where} has files with names that no camera gives and no folder may have, so they are not touched: "
            f"{shown}{more}. Whoever put them there is up to something; look at them there, and delete them",
            tuple(refused),
            count,
        )
