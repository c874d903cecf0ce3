"""The house beside the camera: brick wall with windows and door, roof and eave."""

import numpy as np

from pi_sec_cam.camera.scene import yard
from pi_sec_cam.camera.scene.arrays import Floats
from pi_sec_cam.camera.scene.coat import ROUGH, Coat, detail, flat, grain, joints, mix, stones
from pi_sec_cam.camera.scene.colour import paint
from pi_sec_cam.camera.scene.texture import fraction, sample, smoothstep
from pi_sec_cam.camera.scene.yard import View


def wall_coat(view: View) -> Coat:
    """Brick on a plinth, with windows, the front door, its lamp and a downpipe."""
    y, z = view.y, view.z
    rough = sample(ROUGH, y / 7, z / 7)
    seen = detail(view, 0.03)
    bricks = 1 + (0.13 * stones(y, z, 0.075, 0.24) + 0.05 * grain(view, y, z, 0.012)) * seen + 0.06 * rough
    mortar = 0.7 * joints(y, z, 0.075, 0.24, 0.016) * seen
    rgb = mix(flat(view, paint(0x9A5F4B), bricks), flat(view, paint(0xA89D8E)), mortar)
    rgb = mix(rgb, flat(view, paint(0x8F8C86), 1 + 0.06 * rough), 1 - smoothstep(0.42, 0.44, z))
    infrared = np.asarray(0.42 * bricks * (1 + 0.35 * mortar), np.float32)
    wall = Coat(rgb, infrared, np.zeros_like(y), (1.0, 0.0, 0.0))
    _put_window(wall, y, z, 4.9, 0.5)
    _put_window(wall, y, z, 8.0, 0.85)
    _put_door(wall, y, z)
    wall.put(np.abs(y - (yard.WALL_END_Y - 0.22)) < 0.045, paint(0x6E6A66, 0.3))
    shade = np.asarray(1 - 0.35 * np.exp(-np.maximum(yard.WALL_TOP - z, 0) / 0.25), np.float32)
    wall.rgb *= shade[..., np.newaxis]
    wall.infrared *= shade
    return wall


def _put_window(wall: Coat, y: Floats, z: Floats, low: float, lit: float) -> None:
    """A window from `low` along the wall, a metre wide; by dusk it shines as much as `lit`."""
    high, sill, top = low + 1.0, 0.95, 2.3
    inside = (y > low) & (y < high) & (z > sill) & (z < top)
    from_middle = np.abs(y - (low + high) / 2)
    pane = inside & (from_middle < 0.43) & (np.minimum(z - sill, top - z) > 0.07)
    wall.put((y > low - 0.06) & (y < high + 0.06) & (z > sill - 0.09) & (z < sill), paint(0xC8C2B6, 0.5))
    wall.put(inside, paint(0xEDEBE4, 0.7))
    wall.put(pane & (from_middle > 0.025), paint(0x39444C, 0.06), lit)
    wall.put(pane & (from_middle > 0.30 + 0.02 * np.sin(z * 3)), paint(0xA99F8D, 0.3), lit * 0.8)


def _put_door(wall: Coat, y: Floats, z: Floats) -> None:
    """The door with its frame, panels, pane and handle, and the lamp beside it."""
    low, high = yard.DOOR_Y
    from_middle = np.abs(y - (low + high) / 2)
    wall.put((y > low - 0.08) & (y < high + 0.08) & (z < 2.18), paint(0xEDEBE4, 0.7))
    door = (y > low) & (y < high) & (z < 2.1)
    wall.put(door, paint(0x2F4A3E, 0.25))
    panels = (np.abs(from_middle - 0.22) < 0.15) & (np.abs(np.abs(z - 0.78) - 0.36) < 0.28)
    wall.put(door & panels, paint(0x3A5A4C, 0.29))
    wall.put(door & (from_middle < 0.3) & (np.abs(z - 1.78) < 0.17), paint(0x55626A, 0.1), 0.6)
    wall.put(door & (np.hypot(y - low - 0.1, z - 1.02) < 0.035), paint(0xD8C27A, 0.8))
    lamp = (np.abs(y - 7.72) < 0.06) & (np.abs(z - 2.0) < 0.13)
    wall.put(lamp, paint(0x202020, 0.1))
    wall.put(lamp & (np.abs(z - 1.99) < 0.09), paint(0xF2EBD8, 0.7), 2.5)


def roof_coat(view: View) -> Coat:
    """Rows of tiles above a gutter."""
    tiles = 1 + 0.12 * stones(view.y, view.z, 0.2, 0.3) - 0.35 * smoothstep(0.8, 0.98, fraction(view.z / 0.2))
    gutter = view.z < yard.WALL_TOP + 0.1
    rgb = flat(view, paint(0x6B4438), tiles)
    rgb[gutter] = paint(0x77736E).rgb
    return Coat(rgb, np.asarray(0.3 * tiles, np.float32), None, (0.54, 0.0, 0.84))


def soffit_coat(view: View) -> Coat:
    """The boards below the overhanging roof."""
    return Coat(flat(view, paint(0xC9C4BA)), np.full_like(view.x, 0.5), None, (0.0, 0.0, -1.0))
