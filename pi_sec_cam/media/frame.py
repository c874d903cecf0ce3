"""Low-resolution brightness pictures for detection, and the slot that hands over the newest one."""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture's brightness.

    Attributes:
        luma: uint8, shape (height, width), full or video range, any size; often a view into a larger buffer
            (rows may be padded), never to be written to.
        pts_us: media time, the same base as the camera's access units.
    """

    luma: NDArray[np.uint8]
    pts_us: int


class FrameSlot:
    """Holds the newest frame; older ones that nobody took are dropped and counted.

    One writer (`put`, `finish`), any number of readers (`take`). With `wait_done` the writer may hold itself
    back to the pace of the reader that calls `done`: files that are played as fast as possible do so.
    """

    def __init__(self) -> None:
        # Protects all fields below; written by the camera's thread, read by the watcher and by viewers.
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._count = 0
        self._done = 0
        self._finished = False
        self.dropped = 0

    def put(self, frame: Frame) -> None:
        """Make `frame` the newest; never blocks for longer than a reader needs to fetch a reference."""
        with self._changed:
            if self._done < self._count:
                self.dropped += 1
            self._frame = frame
            self._count += 1
            self._changed.notify_all()

    def finish(self) -> None:
        """The source has ended: readers get what is left, then None at once."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    @property
    def finished(self) -> bool:
        """Whether `finish` was called."""
        with self._changed:
            return self._finished

    def take(self, after: int, seconds: float) -> tuple[int, Frame] | None:
        """The newest frame and its number once above `after`; None when `seconds` pass first or all is read."""
        with self._changed:
            self._changed.wait_for(lambda: self._count > after or self._finished, seconds)
            if self._count > after and self._frame is not None:
                return self._count, self._frame
            return None

    def done(self, number: int) -> None:
        """The detecting reader has dealt with all frames up to `number`."""
        with self._changed:
            self._done = max(self._done, number)
            self._changed.notify_all()

    def wait_done(self, seconds: float) -> bool:
        """Wait until the detecting reader has dealt with the newest frame; whether it did in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._done >= self._count, seconds)
