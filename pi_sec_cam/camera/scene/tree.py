"""The tree's crown and its shadow, and how wind moves them."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_sec_cam.camera.scene.arrays import Floats, Plane
from pi_sec_cam.camera.scene.colour import levels, paint
from pi_sec_cam.camera.scene.figure import Box
from pi_sec_cam.camera.scene.illumination import SHADOW_PER_M, Illumination
from pi_sec_cam.camera.scene.lens import Lens, depth_of
from pi_sec_cam.camera.scene.texture import sample, smoothstep, tile
from pi_sec_cam.camera.scene.yard import TRUNK_X, TRUNK_Y, look

DEPTH_M = depth_of(TRUNK_X, TRUNK_Y, 3.0)

# The crown is some balls of leaves: x and z from the trunk's foot, radius; metres.
_BALLS = np.array(
    [(0.0, 3.2, 1.05), (-0.85, 2.95, 0.75), (0.9, 3.0, 0.8), (-0.35, 3.9, 0.8), (0.5, 3.85, 0.75), (0.1, 2.6, 0.7)]
)
_MIDDLE_Z = 3.25
_LEAF = paint(0x5F8238, 0.62)
_LEAVES = 4600
_DRAWN_PX_PER_M = 110
_NODES = (14, 18)
_SHADE, _SHADE_REACH_M = 0.42, 3.2


@dataclass(frozen=True, slots=True, eq=False)
class Crown:
    """The crown as seen through one lens; see `grow`.

    Attributes:
        box: where it is, with room to sway.
        drawn: the sprite at rest: Y above black, U, V, coverage.
        px_per_m: at its distance.
    """

    box: Box
    drawn: Plane
    px_per_m: float
    rest_x: Floats
    rest_y: Floats
    phases: Floats
    freedom: Floats


def grow(lens: Lens, illumination: Illumination, seed: int) -> Crown | None:
    """Draw the crown; None when the picture does not reach so far."""
    px_per_m = lens.focal_px / DEPTH_M
    middle, _ = lens.project(np.array([(TRUNK_X, TRUNK_Y, _MIDDLE_Z)]))
    reach_x, reach_y = 2.0 * px_per_m, 1.65 * px_per_m
    left, top = max(int(middle[0, 0] - reach_x), 0) & ~1, max(int(middle[0, 1] - reach_y), 0) & ~1
    right, bottom = (
        min(int(middle[0, 0] + reach_x) + 1 & ~1, lens.width),
        min(int(middle[0, 1] + reach_y) + 1 & ~1, lens.height),
    )
    if left >= right or top >= bottom:
        return None
    box = Box(left, top, right, bottom)
    magnified = max(1, math.ceil(_DRAWN_PX_PER_M / px_per_m))
    drawn = _leaves(box, middle[0], px_per_m, magnified, illumination, np.random.default_rng((seed, 5)))
    rows, columns = bottom - top, right - left
    if magnified > 1:
        drawn = np.asarray(cv2.resize(drawn, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
    rest_x, rest_y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    above = np.linspace((bottom - middle[0, 1]) / px_per_m + 1.4, 0.4, _NODES[0], dtype=np.float32)[:, np.newaxis]
    return Crown(
        box=box,
        drawn=drawn,
        px_per_m=px_per_m,
        rest_x=rest_x,
        rest_y=rest_y,
        phases=np.random.default_rng((seed, 6)).uniform(0, 2 * np.pi, (4, *_NODES)).astype(np.float32),
        freedom=np.asarray((np.clip(above, 0.2, 3.2) / 2) ** 1.2, np.float32),
    )


def sway(crown: Crown, t: float) -> Plane:
    """The crown's sprite at a time: boughs bend together, twigs each in their own time."""
    gust = wind(t)
    bend = 0.055 * gust * crown.freedom * math.sin(2 * math.pi * 0.31 * t) + 0.05 * (gust - 0.5) * crown.freedom
    a, b, c, d = crown.phases
    twig_x = 0.022 * np.sin(2 * math.pi * 1.15 * t + a) + 0.016 * np.sin(2 * math.pi * 1.9 * t + b)
    twig_y = 0.018 * np.sin(2 * math.pi * 1.4 * t + c) + 0.012 * np.sin(2 * math.pi * 2.3 * t + d)
    size = (crown.rest_x.shape[1], crown.rest_x.shape[0])
    to_px = -crown.px_per_m
    shift_x = cv2.resize(np.asarray((bend + gust * twig_x) * to_px, np.float32), size, interpolation=cv2.INTER_LINEAR)
    shift_y = cv2.resize(np.asarray(gust * twig_y * to_px, np.float32), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(
        cv2.remap(crown.drawn, crown.rest_x + shift_x, crown.rest_y + shift_y, cv2.INTER_LINEAR), np.uint8
    )


def wind(t: float) -> float:
    """Strength of the wind, 0.15 to 1: gusts come and go within some seconds."""
    slow = (
        math.sin(2 * math.pi * t / 11.3)
        + 0.6 * math.sin(2 * math.pi * t / 4.7 + 1)
        + 0.4 * math.sin(2 * math.pi * t / 29)
    )
    return 0.575 + 0.2125 * slow


def _leaves(
    box: Box,
    middle: NDArray[np.float64],
    px_per_m: float,
    magnified: int,
    illumination: Illumination,
    rng: np.random.Generator,
) -> Plane:
    scale = px_per_m * magnified
    drawn = np.zeros(((box.bottom - box.top) * magnified, (box.right - box.left) * magnified, 4), np.uint8)
    weights = _BALLS[:, 2] ** 2
    balls = _BALLS[rng.choice(len(_BALLS), _LEAVES, p=weights / weights.sum())]
    turn = rng.uniform(0, 2 * np.pi, _LEAVES)
    out = np.sqrt(rng.uniform(0, 1, _LEAVES))
    x, z = balls[:, 0] + balls[:, 2] * out * np.cos(turn), balls[:, 1] + balls[:, 2] * out * np.sin(turn)
    # Lit from the right and above; what is drawn first lies deep inside, in the dark.
    front = np.sort(rng.uniform(0, 1, _LEAVES))
    lit = (
        0.5 * out * np.cos(turn - 0.9) + 0.22 * (z - _MIDDLE_Z) + 0.12 * x
        if illumination.sunny
        else 0.1 * (z - _MIDDLE_Z)
    )
    tone = np.clip(0.32 + 0.62 * front + 0.35 * lit + rng.normal(0, 0.13, _LEAVES), 0.14, 1.7)
    light = illumination.on_figure(TRUNK_X, TRUNK_Y, _MIDDLE_Z)
    hue = rng.uniform(0.85, 1.18, (_LEAVES, 1)) * np.array((1.0, 1.0, 0.9))
    size = rng.uniform(0.024, 0.052, _LEAVES) * scale
    at_x = (middle[0] - box.left) * magnified + x * scale
    at_y = (middle[1] - box.top) * magnified - (z - _MIDDLE_Z) * scale
    angles = rng.uniform(0, 180, _LEAVES)
    for i in range(_LEAVES):
        material = (_LEAF.infrared,) * 3 if illumination.monochrome else _LEAF.rgb
        r, g, b = (
            m * e * tone[i] * h
            for m, e, h in zip(material, light, hue[i] if not illumination.monochrome else (1, 1, 1), strict=True)
        )
        centre = (round(at_x[i] * 16), round(at_y[i] * 16))
        axes = (max(8, round(size[i] * 16)), max(8, round(size[i] * 8.5)))
        cv2.ellipse(drawn, centre, axes, angles[i], 0, 360, (*levels((r, g, b)), 255), -1, cv2.LINE_AA, 4)
    return drawn


@dataclass(frozen=True, slots=True, eq=False)
class Dapple:
    """The crown's shadow on the ground: what it leaves of the light, 255 for all."""

    box: Box
    left_over: Plane
    px_per_m: float


def dapple(lens: Lens, ground: Plane, seed: int) -> Dapple | None:
    """Cast the crown's shadow; None when it is not in the picture."""
    centre_x, centre_y = (TRUNK_X + SHADOW_PER_M[0] * _MIDDLE_Z, TRUNK_Y + SHADOW_PER_M[1] * _MIDDLE_Z)
    reach = np.array([(centre_x, centre_y + y, 0) for y in (-_SHADE_REACH_M, _SHADE_REACH_M)])
    near, far = (int(np.clip(row, 0, lens.height)) for row in lens.project(reach)[0][:, 1])
    if far >= near:
        return None
    view = look(lens, far, near)
    shade = np.zeros_like(view.x)
    for x, z, radius in _BALLS:
        off_x = view.x - (TRUNK_X + x + SHADOW_PER_M[0] * z)
        off_y = view.y - (TRUNK_Y + SHADOW_PER_M[1] * z)
        # A ball's shadow is drawn out along the sun's direction.
        along = (off_x * SHADOW_PER_M[0] + off_y * SHADOW_PER_M[1]) / math.hypot(*SHADOW_PER_M)
        across = np.hypot(off_x, off_y) ** 2 - along**2
        inside = np.sqrt(np.maximum(across, 0) + (along / 1.4) ** 2) / radius
        shade = np.maximum(shade, 1 - smoothstep(0.7, 1.15, np.asarray(inside, np.float32)))
    spots = sample(tile(seed + 900, slope=0.9), (view.x - centre_x) / 7, (view.y - centre_y) / 7)
    shade = shade * smoothstep(-1.9, 0.1, spots) * (ground[far:near] > 0)
    rows, columns = np.flatnonzero(shade.max(axis=1) > 0.02), np.flatnonzero(shade.max(axis=0) > 0.02)
    if not len(rows):
        return None
    seen = shade[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box = Box(int(columns[0]), far + int(rows[0]), int(columns[-1]) + 1, far + int(rows[-1]) + 1)
    left_over = np.asarray(np.rint(255 * (1 - _SHADE * seen)), np.uint8)
    return Dapple(box, left_over, lens.focal_px / depth_of(centre_x, centre_y, 0.0))


def sway_dapple(dapple: Dapple, t: float) -> Plane:
    """What the crown's shadow leaves of the light at a time."""
    gust = wind(t)
    x = gust * (0.09 * math.sin(2 * math.pi * 0.31 * t) + 0.02 * math.sin(2 * math.pi * 1.3 * t)) + 0.08 * (gust - 0.5)
    y = gust * 0.012 * math.sin(2 * math.pi * 0.8 * t)
    shift = np.array([[1, 0, x * dapple.px_per_m], [0, 1, y * dapple.px_per_m]])
    size = (dapple.left_over.shape[1], dapple.left_over.shape[0])
    return np.asarray(cv2.warpAffine(dapple.left_over, shift, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
