"""The owner's note at home of the events that he has deleted: so that they do not count as missing."""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pi_sec_cam.durable import storage_error, sync_directory
from pi_sec_cam.errors import StorageError
from pi_sec_cam.home.manifest import ManifestUnreadable, read_manifest
from pi_sec_cam.home.notes import NoHome, notes_directory


class PrunedNote:
    """Of one place, a line for each event, in $XDG_STATE_HOME/pi-sec-cam/pruned/ (~/.local/state without it).

    Args:
        where: the place, as `Place.where`.

    Raises:
        NoHome: there is nowhere to keep it.
    """

    def __init__(self, where: str) -> None:
        self._where = _place(where)
        name = hashlib.sha256(self._where.encode(errors="surrogateescape")).hexdigest()[:16]
        self.path = notes_directory() / "pruned" / f"{name}.jsonl"

    def add(self, event: str, files: int, size: int, at: datetime) -> None:
        """Note, durably, that this event goes now; before its first file does.

        Raises:
            StorageError: from the disk; then nothing may be deleted.
        """
        line = {
            "at": at.isoformat(timespec="seconds"),
            "event": event,
            "files": files,
            "bytes": size,
            "place": self._where,
        }
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                length = os.fstat(file).st_size
                torn = length and os.pread(file, 1, length - 1) != b"\n"  # the power went in mid-line
                os.write(file, (b"\n" if torn else b"") + json.dumps(line).encode() + b"\n")
                os.fsync(file)
            finally:
                os.close(file)
            sync_directory(self.path.parent)
        except OSError as error:
            raise storage_error(f"cannot write {self.path}", error) from error

    def events(self) -> frozenset[str]:
        """The events that were noted.

        Raises:
            StorageError: from the disk.
        """
        found = set()
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise storage_error(f"cannot read {self.path}", error) from error
        for line in lines:
            try:
                event = json.loads(line)["event"]
            except (ValueError, TypeError, KeyError, RecursionError):
                continue  # torn
            if isinstance(event, str):
                found.add(event)
        return frozenset(found)


def pruned_of(where: str) -> Callable[[str], bool]:
    """Whether the owner has pruned an event, in this place or in those that this folder was fetched from.

    Raises:
        StorageError: from the disk.
    """
    places = {where}
    with suppress(ManifestUnreadable, StorageError):
        manifest = read_manifest(Path(where))
        places |= manifest.places if manifest else set()
    try:
        return frozenset().union(*(PrunedNote(place).events() for place in places)).__contains__
    except NoHome:
        return frozenset[str]().__contains__


def _place(where: str) -> str:
    """The same text for the same place; a folder is known by its whole path."""
    return os.path.realpath(where) if os.path.isdir(where) else where
