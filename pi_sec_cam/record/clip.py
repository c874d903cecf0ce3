"""One event's folder while it is being filled: video parts, motion.jpg, event.json."""

import itertools
from collections.abc import Sequence
from datetime import timedelta

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.motion.event import EventEnded, EventStarted
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import EventRecord, Part, State
from pi_sec_cam.record.motion_picture import motion_picture
from pi_sec_cam.record.part import PartWriter


class Clip:
    """Takes an event's units in order and keeps them.

    The folder is made with the first keyframe that can be written. A new part begins at the first keyframe after the
    stream's parameters or its epoch have changed, and after trouble with the disk.

    Args:
        stamp: wall time of the trigger.
        continues: id of the event that this one goes on from.

    Attributes:
        id: the event's, once its folder stands.
        folder: the event's, once it stands.
        picture_pts_us: media time of the picture for motion.jpg.
        dropped: units that could not be written.
    """

    def __init__(
        self, archive: Archive, camera: str, started: EventStarted, stamp: WallStamp, continues: str | None
    ) -> None:
        self._archive = archive
        self._camera = camera
        self._started = started
        self._stamp = stamp
        self._continues = continues
        self.folder: EventFolder | None = None
        self._writer: PartWriter | None = None
        self._parts: list[Part] = []
        self._entry_pts_us = 0
        decided_us = started.decided_pts_us
        self.picture_pts_us = started.trigger_pts_us if decided_us is None else decided_us
        self._picture_gop: Sequence[AccessUnit] = ()
        self._picture_bytes = 0
        self._end_us = started.trigger_pts_us
        self._start_us: int | None = None
        self.dropped = 0

    @property
    def kept(self) -> int:
        """Pictures that are on the disk."""
        return sum(part.pictures for part in self._parts) + (self._writer.kept if self._writer else 0)

    @property
    def running(self) -> EventRecord:
        """The record while the event goes on; there is none before `folder`."""
        return self._record("recording", None, 0)

    def picture_from(self, gop: Sequence[AccessUnit]) -> None:
        """The GOP that holds the picture shown at `picture_pts_us`."""
        self._picture_gop = gop

    def add(self, unit: AccessUnit) -> None:
        """Keep a unit.

        Raises:
            OSError: the disk's; what was lost is counted, and the next keyframe is tried again.
        """
        if self._writer is not None and unit.keyframe and unit.info is not self._writer.info:
            self._close_part()
        if self._writer is None:
            if not unit.keyframe:
                self.dropped += 1
                return
            self._entry_pts_us = unit.pts_us
            try:
                self._writer = self._new_part(unit)
            except OSError:
                self.dropped += 1
                raise
        if unit.pts_us < self._entry_pts_us:
            # A leading picture of an open GOP: it refers to pictures from before the cut. Before a clip's begin it is
            # not missed, between an event and its continuation it is.
            self.dropped += self._continues is not None
            return
        try:
            self._writer.add(unit)
        except OSError:
            self._close_part()
            raise
        if unit.keyframe:
            self._write_picture()

    def finish(self, ended: EventEnded | None, dropped_by_ring: int) -> EventRecord | None:
        """Close everything; the final record, still to be written, None if nothing was kept.

        Raises:
            OSError: the disk's, on closing the last part; to be called again, then for the record.
        """
        self._close_part()
        if self.folder is None or not self._parts:
            return None
        return self._record("complete", ended, dropped_by_ring)

    def _new_part(self, unit: AccessUnit) -> PartWriter:
        if self.folder is None:
            self.folder = self._archive.begin(self._camera, self._stamp)
            self._start_us = unit.pts_us
        self.folder.write_record(self.running)
        paths = (self.folder.video_path(number) for number in itertools.count(len(self._parts) + 1))
        # A part that came to nothing may still lie there, if the disk did not let us remove it.
        return PartWriter(next(path for path in paths if not path.exists()), unit)

    def _close_part(self) -> None:
        """Also after trouble: what the file holds is then what could be written.

        Raises:
            OSError: the disk's.
        """
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        try:
            writer.close()
        finally:
            self.dropped += writer.given - writer.kept
            if writer.kept:
                part = writer.part
                self._parts.append(part)
                self._end_us = (part.first_pts_us or 0) + round(part.duration_s * 1e6)
            else:
                writer.remove()

    def _write_picture(self) -> None:
        """Once; after trouble it is tried again with the next keyframe."""
        if self.folder is None or not self._picture_gop:
            return
        picture = motion_picture(self._picture_gop, self.picture_pts_us, self._started.areas)
        if picture is not None:
            self.folder.write_picture(picture)
            self._picture_bytes = len(picture)
        self._picture_gop = ()

    def _record(self, state: State, ended: EventEnded | None, dropped_by_ring: int) -> EventRecord:
        assert self.folder is not None
        started = self._started
        last_motion_us = ended.last_motion_pts_us if ended else started.trigger_pts_us
        start_us = self._start_us if self._start_us is not None else started.trigger_pts_us
        trigger = self._stamp.wall
        start = trigger + timedelta(microseconds=start_us - started.trigger_pts_us)
        return EventRecord(
            id=self.folder.id,
            camera=self._camera,
            start=start,
            end=trigger + timedelta(microseconds=self._end_us - started.trigger_pts_us),
            duration_s=round(sum(part.duration_s for part in self._parts), 6),
            # What a continuation is triggered by may be shown just before its first keyframe.
            motion_start=max(trigger, start),
            motion_end=trigger + timedelta(microseconds=last_motion_us - started.trigger_pts_us),
            clock_synchronised=self._stamp.synchronised,
            state=state,
            end_reason=ended.reason if ended else None,
            trigger_pts_us=started.trigger_pts_us,
            areas=started.areas,
            continues=self._continues,
            parts=tuple(self._parts),
            bytes=sum(part.bytes for part in self._parts) + self._picture_bytes,
            dropped_pictures=self.dropped + dropped_by_ring,
        )
