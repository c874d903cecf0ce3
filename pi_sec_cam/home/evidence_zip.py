"""Writes the zip of one event that is given to others: the same bytes each time, with a list of checksums."""

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pi_sec_cam.durable import storage_error, sync_directory
from pi_sec_cam.errors import StorageError

SUMS_NAME = "SHA256SUMS"
_PIECE = 1 << 20
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)  # a zip knows no earlier time


@dataclass(frozen=True, slots=True)
class Item:
    """One file in the zip.

    Attributes:
        name: with forward slashes.
        content: its bytes, or the file that has them.
    """

    name: str
    content: Path | bytes

    @property
    def size(self) -> int:
        """Its length."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    def pieces(self, begin: int = 0) -> Iterator[bytes]:
        """Its bytes from `begin` on, in pieces of a megabyte or less.

        Raises:
            OSError: from the disk.
        """
        if isinstance(self.content, bytes):
            yield from (self.content[at : at + _PIECE] for at in range(begin, len(self.content), _PIECE))
            return
        with self.content.open("rb") as file:
            file.seek(begin)
            while piece := file.read(_PIECE):
                yield piece


def check_target(out: Path, *, force: bool) -> None:
    """Before anything takes long.

    Raises:
        StorageError: `out` cannot be written, or exists and is not to be replaced.
    """
    if not out.absolute().parent.is_dir():
        raise StorageError(f"cannot write {out}: there is no directory {out.absolute().parent}; create it first")
    if out.is_dir() or (out.exists() and not out.is_file()):
        raise StorageError(f"cannot write {out}: it is not a file; give the name of a file to write")
    if out.exists() and not force:
        raise StorageError(f"{out} exists; give another name, or --force to replace it")


def write_evidence_zip(
    out: Path,
    items: Sequence[Item],
    *,
    at: datetime,
    force: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write these files, in this order, and SHA256SUMS of all of them, as `sha256sum -c` takes it.

    Nothing is compressed: what is sealed cannot be, and every program can read what is only stored. Only its user may
    read the zip, and it has its name when it is complete.

    Args:
        at: the date of all files in it.
        force: a file of that name is replaced.
        progress: told, often, how many more bytes have been written.

    Raises:
        StorageError: as `check_target`; the disk's.
    """
    check_target(out, force=force)
    date = max(at.astimezone(UTC), _EARLIEST).timetuple()[:6]
    beside = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                sums = [_add(archive, item, date, progress) for item in items]
                _add(archive, Item(SUMS_NAME, "".join(sums).encode()), date, progress)
            file.flush()
            os.fsync(descriptor)
        check_target(out, force=force)
        beside.replace(out)
        sync_directory(out.absolute().parent)
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(f"cannot write {out}", error) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _add(archive: zipfile.ZipFile, item: Item, date: tuple[int, ...], progress: Callable[[int], None]) -> str:
    """Add a file; its line in SHA256SUMS."""
    info = zipfile.ZipInfo(item.name, date)  # type: ignore[arg-type]  # six numbers
    info.create_system = 3  # Unix, whose rights these are
    info.external_attr = 0o100600 << 16
    info.file_size = item.size  # by which it knows whether it needs 64 bits
    digest = hashlib.sha256()
    with archive.open(info, "w") as file:
        for piece in item.pieces():
            digest.update(piece)
            file.write(piece)
            progress(len(piece))
    # How coreutils writes names with a backslash or a line's end.
    escaped = item.name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == item.name else chr(92)}{digest.hexdigest()}  {escaped}\n"
