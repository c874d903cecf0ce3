"""The catalogue's tables, and events to and from their rows."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    false,
)

from pi_sec_cam.motion.event import Area
from pi_sec_cam.record.event_record import EventRecord, Part, epoch_us, moment_of

tables = MetaData()

# Times are microseconds since 1970 in UTC: they sort and compare alike in every database.
events = Table(
    "events",
    tables,
    Column("id", Text, primary_key=True),
    Column("camera", Text, nullable=False),
    Column("start_us", BigInteger, nullable=False),
    Column("end_us", BigInteger, nullable=False),
    Column("duration_us", BigInteger, nullable=False),
    Column("motion_start_us", BigInteger, nullable=False),
    Column("motion_end_us", BigInteger, nullable=False),
    Column("clock_synchronised", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("end_reason", Text),
    Column("trigger_pts_us", BigInteger),
    Column("areas", JSON, nullable=False),
    Column("continues", Text),
    Column("parts", JSON, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("dropped_pictures", BigInteger, nullable=False),
    Column("offsite", Boolean, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False, server_default="0"),
    Column("revision", BigInteger, nullable=False, server_default="0"),
    # The newest revision of event.json that was to be written. Above `revision`, the file may say more than the row.
    Column("announced", BigInteger, nullable=False, server_default="0"),
    # Its files are being removed: not listed any more.
    Column("deleting", Boolean, nullable=False, server_default=false()),
    Index("events_by_start", "start_us", "id"),
    Index("events_by_camera", "camera", "start_us"),
    Index("events_by_sequence", "sequence"),
)

event_labels = Table(
    "event_labels",
    tables,
    Column("event_id", Text, ForeignKey("events.id"), primary_key=True),
    Column("label", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Index("event_labels_by_label", "label"),
)

event_columns = tuple(column for column in events.c if column.name not in {"announced", "deleting"})
"""What of `events` makes an event."""

_MOMENTS = ("start", "end", "motion_start", "motion_end")
_MOMENT_NAMES = tuple((name, f"{name}_us") for name in _MOMENTS)
_ELSEWHERE = {*_MOMENTS, "duration_s", "labels", "newer"}


def storable(text: str) -> str:
    """The text as every database can hold it: PostgreSQL has no NUL, and UTF-8 no lone surrogates.

    Only somebody else's event.json has such; it keeps them.
    """
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def event_row(record: EventRecord) -> dict[str, Any]:
    """The row in `events`."""
    row = {name: value for name, value in asdict(record).items() if name not in _ELSEWHERE}
    row |= {stored: epoch_us(getattr(record, name)) for name, stored in _MOMENT_NAMES}
    row["duration_us"] = round(record.duration_s * 1e6)
    return {name: storable(value) if isinstance(value, str) else value for name, value in row.items()}


def label_rows(record: EventRecord) -> list[dict[str, Any]]:
    """The rows in `event_labels`."""
    labels = enumerate(dict.fromkeys(map(storable, record.labels)))
    return [{"event_id": record.id, "label": label, "position": position} for position, label in labels]


def event_of_row(row: Sequence[Any], labels: Iterable[str]) -> EventRecord:
    """The event of a row of `event_columns`, its times in UTC.

    Spelt out, and by place, because it is done for every event of a list: by name it takes twice as long. What a later
    version of the program may have added to areas and parts is left out.
    """
    (
        event_id,
        camera,
        start_us,
        end_us,
        duration_us,
        motion_start_us,
        motion_end_us,
        clock_synchronised,
        state,
        end_reason,
        trigger_pts_us,
        areas,
        continues,
        parts,
        size,
        dropped_pictures,
        offsite,
        locked,
        note,
        sequence,
        revision,
    ) = row
    return EventRecord(
        id=event_id,
        camera=camera,
        start=moment_of(start_us),
        end=moment_of(end_us),
        duration_s=duration_us / 1e6,
        motion_start=moment_of(motion_start_us),
        motion_end=moment_of(motion_end_us),
        clock_synchronised=clock_synchronised,
        state=state,
        end_reason=end_reason,
        trigger_pts_us=trigger_pts_us,
        areas=tuple([Area(area["left"], area["top"], area["width"], area["height"]) for area in areas]),
        continues=continues,
        parts=tuple([_part(part) for part in parts]),
        bytes=size,
        dropped_pictures=dropped_pictures,
        labels=tuple(labels),
        offsite=offsite,
        locked=locked,
        note=note,
        sequence=sequence,
        revision=revision,
    )


def _part(part: dict[str, Any]) -> Part:
    return Part(
        file=part["file"],
        codec=part["codec"],
        width=part["width"],
        height=part["height"],
        pictures=part["pictures"],
        first_pts_us=part["first_pts_us"],
        duration_s=part["duration_s"],
        bytes=part["bytes"],
    )
