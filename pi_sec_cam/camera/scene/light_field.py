"""Light that changes all over the picture: clouds before the sun, headlights, exposure steps."""

import math
from functools import lru_cache

import cv2
import numpy as np

from pi_sec_cam.camera.scene import yard
from pi_sec_cam.camera.scene.arrays import Floats, Mask, Plane, Values
from pi_sec_cam.camera.scene.backdrop import light_on
from pi_sec_cam.camera.scene.illumination import Illumination
from pi_sec_cam.camera.scene.lens import HEIGHT_M, Lens
from pi_sec_cam.camera.scene.settings import SceneSettings
from pi_sec_cam.camera.scene.story import headlamps_at
from pi_sec_cam.camera.scene.texture import sample, smoothstep, tile
from pi_sec_cam.camera.scene.yard import Surface, look

_COLUMNS = 112
_GAMMA = 1 / 2.2
_MOST_GAIN, _MOST_ADDED = 4.5, 3.0
_CLOUD_SPEED = (0.9, 0.3)  # metres a second over the ground
_CLOUD_PERIOD_M = 75.0
_STEP_FIRST_S, _STEP_PERIOD_S, _STEP_LATE_S = 6.0, 8.0, 2.0
# Candela over the brightness of the sunlit lawn, by eye: a dipped beam ten metres away is as bright as the day.
_BEAM_POWER = 90.0
_BEAM_HALF_WIDTH = 0.27  # radians
_THROUGH_FENCE = 0.35


class LightField:
    """What clouds and beams do: on a coarse grid for the yard, as both are soft, and at a point for a figure."""

    def __init__(self, lens: Lens, settings: SceneSettings) -> None:
        self._settings = settings
        self._cloudy = settings.clouds and settings.light != "night"
        self._view = view = look(Lens(_COLUMNS, max(2, round(_COLUMNS * lens.height / lens.width))))
        self._sky = view.surface == Surface.SKY
        self._steady = light_on(view, Illumination(settings.light))
        self._clouds = tile(settings.seed + 500, 128, slope=1.7)
        # Beams from the street light neither the planks' near side nor what shows in the gaps between them.
        share = yard.FENCE_Y / np.maximum(view.y, yard.FENCE_Y)
        planks = ~_open_fence(share * view.x, HEIGHT_M + share * (view.z - HEIGHT_M))
        self._fence = (view.y > yard.FENCE_Y - 0.1) & planks & ~self._sky

    def field(self, t: float) -> Floats | None:
        """What to multiply the yard's levels with: a grid to be stretched over the picture; None for no change."""
        field: Floats | None = None
        if self._cloudy:
            gain = (1 - self._cover(self._view.x, self._view.y, t)) ** _GAMMA
            field = np.asarray(np.where(self._sky, 1, gain), np.float32)
        beams = self._beam_gains(t)
        if beams is None or field is None:
            return field if beams is None else beams
        return np.asarray(field * beams, np.float32)

    def at(self, x: float, y: float, t: float) -> tuple[float, float]:
        """For a figure at a point (metres): the share that clouds leave of the light, and what beams add."""
        px, py, pz = (np.full((1, 1), value, np.float32) for value in (x, y, 0.9))
        share = 1 - float(self._cover(px, py, t)[0, 0]) if self._cloudy else 1.0
        lamps = headlamps_at(self._settings, t)
        return share, min(_MOST_ADDED, float(_beams(lamps, px, py, pz)[0, 0])) if lamps else 0.0

    def lit(self, t: float) -> Mask | None:
        """Where headlights brighten the yard visibly, on the coarse grid; None while there are none."""
        gains = self._beam_gains(t)
        return None if gains is None else np.asarray(gains > 1.08)

    def _cover(self, x: Floats, y: Floats, t: float) -> Floats:
        """The share of the light that clouds take."""
        u, v = (x - _CLOUD_SPEED[0] * t) / _CLOUD_PERIOD_M, (y - _CLOUD_SPEED[1] * t) / _CLOUD_PERIOD_M
        cover = smoothstep(-0.4, 1.2, sample(self._clouds, np.asarray(u, np.float32), np.asarray(v, np.float32)))
        return np.asarray(cover * (0.5 if self._settings.light == "day" else 0.12), np.float32)

    def _beam_gains(self, t: float) -> Floats | None:
        lamps = headlamps_at(self._settings, t)
        if not lamps:
            return None
        added = _beams(lamps, self._view.x, self._view.y, self._view.z)
        dark = self._sky | self._fence if lamps[0][1] > yard.FENCE_Y else self._sky
        gain = ((self._steady + np.where(dark, 0, added)) / self._steady) ** _GAMMA
        return np.asarray(np.minimum(gain, _MOST_GAIN), np.float32)


def _beams(lamps: list[tuple[float, float, float, float]], px: Floats, py: Floats, pz: Floats) -> Floats:
    """Light that headlamps throw on points."""
    added = np.zeros_like(px)
    for x, y, z, heading in lamps:
        dx, dy, dz = px - x, py - y, pz - z
        along = np.hypot(dx, dy)
        off = np.mod(np.arctan2(dy, dx) - heading + math.pi, 2 * math.pi) - math.pi
        # Dipped: little goes above the lamp's own height.
        below = smoothstep(0.05, -0.03, np.asarray(dz / np.maximum(along, 0.1), np.float32))
        beam = np.exp(-((off / _BEAM_HALF_WIDTH) ** 2)) * (0.06 + 0.94 * below) / (6 + along**2 + dz**2)
        if y > yard.FENCE_Y:
            share = np.clip((y - yard.FENCE_Y) / np.maximum(y - py, 0.1), 0, 1)
            free = (py > yard.FENCE_Y) | _open_fence(x + share * dx, z + share * dz)
            beam = np.where(free, beam, _THROUGH_FENCE * beam)
        added += beam
    return np.asarray(_BEAM_POWER * added, np.float32)


def _open_fence(x: Values, z: Values) -> Mask:
    """Whether a point in the fence's plane is above it or in one of its openings."""
    gate = (x > yard.GATE_X[0]) & (x < yard.GATE_X[1])
    return np.asarray(gate | (x > yard.DRIVE_X[0]) & (x < yard.DRIVE_X[1]) | (z > yard.FENCE_TOP))


def exposure_gain(seed: int, t: float) -> float:
    """The exposure's factor on the levels at a time: it jumps up and down in turn."""
    number = math.floor((t - _STEP_FIRST_S) / _STEP_PERIOD_S)
    jumps_s, gain = _step(seed, number)
    return gain if t >= jumps_s else _step(seed, number - 1)[1]


@lru_cache(maxsize=64)
def _step(seed: int, number: int) -> tuple[float, float]:
    if number < 0:
        return -math.inf, 1.0
    rng = np.random.default_rng((seed, 3, number))
    gain = rng.uniform(1.12, 1.3) if number % 2 else rng.uniform(0.74, 0.88)
    return _STEP_FIRST_S + _STEP_PERIOD_S * number + float(rng.uniform(0, _STEP_LATE_S)), float(gain)


def apply_field(levels: Plane, field: Floats) -> None:
    """Multiply a plane of levels above black by a coarse grid of gains, in place."""
    stretched = cv2.resize(field, (levels.shape[1], levels.shape[0]), interpolation=cv2.INTER_LINEAR)
    cv2.multiply(levels, stretched, dst=levels, dtype=cv2.CV_8U)
