"""Turns events into clips on disk: from the pre-roll in the ring to the last picture."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pi_sec_cam.clock import Clock, WallStamp
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.ring import Cursor, Ring
from pi_sec_cam.motion.event import EventEnded, EventStarted
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.clip import Clip
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.worker import Worker

log = logging.getLogger(__name__)

_WAIT_S = 0.25
# After the event has ended, how long to wait for pictures of its last moments that have not come yet.
_LATE_US = 2_000_000
# Ended events whose record the disk has not taken yet; what is beyond that, the next start finds by itself.
_MOST_UNFINISHED = 100
_RETRY_US = 5_000_000

_T = TypeVar("_T")


@dataclass(slots=True)
class _Job:
    """One event to record. `ended` is set by the watcher's thread, read by the recorder's.

    reach_us: the latest PTS among the units that were taken.
    """

    started: EventStarted
    stamp: WallStamp
    cursor: Cursor
    ended: EventEnded | None = None
    ended_at_us: int = 0
    reach_us: int = -1


class Recorder(Worker):
    """Records one camera's events, one after the other; events that begin meanwhile wait, their video pinned.

    `on_event` is called by the watcher and only notes what is to be done. Trouble with the disk is reported by
    `status` and tried again at each keyframe; what could not be written is counted.

    Args:
        camera: its name.
        ring: where the video comes from.
        archive: where clips go.
        keep: takes each event's record, when it begins and when it has ended; must not raise.

    Attributes:
        trouble: what kept it from recording when it last tried, None if nothing did.
    """

    def __init__(
        self, *, camera: str, ring: Ring, archive: Archive, keep: Callable[[EventRecord], None], clock: Clock
    ) -> None:
        super().__init__(f"recorder of {camera}", clock)
        self._camera = camera
        self._ring = ring
        self._archive = archive
        self._keep = keep
        # Protects the queue; filled by the watcher's thread.
        self._changed = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._current: _Job | None = None
        self._ids: dict[int, str] = {}  # of the last events, by their number: what a continuation refers to
        self._stopped_at: dict[
            int, int
        ] = {}  # by event: the number, in the ring, of the first unit that it did not take
        self._unfinished: deque[tuple[EventFolder, EventRecord]] = deque(maxlen=_MOST_UNFINISHED)
        self._retry_us = 0
        self._recorded = 0
        self._dropped = 0
        self.trouble: str | None = None

    def on_event(self, event: EventStarted | EventEnded) -> None:
        """Take note of an event's begin or end; the video that it needs stays in the ring from now on."""
        with self._changed:
            if isinstance(event, EventStarted):
                cursor = self._ring.cursor(from_pts_us=event.clip_from_pts_us, pinned=True)
                self._jobs.append(_Job(event, self.clock.stamp(event.trigger_pts_us), cursor))
            else:
                for job in [*self._jobs, *([self._current] if self._current else [])]:
                    if job.started.number == event.number:
                        job.ended_at_us = self.clock.monotonic_us()
                        job.ended = event
            self._changed.notify_all()

    def work(self) -> None:
        """Records until told to stop; what has begun or waits then is recorded first, as far as it has come."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self.stopping.is_set(), _WAIT_S)
                self._current = self._jobs.popleft() if self._jobs else None
                job = self._current
            self.advance()
            if job is not None:
                try:
                    self._record(job)
                finally:
                    job.cursor.close()
            elif self.stopping.is_set():
                self._settle_unfinished()
                return
            elif self._unfinished and self.clock.monotonic_us() >= self._retry_us:
                self._settle_unfinished()

    def status(self) -> dict[str, object]:
        """Plain values: what it does now, what it has done, what it could not do."""
        job = self._current
        return {
            "state": "recording" if job else "waiting",
            "event": self._ids.get(job.started.number) if job else None,
            "events_waiting": len(self._jobs),
            "events_recorded": self._recorded,
            "pictures_dropped": self._dropped,
            "trouble": self.trouble,
        }

    def _record(self, job: _Job) -> None:
        number = job.started.number
        clip = Clip(self._archive, self._camera, job.started, job.stamp, self._ids.get(job.started.continues or 0))
        clip.picture_from(self._ring.gop_at(clip.picture_pts_us))
        while (unit := self._next(job)) is not None:
            kept = clip.kept
            try:
                clip.add(unit)
            except OSError as error:
                self._report(f"cannot record: {error}")
            if clip.kept > kept:
                self._works()
            if clip.folder is not None and clip.kept and number not in self._ids:
                self._ids[number] = clip.folder.id
                self._keep(clip.running)
            self.advance()
        self._finish(clip, job)
        self._dropped += clip.dropped + job.cursor.dropped
        self._ids, self._stopped_at = _newest(self._ids), _newest(self._stopped_at)

    def _finish(self, clip: Clip, job: _Job) -> None:
        record = None
        for _ in range(2):  # the second time without the part that could not be closed
            try:
                record = clip.finish(job.ended, dropped_by_ring=job.cursor.dropped)
                break
            except OSError as error:
                self._report(f"cannot finish the clip: {error}")
        if record is not None and clip.folder is not None:
            self._unfinished.append((clip.folder, record))
            self._settle_unfinished()

    def _settle_unfinished(self) -> None:
        """Write the final records of ended events; what the disk does not take now is tried again later."""
        while self._unfinished:
            folder, record = self._unfinished[0]
            try:
                folder.write_record(record)
            except OSError as error:
                self._report(f"cannot finish the event: {error}")
                self._retry_us = self.clock.monotonic_us() + _RETRY_US
                return
            self._unfinished.popleft()
            self._keep(record)
            self._recorded += 1
            log.info("%s: kept %s, %.1f s", self._camera, record.path, record.duration_s)
            self._works()

    def _next(self, job: _Job) -> AccessUnit | None:
        """The event's next unit; None when the event has had its last."""
        begin = self._stopped_at.get(job.started.continues or 0, 0)
        while True:
            unit = job.cursor.read(_WAIT_S)
            ended = job.ended
            number = job.cursor.next_number
            if unit is not None:
                if ended is not None and _beyond(unit, ended, job.reach_us):
                    self._stopped_at[job.started.number] = number - 1
                    return None
                if number <= begin or (job.reach_us < 0 and not unit.keyframe):
                    continue  # belongs to the event that this one continues
                job.reach_us = max(job.reach_us, unit.pts_us)
                return unit
            self.advance()
            if self.stopping.is_set() or (ended is not None and self._comes_no_more(job, ended)):
                self._stopped_at[job.started.number] = number
                return None
            if job.cursor.drained:  # detection is still on its way to the end
                with self._changed:
                    self._changed.wait_for(lambda: job.ended or self.stopping.is_set(), _WAIT_S)

    def _comes_no_more(self, job: _Job, ended: EventEnded) -> bool:
        """Whether to wait no longer for an ended event's last units."""
        late = self.clock.monotonic_us() - job.ended_at_us > _LATE_US
        return late or job.cursor.drained or ended.reason in {"source_lost", "source_ended", "stopped"}

    def _report(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.error("%s: %s", self._camera, trouble)
        self.trouble = trouble

    def _works(self) -> None:
        """Something has reached the disk."""
        if self.trouble and not self._unfinished:
            log.info("%s: recording works again", self._camera)
            self.trouble = None


def _newest(by_number: dict[int, _T]) -> dict[int, _T]:
    """All that a continuation may still ask for."""
    return dict(list(by_number.items())[-2:])


def _beyond(unit: AccessUnit, ended: EventEnded, reach_us: int) -> bool:
    """Whether a unit comes after the event's clip (motion/event.py, EventEnded).

    B-frames that are shown before a picture that was taken are taken too, else the clip would end with a hole.
    """
    if ended.reason == "max_time":
        return unit.keyframe and unit.pts_us >= ended.clip_to_pts_us
    return unit.dts_us > ended.clip_to_pts_us and unit.pts_us > reach_us
