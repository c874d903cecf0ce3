"""What crosses the lens itself or shines into it: rain, insects at the infrared lamp, the glare of lamps."""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from pi_sec_cam.camera.scene.arrays import Floats, Plane
from pi_sec_cam.camera.scene.figure import Box
from pi_sec_cam.camera.scene.lens import Lens
from pi_sec_cam.camera.scene.sensor import add_rolled
from pi_sec_cam.camera.scene.settings import SceneSettings
from pi_sec_cam.camera.scene.story import headlamps_at

_CHANNELS, _PERIOD_S = 3, 2.4
_EXPOSURE_S = 1 / 30
_DROPS = 420


@dataclass(frozen=True, slots=True)
class Insect:
    """A blurred bright smear, in shares of the picture: both ends of its way during the exposure, radius.

    The radius is a share of the picture's height.
    """

    from_x: float
    from_y: float
    to_x: float
    to_y: float
    radius: float
    strength: float


def insects_at(seed: int, t: float) -> list[Insect]:
    """Those before the lens at a time."""
    found = []
    for channel in range(_CHANNELS):
        number = math.floor(t / _PERIOD_S)
        flight = _flight(seed, channel, number)
        if flight is None:
            continue
        since = t - number * _PERIOD_S - flight["late"]
        if 0 <= since < flight["lasts"]:
            (ax, ay), (bx, by) = _on(flight, since - _EXPOSURE_S), _on(flight, since)
            found.append(Insect(ax, ay, bx, by, flight["radius"], flight["strength"]))
    return found


@lru_cache(maxsize=64)
def _flight(seed: int, channel: int, number: int) -> dict[str, float] | None:
    rng = np.random.default_rng((seed, 4, channel, max(0, number)))
    if number < 0 or rng.random() < 0.35:
        return None
    # They come in from one side or out of the dark and leave across the picture within a second.
    turn = rng.uniform(0, 2 * math.pi)
    return {
        "late": rng.uniform(0, 1.0),
        "lasts": rng.uniform(0.4, 1.35),
        "x": 0.5 + 0.62 * math.cos(turn) + rng.normal(0, 0.1),
        "y": 0.5 + 0.62 * math.sin(turn) + rng.normal(0, 0.1),
        "vx": -math.cos(turn) * rng.uniform(0.5, 1.6) + rng.normal(0, 0.25),
        "vy": -math.sin(turn) * rng.uniform(0.5, 1.6) + rng.normal(0, 0.25),
        "curl": rng.uniform(0.02, 0.09),
        "hertz": rng.uniform(1.2, 3.5),
        "radius": rng.uniform(0.01, 0.045),
        "strength": rng.uniform(70, 210),
    }


def _on(flight: dict[str, float], since: float) -> tuple[float, float]:
    wave = flight["curl"] * math.sin(2 * math.pi * flight["hertz"] * since)
    return flight["x"] + flight["vx"] * since + wave, flight["y"] + flight["vy"] * since - wave


def insect_box(insect: Insect, lens: Lens) -> Box | None:
    """Where an insect brightens the picture."""
    reach = 2.2 * insect.radius * lens.height + 1
    xs, ys = (
        (insect.from_x * lens.width, insect.to_x * lens.width),
        (insect.from_y * lens.height, insect.to_y * lens.height),
    )
    return _clipped(min(xs) - reach, min(ys) - reach, max(xs) + reach, max(ys) + reach, lens)


def add_insect(y: Plane, insect: Insect, lens: Lens) -> None:
    """Draw it into the levels, in place."""
    box = insect_box(insect, lens)
    if box is not None:
        ends = (
            insect.from_x * lens.width,
            insect.from_y * lens.height,
            insect.to_x * lens.width,
            insect.to_y * lens.height,
        )
        _add_smear(y, box, ends, insect.radius * lens.height, insect.strength)


@dataclass(frozen=True, slots=True)
class Glare:
    """The halo of a lamp that shines into the lens, pixels."""

    x: float
    y: float
    radius: float
    strength: float


def glares_at(settings: SceneSettings, t: float, lens: Lens, depth: Floats) -> list[Glare]:
    """The halos of headlamps that shine towards the camera; `depth` says what hides them, as in the Backdrop."""
    found = []
    for x, y, z, heading in headlamps_at(settings, t):
        facing = -(x * math.cos(heading) + y * math.sin(heading)) / math.hypot(x, y)
        pixels, away = lens.project(np.array([(x, y, z)]))
        column, row = float(pixels[0, 0]), float(pixels[0, 1])
        inside = 0 <= column < lens.width and 0 <= row < lens.height
        if facing > 0 and inside and depth[int(row), int(column)] > away[0]:
            radius = lens.focal_px * (0.035 + 0.5 * facing / float(away[0]))
            found.append(Glare(column, row, radius, 200 * facing))
    return found


def glare_box(glare: Glare, lens: Lens) -> Box | None:
    """Where a glare brightens the picture."""
    reach = 2.2 * glare.radius + 1
    return _clipped(glare.x - reach, glare.y - reach, glare.x + reach, glare.y + reach, lens)


def add_glare(y: Plane, glare: Glare, lens: Lens) -> None:
    """Draw it into the levels, in place."""
    box = glare_box(glare, lens)
    if box is not None:
        _add_smear(y, box, (glare.x, glare.y, glare.x, glare.y), glare.radius, glare.strength)


def _clipped(left: float, top: float, right: float, bottom: float, lens: Lens) -> Box | None:
    box = Box(max(0, int(left)), max(0, int(top)), min(lens.width, int(right) + 1), min(lens.height, int(bottom) + 1))
    return box if box.left < box.right and box.top < box.bottom else None


def _add_smear(y: Plane, box: Box, ends: tuple[float, float, float, float], radius_px: float, strength: float) -> None:
    """Light that falls off like a bell curve with the distance from a line between two points."""
    ax, ay, bx, by = ends
    rows = np.arange(box.top, box.bottom, dtype=np.float32)[:, np.newaxis] + 0.5 - ay
    columns = np.arange(box.left, box.right, dtype=np.float32)[np.newaxis, :] + 0.5 - ax
    ex, ey = bx - ax, by - ay
    share = np.clip((columns * ex + rows * ey) / max(ex * ex + ey * ey, 1e-6), 0, 1)
    squared = (columns - share * ex) ** 2 + (rows - share * ey) ** 2
    light = strength * np.exp(-squared / (0.5 * radius_px * radius_px))
    part = y[box.of_luma]
    cv2.add(part, np.asarray(light, np.uint8), dst=part)


class Rain:
    """Streaks of drops: one drawing, shown at another place in every picture (drops fall too fast to follow)."""

    def __init__(self, lens: Lens, seed: int) -> None:
        rng = np.random.default_rng((seed, 7))
        self._streaks = np.zeros((lens.height, lens.width), np.uint8)
        for _ in range(_DROPS):
            # Most drops are far away: short, thin and faint.
            near = float(rng.uniform(0, 1)) ** 5
            length = lens.height * (0.025 + 0.16 * near)
            width = lens.height * (0.0016 + 0.006 * near)
            strength = float(rng.uniform(18, 46)) * min(1.0, width) * (1 - 0.4 * near)
            slant = float(rng.normal(0.09, 0.03)) * length
            x, top = float(rng.uniform(0, lens.width)), float(rng.uniform(0, lens.height))
            for above in (0, lens.height):
                ends = np.array([(x, top - above), (x + slant, top - above + length)]) * 16
                start, end = (tuple(int(v) for v in point) for point in np.rint(ends))
                layer_colour = max(1, round(strength))
                cv2.line(self._streaks, start, end, layer_colour, max(1, round(width)), cv2.LINE_AA, 4)
        self._streaks = np.asarray(cv2.blur(self._streaks, (1, max(1, lens.height // 240) | 1)), np.uint8)

    def add(self, y: Plane, roll_y: int, roll_x: int) -> None:
        """Draw the streaks into the levels, in place, shifted as told."""
        add_rolled(y, self._streaks, roll_y, roll_x)
