"""A way through the yard in time: a smooth curve, walked at a steady speed with one pause."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Point = tuple[float, float]

_STEP_S = 0.05
_RAMP_S = 0.7  # to stop or to set off
_LOOK_S = 0.04


@dataclass(frozen=True, slots=True)
class Stride:
    """Where a walker is at one moment.

    Attributes:
        x, y: metres.
        heading: radians from the x axis to the y axis.
        gone_m: way so far.
        speed: metres a second.
    """

    x: float
    y: float
    heading: float
    gone_m: float
    speed: float


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """One way, walked once.

    Attributes:
        starts_s, ends_s: when, on the story's clock.
        times_s, metres: how far after how long.
        marks, xs, ys: where each length of way is.
        length_m: of the walker, half of it; long ones turn slowly.
    """

    starts_s: float
    ends_s: float
    times_s: Doubles
    metres: Doubles
    marks: Doubles
    xs: Doubles
    ys: Doubles
    length_m: float

    def at(self, t: float) -> Stride | None:
        """The walker at a time; None before and after."""
        return self.rest(t) if self.starts_s <= t < self.ends_s else None

    def rest(self, t: float) -> Stride:
        """The walker at a time; before and after at the way's ends."""
        since = t - self.starts_s
        earlier, gone, later = np.interp((since - _LOOK_S, since, since + _LOOK_S), self.times_s, self.metres)
        where = (gone - self.length_m, gone, gone + self.length_m)
        (ax, x, bx), (ay, y, by) = np.interp(where, self.marks, self.xs), np.interp(where, self.marks, self.ys)
        return Stride(
            float(x), float(y), math.atan2(by - ay, bx - ax), float(gone), float(later - earlier) / (2 * _LOOK_S)
        )


def stroll(
    corners: Sequence[Point],
    stop: int,
    *,
    starts_s: float,
    speed: float,
    pause_s: float,
    shortest_s: float = 0.0,
    longest_s: float = math.inf,
) -> Walk:
    """A walk along `corners` that pauses at the corner `stop`.

    The pause, and at need the speed (m/s), give way so that the walk lasts from `shortest_s` to `longest_s`.
    """
    marks, xs, ys, passed = _curve(corners)
    first, second = passed[stop], marks[-1] - passed[stop]
    speed = max(speed, (first + second) / (longest_s - _RAMP_S - 0.1))
    going_s = (first + second) / speed + _RAMP_S
    pause_s = min(max(pause_s, shortest_s - going_s), longest_s - going_s)
    stops_s = first / speed - _RAMP_S / 2
    leaves_s = stops_s + _RAMP_S + pause_s
    times = np.arange(0, going_s + pause_s + _STEP_S, _STEP_S)
    slowing, starting = (stops_s + _RAMP_S - times) / _RAMP_S, (times - leaves_s) / _RAMP_S
    speeds = speed * np.clip(np.maximum(slowing, starting), 0, 1)
    metres = np.concatenate(([0.0], np.cumsum((speeds[1:] + speeds[:-1]) * _STEP_S / 2)))
    return Walk(starts_s, starts_s + going_s + pause_s, times, metres, marks, xs, ys, 0.2)


def drive(corners: Sequence[Point], *, starts_s: float, lasts_s: float, gone: Callable[[Doubles], Doubles]) -> Walk:
    """A car's way; `gone` tells what share of the way is behind it after each share of the time."""
    marks, xs, ys, _ = _curve(corners)
    times = np.arange(0, lasts_s + _STEP_S, _STEP_S)
    share = np.clip(times / lasts_s, 0, 1)
    return Walk(starts_s, starts_s + lasts_s, times, marks[-1] * gone(share), marks, xs, ys, 1.3)


def _curve(corners: Sequence[Point]) -> tuple[Doubles, Doubles, Doubles, list[float]]:
    """A Catmull-Rom spline through the corners: length marks, x, y, and the marks of the corners."""
    points = np.array(corners, np.float64)
    padded = np.vstack((2 * points[0] - points[1], points, 2 * points[-1] - points[-2]))
    t = np.linspace(0, 1, 24, endpoint=False)[:, np.newaxis]
    pieces = []
    for a, b, c, d in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True):
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    path = np.vstack((*pieces, points[-1:]))
    marks = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))))
    passed = [float(marks[24 * corner]) for corner in range(len(points))]
    return marks, path[:, 0], path[:, 1], passed
