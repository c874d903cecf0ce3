"""Who comes when and goes where: a pure function of seed and time, so every size and rate shows the same story."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pi_sec_cam.camera.scene.car import COLOURS, car, lamps_of
from pi_sec_cam.camera.scene.cat import COATS, cat
from pi_sec_cam.camera.scene.figure import Figure
from pi_sec_cam.camera.scene.person import Looks, looks, person
from pi_sec_cam.camera.scene.settings import SceneSettings
from pi_sec_cam.camera.scene.walk import Point, Stride, Walk, drive, stroll

# One visit in each period. It begins up to 2 s into it and lasts 11 to 23 s, so that between two visits there are 12 to
# 28 s of nobody, and a little more until someone can be seen.
_PERIOD_S, _FIRST_S, _LATE_S = 37.0, 5.0, 2.0
_SHORTEST_S, _LONGEST_S = 11.0, 21.4
_CAT_LAG_S, _CAT_LONGEST_S = 2.0, 12.0
_PARKING_FROM_S, _PARKING_FOR_S = 16.0, 8.0
_TURNING_PERIOD_S, _TURNING_FIRST_S, _TURNING_LATE_S, _TURNING_FOR_S = 29.0, 7.0, 6.0, 9.0

# Ways in and out, where nobody is seen (metres).
_BEHIND_HOUSE, _RIGHT = (-5.3, 10.9), (5.9, 6.3)
_NEAR_LEFT, _NEAR_RIGHT = (-3.0, 3.1), (3.6, 3.7)
_STREET_LEFT, _STREET_RIGHT = (-12.9, 15.1), (12.6, 15.1)
_DOOR, _GATE_IN, _GATE_OUT = (-2.85, 6.95), (-1.1, 13.2), (-1.1, 14.9)

# Each way: its corners, and which of them invites to pause. Both directions are walked.
Way = tuple[tuple[Point, ...], int]
_NEAR_WAYS: tuple[Way, ...] = (
    ((_BEHIND_HOUSE, (-2.4, 9.2), (0.2, 7.4), (2.6, 6.2), _RIGHT), 2),
    ((_RIGHT, (2.3, 5.6), (0.0, 5.3), (-1.8, 4.3), _NEAR_LEFT), 2),
    ((_RIGHT, (2.4, 6.2), (0.2, 7.2), (1.4, 5.2), _NEAR_RIGHT), 2),
    ((_NEAR_LEFT, (-1.7, 4.9), (0.3, 5.6), (2.1, 4.7), _NEAR_RIGHT), 2),
)
_WAYS: tuple[Way, ...] = (
    *_NEAR_WAYS,
    ((_BEHIND_HOUSE, (-2.6, 9.0), (-1.9, 7.7), _DOOR, (-2.1, 5.4), _NEAR_LEFT), 3),
    ((_NEAR_RIGHT, (1.0, 5.6), (-1.4, 6.8), _DOOR, (-1.9, 8.0), (-2.8, 9.6), _BEHIND_HOUSE), 3),
    ((_STREET_LEFT, (-2.3, 15.1), _GATE_OUT, _GATE_IN, (-1.2, 9.0), _DOOR, (-2.1, 5.0), _NEAR_LEFT), 5),
    ((_STREET_RIGHT, (3.4, 15.1), (2.4, 13.0), (2.3, 9.0), (1.4, 6.2), (-1.4, 4.7), _NEAR_LEFT), 4),
)
_CAT_WAYS: tuple[Way, ...] = (
    ((_RIGHT, (3.0, 7.2), (1.2, 6.4), (-0.6, 7.6), (-2.2, 9.4), _BEHIND_HOUSE), 2),
    (((2.75, 15.2), (2.2, 12.0), (1.8, 8.0), (0.6, 5.6), (-1.6, 4.6), _NEAR_LEFT), 3),
    ((_NEAR_RIGHT, (2.0, 5.2), (0.6, 6.0), (-1.8, 5.4), _NEAR_LEFT), 2),
)
_PARKING_WAY: tuple[Point, ...] = (
    (19.0, 17.2),
    (12.0, 17.2),
    (7.3, 17.0),
    (4.9, 15.6),
    (4.1, 13.0),
    (4.05, 10.6),
    (4.05, 8.7),
)
# A car turns round before the yard, so that its headlights sweep over it; the other half of them comes mirrored.
_TURNING_WAY: tuple[Point, ...] = (
    (19.0, 19.6),
    (9.0, 19.6),
    (1.6, 19.6),
    (-0.2, 19.1),
    (-0.9, 18.2),
    (-0.2, 17.3),
    (1.6, 16.9),
    (9.0, 16.9),
    (19.0, 16.9),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Visit:
    """Who comes in one period: one or two people, perhaps the cat."""

    people: tuple[tuple[Looks, Walk], ...] = ()
    cat: Walk | None = None
    coat: int = 0


@dataclass(frozen=True, slots=True)
class _Drive:
    """One car at a moment."""

    colour: int
    stride: Stride
    stays: bool


def figures_at(settings: SceneSettings, t: float) -> list[Figure]:
    """All that moves at a time, and the car that stays, the farthest first."""
    found: list[Figure] = []
    visit = _visit(settings.seed, math.floor((t - _FIRST_S) / _PERIOD_S))
    if settings.people:
        for who, walk in visit.people:
            if (at := walk.at(t)) is not None:
                found.append(person(who, at.x, at.y, at.heading, at.gone_m, min(1.0, at.speed / 1.1), t))
    if settings.cat and visit.cat is not None and (at := visit.cat.at(t)) is not None:
        found.append(cat(COATS[visit.coat], at.x, at.y, at.heading, at.gone_m, min(1.0, at.speed / 0.8), t))
    for one in _cars(settings, t):
        at, lamps = one.stride, settings.light != "day" and not one.stays
        found.append(car(COLOURS[one.colour], at.x, at.y, at.heading, moving=not one.stays, lamps=lamps))
    return sorted(found, key=lambda figure: -figure.depth)


def headlamps_at(settings: SceneSettings, t: float) -> list[tuple[float, float, float, float]]:
    """Where headlamps shine from and whither by dusk and night: x, y, z and heading."""
    shining = []
    for one in _cars(settings, t):
        if settings.light != "day" and not one.stays:
            at = one.stride
            shining += [(*lamp, at.heading) for lamp in lamps_of(at.x, at.y, at.heading)]
    return shining


def _cars(settings: SceneSettings, t: float) -> list[_Drive]:
    found = []
    if settings.parking_car and t >= _PARKING_FROM_S:
        walk = _parking()
        found.append(_Drive(settings.seed % len(COLOURS), walk.rest(t), t >= walk.ends_s))
    if settings.headlights:
        number = math.floor((t - _TURNING_FIRST_S) / _TURNING_PERIOD_S)
        if number >= 0 and (at := _turning(settings.seed, number).at(t)) is not None:
            found.append(_Drive((settings.seed + number) % len(COLOURS), at, stays=False))
    return found


@lru_cache(maxsize=64)
def _visit(seed: int, number: int) -> _Visit:
    if number < 0:
        return _Visit()
    rng = np.random.default_rng((seed, 1, number))
    # The first visitor is one who comes near: a demo shows its first event within seconds.
    ways = _NEAR_WAYS if number == 0 else _WAYS
    corners, stop = ways[int(rng.integers(len(ways)))]
    if rng.random() < 0.5:
        corners, stop = corners[::-1], len(corners) - 1 - stop
    starts_s = _FIRST_S + _PERIOD_S * number + float(rng.uniform(0, _LATE_S))
    speed = float(rng.uniform(1.05, 1.5))
    pause_s = float(rng.uniform(1.5, 6.0)) if rng.random() < 0.7 else 0.0
    ways_to_go = [(corners, starts_s)]
    if rng.random() < 0.3:
        beside = tuple((x + 0.4, y - 0.45) for x, y in corners)
        ways_to_go.append((beside, starts_s + float(rng.uniform(0.6, 1.6))))
    people = tuple(
        (
            looks(rng),
            stroll(
                way,
                stop,
                starts_s=starts,
                speed=speed,
                pause_s=pause_s,
                shortest_s=_SHORTEST_S,
                longest_s=_LONGEST_S,
            ),
        )
        for way, starts in ways_to_go
    )
    if number % 2:
        return _Visit(people)
    corners, stop = _CAT_WAYS[int(rng.integers(len(_CAT_WAYS)))]
    strays = stroll(
        corners,
        stop,
        starts_s=starts_s + _CAT_LAG_S,
        speed=float(rng.uniform(0.9, 1.4)),
        pause_s=float(rng.uniform(0.5, 3)),
        longest_s=_CAT_LONGEST_S,
    )
    return _Visit(people, strays, int(rng.integers(len(COATS))))


@lru_cache(maxsize=1)
def _parking() -> Walk:
    return drive(
        _PARKING_WAY, starts_s=_PARKING_FROM_S, lasts_s=_PARKING_FOR_S, gone=lambda share: 1 - (1 - share) ** 1.7
    )


@lru_cache(maxsize=64)
def _turning(seed: int, number: int) -> Walk:
    rng = np.random.default_rng((seed, 2, number))
    starts_s = _TURNING_FIRST_S + _TURNING_PERIOD_S * number + float(rng.uniform(0, _TURNING_LATE_S))
    side = 1 if rng.random() < 0.5 else -1
    # Slow in the turn, halfway.
    return drive(
        [(side * x, y) for x, y in _TURNING_WAY],
        starts_s=starts_s,
        lasts_s=_TURNING_FOR_S,
        gone=lambda share: 0.5 + 0.2 * (2 * share - 1) + 0.3 * (2 * share - 1) ** 3,
    )
