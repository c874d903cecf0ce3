"""The index of events: quick answers to what the files know too (docs/recording-format.md, Catalogue)."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, cast

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select

from pi_sec_cam.errors import EventNotFound
from pi_sec_cam.record.catalogue_file import open_to_read, open_to_write, worded
from pi_sec_cam.record.catalogue_tables import epoch_us, event_labels, event_of_row, event_row, events, label_rows
from pi_sec_cam.record.event_record import EventRecord, State

T = TypeVar("T")


class Catalogue:
    """Events by time, length, camera and label.

    Any thread may call any method; a reader in another process is not held up by the writer. Nothing here is
    known to the catalogue alone: a row is written after the event.json that it comes from.

    Args:
        path: the SQLite file; created unless `read_only`.
        read_only: for the command line: never creates or changes anything.

    Raises:
        StorageError: from here and from every method: damaged, of another version, not to be opened, full; with
            the way out.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._engine = open_to_read(path) if read_only else open_to_write(path)

    def put(self, record: EventRecord) -> None:
        """Insert the event or replace it; durable on return."""
        self.put_all((record,))

    def put_all(self, records: Iterable[EventRecord]) -> None:
        """`put` for many: all of them or, after an error, none."""
        with worded(self.path), self._engine.begin() as connection:
            for some in _batches(records):
                _put(connection, some)

    def delete(self, event_ids: Iterable[str]) -> None:
        """Forget events; those that are not there are passed over."""
        with worded(self.path), self._engine.begin() as connection:
            for some in _batches(event_ids):
                _delete(connection, some)

    def get(self, event_id: str) -> EventRecord:
        """The event with that id.

        Raises:
            EventNotFound: there is none.
        """
        found = self._select(select(events).where(events.c.id == event_id))
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
        conditions: list[ColumnElement[bool]] = []
        if camera is not None:
            conditions.append(events.c.camera == camera)
        if since is not None:
            conditions.append(events.c.end_us >= epoch_us(since))
        if until is not None:
            conditions.append(events.c.start_us < epoch_us(until))
        if min_duration_s is not None:
            conditions.append(events.c.duration_us >= round(min_duration_s * 1e6))
        if max_duration_s is not None:
            conditions.append(events.c.duration_us <= round(max_duration_s * 1e6))
        if label is not None:
            conditions.append(events.c.id.in_(select(event_labels.c.event_id).where(event_labels.c.label == label)))
        wanted = select(events).where(*conditions)
        return self._select(wanted.order_by(events.c.start_us.desc(), events.c.id.desc()).limit(limit))

    def states(self) -> dict[str, State]:
        """The state of every event by its id."""
        with worded(self.path), self._engine.begin() as connection:
            rows = connection.execute(select(events.c.id, events.c.state))
            return {event_id: cast(State, state) for event_id, state in rows}

    def count(self) -> int:
        """How many events there are."""
        with worded(self.path), self._engine.begin() as connection:
            return connection.scalar(select(func.count()).select_from(events)) or 0

    def close(self) -> None:
        """Let go of the file. May be called again."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _select(self, wanted: "Select[*tuple[object, ...]]") -> list[EventRecord]:
        """The events of the rows that `wanted` selects from `events`."""
        labels: dict[str, list[str]] = {}
        ids = wanted.with_only_columns(events.c.id).subquery()
        of_events = (
            select(event_labels.c.event_id, event_labels.c.label)
            .join(ids, ids.c.id == event_labels.c.event_id)
            .order_by(event_labels.c.position)
        )
        with worded(self.path), self._engine.begin() as connection:
            for event_id, label in connection.execute(of_events):
                labels.setdefault(event_id, []).append(label)
            rows = connection.execute(wanted).mappings()
            return [event_of_row(row, labels.get(row["id"], ())) for row in rows]


def _put(connection: Connection, records: Sequence[EventRecord]) -> None:
    # Not "insert or update" in one statement: each database spells that in its own way.
    _delete(connection, [record.id for record in records])
    connection.execute(insert(events), [event_row(record) for record in records])
    labels = [row for record in records for row in label_rows(record)]
    if labels:
        connection.execute(insert(event_labels), labels)


def _delete(connection: Connection, event_ids: Sequence[str]) -> None:
    connection.execute(delete(event_labels).where(event_labels.c.event_id.in_(event_ids)))
    connection.execute(delete(events).where(events.c.id.in_(event_ids)))


def _batches(values: Iterable[T]) -> Iterator[Sequence[T]]:
    """Few enough at a time for one statement: databases limit its parameters."""
    remaining = iter(values)
    while some := tuple(itertools.islice(remaining, 200)):
        yield some
