"""Which pictures of a faster stream are looked at: those nearest to an even beat in media time."""

_BACKWARDS_US = 1_000_000  # pictures out of order differ by less; more is a new beginning


class FramePacer:
    """Picks `fps` pictures a second, whatever the rate and the jitter of the stream.

    Not for several threads: the one that receives the pictures asks.
    """

    def __init__(self, fps: float) -> None:
        if not fps > 0:
            raise ValueError("motion.fps must be above 0")
        self._period_us = round(1e6 / fps)
        self._last_us: int | None = None
        self._next_us = 0

    def due(self, pts_us: int) -> bool:
        """Whether the picture shown at `pts_us` is to be looked at; ask once for each picture, in stream order.

        A picture is due if the beat lies nearer to it than to the next one, supposing that the next one comes after
        as long a time as this one did. A stream slower than `fps` is looked at whole.
        """
        last_us, self._last_us = self._last_us, pts_us
        if last_us is None or pts_us < last_us - _BACKWARDS_US:
            self._next_us = pts_us + self._period_us
            return True
        if pts_us <= last_us:  # shown before a picture that was asked about already
            self._last_us = last_us
            return False
        half_gap_us = min(pts_us - last_us, self._period_us) // 2
        if pts_us + half_gap_us < self._next_us:
            return False
        late = pts_us - self._next_us > self._period_us
        self._next_us = (pts_us if late else self._next_us) + self._period_us
        return True
