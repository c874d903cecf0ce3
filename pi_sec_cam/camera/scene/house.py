"""The house beside the camera: brick wall with windows and door, roof and eave."""

import numpy as np

from pi_sec_cam.camera.scene import yard
from pi_sec_cam.camera.scene.arrays import Mask
from pi_sec_cam.camera.scene.coat import ROUGH, Coat, detail, flat, grain, joints, mix, stones
from pi_sec_cam.camera.scene.colour import Paint, paint
from pi_sec_cam.camera.scene.texture import fraction, sample, smoothstep
from pi_sec_cam.camera.scene.yard import View


def wall_coat(view: View) -> Coat:
    y, z = view.y, view.z
    rough = sample(ROUGH, y / 7, z / 7)
    seen = detail(view, 0.03)
    bricks = 1 + (0.13 * stones(y, z, 0.075, 0.24) + 0.05 * grain(view, y, z, 0.012)) * seen + 0.06 * rough
    rgb = flat(view, paint(0x9A5F4B), bricks)
    mortar = 0.7 * joints(y, z, 0.075, 0.24, 0.016) * seen
    rgb = mix(rgb, flat(view, paint(0xA89D8E)), mortar)
    plinth = 1 - smoothstep(0.42, 0.44, z)
    rgb = mix(rgb, flat(view, paint(0x8F8C86), 1 + 0.06 * rough), plinth)
    infrared = np.asarray(0.42 * bricks * (1 + 0.35 * mortar), np.float32)
    glow = np.zeros_like(y)

    def put(inside: Mask, colour: Paint, shine: float = 0.0) -> None:
        rgb[inside] = colour.rgb
        infrared[inside] = colour.infrared
        glow[inside] = shine

    for low, high, sill, top, lit in ((4.9, 5.9, 0.95, 2.3, 0.5), (8.0, 9.0, 0.95, 2.3, 0.85)):
        inside = (y > low) & (y < high) & (z > sill) & (z < top)
        pane = inside & (np.minimum(y - low, high - y) > 0.07) & (np.minimum(z - sill, top - z) > 0.07)
        put((y > low - 0.06) & (y < high + 0.06) & (z > sill - 0.09) & (z < sill), paint(0xC8C2B6, 0.5))
        put(inside, paint(0xEDEBE4, 0.7))
        put(pane & (np.abs(y - (low + high) / 2) > 0.025), paint(0x39444C, 0.06), lit)
        curtain = pane & (np.abs(y - (low + high) / 2) > 0.30 + 0.02 * np.sin(z * 3))
        put(curtain, paint(0xA99F8D, 0.3), lit * 0.8)
    low, high = yard.DOOR_Y
    frame = (y > low - 0.08) & (y < high + 0.08) & (z < 2.18)
    put(frame, paint(0xEDEBE4, 0.7))
    door = (y > low) & (y < high) & (z < 2.1)
    put(door, paint(0x2F4A3E, 0.25))
    panel = door & (np.abs(np.abs(y - (low + high) / 2) - 0.22) < 0.15) & (np.abs(np.abs(z - 0.78) - 0.36) < 0.28)
    put(panel, paint(0x3A5A4C, 0.29))
    put(door & (np.abs(y - (low + high) / 2) < 0.3) & (np.abs(z - 1.78) < 0.17), paint(0x55626A, 0.1), 0.6)
    put(door & (np.hypot(y - low - 0.1, z - 1.02) < 0.035), paint(0xD8C27A, 0.8))
    lamp = (np.abs(y - 7.72) < 0.06) & (np.abs(z - 2.0) < 0.13)
    put(lamp, paint(0x202020, 0.1), 0.0)
    put(lamp & (np.abs(z - 1.99) < 0.09), paint(0xF2EBD8, 0.7), 2.5)
    pipe = np.abs(y - (yard.WALL_END_Y - 0.22)) < 0.045
    put(pipe, paint(0x6E6A66, 0.3))
    shade = np.asarray(1 - 0.35 * np.exp(-np.maximum(yard.WALL_TOP - z, 0) / 0.25), np.float32)
    return Coat(rgb * shade[..., np.newaxis], infrared * shade, glow, (1.0, 0.0, 0.0))


def roof_coat(view: View) -> Coat:
    tiles = 1 + 0.12 * stones(view.y, view.z, 0.2, 0.3) - 0.35 * smoothstep(0.8, 0.98, fraction(view.z / 0.2))
    gutter = view.z < yard.WALL_TOP + 0.1
    rgb = flat(view, paint(0x6B4438), tiles)
    rgb[gutter] = paint(0x77736E).rgb
    return Coat(rgb, np.asarray(0.3 * tiles, np.float32), None, (0.54, 0.0, 0.84))


def soffit_coat(view: View) -> Coat:
    return Coat(flat(view, paint(0xC9C4BA)), np.full_like(view.x, 0.5), None, (0.0, 0.0, -1.0))
