"""The yard's fixed shape: which surface each pixel's ray meets, and where."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from pi_sec_cam.camera.scene.arrays import Floats, Mask, Plane
from pi_sec_cam.camera.scene.lens import HEIGHT_M, Lens
from pi_sec_cam.camera.scene.texture import fraction, sample, tile

# Metres. The house stands left of the camera, its wall along the line of sight.
WALL_X, WALL_END_Y, WALL_TOP = -3.6, 9.5, 3.3
EAVE_X, ROOF_SLOPE = -3.15, 0.65
DOOR_Y = (6.5, 7.4)
FENCE_Y, FENCE_TOP = 14.0, 1.2
GATE_X = (-1.75, -0.45)
DRIVE_X = (2.7, 5.4)
PAVEMENT_Y, STREET_Y, FAR_KERB_Y = 14.2, 15.9, 20.4
HEDGE_Y, HOUSE_Y, TREELINE_Y = 21.5, 33.0, 60.0
TRUNK_X, TRUNK_Y, TRUNK_TOP = 1.1, 10.6, 2.9
PLANK_M = 0.14


class Surface(IntEnum):
    """What a ray may meet."""

    SKY = 0
    GROUND = 1
    WALL = 2
    ROOF = 3
    SOFFIT = 4
    FENCE = 5
    HEDGE = 6
    HOUSE = 7
    TREELINE = 8
    TRUNK = 9


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What some rows of a picture see; all arrays have the same shape.

    Attributes:
        surface: uint8, a `Surface`.
        depth: metres along the optical axis, infinite for the sky.
        x, y, z: the point met, metres; for the sky the ray's direction.
    """

    surface: Plane
    depth: Floats
    x: Floats
    y: Floats
    z: Floats


def trunk_radius(z: Floats) -> Floats:
    """Half the trunk's width at a height, metres: it spreads at the foot."""
    return np.asarray(0.13 + 0.10 * np.exp(-np.maximum(z, 0) / 0.22) - 0.012 * z, np.float32)


def trunk_axis(z: Floats) -> Floats:
    """x of the trunk's middle at a height, metres: it is not quite straight."""
    return np.asarray(TRUNK_X + 0.07 * np.sin(1.3 * z), np.float32)


def look(lens: Lens, top: int = 0, bottom: int | None = None, oversample: int = 1) -> View:
    """Cast the rays of rows `top` to `bottom` (pixels), `oversample` squared of them a pixel."""
    dx, dy, dz = lens.rays(top, lens.height if bottom is None else bottom, oversample)
    shape = (dy.shape[0], dx.shape[1])
    surface = np.zeros(shape, np.uint8)
    depth = np.full(shape, np.inf, np.float32)

    def meet(kind: Surface, at: Floats, hit: Mask) -> None:
        nearer = hit & (at < depth)
        surface[nearer] = kind
        np.copyto(depth, at, where=nearer)

    def upright(kind: Surface, y: float, inside: Callable[[Floats, Floats], Mask]) -> None:
        """A surface in the plane y = const, cut out by its outline."""
        at = np.broadcast_to(y / dy, shape)
        x, z = at * dx, HEIGHT_M + y / dy * dz
        if z.max() < 0 or z.min() > 12:
            return
        meet(kind, at, (z > 0) & inside(x, np.broadcast_to(z, shape)))

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        upright(Surface.TREELINE, TREELINE_Y, _in_treeline)
        upright(Surface.HOUSE, HOUSE_Y, _in_house)
        upright(Surface.HEDGE, HEDGE_Y, _in_hedge)
        ground = np.broadcast_to(np.where(dz < 0, -HEIGHT_M / dz, np.inf).astype(np.float32), shape)
        meet(Surface.GROUND, ground, ground < 1e4)
        upright(Surface.FENCE, FENCE_Y, _in_fence)
        upright(Surface.TRUNK, TRUNK_Y, _in_trunk)
        wall = np.broadcast_to(np.where(dx < 0, WALL_X / dx, np.inf).astype(np.float32), shape)
        y, z = wall * dy, HEIGHT_M + wall * dz
        meet(Surface.WALL, wall, (y < WALL_END_Y) & (z > 0) & (z < WALL_TOP))
        soffit = np.broadcast_to(np.where(dz > 0, (WALL_TOP - HEIGHT_M) / dz, np.inf).astype(np.float32), shape)
        x, y = soffit * dx, soffit * dy
        meet(Surface.SOFFIT, soffit, (x > WALL_X - 0.1) & (x < EAVE_X) & (y < WALL_END_Y + 0.35))
        # The roof rises from the eave to the left: z = WALL_TOP + ROOF_SLOPE * (EAVE_X - x).
        steep = dz + ROOF_SLOPE * dx
        roof = np.where(steep < 0, (WALL_TOP + ROOF_SLOPE * EAVE_X - HEIGHT_M) / steep, np.inf).astype(np.float32)
        x, y = roof * dx, roof * dy
        meet(Surface.ROOF, roof, (x < EAVE_X) & (x > EAVE_X - 3.5) & (y > 0) & (y < WALL_END_Y + 0.4))
    reach = np.where(surface == Surface.SKY, np.float32(1), depth)
    return View(surface, depth, reach * dx, reach * dy, HEIGHT_M + reach * dz)


def _in_fence(x: Floats, z: Floats) -> Mask:
    along = np.abs(fraction(x / PLANK_M) - 0.5)
    planks = (along < 0.41) & (z < FENCE_TOP - 0.10 * along / 0.41)
    rails = np.abs(np.abs(z - 0.62) - 0.34) < 0.05
    posts = (np.abs(np.mod(x - GATE_X[0], 2.35) - 0.06) < 0.06) & (z < FENCE_TOP + 0.06)
    gate = (x > GATE_X[0]) & (x < GATE_X[1])
    drive = (x > DRIVE_X[0] - 0.1) & (x < DRIVE_X[1] + 0.1)
    edges = np.minimum.reduce([np.abs(x - e) for e in (*GATE_X, DRIVE_X[0] - 0.1, DRIVE_X[1] + 0.1)])
    gate_posts = (edges < 0.09) & (z < FENCE_TOP + 0.12)
    return np.asarray(((planks | rails | posts) & ~gate & ~drive) | gate_posts)


def _in_hedge(x: Floats, z: Floats) -> Mask:
    bumps = sample(_RIDGE, x / 23, np.zeros_like(x))
    return np.asarray(z < 1.45 + 0.13 * bumps)


def _in_house(x: Floats, z: Floats) -> Mask:
    eaves = 3.6
    roof = np.minimum(np.minimum((x - 2.2) * 0.95, (14.8 - x) * 0.95), 2.7)
    chimney = (np.abs(x - 11.2) < 0.4) & (z < 7.2)
    return np.asarray(((x > 3) & (x < 14) & (z < eaves)) | ((z >= eaves) & (z < eaves + roof)) | chimney)


def _in_treeline(x: Floats, z: Floats) -> Mask:
    crowns = sample(_RIDGE, x / 160, np.zeros_like(x)) + 0.35 * sample(_RIDGE, x / 31, np.full_like(x, 0.5))
    return np.asarray(z < 6.6 + 1.5 * crowns)


def _in_trunk(x: Floats, z: Floats) -> Mask:
    return np.asarray((np.abs(x - trunk_axis(z)) < trunk_radius(z)) & (z < TRUNK_TOP))


_RIDGE = tile(77, slope=1.3)
