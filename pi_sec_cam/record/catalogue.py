"""The index of events: quick answers to what the files know too (docs/recording-format.md, Catalogue)."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self, TypeVar, cast

from sqlalchemy import ColumnElement, Connection, Select, delete, func, select, update

from pi_sec_cam.errors import EventNotFound
from pi_sec_cam.record.catalogue_file import CatalogueDamaged, CatalogueFile
from pi_sec_cam.record.catalogue_rows import batches, delete_rows, put_rows
from pi_sec_cam.record.catalogue_tables import (
    event_columns,
    event_labels,
    event_of_row,
    events,
    storable,
)
from pi_sec_cam.record.event_record import LATEST, EventRecord, State, epoch_us, moment_of

T = TypeVar("T")

_EVENTS = select(*event_columns)
_LISTED = events.c.deleting.is_(False)


class Deletable(NamedTuple):
    """What has to be known of an event to decide whether it goes; the fields are EventRecord's."""

    id: str
    sequence: int
    bytes: int
    offsite: bool
    end: datetime
    clock_synchronised: bool


class Database(Protocol):
    """Where the tables are: `CatalogueFile` or `CatalogueServer`."""

    def transaction(self) -> AbstractContextManager[Connection]: ...
    def close(self) -> None: ...


class Catalogue:
    """Events by time, length, camera and label.

    Any thread of the one process that writes may call any method; a reader in another process is not held up by the
    writer. Nothing here is known to the catalogue alone: a row is written after the event.json that it comes from.

    Args:
        where: the SQLite file, created unless `read_only`; or an opened database.
        read_only: for the command line: never creates or changes anything.

    Raises:
        StorageError: from here and from every method: damaged (CatalogueDamaged), gone (CatalogueGone), of another
            version, not to be opened, full; with the way out.
    """

    def __init__(self, where: Path | Database, *, read_only: bool = False) -> None:
        self._database = CatalogueFile(where, read_only=read_only) if isinstance(where, Path) else where
        # One writer at a time, so that what a transaction has read is still so when it writes, in any database. SQLite
        # has such a lock of its own: nobody waits here who would not wait there.
        self._writing = threading.Lock()

    def put(self, record: EventRecord) -> None:
        """Insert the event or replace an older state of it; durable on return.

        A row of the same event (`sequence`) that is newer already (`revision`) stays as it is: who wrote event.json
        first may come here last. One that is marked as being deleted stays marked.
        """
        self.put_all((record,))

    def put_all(self, records: Iterable[EventRecord]) -> None:
        """`put` for many: all of them or, after an error, none."""
        with self._writing, self._database.transaction() as connection:
            for some in batches(records):
                put_rows(connection, some)

    def delete(self, sequences: Mapping[str, int]) -> None:
        """Forget events; those that are not there are passed over.

        Args:
            sequences: by id, the `sequence` of the event that is meant: another may have got the name meanwhile, and
                stays.
        """
        meant = {storable(event_id): sequence for event_id, sequence in sequences.items()}
        with self._writing, self._database.transaction() as connection:
            for some in batches(meant):
                rows = select(events.c.id, events.c.sequence).where(events.c.id.in_(some))
                delete_rows(connection, [row.id for row in connection.execute(rows) if row.sequence == meant[row.id]])

    def announce(self, event_id: str, revision: int) -> None:
        """Say that event.json is about to get that revision; durable on return. Until the row is `put`: `outdated`."""
        older = (events.c.id == storable(event_id)) & (events.c.announced < revision)
        with self._writing, self._database.transaction() as connection:
            connection.execute(update(events).where(older).values(announced=revision))

    def outdated(self) -> list[str]:
        """Ids of the events whose event.json may say more than their row."""
        with self._database.transaction() as connection:
            return list(connection.scalars(select(events.c.id).where(events.c.announced > events.c.revision)))

    def mark_deleting(self, event_id: str, *, deleting: bool = True) -> None:
        """From now on pass the event by in every answer but `deleting`; with False, list it again."""
        with self._writing, self._database.transaction() as connection:
            connection.execute(update(events).where(events.c.id == storable(event_id)).values(deleting=deleting))

    def deleting(self) -> list[EventRecord]:
        """The events whose deletion has begun."""
        return self._select(_EVENTS.where(events.c.deleting.is_(True)))

    def get(self, event_id: str) -> EventRecord:
        """The event with that id.

        Raises:
            EventNotFound: there is none.
        """
        found = self._select(_EVENTS.where(_LISTED, events.c.id == storable(event_id)))
        if not found:
            raise EventNotFound(f"no event {event_id}")
        return found[0]

    def find(
        self,
        *,
        camera: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        min_duration_s: float | None = None,
        max_duration_s: float | None = None,
        label: str | None = None,
        limit: int | None = None,
    ) -> list[EventRecord]:
        """The events that match all that is asked, newest first.

        Args:
            since, until: the clip and the time from `since` up to, not including, `until` have a moment in common.
            min_duration_s, max_duration_s: both included.
            limit: no more than the newest so many.
        """
        conditions: list[ColumnElement[bool]] = [_LISTED]
        if camera is not None:
            conditions.append(events.c.camera == storable(camera))
        if since is not None:
            conditions.append(events.c.end_us >= epoch_us(since))
        if until is not None:
            conditions.append(events.c.start_us < epoch_us(until))
        if min_duration_s is not None:
            conditions.append(events.c.duration_us >= round(min_duration_s * 1e6))
        if max_duration_s is not None:
            conditions.append(events.c.duration_us <= round(max_duration_s * 1e6))
        if label is not None:
            labelled = select(event_labels.c.event_id).where(event_labels.c.label == storable(label))
            conditions.append(events.c.id.in_(labelled))
        wanted = _EVENTS.where(*conditions)
        return self._select(wanted.order_by(events.c.start_us.desc(), events.c.id.desc()).limit(limit))

    def deletable(self, *, before: datetime | None = None, limit: int | None = None) -> list[Deletable]:
        """Events that retention may delete (not locked, not running), the oldest first, by `sequence`.

        Args:
            before: only those that ended earlier than this by a clock that somebody vouched for.
        """
        conditions = [_LISTED, events.c.locked.is_(False), events.c.state != "recording"]
        if before is not None:
            conditions += [events.c.end_us < epoch_us(before), events.c.clock_synchronised.is_(True)]
        wanted = select(
            events.c.id,
            events.c.sequence,
            events.c.bytes,
            events.c.offsite,
            events.c.end_us,
            events.c.clock_synchronised,
        )
        wanted = wanted.where(*conditions).order_by(events.c.sequence, events.c.id).limit(limit)
        with _understood(), self._database.transaction() as connection:
            rows = connection.execute(wanted)
            return [Deletable(*row[:4], moment_of(row[4]), row[5]) for row in rows]

    def states(self) -> dict[str, State]:
        """The state of every event by its id."""
        with self._database.transaction() as connection:
            rows = connection.execute(select(events.c.id, events.c.state).where(_LISTED))
            return {event_id: cast(State, state) for event_id, state in rows}

    def sequences(self) -> dict[str, int]:
        """The `sequence` of every event by its id."""
        with self._database.transaction() as connection:
            rows = connection.execute(select(events.c.id, events.c.sequence).where(_LISTED))
            return {row.id: row.sequence for row in rows}

    def count(self) -> int:
        """How many events there are."""
        return self._number(select(func.count()).select_from(events).where(_LISTED))

    def bytes_total(self) -> int:
        """Size of the video and pictures of all events."""
        return self._number(select(func.sum(events.c.bytes)).where(_LISTED))

    def bytes_since(self, moment: datetime) -> int:
        """Size of the events that began at `moment` or later."""
        begun = _LISTED & (events.c.start_us >= epoch_us(moment))
        return self._number(select(func.sum(events.c.bytes)).where(begun))

    def oldest_start(self) -> datetime | None:
        """When the first of all events began, by whatever clock; None without events."""
        found = self._select(_EVENTS.where(_LISTED).order_by(events.c.start_us).limit(1))
        return found[0].start if found else None

    def newest_sequence(self) -> int:
        """The greatest `sequence` that a clock can have led to, 0 without events: for `Archive.sequence.reach`."""
        return self._number(select(func.max(events.c.sequence)).where(events.c.sequence <= epoch_us(LATEST)))

    def check(self) -> None:
        """Read all of an SQLite file for damage (5 MB for ten thousand events)."""
        if isinstance(self._database, CatalogueFile):
            self._database.check()

    def start_anew(self) -> None:
        """Be empty. What was there, an SQLite file perhaps damaged or gone, is moved aside (`<file>.damaged`)."""
        with self._writing:
            if isinstance(self._database, CatalogueFile):
                self._database.start_anew()
            else:
                with self._database.transaction() as connection:
                    connection.execute(delete(event_labels))
                    connection.execute(delete(events))

    def close(self) -> None:
        """Let go of the database. May be called again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _number(self, wanted: "Select[*tuple[object, ...]]") -> int:
        """The one number that `wanted` selects; 0 for NULL. PostgreSQL's sum is a decimal."""
        with self._database.transaction() as connection:
            return int(connection.scalar(wanted) or 0)

    def _select(self, wanted: "Select[*tuple[Any, ...]]") -> list[EventRecord]:
        """The events of the rows that `wanted` selects of `_EVENTS`."""
        labels: dict[str, list[str]] = {}
        with _understood(), self._database.transaction() as connection:
            for ids in batches(connection.scalars(wanted.with_only_columns(events.c.id))):
                of_events = select(event_labels.c.event_id, event_labels.c.label).where(
                    event_labels.c.event_id.in_(ids)
                )
                for event_id, label in connection.execute(of_events.order_by(event_labels.c.position)).all():
                    labels.setdefault(event_id, []).append(label)
            # Row by row: with all of them in memory at once, Python's garbage collector takes as long as the work.
            return [event_of_row(row, labels.get(row[0], ())) for row in connection.execute(wanted)]


@contextmanager
def _understood() -> Iterator[None]:
    """Turn what comes of a row that makes no sense, in a file that is sound as a database, into CatalogueDamaged."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise CatalogueDamaged(
            f"the list of events has a row that makes no sense ({error!r}): `pi-sec-cam catalogue rebuild` "
            "makes it anew from the files"
        ) from error
