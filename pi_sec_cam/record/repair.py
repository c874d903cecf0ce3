"""Puts the folder of one interrupted event in order: cuts torn tails, counts what is left, completes event.json."""

import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from pi_sec_cam.durable import sync_directory, sync_file, write_atomically
from pi_sec_cam.errors import StorageError
from pi_sec_cam.offsite.journal import JOURNAL_NAME
from pi_sec_cam.record.clip_file import contents, soundness, whole_pictures
from pi_sec_cam.record.event_folder import DAMAGED_RECORD_NAME, RECORD_NAME, EventFolder
from pi_sec_cam.record.event_record import (
    LONGEST_S,
    EventRecord,
    Part,
    RecordDamaged,
    epoch_us,
    folder_of_id,
    nearest_moment_of,
)
from pi_sec_cam.record.sealed_video import repaired_parts, with_sealed_video

log = logging.getLogger(__name__)

# A file's last change and the folder's name are believed to speak of the same event within this time.
_AGREEMENT = timedelta(seconds=30)


def repair(folder: EventFolder, trigger: datetime | None) -> tuple[EventRecord | None, EventRecord | None]:
    """Make sure that the folder says truly what it holds; the record before and after.

    A finished event is left as it is: both are equal. The second is None if the folder held no picture and was
    removed. Files that are not ours, or that make no sense, are left alone.

    Args:
        trigger: what the folder's name says of the first movement, for a folder without a usable record.

    Raises:
        StorageError, OSError: from the disk, or RecordTooNew; what was done until then does no harm.
    """
    folder.remove_unfinished()
    before = _record(folder)
    if before is not None and before.state != "recording":
        return before, before
    if folder.kept_sealed():
        parts, complete = repaired_parts(folder, drop_unlisted=before is not None), with_sealed_video
    else:
        known = {part.file: part for part in before.parts} if before else {}
        parts, complete = tuple(_sound_parts(folder, known)), _with_video
    if not folder.media_files():
        _remove(folder)
        return before, None
    record = before or _adopted(folder, parts, trigger)
    after = replace(complete(record, parts, folder.media_bytes()), state="interrupted", end_reason=None)
    return before, folder.write_record(after)


def _record(folder: EventFolder) -> EventRecord | None:
    try:
        return folder.read_record()
    except RecordDamaged as error:
        log.warning("%s; kept as %s, what can be known without it is made anew", error, DAMAGED_RECORD_NAME)
        folder.set_record_aside()
        return None


def _sound_parts(folder: EventFolder, known: dict[str, Part]) -> Iterator[Part]:
    for file in folder.video_files():
        state = soundness(file)
        if state.empty:
            file.unlink()
            continue
        try:
            if state.torn and not _cut(file, state.sound_bytes):
                continue
            found = contents(file)
        except StorageError as error:
            log.warning("%s; the file is left as it is", error)
            continue
        if found.duration_us > LONGEST_S * 1e6:
            log.warning("%s says that it is hundreds of years long; the file is left as it is", file)
            continue
        yield Part(
            file=file.name,
            codec=found.codec,
            width=found.width,
            height=found.height,
            pictures=found.pictures,
            first_pts_us=known[file.name].first_pts_us if file.name in known else None,
            duration_s=found.duration_us / 1e6,
            bytes=file.stat().st_size,
        )


def _cut(file: Path, sound_bytes: int) -> bool:
    """Leave of a torn file what is whole, durably; whether anything is."""
    if sound_bytes:
        log.warning("%s: its last fragment is torn and cut off", file)
        os.truncate(file, sound_bytes)
        sync_file(file)
        return True
    log.warning("%s is torn in its first fragment; the whole pictures are kept", file)
    whole = whole_pictures(file)
    if whole:
        write_atomically(file, whole)
    else:
        file.unlink()
    return bool(whole)


def _with_video(record: EventRecord, parts: tuple[Part, ...], media_bytes: int) -> EventRecord:
    duration_s = round(sum(part.duration_s for part in parts), 6)
    length_us = round(duration_s * 1e6)
    if parts and parts[0].first_pts_us is not None and parts[-1].first_pts_us is not None:
        length_us = parts[-1].first_pts_us - parts[0].first_pts_us + round(parts[-1].duration_s * 1e6)
    end = nearest_moment_of(epoch_us(record.start) + length_us)
    return replace(
        record,
        parts=parts,
        duration_s=duration_s,
        end=end if parts else record.end,
        bytes=media_bytes,
    )


def _adopted(folder: EventFolder, parts: tuple[Part, ...], trigger: datetime | None) -> EventRecord:
    """What can be known without a record: when the last file was written, and what the folder's name says."""
    duration_us = round(sum(part.duration_s for part in parts) * 1e6)
    written = max(_modified(file) for file in [*folder.video_files(), *folder.sealed_files()] or folder.media_files())
    start = nearest_moment_of(epoch_us(written) - duration_us)
    if trigger is None:
        trigger = start
    elif not start - _AGREEMENT <= trigger <= written + _AGREEMENT:  # the files were copied later
        start = trigger
    return EventRecord(
        id=folder.id,
        camera=folder_of_id(folder.id).partition("/")[0],
        start=start,
        end=nearest_moment_of(epoch_us(start) + duration_us),
        motion_start=trigger,
        motion_end=trigger,
        clock_synchronised=False,
        state="recording",
    )


def _modified(file: Path) -> datetime:
    return nearest_moment_of(file.stat().st_mtime_ns // 1000)


def _remove(folder: EventFolder) -> None:
    """Remove our files, and the folder if nothing else is in it."""
    for name in (RECORD_NAME, JOURNAL_NAME):
        (folder.path / name).unlink(missing_ok=True)
    if not os.listdir(folder.path):
        folder.path.rmdir()
    sync_directory(folder.path.parent)
