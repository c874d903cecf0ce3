"""Maps a source's own timestamps to media time, and says where an epoch begins (docs/time.md)."""

from abc import ABC, abstractmethod
from collections import deque
from typing import NamedTuple

# A difference between the source's clock and ours that jitter and drift do not explain.
JUMP_US = 1_000_000
# A live source's timestamps may stay behind their highest by so much without a new epoch: a glitch, not another clock.
_GLITCH_US = 100_000
# Slew: one part in a thousand, unseen in a clip, and ten times what cheap quartz clocks drift by.
_SLEW = 1000
# The smallest delay is looked for in the last so many seconds in which something arrived.
_WINDOW = 10
_DEFAULT_INTERVAL_US = 40_000


class Stamp(NamedTuple):
    """Where one picture stands in media time; `epoch` counts the breaks."""

    pts_us: int
    dts_us: int
    epoch: int


class Timeline(ABC):
    """One camera's mapping, for as long as the camera lives: media time never runs backwards.

    Within an epoch, differences of timestamps are the source's own (a live source's are stretched by at most
    one part in a thousand). `begin` starts an epoch, and each jump another.

    Attributes:
        interval_us: what is taken for one picture's duration: nominal, or the last one seen.
        jumps: breaks within runs.
        guessed: pictures whose source gave no decoding time.
    """

    def __init__(self, first_epoch: int = 0) -> None:
        self._epoch = first_epoch - 1
        self._last_us: int | None = None  # the former picture's DTS in media time
        self._source_us: int | None = None  # the same by the source's clock
        self.interval_us = _DEFAULT_INTERVAL_US
        self.jumps = 0
        self.guessed = 0

    def begin(self, frame_rate: float | None = None) -> None:
        """The source was opened anew."""
        self._epoch += 1
        self._source_us = None
        if frame_rate:
            self.interval_us = round(1e6 / frame_rate)

    def place(self, pts_us: int | None, dts_us: int | None, arrival_us: int) -> Stamp:
        """The next picture's place, in decoding order.

        Args:
            pts_us, dts_us: by the source's clock, None where it gives none.
            arrival_us: monotonic time at which the picture came.
        """
        dts_us = self._decoding_time(pts_us, dts_us)
        reorder_us = 0 if pts_us is None else pts_us - dts_us
        media_us, jumped = self._map(dts_us, reorder_us, arrival_us)
        if jumped:
            self._epoch += 1
            self.jumps += 1
        elif self._source_us is not None and 0 < dts_us - self._source_us <= JUMP_US:
            self.interval_us = dts_us - self._source_us
        self._source_us = dts_us
        # Some cameras give several pictures one timestamp; readers rely on rising ones.
        self._last_us = media_us if self._last_us is None else max(media_us, self._last_us + 1)
        return Stamp(max(media_us + reorder_us, self._last_us), self._last_us, self._epoch)

    def _decoding_time(self, pts_us: int | None, dts_us: int | None) -> int:
        """The source's, or a guess: pictures are decoded at the pace at which they are shown, and never later."""
        if dts_us is not None:
            return dts_us
        self.guessed += 1
        if self._source_us is None:
            return pts_us or 0
        expected_us = self._source_us + self.interval_us
        if pts_us is None:
            return expected_us
        if abs(pts_us - expected_us) > JUMP_US:
            return pts_us
        return max(min(pts_us, expected_us), self._source_us)

    def _not_before_next(self, media_us: int) -> int:
        """`media_us`, but one picture after the last one at the earliest."""
        return media_us if self._last_us is None else max(media_us, self._last_us + self.interval_us)

    @abstractmethod
    def _map(self, dts_us: int, reorder_us: int, arrival_us: int) -> tuple[int, bool]:
        """Media time of a source's instant, and whether it lies beyond a jump.

        `reorder_us` after it, the picture is shown.
        """


class FileTimeline(Timeline):
    """A file's: from the moment of opening on, as the file says, in one go over all its passes."""

    def __init__(self, first_epoch: int = 0) -> None:
        super().__init__(first_epoch)
        self._offset_us: int | None = None

    def begin(self, frame_rate: float | None = None) -> None:
        super().begin(frame_rate)
        self._offset_us = None

    def repeat(self) -> None:
        """The file is played again: goes on in the same epoch, one picture after the last."""
        self._source_us = None

    def _map(self, dts_us: int, reorder_us: int, arrival_us: int) -> tuple[int, bool]:
        jumped = False
        if self._offset_us is None:
            self._offset_us = self._not_before_next(arrival_us) - dts_us
        elif self._source_us is None:
            self._offset_us = self._not_before_next(0) - dts_us
        elif not 0 <= dts_us - self._source_us <= JUMP_US + 2 * self.interval_us:
            self._offset_us = self._not_before_next(0) - dts_us
            jumped = True
        return dts_us + self._offset_us, jumped


class LiveTimeline(Timeline):
    """A live source's: what arrives with the least delay is taken to arrive at once.

    The delay (arrival less timestamp) varies with the network, and drifts with the difference of the two
    clocks. Its smallest value of the last seconds is the aim, towards which the one in use is slewed.
    """

    def __init__(self, first_epoch: int = 0) -> None:
        super().__init__(first_epoch)
        self._delay_us: int | None = None
        self._highest_us: int | None = None  # of the epoch's decoding times, by the source's clock
        self._smallest: deque[tuple[int, int]] = deque(maxlen=_WINDOW)  # (second of arrival, smallest delay)
        self._aim_us = 0  # the smallest of these

    def begin(self, frame_rate: float | None = None) -> None:
        super().begin(frame_rate)
        self._forget()

    def observe(self, pts_us: int, arrival_us: int) -> None:
        """Take note of a delay; also of pictures that are held back before the first is placed.

        By presentation time, which is when a picture was taken: where pictures are reordered, decoding times are
        earlier.
        """
        second, delay_us = arrival_us // 1_000_000, arrival_us - pts_us
        smallest = self._smallest
        if smallest and smallest[-1][0] >= second:
            second, former_us = smallest[-1]
            if delay_us >= former_us:
                return
            smallest.pop()
        smallest.append((second, delay_us))
        self._aim_us = min([delay_us for _, delay_us in smallest])

    def _map(self, dts_us: int, reorder_us: int, arrival_us: int) -> tuple[int, bool]:
        pts_us = dts_us + reorder_us
        # Not from the former picture: many small steps would pull all pictures together.
        stepped_back = self._highest_us is not None and dts_us - self._highest_us < -_GLITCH_US
        jumped = self._delay_us is not None and (stepped_back or arrival_us - pts_us < self._aim_us - JUMP_US)
        if jumped:
            self._forget()
        self.observe(pts_us, arrival_us)
        aim_us = self._aim_us
        if self._delay_us is not None and self._source_us is not None:
            if aim_us - self._delay_us <= JUMP_US:
                most_us = abs(dts_us - self._source_us) // _SLEW
                self._delay_us += max(-most_us, min(aim_us - self._delay_us, most_us))
                self._highest_us = dts_us if self._highest_us is None else max(self._highest_us, dts_us)
                return dts_us + self._delay_us, False
            jumped = True  # for seconds all has come late: the source's clock stood still while ours went on
        self._delay_us = self._not_before_next(dts_us + aim_us) - dts_us
        self._highest_us = dts_us
        return dts_us + self._delay_us, jumped

    def _forget(self) -> None:
        self._delay_us = self._highest_us = None
        self._smallest.clear()
