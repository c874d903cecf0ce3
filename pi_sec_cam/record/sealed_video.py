"""What an event that is kept sealed holds, as its journal says: nobody here can look into the files."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import cast

from pi_sec_cam.durable import sync_directory
from pi_sec_cam.media.access_unit import Codec
from pi_sec_cam.offsite.journal import Line, number_of, read_journal
from pi_sec_cam.record.event_folder import SEALED_PICTURE_NAME, EventFolder
from pi_sec_cam.record.event_record import EventRecord, Part

log = logging.getLogger(__name__)


def parts_of(folder: EventFolder) -> tuple[Part, ...]:
    """The chunks that are there, in order; of one that is not in the journal nothing is known but its size.

    Raises:
        JournalTooNew: nothing is known, then.
        OSError: from the disk.
    """
    journal = read_journal(folder.path)
    lines = journal.files if journal else {}
    files = [file for file in folder.sealed_files() if file.name != SEALED_PICTURE_NAME]
    return tuple(_part(file.name, file.stat().st_size, lines.get(file.name, {})) for file in files)


def repaired_parts(folder: EventFolder, *, drop_unlisted: bool) -> tuple[Part, ...]:
    """As `parts_of`, of an event that was interrupted.

    Args:
        drop_unlisted: remove what is not in the journal. Files get their line there before they leave: such a one is
            nowhere else, and what comes next could not be told. So this disk and what is off-site end alike.

    Raises:
        JournalTooNew, OSError: as for `parts_of`.
    """
    if drop_unlisted:
        journal = read_journal(folder.path)
        unlisted = [file for file in folder.sealed_files() if journal is None or file.name not in journal.files]
        for file in unlisted:
            log.warning("%s had not been noted when the program was interrupted, and is removed", file)
            file.unlink()
        if unlisted:
            sync_directory(folder.path)
    return parts_of(folder)


def with_sealed_video(record: EventRecord, parts: tuple[Part, ...], media_bytes: int) -> EventRecord:
    """The record of an event that runs, with all that is known of its chunks.

    Args:
        record: as it was when the event began: its clip was then thought to begin with the trigger.
    """
    spans = list(_spans(parts))
    duration_us = sum(end - start for start, end in spans)
    start, length_us = record.start, duration_us
    if spans and record.trigger_pts_us is not None:
        first_us, end_us = spans[0][0], max(end for _, end in spans)
        start = record.motion_start + timedelta(microseconds=first_us - record.trigger_pts_us)
        length_us = end_us - first_us
    motion_start = max(record.motion_start, start)
    return replace(
        record,
        start=start,
        end=start + timedelta(microseconds=length_us),
        motion_start=motion_start,
        motion_end=max(record.motion_end, motion_start),
        duration_s=duration_us / 1e6,
        parts=parts,
        bytes=media_bytes,
    )


def _part(name: str, size: int, line: Line) -> Part:
    codec = cast(Codec, name.rpartition(".")[2])
    try:
        return Part(
            file=name,
            codec=codec,
            width=int(line["width"]),
            height=int(line["height"]),
            pictures=int(line["pictures"]),
            first_pts_us=min(map(int, line["pts_us"]), default=None),
            duration_s=float(line["duration_s"]),
            bytes=size,
        )
    except (KeyError, TypeError, ValueError):
        return Part(
            file=name, codec=codec, width=0, height=0, pictures=0, first_pts_us=None, duration_s=0.0, bytes=size
        )


def _spans(parts: tuple[Part, ...]) -> Iterator[tuple[int, int]]:
    """Begin and end, in media time, of chunks that follow one another: those of B-frames reach into the next chunk."""
    span: tuple[int, int] | None = None
    expected = 0
    for part in parts:
        if part.first_pts_us is None:
            continue
        start, end = part.first_pts_us, part.first_pts_us + round(part.duration_s * 1e6)
        if span is not None and number_of(part.file) == expected:
            span = min(span[0], start), max(span[1], end)
        else:
            if span is not None:
                yield span
            span = start, end
        expected = number_of(part.file) + 1
    if span is not None:
        yield span
