"""The folder of one event: its files, and the order in which they become durable (docs/recording-format.md)."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pi_sec_cam.record.durable import storage_error, write_atomically
from pi_sec_cam.record.event_record import EventRecord, from_json, to_json

RECORD_NAME = "event.json"
PICTURE_NAME = "motion.jpg"
_VIDEO_NAME = re.compile(r"video(?:-([1-9][0-9]{0,8}))?\.mp4")
_OURS = re.compile(rf"{_VIDEO_NAME.pattern}|event\.json|motion\.jpg|\.(?:event\.json|motion\.jpg)\.new")


@dataclass(frozen=True, slots=True)
class EventFolder:
    """Where one event's files are. Times, counts and states are in its record.

    Attributes:
        id: of the event; says where in the archive the folder is.
        path: the folder.
    """

    id: str
    path: Path

    def video_path(self, number: int) -> Path:
        """The file of part `number`, from 1: video.mp4, video-2.mp4, …"""
        return self.path / ("video.mp4" if number == 1 else f"video-{number}.mp4")

    def video_files(self) -> list[Path]:
        """The parts that exist, in order.

        Raises:
            StorageError: the folder cannot be read.
        """
        try:
            found = [(_part_number(name), name) for name in os.listdir(self.path)]
        except OSError as error:
            raise storage_error(f"cannot read {self.path}", error) from error
        return [self.path / name for number, name in sorted(found) if number]

    def media_bytes(self) -> int:
        """What the record gives as `bytes`: the size of the video files and the motion picture, now."""
        return sum(file.stat().st_size for file in [*self.video_files(), self.path / PICTURE_NAME] if file.exists())

    def write_picture(self, jpeg: bytes) -> None:
        """Keep the picture of what triggered; durable on return.

        Raises:
            StorageError: with the way out.
        """
        self._write(PICTURE_NAME, jpeg)

    def write_record(self, record: EventRecord) -> None:
        """Put event.json in place, whole or not at all; durable on return.

        The names of files that were created in the folder before are durable then as well. The record comes
        after the files that it speaks of are synced, and before its row in the catalogue.

        Raises:
            StorageError: with the way out; what stood there before is whole.
        """
        self._write(RECORD_NAME, to_json(record))

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

    def _write(self, name: str, data: bytes) -> None:
        path = self.path / name
        try:
            write_atomically(path, data)
        except OSError as error:
            raise storage_error(f"cannot write {path}", error) from error


def holds_event(names: Iterable[str]) -> bool:
    """Whether files with these names make a directory an event's folder."""
    return any(_OURS.fullmatch(name) for name in names)


def _part_number(name: str) -> int:
    """Which part of the video a file is, from 1; 0 if it is none."""
    found = _VIDEO_NAME.fullmatch(name)
    return int(found[1] or 1) if found else 0
