"""The folder of one event: its files, and the order in which they become durable (docs/recording-format.md)."""

import logging
import os
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pi_sec_cam.durable import storage_error, sync_directory, write_atomically
from pi_sec_cam.offsite.journal import JOURNAL_NAME, number_of
from pi_sec_cam.record.event_record import EventRecord, RecordDamaged, from_json, to_json

log = logging.getLogger(__name__)

RECORD_NAME = "event.json"
PICTURE_NAME = "motion.jpg"
SEALED_PICTURE_NAME = "motion0.jpg"
DAMAGED_RECORD_NAME = f"{RECORD_NAME}.damaged"
_HIDDEN_NAME = re.compile(r"\.(.+)\.deleting")
_VIDEO_NAME = re.compile(r"video(?:-([1-9][0-9]{0,8}))?\.mp4")
_SEALED_VIDEO_NAME = re.compile(r"video(?:0|[1-9][0-9]{0,8})\.h26[45]")
_KEPT = rf"{_VIDEO_NAME.pattern}|{_SEALED_VIDEO_NAME.pattern}|event\.json|motion0?\.jpg|evidence[0-9]{{1,9}}\.jsonl"
_UNFINISHED_NAME = re.compile(rf"\.(?:{_KEPT})\.new")
_OURS = re.compile(rf"{_KEPT}|{re.escape(JOURNAL_NAME)}|{_UNFINISHED_NAME.pattern}")

# What the recorder never changes: said by the owner, by the stores, or by a later version of the program.
_SAID_BY_OTHERS = ("labels", "locked", "note", "offsite", "newer")

rewriting = threading.Lock()
"""Protects every event.json of this process between its being read and its being replaced or moved away: recorders,
the local socket and retention all do that. The disk is written under it, unlike elsewhere: that is the very thing to
protect, and whoever waits here wants to write a file of a few hundred bytes to the same disk."""


@dataclass(frozen=True, slots=True)
class EventFolder:
    """Where one event's files are. Times, counts and states are in its record.

    Attributes:
        id: of the event; says where in the archive the folder is.
        path: the folder.
    """

    id: str
    path: Path

    @property
    def hidden_path(self) -> Path:
        """What the folder is called while the event is being deleted."""
        return self.path.with_name(f".{self.path.name}.deleting")

    def video_path(self, number: int) -> Path:
        """The file of part `number`, from 1: video.mp4, video-2.mp4, …"""
        return self.path / ("video.mp4" if number == 1 else f"video-{number}.mp4")

    def video_files(self) -> list[Path]:
        """The parts that exist, in order; none of an event that is kept sealed.

        Raises:
            StorageError: the folder cannot be read.
        """
        found = sorted((_part_number(name), name) for name in self._names())
        return [self.path / name for number, name in found if number]

    def sealed_files(self) -> list[Path]:
        """What there is of an event that is kept sealed: its picture, then its chunks in order.

        Raises:
            StorageError: the folder cannot be read.
        """
        names = self._names()
        picture = [SEALED_PICTURE_NAME] if SEALED_PICTURE_NAME in names else []
        chunks = sorted((name for name in names if _SEALED_VIDEO_NAME.fullmatch(name)), key=number_of)
        return [self.path / name for name in (*picture, *chunks)]

    def kept_sealed(self) -> bool:
        """Whether the event's video is kept sealed, and in no other way.

        Raises:
            StorageError: the folder cannot be read.
        """
        return bool(self.sealed_files()) and not self.video_files()

    def media_files(self) -> list[Path]:
        """The video files and the motion picture, sealed or not.

        Raises:
            StorageError: the folder cannot be read.
        """
        picture = self.path / PICTURE_NAME
        return [*self.video_files(), *self.sealed_files(), *([picture] if picture.exists() else [])]

    def media_bytes(self) -> int:
        """What the record gives as `bytes`: the size of the video files and the motion picture, now."""
        return sum(file.stat().st_size for file in self.media_files())

    def write_picture(self, jpeg: bytes) -> None:
        """Keep the picture of what triggered; durable on return.

        Raises:
            StorageError: with the way out.
        """
        self._write(PICTURE_NAME, jpeg)

    def write_record(self, record: EventRecord) -> EventRecord:
        """Put event.json in place, whole or not at all; durable on return.

        For whoever records: what others have said meanwhile (labels, lock, note, off-site) is kept as it stands in
        the file. The names of files that were created in the folder before are durable then as well. The record
        comes after the files that it speaks of are synced, and before its row in the catalogue.

        Returns:
            What was written.

        Raises:
            StorageError: with the way out; what stood there before is whole.
        """

        def merged(standing: EventRecord | None) -> EventRecord:
            said = {name: getattr(standing, name) for name in _SAID_BY_OTHERS} if standing else {}
            return replace(record, **said)

        try:
            return self.update_record(merged)
        except RecordDamaged as error:
            log.warning("%s; kept as %s", error, DAMAGED_RECORD_NAME)
            self.set_record_aside()
            return self.update_record(merged)

    def update_record(self, change: Callable[[EventRecord | None], EventRecord]) -> EventRecord:
        """Rewrite event.json: the only way to, so that nobody undoes what another thread has just written.

        Args:
            change: makes the new record of the standing one, None where there is none; what it raises is passed on,
                with nothing written.

        Returns:
            What was written; its `revision` is above that of what stood there.

        Raises:
            StorageError: with the way out, also for a record that cannot be read; what stood there before is whole.
        """
        with rewriting:
            standing = self.read_record()
            record = change(standing)
            if standing is not None:
                record = replace(record, revision=standing.revision + 1)
            self._write(RECORD_NAME, to_json(record))
        return record

    def remove_unfinished(self) -> None:
        """Remove files that a crash has left half-written; durable on return. For a folder that nobody records into.

        Raises:
            StorageError: with the way out.
        """
        with rewriting:  # else it might be half-written just now
            try:
                unfinished = [name for name in os.listdir(self.path) if _UNFINISHED_NAME.fullmatch(name)]
                for name in unfinished:
                    (self.path / name).unlink()
                if unfinished:
                    sync_directory(self.path)
            except OSError as error:
                raise storage_error(f"cannot tidy {self.path}", error) from error

    def set_record_aside(self) -> None:
        """Keep an event.json that cannot be understood as event.json.damaged.

        Raises:
            StorageError: with the way out.
        """
        path = self.path / RECORD_NAME
        try:
            path.replace(self.path / DAMAGED_RECORD_NAME)
        except OSError as error:
            raise storage_error(f"cannot rename {path}", error) from error

    def read_record(self) -> EventRecord | None:
        """The record, None without one. Its id is that of the place: a folder may have been moved by its owner.

        Raises:
            StorageError: RecordDamaged, RecordTooNew (from a later version), or the disk's.
        """
        path = self.path / RECORD_NAME
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_error(f"cannot read {path}", error) from error
        return replace(from_json(data, str(path)), id=self.id)

    def _names(self) -> list[str]:
        try:
            return os.listdir(self.path)
        except OSError as error:
            raise storage_error(f"cannot read {self.path}", error) from error

    def _write(self, name: str, data: bytes) -> None:
        path = self.path / name
        try:
            write_atomically(path, data)
        except OSError as error:
            raise storage_error(f"cannot write {path}", error) from error


def holds_event(names: Iterable[str]) -> bool:
    """Whether files with these names make a directory an event's folder."""
    return any(_OURS.fullmatch(name) for name in names)


def is_ours(name: str) -> bool:
    """Whether a file of that name in an event's folder was made by this program."""
    return name == DAMAGED_RECORD_NAME or _OURS.fullmatch(name) is not None


def name_before_hiding(name: str) -> str | None:
    """What a folder was called before its event's deletion began; None if that is not what its name says."""
    found = _HIDDEN_NAME.fullmatch(name)
    return found[1] if found else None


def _part_number(name: str) -> int:
    """Which part of the video a file is, from 1; 0 if it is none."""
    found = _VIDEO_NAME.fullmatch(name)
    return int(found[1] or 1) if found else 0
