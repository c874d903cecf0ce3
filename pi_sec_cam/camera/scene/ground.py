"""The ground: lawn, path, drive, pavement and street."""

from itertools import pairwise

import numpy as np

from pi_sec_cam.camera.scene import yard
from pi_sec_cam.camera.scene.arrays import Floats
from pi_sec_cam.camera.scene.coat import ROUGH, Coat, detail, flat, grain, joints, mix, stones
from pi_sec_cam.camera.scene.colour import Paint, paint
from pi_sec_cam.camera.scene.texture import sample, smoothstep
from pi_sec_cam.camera.scene.yard import View

# The path: from the gate in the fence to the front door (metres).
_PATH = ((-1.1, 14.2), (-1.15, 10.5), (-1.3, 8.6), (-2.0, 7.3), (-3.6, 6.95))
_PATH_HALF_M = 0.58


def _path_distance(x: Floats, y: Floats) -> Floats:
    """Metres from the middle of the path."""
    nearest = np.full(x.shape, np.inf, np.float32)
    for (x0, y0), (x1, y1) in pairwise(_PATH):
        ex, ey = x1 - x0, y1 - y0
        t = np.clip(((x - x0) * ex + (y - y0) * ey) / (ex * ex + ey * ey), 0, 1)
        nearest = np.minimum(nearest, np.hypot(x - x0 - t * ex, y - y0 - t * ey))
    return np.asarray(nearest, np.float32)


def ground_coat(view: View) -> Coat:
    """Lawn, and upon it what was laid: path and step, drive, pavement, street; dark in the corners."""
    x, y = view.x, view.y
    broad = sample(ROUGH, x / 19, y / 19)
    tufts = 0.6 * grain(view, x, y, 0.035) + 0.55 * grain(view, x, y + 3, 0.009)
    stripes = np.tanh(8 * np.sin(2 * np.pi * (x * 0.96 + y * 0.28) / 1.5)) * detail(view, 0.5)
    lawn = flat(view, paint(0x6C8347), 1 + 0.13 * broad + 0.27 * tufts + 0.05 * stripes)
    dry = smoothstep(0.5, 2.2, sample(ROUGH, x / 31 + 0.4, y / 31))
    rgb = mix(lawn, flat(view, paint(0x98925A), 1 + 0.2 * tufts), 0.55 * dry)
    infrared = 0.62 + 0.07 * broad + 0.12 * tufts

    def lay(brightness: Floats, colour: Paint, where: Floats) -> None:
        nonlocal rgb, infrared
        rgb = mix(rgb, flat(view, colour, brightness), where)
        infrared = infrared + (colour.infrared * brightness - infrared) * where

    grit = grain(view, x, y, 0.02)
    slabs = 1 + 0.09 * stones(x, y, 0.5, 0.7) + 0.07 * grit + 0.05 * broad
    lay(slabs * (1 - 0.45 * joints(x, y, 0.5, 0.7)), paint(0xA39C8E, 0.4), _band(_path_distance(x, y), _PATH_HALF_M))
    step = (x < yard.WALL_X + 0.75) & (y > yard.DOOR_Y[0] - 0.25) & (y < yard.DOOR_Y[1] + 0.25)
    lay(1 + 0.05 * grit, paint(0xB4AEA2, 0.45), step.astype(np.float32))
    drive_middle, drive_half = sum(yard.DRIVE_X) / 2, (yard.DRIVE_X[1] - yard.DRIVE_X[0]) / 2
    bricks = 1 + 0.13 * stones(y, x, 0.2, 0.4) + 0.08 * grit + 0.08 * broad
    where = _band(np.abs(x - drive_middle), drive_half) * (y < yard.STREET_Y)
    lay(bricks * (1 - 0.35 * joints(y, x, 0.2, 0.4) * detail(view, 0.04)), paint(0x8C7468, 0.36), where)
    beyond = smoothstep(yard.PAVEMENT_Y, yard.PAVEMENT_Y + 0.1, y) * (y < yard.FAR_KERB_Y + 0.7)
    lay(
        1 + 0.06 * grit,
        paint(0x9B9993, 0.4),
        beyond * ((np.abs(x - drive_middle) > drive_half) | (y > yard.FAR_KERB_Y)),
    )
    street = smoothstep(yard.STREET_Y, yard.STREET_Y + 0.06, y) * (y < yard.FAR_KERB_Y)
    lay(1 + 0.06 * grit + 0.04 * broad, paint(0x5B5C60, 0.22), street)
    foot = (x > yard.WALL_X) & (y < yard.WALL_END_Y + 0.3)
    occluded = np.where(foot, 1 - 0.45 * np.exp(-np.maximum(x - yard.WALL_X, 0) / 0.25), 1)
    occluded *= 1 - 0.35 * np.exp(-np.abs(y - yard.FENCE_Y) / 0.2)
    occluded *= 1 - 0.5 * np.exp(-np.hypot(x - yard.TRUNK_X, y - yard.TRUNK_Y) / 0.25)
    return Coat(rgb * occluded[..., np.newaxis].astype(np.float32), np.asarray(infrared * occluded, np.float32))


def _band(distance: Floats, half: float) -> Floats:
    return 1 - smoothstep(half - 0.03, half + 0.03, distance)
