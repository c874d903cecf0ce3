"""What the yard's surfaces are made of; here those that stand around it, house and ground have their own files."""

from collections.abc import Callable

import numpy as np

from pi_sec_cam.camera.scene import yard
from pi_sec_cam.camera.scene.arrays import Floats
from pi_sec_cam.camera.scene.coat import FINE, ROUGH, Coat, detail, flat, mix
from pi_sec_cam.camera.scene.colour import paint
from pi_sec_cam.camera.scene.ground import ground_coat
from pi_sec_cam.camera.scene.house import roof_coat, soffit_coat, wall_coat
from pi_sec_cam.camera.scene.texture import fraction, sample, smoothstep
from pi_sec_cam.camera.scene.yard import Surface, View


def coat(view: View, kind: Surface) -> Coat:
    """The look of all pixels as if all were of this kind."""
    return _COATS[kind](view)


def _fence(view: View) -> Coat:
    x, z = view.x, view.z
    plank = sample(FINE, np.floor(x / yard.PLANK_M) * 0.61803, np.zeros_like(x))
    veins = sample(FINE, x / 2.1, z / 17) * detail(view, 0.03)
    brightness = 1 + 0.13 * plank + 0.1 * veins - 0.35 * np.exp(-z / 0.12)
    between = np.abs(fraction(x / yard.PLANK_M) - 0.5) > 0.41
    brightness = np.where(between, 0.7 * brightness, brightness).astype(np.float32)
    return Coat(flat(view, paint(0x8D7157), brightness), 0.4 * brightness, None, (0.0, -1.0, 0.0))


def _leafy(view: View, colour: int, size_m: float, shade: Floats) -> Coat:
    clumps = sample(ROUGH, view.x / (60 * size_m), view.z / (60 * size_m))
    leaves = sample(FINE, view.x / (90 * size_m), view.z / (90 * size_m))
    brightness = np.asarray(shade * np.clip(1 + 0.28 * clumps + 0.28 * leaves, 0.15, 2), np.float32)
    return Coat(flat(view, paint(colour), brightness), 0.5 * brightness, None, (0.25, -0.75, 0.6))


def _hedge(view: View) -> Coat:
    return _leafy(view, 0x4E6A38, 0.13, 0.55 + 0.32 * view.z)


def _treeline(view: View) -> Coat:
    hazy = _leafy(view, 0x5C7252, 0.55, np.full_like(view.z, 0.95))
    hazy.rgb = mix(hazy.rgb, flat(view, paint(0xA9B9C4)), np.full_like(view.z, 0.25))
    return hazy


def _house(view: View) -> Coat:
    x, z = view.x, view.z
    rgb = flat(view, paint(0xCFC6B4), 1 + 0.04 * sample(ROUGH, x / 9, z / 9))
    tiles = z > 3.6
    rgb[tiles] = flat(view, paint(0x7A5346), 1 - 0.2 * smoothstep(0.7, 1.0, fraction(z / 0.35)))[tiles]
    rgb[(np.abs(x - 11.2) < 0.4) & (z > 4.5)] = paint(0x8A5A48).rgb
    glow = np.zeros_like(x)
    for middle in (5.2, 8.4, 11.6):
        window = (np.abs(x - middle) < 0.65) & (np.abs(z - 2.35) < 0.6)
        rgb[window] = paint(0xEDEBE4).rgb
        pane = window & (np.abs(x - middle) < 0.55) & (np.abs(z - 2.35) < 0.5) & (np.abs(x - middle) > 0.04)
        rgb[pane] = paint(0x46525A).rgb
        glow[pane] = 0.5 if middle > 8 else 0.0
    return Coat(rgb, np.full_like(x, 0.4), glow, (0.0, -1.0, 0.0))


def _trunk(view: View) -> Coat:
    off = (view.x - yard.trunk_axis(view.z)) / yard.trunk_radius(view.z)
    bark = 1 + 0.25 * sample(FINE, view.x / 2.2, view.z / 9) + 0.1 * sample(ROUGH, view.x / 3, view.z / 3)
    round_ = np.asarray(bark * (0.62 + 0.45 * off) * np.sqrt(np.clip(1.15 - off**2, 0.1, 1)), np.float32)
    return Coat(flat(view, paint(0x6E5B49), round_), 0.36 * round_, None, (0.45, -0.85, 0.1))


_COATS: dict[Surface, Callable[[View], Coat]] = {
    Surface.GROUND: ground_coat,
    Surface.WALL: wall_coat,
    Surface.ROOF: roof_coat,
    Surface.SOFFIT: soffit_coat,
    Surface.FENCE: _fence,
    Surface.HEDGE: _hedge,
    Surface.HOUSE: _house,
    Surface.TREELINE: _treeline,
    Surface.TRUNK: _trunk,
}
