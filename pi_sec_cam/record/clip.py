"""One event's folder while it is being filled: video parts, motion.jpg, event.json."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.mp4 import StreamRefused
from pi_sec_cam.motion.event import EventEnded, EventStarted
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import EventRecord, Part, State
from pi_sec_cam.record.part import PartLost, PartWriter

# The clip goes on in a new part at the first keyframe beyond this: FAT, as on cards and sticks, ends at 4 GiB.
_LARGEST_PART_BYTES = 2 << 30


class Clip:
    """Takes an event's units in order and keeps them.

    `add`, `flush` and `finish` raise the disk's OSErrors, and leave everything such that they can be called again with
    the same arguments, as often as it takes: nothing is lost by that and nothing is there twice. Before another try,
    `look_again` sees whether what was written is still there.

    The folder is made with the first keyframe. A new part begins at the first keyframe after the stream's parameters or
    its epoch have changed, after pictures are missing, and where a part could not be gone on with.

    Args:
        stamp: wall time of the trigger.
        continues: id of the event that this one goes on from.
        on_folder: is told the event's folder as soon as it stands, and again if it gets another one.

    Attributes:
        folder: the event's, once it stands.
        record: as event.json was last written.
        dropped: units that came and are not in the clip; of a part that is being written, once it is closed.
    """

    def __init__(
        self,
        archive: Archive,
        camera: str,
        started: EventStarted,
        stamp: WallStamp,
        continues: str | None,
        *,
        on_folder: Callable[[EventFolder], None] = lambda _: None,
    ) -> None:
        self._archive = archive
        self._camera = camera
        self._started = started
        self._stamp = stamp
        self._continues = continues
        self._on_folder = on_folder
        self._sequence = archive.next_sequence(stamp)
        self.folder: EventFolder | None = None
        self.record: EventRecord | None = None
        self._writer: PartWriter | None = None
        self._part_ends = False  # the part takes no more; the next keyframe begins another
        self._parts: list[Part] = []
        self._entry_pts_us = 0
        self._picture = b""
        self._picture_written = False
        self._end_us = started.trigger_pts_us
        self._start_us: int | None = None
        self.dropped = 0

    @property
    def kept(self) -> int:
        """Pictures that are on the disk."""
        return sum(part.pictures for part in self._parts) + (self._writer.kept if self._writer else 0)

    @property
    def waiting_bytes(self) -> int:
        """Taken, complete, and not on the disk yet."""
        return self._writer.waiting_bytes if self._writer else 0

    @property
    def in_memory(self) -> bool:
        """Whether anything was taken that is not on the disk."""
        return self._writer is not None and bool(self._writer.held or self._writer.waiting_bytes)

    def add_picture(self, jpeg: bytes) -> None:
        """Take motion.jpg; `flush` brings it to the disk."""
        self._picture = jpeg

    def gap(self) -> None:
        """Pictures are missing before the next unit.

        In one part, a player would show the last picture before the gap for as long as the gap is.
        """
        self._part_ends = True

    def add(self, unit: AccessUnit) -> None:
        """Take a unit.

        Raises:
            OSError: the disk's; the unit was not taken.
            StreamRefused: MP4 cannot hold it; it is counted, and the next keyframe tried again.
        """
        writer = self._writer
        if writer is not None and unit.keyframe:
            full = writer.kept_bytes > _LARGEST_PART_BYTES
            if self._part_ends or full or unit.info is not writer.info:
                self._close_part()
        if self._writer is None or self._part_ends:
            if not unit.keyframe:
                self.dropped += 1
                return
            self._begin_part(unit)
        if unit.pts_us < self._entry_pts_us:
            # A leading picture of an open GOP: it refers to pictures from before the cut. Before a clip's begin it is
            # not missed, between an event and its continuation it is.
            self.dropped += self._continues is not None
            return
        assert self._writer is not None
        try:
            self._writer.add(unit)
        except StreamRefused:
            self._part_ends = True
            raise

    def cut(self) -> None:
        """Let what was taken be complete, whatever follows."""
        if self._writer is not None:
            self._writer.cut()

    def flush(self) -> None:
        """Bring to the disk what is complete.

        Raises:
            OSError: the disk's.
        """
        try:
            if self._writer is not None:
                self._writer.flush()
        except PartLost:
            self.abandon()
        self._write_picture()

    def look_again(self) -> None:
        """After trouble. Where the event's folder is gone, the rest of the event gets a new one.

        Raises:
            OSError: the disk is missing or the wrong one; it may come back, and the folder with it.
        """
        if self.folder is None or self.folder.path.is_dir():
            return
        gone, new = self.folder, self._archive.begin(self._camera, self._stamp)
        if new.id != gone.id:
            is_back = gone.path.is_dir()  # just now
            self._archive.running.discard(new.id if is_back else gone.id)
            if is_back:
                new.path.rmdir()
                return
        self.abandon()
        self._move_into(new)
        self._parts.clear()
        self._start_us = None
        self._picture_written = False

    def finish(self, ended: EventEnded | None, dropped_by_ring: int) -> EventRecord | None:
        """Close everything and write the final record; None if nothing was kept.

        Raises:
            OSError: the disk's.
        """
        self._close_part()
        if self.folder is None:
            return None
        if not self._parts:
            self._archive.running.discard(self.folder.id)
            return None
        self._write_picture()
        self.record = self.folder.write_record(self._record_now("complete", ended, dropped_by_ring))
        return self.record

    def abandon(self) -> None:
        """Let go of the part that is being written: what is on the disk of it is kept, the rest counts as dropped."""
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        writer.abandon()
        self.dropped += writer.given - writer.kept
        if writer.kept:
            part = writer.part
            self._parts.append(part)
            self._end_us = (part.first_pts_us or 0) + round(part.duration_s * 1e6)

    def _move_into(self, folder: EventFolder) -> None:
        self.folder = folder
        self._on_folder(folder)

    def _begin_part(self, unit: AccessUnit) -> None:
        if self.folder is None:
            self._move_into(self._archive.begin(self._camera, self._stamp))
        assert self.folder is not None
        if self._start_us is None:
            self._start_us = unit.pts_us
        self.record = self.folder.write_record(self._record_now("recording", None, 0))
        paths = (self.folder.video_path(number) for number in itertools.count(len(self._parts) + 1))
        # What is there already, though no part of ours, is left alone.
        self._writer = PartWriter(next(path for path in paths if not path.exists()), unit)
        self._entry_pts_us = unit.pts_us
        self._part_ends = False

    def _close_part(self) -> None:
        if self._writer is not None:
            with suppress(PartLost):
                self._writer.close()
            self.abandon()

    def _write_picture(self) -> None:
        """Once a folder, and only beside video."""
        if self._picture_written or not self._picture or not (self._writer or self._parts):
            return
        assert self.folder is not None
        self.folder.write_picture(self._picture)
        self._picture_written = True

    def _record_now(self, state: State, ended: EventEnded | None, dropped_by_ring: int) -> EventRecord:
        assert self.folder is not None
        started = self._started
        last_motion_us = ended.last_motion_pts_us if ended else started.trigger_pts_us
        start_us = self._start_us if self._start_us is not None else started.trigger_pts_us
        trigger = self._stamp.wall
        start = trigger + timedelta(microseconds=start_us - started.trigger_pts_us)
        # What a continuation is triggered by may be shown just before its first keyframe.
        motion_start = max(trigger, start)
        return EventRecord(
            id=self.folder.id,
            camera=self._camera,
            start=start,
            end=max(start, trigger + timedelta(microseconds=self._end_us - started.trigger_pts_us)),
            duration_s=round(sum(part.duration_s for part in self._parts), 6),
            motion_start=motion_start,
            motion_end=max(motion_start, trigger + timedelta(microseconds=last_motion_us - started.trigger_pts_us)),
            clock_synchronised=self._stamp.synchronised,
            state=state,
            end_reason=ended.reason if ended else None,
            trigger_pts_us=started.trigger_pts_us,
            areas=started.areas,
            continues=self._continues,
            parts=tuple(self._parts),
            bytes=sum(part.bytes for part in self._parts) + (len(self._picture) if self._picture_written else 0),
            dropped_pictures=self.dropped + dropped_by_ring,
            sequence=self._sequence,
        )
