"""Puts events into the catalogue's tables and takes them out, some at a time."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection, delete, insert, select

from pi_sec_cam.record.catalogue_tables import event_labels, event_row, events, label_rows
from pi_sec_cam.record.event_record import EventRecord

T = TypeVar("T")


def put_rows(connection: Connection, records: Sequence[EventRecord]) -> None:
    """Insert events or replace older states of them (`Catalogue.put`); marks of the same event are kept."""
    by_id = {record.id: record for record in records}
    marks: dict[str, dict[str, object]] = {event_id: {"announced": 0, "deleting": False} for event_id in by_id}
    columns = (events.c.id, events.c.sequence, events.c.revision, events.c.announced, events.c.deleting)
    standing = select(*columns).where(events.c.id.in_(by_id))
    for event_id, sequence, revision, announced, deleting in connection.execute(standing).all():
        record = by_id[event_id]
        if sequence != record.sequence:
            continue  # another event, which had the name before
        if revision > record.revision:
            del by_id[event_id]
        else:
            marks[event_id] = {"announced": announced, "deleting": deleting}
    if not by_id:
        return
    # Not "insert or update" in one statement: each database spells that in its own way.
    delete_rows(connection, list(by_id))
    connection.execute(insert(events), [{**event_row(record), **marks[record.id]} for record in by_id.values()])
    labels = [row for record in by_id.values() for row in label_rows(record)]
    if labels:
        connection.execute(insert(event_labels), labels)


def delete_rows(connection: Connection, event_ids: Sequence[str]) -> None:
    """Take events out, with their labels."""
    connection.execute(delete(event_labels).where(event_labels.c.event_id.in_(event_ids)))
    connection.execute(delete(events).where(events.c.id.in_(event_ids)))


def batches(values: Iterable[T]) -> Iterator[Sequence[T]]:
    """Few enough at a time for one statement: databases limit its parameters."""
    remaining = iter(values)
    while some := tuple(itertools.islice(remaining, 200)):
        yield some
