"""Thins out the pictures of a camera that is faster than what is wanted of it."""


class Pace:
    """Lets through at most `rate` pictures a second of media time, and leaves alone what is slower."""

    def __init__(self, rate: float) -> None:
        self._interval_us = 1e6 / rate
        self._due_us = 0.0

    def keeps(self, pts_us: int) -> bool:
        """Whether to keep the picture taken at `pts_us`; asked for each, in order."""
        # A quarter of an interval early counts as due, or jitter would cost every second picture.
        if pts_us < self._due_us - self._interval_us / 4:
            return False
        self._due_us = max(self._due_us, pts_us - self._interval_us) + self._interval_us
        return True
