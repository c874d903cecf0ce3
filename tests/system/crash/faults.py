"""Ways to break the order in which things become durable, one at a time: the crash tests must find each."""

import os
import sqlite3
import stat
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from pi_sec_cam.record import deletion
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import EventRecord


def break_storage(fault: str) -> None:
    """Leave out or swap what `FAULTS` says under that name, for the rest of this process."""
    FAULTS[fault]()


def no_sync_of(kind: Callable[[int], bool]) -> None:
    """From now on fsync does nothing for files whose mode is of this kind."""
    fsync = os.fsync

    def some(descriptor: int) -> None:
        if not kind(os.fstat(descriptor).st_mode):
            fsync(descriptor)

    os.fsync = some  # type: ignore[assignment]


def _no_fdatasync() -> None:
    os.fdatasync = lambda fd: None


def _row_before_file() -> None:
    opened: list[Catalogue] = []
    begin, write_record = Catalogue.__init__, EventFolder.write_record

    def remember(catalogue: Catalogue, *place: Any, **how: Any) -> None:
        begin(catalogue, *place, **how)
        opened.append(catalogue)

    def row_first(folder: EventFolder, record: EventRecord) -> object:
        opened[-1].put(record)
        return write_record(folder, record)

    Catalogue.__init__ = remember  # type: ignore[method-assign,assignment]
    EventFolder.write_record = row_first  # type: ignore[method-assign,assignment]


def _catalogue_not_synced() -> None:
    def carelessly(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous=NORMAL")

    event.listen(Engine, "connect", carelessly)


def _not_announced() -> None:
    Catalogue.announce = lambda *_: None  # type: ignore[method-assign]


def _deleted_in_place() -> None:
    Catalogue.mark_deleting = lambda *_, **__: None  # type: ignore[method-assign]
    deletion._hide = lambda *_: None  # type: ignore[assignment]
    EventFolder.hidden_path = property(lambda folder: folder.path)  # type: ignore[method-assign,assignment]


def _deletions_not_synced() -> None:
    deletion.sync_directory = lambda path: None  # type: ignore[attr-defined]


FAULTS: dict[str, Callable[[], None]] = {
    "directories are not synced": lambda: no_sync_of(stat.S_ISDIR),
    "files are not synced before they get their name": lambda: no_sync_of(stat.S_ISREG),
    "fragments are not synced": _no_fdatasync,
    "the row comes before the file": _row_before_file,
    "the owner's words are not announced": _not_announced,
    "an event is deleted file by file": _deleted_in_place,
    "deletions are not synced": _deletions_not_synced,
    "the catalogue's transactions are not synced": _catalogue_not_synced,
}
