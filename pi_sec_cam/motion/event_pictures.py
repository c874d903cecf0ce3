"""The motion picture of each event: made once, for all who want it."""

import threading
from collections.abc import Sequence

from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.ring import Ring
from pi_sec_cam.motion.event import EventChange, EventStarted
from pi_sec_cam.motion.motion_picture import motion_picture

# Events are asked about while they begin; a disk or a network in trouble may be some events behind.
_MOST_EVENTS = 8


class EventPictures:
    """Decodes the picture of what triggered an event out of the ring, when the first asks for it.

    To be told of events before those who ask are: the coded pictures that are needed are held from the event's start
    on, since the ring may have let go of them when somebody asks.
    """

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        # Protects the dictionary; the watcher's thread adds to it, any thread asks.
        self._events_lock = threading.Lock()
        self._events: dict[int, _EventPicture] = {}

    def on_event(self, event: EventChange) -> None:
        """Take note of an event's begin, in the watcher's thread; nothing is decoded in it."""
        if isinstance(event, EventStarted):
            self._entry(event)

    def of(self, started: EventStarted) -> bytes | None:
        """The picture as JPEG, full size, what had changed outlined; None if it cannot be decoded. Any thread.

        Whoever asks while another thread decodes it waits for that.
        """
        return self._entry(started).jpeg()

    def _entry(self, started: EventStarted) -> "_EventPicture":
        with self._events_lock:
            entry = self._events.get(started.number)
            if entry is None:
                entry = self._events[started.number] = _EventPicture(self._ring, started)
                for number in list(self._events)[:-_MOST_EVENTS]:
                    del self._events[number]
            return entry


class _EventPicture:
    """One event's picture."""

    def __init__(self, ring: Ring, started: EventStarted) -> None:
        self._ring = ring
        self._areas = started.areas
        self._pts_us = started.trigger_pts_us if started.decided_pts_us is None else started.decided_pts_us
        self._gop: Sequence[AccessUnit] = ring.gop_at(self._pts_us)
        self._making = threading.Lock()  # held while it is decoded: once
        self._made = False
        self._jpeg: bytes | None = None

    def jpeg(self) -> bytes | None:
        with self._making:
            if not self._made:
                self._jpeg = motion_picture(self._newest_gop(), self._pts_us, self._areas)
                self._made, self._gop = True, ()
            return self._jpeg

    def _newest_gop(self) -> Sequence[AccessUnit]:
        """As the ring has it now, with pictures that have come meanwhile; as it was, if the ring has let go of it."""
        now = self._ring.gop_at(self._pts_us)
        return now if not self._gop or (now and now[0] is self._gop[0]) else self._gop
