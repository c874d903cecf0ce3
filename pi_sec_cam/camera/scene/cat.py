"""The neighbours' cat, which trots through when it likes."""

import math

from pi_sec_cam.camera.scene.colour import Paint, paint
from pi_sec_cam.camera.scene.figure import Figure, Solid, Sphere
from pi_sec_cam.camera.scene.lens import depth_of

COATS = (paint(0xB5763A, 0.5), paint(0x2B2826, 0.22), paint(0x84807A, 0.45))
_EYES = Paint((0.35, 0.5, 0.2), 1.2)
_STRIDE_M = 0.42


def cat(coat: Paint, x: float, y: float, heading: float, walked_m: float, pace: float, t: float) -> Figure:
    """A cat at a moment; the arguments are a person's."""
    cos, sin = math.cos(heading), math.sin(heading)
    phase = 2 * math.pi * walked_m / _STRIDE_M

    def ball(forward: float, aside: float, z: float, radius: float) -> Sphere:
        return x + forward * cos - aside * sin, y + forward * sin + aside * cos, z, radius

    bob = 0.008 * pace * math.sin(2 * phase)
    legs: dict[int, list[Solid]] = {1: [], -1: []}
    for place, side, turn in ((0.16, 1, 0.0), (0.16, -1, math.pi), (-0.17, 1, math.pi), (-0.17, -1, 0.0)):
        reach = 0.085 * pace * math.sin(phase + turn)
        lift = 0.035 * pace * max(0.0, math.cos(phase + turn))
        paw = ball(place + reach, side * 0.045, 0.02 + lift, 0.02)
        joint = ball(place + 0.3 * reach - 0.02, side * 0.045, 0.12 + lift / 2, 0.024)
        hip = ball(place, side * 0.04, 0.2, 0.042)
        legs[side] += [Solid((paw, joint), coat, 0.9), Solid((joint, hip), coat, 0.95)]
    near = 1 if depth_of(x - sin, y + cos) < depth_of(x + sin, y - cos) else -1
    wave = 0.06 * math.sin(2.1 * t)
    tail_root, tail_bend = ball(-0.22, 0, 0.26 + bob, 0.022), ball(-0.36, wave / 2, 0.34, 0.018)
    tail = [
        Solid((tail_root, tail_bend), coat),
        Solid((tail_bend, ball(-0.40, wave, 0.48, 0.014)), coat),
    ]
    body = Solid((ball(0.15, 0, 0.235 + bob, 0.075), ball(-0.16, 0, 0.24 + bob, 0.085)), coat)
    head_z = 0.33 + bob + 0.02 * (1 - pace)
    head = [
        Solid((ball(0.17, 0, 0.26 + bob, 0.055), ball(0.26, 0, head_z, 0.045)), coat),
        Solid((ball(0.27, 0, head_z, 0.058), ball(0.31, 0, head_z - 0.015, 0.035)), coat, 1.05),
        *(
            Solid((ball(0.25, s * 0.035, head_z + 0.04, 0.022), ball(0.25, s * 0.045, head_z + 0.085, 0.004)), coat)
            for s in (1, -1)
        ),
    ]
    looks_here = sin < -0.2
    eyes = [Solid((ball(0.335, s * 0.024, head_z + 0.012, 0.011),), _EYES, 1.6) for s in (1, -1)] if looks_here else []
    front, back = [*head, *eyes], tail
    order = [*legs[-near], *(back if looks_here else front), body, *legs[near], *(front if looks_here else back)]
    return Figure("cat", order, x, y, depth_of(x, y, 0.2), pace > 0.05)
