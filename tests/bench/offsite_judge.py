"""Judges what a store holds of an event, beside when its pictures were captured. Pure."""

import bisect
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.passer_by import RATE, Film

_STEP_S = 0.01


@dataclass(frozen=True)
class StoredChunk:
    """One chunk as the store has it, opened.

    Attributes:
        first, end: its pictures, counted from 0 as the camera sent them.
        at_s: when the store had it.
    """

    number: int
    first: int
    end: int
    at_s: float


@dataclass(frozen=True)
class Losses:
    """Seconds of footage lost when the power is cut, over all moments of an event (every 10 ms)."""

    seconds: tuple[float, ...]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.seconds)

    @property
    def most(self) -> float:
        return max(self.seconds)


@dataclass(frozen=True)
class OffsiteEvent:
    """An event as the store has it; times are of time.monotonic, pictures counted as the camera sent them.

    Attributes:
        sent_s: when each picture was captured.
        moving: the picture in which movement starts.
        chunks: in number order.
        picture_at_s: when motion0.jpg was stored; None if it was not.
        clip: the pictures of the clip on the disk, first and end; None without one.
    """

    name: str
    sent_s: Sequence[float]
    moving: int
    chunks: tuple[StoredChunk, ...]
    picture_at_s: float | None
    clip: tuple[int, int] | None

    @property
    def first(self) -> int:
        return self.chunks[0].first

    @property
    def end(self) -> int:
        return self.chunks[-1].end

    @property
    def pre_roll_s(self) -> float:
        """From the first picture that is stored to the one in which movement starts."""
        return (self.moving - self.first) / RATE

    @property
    def stored_at_s(self) -> dict[int, float]:
        """When each picture was stored."""
        return {picture: chunk.at_s for chunk in self.chunks for picture in range(chunk.first, chunk.end)}

    @property
    def known_after_s(self) -> float:
        """How long after its capture the picture in which movement starts was stored."""
        return self.stored_at_s[self.moving] - self.sent_s[self.moving]

    @property
    def live(self) -> tuple[StoredChunk, ...]:
        """The chunks with pictures from the movement on, without the first, which is cut at once."""
        return tuple(chunk for chunk in self.chunks if chunk.first > self.moving)

    def faults(self) -> list[str]:
        """What is missing, or is not as the clip."""
        found = []
        numbers = [chunk.number for chunk in self.chunks]
        if numbers != list(range(len(numbers))):
            found.append(f"chunk numbers {numbers}")
        found += [
            f"chunk {after.number} begins with picture {after.first}, the one before ends with {before.end - 1}"
            for before, after in zip(self.chunks, self.chunks[1:], strict=False)
            if before.end != after.first
        ]
        if self.picture_at_s is None:
            found.append("no motion0.jpg")
        if self.clip is not None and self.clip != (self.first, self.end):
            found.append(f"stored are {self.first}–{self.end - 1}, the clip has {self.clip[0]}–{self.clip[1] - 1}")
        return found

    def losses(self, *, from_picture: int | None = None) -> Losses:
        """What is lost beside the newest picture up to which nothing is missing, from `from_picture` on.

        The power is cut at every 10 ms, from a second after the movement starts to the event's last picture.

        Args:
            from_picture: the picture in which movement starts, if None; the event's first includes the pre-roll.
        """
        begin = self.moving if from_picture is None else from_picture
        at_s = self.stored_at_s
        # Stored without a gap: when all pictures up to one are there.
        whole_at_s, latest_s = [], 0.0
        for picture in range(begin, self.end):
            latest_s = max(latest_s, at_s.get(picture, float("inf")))
            whole_at_s.append(latest_s)

        def newest(cut_s: float) -> int:
            return begin + bisect.bisect_right(whole_at_s, cut_s) - 1

        return self._losses(newest, begin)

    def newest_losses(self) -> Losses:
        """As `losses`, beside the newest picture that is stored, whatever is missing before it."""
        arrivals = sorted((chunk.at_s, chunk.end - 1) for chunk in self.chunks)
        times, ends, most = [], [], -1
        for at_s, last in arrivals:
            most = max(most, last)
            times.append(at_s)
            ends.append(most)

        def newest(cut_s: float) -> int:
            at = bisect.bisect_right(times, cut_s)
            return ends[at - 1] if at else -1

        return self._losses(newest, self.moving)

    def _losses(self, newest: Callable[[float], int], begin: int) -> Losses:
        """`newest` gives the last picture that is safe; where that is before `begin`, all since `begin` is lost."""
        cut_s, lost = self.sent_s[self.moving] + 1.0, []
        while cut_s <= self.sent_s[self.end - 1]:
            lost.append(cut_s - self.sent_s[max(newest(cut_s), begin)])
            cut_s += _STEP_S
        return Losses(tuple(lost))


def pictures_in(plain: bytes, film: Film, first: int | None = None) -> tuple[int, int]:
    """Which of the film's pictures these bytes are, exactly: the first and the end (beyond the film: its next round).

    Args:
        first: where they are expected to begin; None: anywhere.

    Raises:
        ValueError: they are something else.
    """
    units, at = film.units, 0
    begins = [first] if first is not None else [i for i, unit in enumerate(units) if plain.startswith(unit)]
    if len(begins) != 1:
        raise ValueError(f"begins like {len(begins)} of the film's pictures")
    index = begins[0]
    while at < len(plain):
        unit = units[index % len(units)]
        if not plain.startswith(unit, at):
            raise ValueError(f"after picture {index - 1} comes something else")
        at += len(unit)
        index += 1
    return begins[0], index
