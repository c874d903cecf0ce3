"""When to read a live source next, so that several pictures are taken at one go. Pure: no clock, no threads."""

# A read that took longer than this share of a picture's duration found nothing there: the picture came just now. Less
# may be a processor that is slow, or has other things to do.
_WAITED_SHARE = 4
# Later than when the last picture of a batch is expected, so that jitter does not make the reader wait for it.
_MARGIN_US = 5_000
# When a picture comes much later than expected, a quarter of it counts: it may be alone.
_LATE_COUNTS = 4
# After so many batches without a read that had to wait, all is read that is there: else nobody would notice that the
# pictures come earlier than expected, and what once came late would make all that follows late.
_MOST_UNCHECKED = 10
# A gap between pictures that says nothing about the next one.
_LONGEST_INTERVAL_US = 500_000
# What waits unread must fit into the TCP window, which Linux lets grow that far soon: else the camera has to hold it.
_MOST_BYTES = 96 << 10


class ReadingPace:
    """Lets what a source sends wait in the system's buffer until some pictures can be read together.

    To wake a thread costs more than to read a picture: a network camera's packets are cheap, and everything that is
    needed for them has left the processor's caches when the next one comes. Where timestamps are even, it is known when
    the next pictures will be there. Where they are not, where pictures are rare or large, one at a time is read.

    Args:
        every_s: seconds from one batch to the next, at most.
    """

    def __init__(self, every_s: float) -> None:
        self._every_us = round(every_s * 1e6)
        self._delay_us: int | None = None  # from a picture's decoding time to its arrival; None if not known
        self._dts_us: int | None = None
        self._unchecked = 0  # batches since a read had to wait
        self._size = 0.0  # of a picture, the mean of the last ones

    def pause_us(self, dts_us: int | None, size: int, waited_us: int, now_us: int) -> int:
        """Microseconds not to read for, after a picture; 0 to read on at once.

        Args:
            dts_us: the picture's decoding time by the source's clock, None if it gives none.
            size: its bytes.
            waited_us: how long reading it took.
            now_us: monotonic time.
        """
        interval_us = 0 if dts_us is None or self._dts_us is None else dts_us - self._dts_us
        self._dts_us = dts_us
        self._size += (size - self._size) / 16
        if dts_us is None or not 0 < interval_us <= _LONGEST_INTERVAL_US:
            self._delay_us = None
            return 0
        exact = waited_us > interval_us // _WAITED_SHARE
        self._learn(now_us - dts_us, exact=exact)
        if exact:
            self._unchecked = 0
        together = min(self._every_us // interval_us, int(_MOST_BYTES // max(self._size, 1.0)))
        if self._delay_us is None or together < 2 or now_us >= dts_us + interval_us + self._delay_us:
            return 0
        if self._unchecked >= _MOST_UNCHECKED:
            return 0
        self._unchecked += 1
        return max(0, dts_us + together * interval_us + self._delay_us + _MARGIN_US - now_us)

    def _learn(self, delay_us: int, *, exact: bool) -> None:
        """What is not exact may have come earlier."""
        known_us = self._delay_us
        if known_us is None:
            self._delay_us = delay_us if exact else None
        elif delay_us < known_us:
            self._delay_us = delay_us
        elif exact:
            late_us = delay_us - known_us
            self._delay_us = known_us + (late_us if late_us <= 2 * _MARGIN_US else late_us // _LATE_COUNTS)
