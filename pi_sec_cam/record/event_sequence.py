"""The order in which events came to be, which no step of the wall clock disturbs."""

import threading

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.record.event_record import LATEST, epoch_us


class EventSequence:
    """Hands out rising numbers to the events of one storage directory, however many cameras share it.

    A number is the trigger's wall time in microseconds since 1970, but never less than one more than the last: a
    hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014) of a single node. So numbers made on
    different days still compare rightly after the clock was set back, once `reach` was told of the newest.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # protects the newest number; recorders and the catalogue's recovery
        self._newest = 0

    def next(self, trigger: WallStamp) -> int:
        """The number of a new event; any thread may ask."""
        with self._lock:
            self._newest = max(self._newest + 1, epoch_us(trigger.wall))
            return self._newest

    def reach(self, known: int) -> None:
        """From now on hand out only numbers above `known`; one that no clock has led to is passed by."""
        if known <= epoch_us(LATEST):
            with self._lock:
                self._newest = max(self._newest, known)
