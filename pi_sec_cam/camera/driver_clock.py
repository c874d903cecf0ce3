"""Maps the times that a local camera's driver gives its pictures to media time."""

# A driver that counts on our clock is a picture or two off at most; one that is further off counts from elsewhere.
_TRUSTED_US = 2_000_000


class DriverClock:
    """Takes a driver's times as they are where they are on the monotonic clock, and shifts them there else."""

    def __init__(self) -> None:
        self._offset_us = 0

    def media_us(self, taken_us: int | None, now_us: int) -> int:
        """Media time of a picture.

        Args:
            taken_us: the driver's time, None where it gives none that can be used.
            now_us: monotonic time, a moment after the picture was taken.
        """
        if taken_us is None:
            return now_us
        if abs(taken_us + self._offset_us - now_us) > _TRUSTED_US:
            self._offset_us = 0 if abs(taken_us - now_us) <= _TRUSTED_US else now_us - taken_us
        return taken_us + self._offset_us
