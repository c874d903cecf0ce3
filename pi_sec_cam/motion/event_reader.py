"""Reads one event's units out of the ring: from its pre-roll to the end of its post-roll."""

import threading

from pi_sec_cam.clock import Clock, WallStamp
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.ring import Cursor, Ring, Unread
from pi_sec_cam.motion.event import EventEnded, EventStarted

# After the event has ended, how long to wait for pictures of its last moments that have not come yet.
_LATE_US = 2_000_000


class EventReaders:
    """Makes the readers of one camera's events. All readers of an event take the same units, whoever is ahead.

    When the watcher says that an event is over, readers that keep up have long taken pictures from after its end; one
    that lags has not. So what one has taken belongs to the event, for all.
    """

    def __init__(self, ring: Ring, clock: Clock) -> None:
        self._ring = ring
        self._clock = clock
        self._newest: _Shared | None = None  # touched by the watcher's thread alone

    def open(self, started: EventStarted) -> "EventReader":
        """Another reader of the event that has just begun; its video stays in the ring from now on."""
        shared = self._newest
        if shared is None or shared.started is not started:
            shared = self._newest = _Shared(started, self._clock.stamp(started.trigger_pts_us))
        cursor = self._ring.cursor(from_pts_us=started.clip_from_pts_us, pinned=True)
        return EventReader(shared, cursor, self._clock)


class _Shared:
    """What the readers of one event have in common.

    Attributes:
        lock: protects what follows; set by the watcher's thread and the readers'.
        ended: once the watcher has told the first of them.
        reach: the number, in the ring, of the first unit that none has taken.
        closed: one has come to the end: there is nothing beyond `reach`.
    """

    def __init__(self, started: EventStarted, stamp: WallStamp) -> None:
        self.started = started
        self.stamp = stamp
        self.lock = threading.Lock()
        self.ended: EventEnded | None = None
        self.reach = 0
        self.closed = False


class EventReader:
    """The units of one event, pinned in the ring until they are read; begun and ended by the watcher's thread.

    Made by `EventReaders`.

    Attributes:
        started: the event.
        stamp: wall time of the trigger.
        over: nothing of it is left to be read.
        dropped: its units that the ring could not hold until they were read.
        stopped_at: once it is over: the number, in the ring, of the first unit that it did not take.
    """

    def __init__(self, shared: _Shared, cursor: Cursor, clock: Clock) -> None:
        self.started = shared.started
        self.stamp = shared.stamp
        self.over = False
        self.stopped_at = 0
        self._shared = shared
        self._cursor = cursor
        self._clock = clock
        self._ended_at_us = 0
        self._begin = 0
        self._reach_us = -1  # the latest PTS among the units that were taken

    @property
    def ended(self) -> EventEnded | None:
        """Once the watcher has said so."""
        return self._shared.ended

    @property
    def dropped(self) -> int:
        return self._cursor.dropped

    @property
    def next_number(self) -> int:
        """The number, in the ring, of the unit after the one that was read last."""
        return self._cursor.next_number

    @property
    def drained(self) -> bool:
        """The source has come to its end and all of it was read; detection may still be on its way there."""
        return self._cursor.drained

    @property
    def unread(self) -> Unread:
        """What waits in the ring."""
        return Unread(0, 0, 0.0) if self.over else self._cursor.unread()

    def follow(self, number: int) -> None:
        """The event is a continuation: leave out the units before this number, the event before has them."""
        self._begin = number

    def end(self, ended: EventEnded) -> None:
        """The event has ended; units of its last moments may still come."""
        self._cursor.end(ended.clip_to_pts_us)
        self._ended_at_us = self._clock.monotonic_us()
        with self._shared.lock:
            self._shared.ended = ended

    def read(self, seconds: float) -> AccessUnit | None:
        """The event's next unit, None if it is over or none came within `seconds`."""
        while (unit := self._cursor.read(seconds)) is not None:
            number = self._cursor.next_number
            if not self._belongs(unit, number):
                self.over, self.stopped_at = True, number - 1
                return None
            if number > self._begin and (self._reach_us >= 0 or unit.keyframe):
                self._reach_us = max(self._reach_us, unit.pts_us)
                return unit
        if self._ended_at_us and self.ended is not None and self._comes_no_more(self.ended):
            self.stop()
        return None

    def sleep_until(self, dts_us: int) -> None:
        """A `read` that waits is not woken by units before this DTS; it finds them when its time is up."""
        self._cursor.wakes_from_us = dts_us

    def wake(self) -> None:
        """The `read` that waits, or else the next, returns at once. From any thread."""
        self._cursor.wake()

    def stop(self) -> None:
        """No more of it will be read, as if it had ended here."""
        if not self.over:
            self.over, self.stopped_at = True, self._cursor.next_number
            with self._shared.lock:
                self._shared.closed = True

    def close(self) -> None:
        """Let go of what is pinned. May be called again."""
        self._cursor.close()

    def _belongs(self, unit: AccessUnit, number: int) -> bool:
        """Whether a unit is the event's; `number` is the one after its own."""
        shared = self._shared
        with shared.lock:
            if number <= shared.reach:
                return True
            if shared.closed or (shared.ended is not None and _beyond(unit, shared.ended, self._reach_us)):
                shared.closed = True
                return False
            shared.reach = number
            return True

    def _comes_no_more(self, ended: EventEnded) -> bool:
        late = self._clock.monotonic_us() - self._ended_at_us > _LATE_US
        return late or self.drained or ended.reason in {"source_lost", "source_ended", "stopped"}


def _beyond(unit: AccessUnit, ended: EventEnded, reach_us: int) -> bool:
    """Whether a unit comes after the event's clip (motion/event.py, EventEnded).

    B-frames that are shown before a picture that was taken are taken too, else the clip would end with a hole.
    """
    if ended.reason == "max_time":
        return unit.keyframe and unit.pts_us >= ended.clip_to_pts_us
    return unit.dts_us > ended.clip_to_pts_us and unit.pts_us > reach_us
