"""The thread that decodes for detection what a ring holds for recording."""

import threading
from collections.abc import Callable

from pi_sec_cam.clock import Clock
from pi_sec_cam.media.decoding import Decoding
from pi_sec_cam.media.frame import FrameSlot
from pi_sec_cam.media.ring import Cursor
from pi_sec_cam.worker import Worker

_WAIT_S = 0.5
# Between two looks this thread is not woken for single pictures, if they follow one another quickly.
_LAZY_UP_TO_US = 500_000


class FrameDecoder(Worker):
    """From a ring's access units to a slot's frames; one thread, and FFmpeg none beside it.

    Args:
        cursor: of the ring; closed at the end.
        slot: takes the frames; told when the ring has ended and all is decoded.
        due: see `Decoding`.
    """

    def __init__(
        self, name: str, cursor: Cursor, slot: FrameSlot, *, due: Callable[[int], bool], clock: Clock | None = None
    ) -> None:
        super().__init__(name, clock)
        self._cursor = cursor
        self._slot = slot
        self._decoding = Decoding(slot, due=due, clock=self.clock)
        self._waited_for = False  # the source is faster than real time: each unit is decoded as soon as it is there
        # Protects the two below; written by this thread, waited for by the camera's.
        self._progress = threading.Condition()
        self._done_dts_us: int | None = None
        self._over = False

    def wait_drained(self, unit_dts_us: int, seconds: float) -> bool:
        """Wait until all units up to this one are dealt with, their frames in the slot; whether they are in time."""
        if not self._waited_for:
            self._waited_for = True
            self._cursor.wake()

        def drained() -> bool:
            return self._over or (self._done_dts_us is not None and self._done_dts_us >= unit_dts_us)

        with self._progress:
            return self._progress.wait_for(drained, seconds)

    def status(self) -> dict[str, int]:
        """Counts of pictures since the start; "missed" are those that this thread was too slow for."""
        return {**self._decoding.status(), "missed": self._cursor.dropped}

    def trouble(self) -> str | None:
        """That nothing can be watched although pictures come, and since when; None while all is well."""
        return self._decoding.trouble()

    def work(self) -> None:
        try:
            while not self.stopping.is_set():
                unit = self._cursor.read(_WAIT_S)
                if unit is not None:
                    self._decoding.take(unit, self._cursor.dropped)
                    self._note(unit.dts_us)
                elif self._cursor.drained:
                    self._decoding.flush()
                    break
                self.advance()
        finally:
            self._cursor.close()
            self._slot.finish()
            with self._progress:
                self._over = True
                self._progress.notify_all()

    def _note(self, dts_us: int) -> None:
        until_us = self._decoding.idle_until_us
        self._cursor.wakes_from_us = 0 if self._waited_for or until_us - dts_us > _LAZY_UP_TO_US else until_us
        with self._progress:
            self._done_dts_us = dts_us
            self._progress.notify_all()
