"""The only place that reads clocks: monotonic time for deadlines, wall time for labels (docs/time.md)."""

import ctypes
import time  # noqa: TID251
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


@dataclass(frozen=True, slots=True)
class WallStamp:
    """Wall time of one instant of media time.

    `wall` is aware (UTC); `synchronised` is False while nobody vouches for the wall clock (a Pi without
    RTC and network): times of such an event are guesses.
    """

    wall: datetime
    media_us: int
    synchronised: bool


class Clock(Protocol):
    """What the rest of the program may ask about time."""

    def monotonic_us(self) -> int:
        """Microseconds of a clock that never jumps; its zero means nothing."""
        ...

    def wall(self) -> datetime:
        """Now, aware, in UTC."""
        ...

    def synchronised(self) -> bool:
        """Whether the wall clock is known to be right (NTP or the like)."""
        ...

    def stamp(self, media_us: int) -> WallStamp:
        """Wall time of an instant of media time, which runs beside the monotonic clock."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def synchronised(self) -> bool:
        """Asks the kernel, which every time service tells (adjtimex(2) returns TIME_ERROR while unsynchronised)."""
        buffer = ctypes.create_string_buffer(512)  # struct timex is 208 bytes on 64-bit; modes = 0 only reads
        return int(ctypes.CDLL(None).adjtimex(buffer)) not in {-1, _TIME_ERROR}

    def stamp(self, media_us: int) -> WallStamp:
        return _stamp(self, media_us)


class SimulatedClock:
    """A clock that moves only when told to, for tests."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC), *, synchronised: bool = True) -> None:
        self._wall = start
        self._monotonic_us = 1_000_000_000
        self._synchronised = synchronised

    def advance(self, seconds: float) -> None:
        """Both clocks go on by `seconds`."""
        self._monotonic_us += round(seconds * 1e6)
        self._wall += timedelta(seconds=seconds)

    def step_wall(self, seconds: float) -> None:
        """The wall clock jumps, as when a time server is reached; monotonic time does not."""
        self._wall += timedelta(seconds=seconds)

    def monotonic_us(self) -> int:
        return self._monotonic_us

    def wall(self) -> datetime:
        return self._wall

    def synchronised(self) -> bool:
        return self._synchronised

    def stamp(self, media_us: int) -> WallStamp:
        return _stamp(self, media_us)


def _stamp(clock: Clock, media_us: int) -> WallStamp:
    """Media time is counted on the monotonic clock, so an instant lies as far from now on both.

    A file that is played fast runs ahead of the monotonic clock: its times are then those that it would
    have had live, counted from the moment it was opened.
    """
    ahead_us = media_us - clock.monotonic_us()
    return WallStamp(clock.wall() + timedelta(microseconds=ahead_us), media_us, clock.synchronised())
