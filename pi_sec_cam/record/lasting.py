"""How much is recorded a day, to say how long the disk lasts. No I/O."""

from datetime import datetime, timedelta

WEEK = timedelta(days=7)
# Less says nothing about a day.
_LEAST = timedelta(hours=1)


def bytes_a_day(recorded: int, oldest: datetime | None, now: datetime) -> float | None:
    """The rate of recording, None if it cannot be told yet.

    Args:
        recorded: bytes of the events that began within the last `WEEK` and are kept.
        oldest: when the oldest event that is kept began; what was before it may have been deleted.
    """
    if oldest is None:
        return None
    span = min(WEEK, now - oldest)
    return None if span < _LEAST else recorded / (span / timedelta(days=1))
