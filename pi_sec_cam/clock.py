"""The only place that reads clocks: monotonic time for deadlines, wall time for labels (docs/time.md)."""

import ctypes
import threading
import time  # noqa: TID251
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
# A clock that shows an earlier time is wrong, whatever vouches for it: this program did not exist then.
_EXISTS_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
# Time services correct a clock that they keep by fractions of a second; what is further is a jump.
_JUMP_US = 60_000_000
_FORGIVEN_US = 24 * 3600 * 1_000_000


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
        """Whether the wall clock may be believed (ClockTrust)."""
        ...

    def stamp(self, media_us: int) -> WallStamp:
        """Wall time of an instant of media time, which runs beside the monotonic clock."""
        ...


class ClockTrust:
    """Whether the wall clock may be believed: somebody vouches for it, and it has not jumped while they did.

    A clock that is set for the first time jumps too (a Pi boots in the past), but nobody vouched for it before. When it
    jumps while somebody does (a bad time server, a hand on the clock), it is not believed until it has jumped back, has
    been synchronised anew, or has run on for a day. Any thread may ask.
    """

    def __init__(self) -> None:
        self._asked = threading.Lock()  # protects the two below
        self._offset_us: int | None = None  # of the wall clock against the running one, when last believed
        self._doubted_us: int | None = None  # since when it is not believed, on the running clock

    def judge(self, wall: datetime, running_us: int, *, vouched: bool) -> bool:
        """What to think of the clock now.

        Args:
            wall: what it shows.
            running_us: of a clock that never jumps and also runs while the machine sleeps (CLOCK_BOOTTIME).
            vouched: whether the kernel has been told that it is synchronised.
        """
        offset_us = round(wall.timestamp() * 1e6) - running_us
        with self._asked:
            if not vouched:
                self._offset_us = self._doubted_us = None
                return False
            if wall < _EXISTS_SINCE:
                return False
            if self._offset_us is not None and abs(offset_us - self._offset_us) > _JUMP_US:
                if self._doubted_us is None:
                    self._doubted_us = running_us
                if running_us - self._doubted_us < _FORGIVEN_US:
                    return False
            self._offset_us, self._doubted_us = offset_us, None
            return True


class SystemClock:
    """The machine's clocks."""

    def __init__(self) -> None:
        self._trust = ClockTrust()

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def synchronised(self) -> bool:
        # Every time service tells the kernel, whose adjtimex(2) returns TIME_ERROR while nobody has.
        buffer = ctypes.create_string_buffer(512)  # struct timex is 208 bytes on 64-bit; modes = 0 only reads
        vouched = int(ctypes.CDLL(None).adjtimex(buffer)) not in {-1, _TIME_ERROR}
        return self._trust.judge(self.wall(), time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000, vouched=vouched)

    def stamp(self, media_us: int) -> WallStamp:
        return _stamp(self, media_us)


class SimulatedClock:
    """A clock that moves only when told to, for tests."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC), *, synchronised: bool = True) -> None:
        self._wall = start
        self._monotonic_us = 1_000_000_000
        self._vouched = synchronised
        self._trust = ClockTrust()

    def advance(self, seconds: float) -> None:
        """Both clocks go on by `seconds`."""
        self._monotonic_us += round(seconds * 1e6)
        self._wall += timedelta(seconds=seconds)

    def step_wall(self, seconds: float) -> None:
        """The wall clock jumps; monotonic time does not."""
        self._wall += timedelta(seconds=seconds)

    def vouch(self, vouched: bool = True) -> None:
        """A time server has been reached, or nobody vouches for the clock any more."""
        self._vouched = vouched

    def monotonic_us(self) -> int:
        return self._monotonic_us

    def wall(self) -> datetime:
        return self._wall

    def synchronised(self) -> bool:
        return self._trust.judge(self._wall, self._monotonic_us, vouched=self._vouched)

    def stamp(self, media_us: int) -> WallStamp:
        return _stamp(self, media_us)


def _stamp(clock: Clock, media_us: int) -> WallStamp:
    """Media time is counted on the monotonic clock, so an instant lies as far from now on both.

    A file that is played fast runs ahead of the monotonic clock: its times are then those that it would
    have had live, counted from the moment it was opened.
    """
    ahead_us = media_us - clock.monotonic_us()
    return WallStamp(clock.wall() + timedelta(microseconds=ahead_us), media_us, clock.synchronised())
