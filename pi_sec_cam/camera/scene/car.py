"""A car: a body of flat faces, of which only those that look at the camera are drawn."""

import math
from collections.abc import Sequence

import numpy as np

from pi_sec_cam.camera.scene.colour import Paint, paint
from pi_sec_cam.camera.scene.figure import Figure, Solid
from pi_sec_cam.camera.scene.lens import HEIGHT_M, depth_of

COLOURS = (paint(0x9AA3AB, 0.5), paint(0x7A1F24, 0.35), paint(0x25405F, 0.3), paint(0xD8D8D4, 0.6))
LAMP_FORWARD_M, LAMP_ASIDE_M, LAMP_Z_M = 2.1, 0.62, 0.62

_GLASS = paint(0x2C353B, 0.12)
_TYRE = paint(0x1E1E1F, 0.12)
_HUB = paint(0x9A9A9C, 0.4)
_UNDER = paint(0x17171A, 0.08)
_HEADLAMP = paint(0xE9EDF2, 0.8)
_TAIL_LAMP = paint(0xA01E1E, 0.5)
_PLATE = paint(0xE8E6DC, 0.9)

Corner = tuple[float, float, float]  # forward, to the left, up; metres from the middle of the car on the ground


def _across(f0: float, z0: float, w0: float, f1: float, z1: float, w1: float) -> tuple[Corner, ...]:
    """A face from side to side between two cross lines."""
    return ((f0, -w0, z0), (f0, w0, z0), (f1, w1, z1), (f1, -w1, z1))


def _upright(side: int, points: Sequence[tuple[float, float, float]]) -> tuple[Corner, ...]:
    """A face along a side; points are forward, up and half the car's width there."""
    corners = [(f, side * w, z) for f, z, w in points]
    return tuple(corners if side < 0 else reversed(corners))


_BODY_SIDE = [
    (2.1, 0.3, 0.86),
    (2.1, 0.62, 0.86),
    (1.95, 0.74, 0.86),
    (0.95, 0.92, 0.86),
    (-1.85, 0.95, 0.86),
    (-2.1, 0.85, 0.86),
    (-2.1, 0.3, 0.86),
]
_CABIN_SIDE = [(0.95, 0.92, 0.84), (0.2, 1.42, 0.64), (-1.3, 1.44, 0.64), (-1.9, 0.95, 0.84)]
_FRONT_WINDOW = [(0.70, 0.97, 0.835), (0.14, 1.36, 0.67), (-0.45, 1.37, 0.67), (-0.45, 0.98, 0.835)]
_REAR_WINDOW = [(-0.55, 0.98, 0.835), (-0.55, 1.37, 0.67), (-1.2, 1.37, 0.67), (-1.62, 1.0, 0.835)]


def _faces(colour: Paint) -> list[tuple[tuple[Corner, ...], Paint]]:
    """All faces, the cabin's after the body's, details after what they lie on."""
    body: list[tuple[tuple[Corner, ...], Paint]] = [
        (_across(2.1, 0.3, 0.86, 2.1, 0.62, 0.86), colour),
        (_across(2.1, 0.62, 0.86, 1.95, 0.74, 0.86), colour),
        (_across(1.95, 0.74, 0.86, 0.95, 0.92, 0.86), colour),
        (_across(-1.85, 0.95, 0.86, -2.1, 0.85, 0.86), colour),
        (_across(-2.1, 0.85, 0.86, -2.1, 0.3, 0.86), colour),
        *((_upright(side, _BODY_SIDE), colour) for side in (1, -1)),
    ]
    details = [
        *(
            (
                tuple((2.11, s * a, z) for a, z in ((0.48, 0.54), (0.80, 0.54), (0.80, 0.68), (0.48, 0.68))[::s]),
                _HEADLAMP,
            )
            for s in (1, -1)
        ),
        *(
            (
                tuple((-2.11, s * a, z) for a, z in ((0.55, 0.62), (0.82, 0.62), (0.82, 0.78), (0.55, 0.78))[::-s]),
                _TAIL_LAMP,
            )
            for s in (1, -1)
        ),
        (((2.11, -0.26, 0.36), (2.11, 0.26, 0.36), (2.11, 0.26, 0.47), (2.11, -0.26, 0.47)), _PLATE),
        (((2.11, -0.4, 0.5), (2.11, 0.4, 0.5), (2.11, 0.4, 0.6), (2.11, -0.4, 0.6)), _UNDER),
    ]
    cabin = [
        (_across(0.95, 0.92, 0.84, 0.2, 1.42, 0.64), _GLASS),
        (_across(0.2, 1.42, 0.64, -1.3, 1.44, 0.64), colour),
        (_across(-1.3, 1.44, 0.64, -1.9, 0.95, 0.84), _GLASS),
        *((_upright(side, _CABIN_SIDE), colour) for side in (1, -1)),
        *((_upright(side, window), _GLASS) for side in (1, -1) for window in (_FRONT_WINDOW, _REAR_WINDOW)),
    ]
    wheels = []
    for side in (1, -1):
        for f in (1.3, -1.32):
            for radius, material in ((0.32, _TYRE), (0.19, _HUB)):
                rim = [
                    (f + radius * math.cos(a), 0.31 + radius * math.sin(a), 0.87)
                    for a in np.linspace(0, 6.283, 14)[:-1]
                ]
                wheels.append((_upright(side, rim), material))
    return [*body, *details, *wheels, *cabin]


def car(colour: Paint, x: float, y: float, heading: float, *, moving: bool, lamps: bool) -> Figure:
    """A car at a moment.

    Args:
        x, y: its middle, metres.
        heading: radians from the x axis to the y axis.
        lamps: whether its lamps shine.
    """
    cos, sin = math.cos(heading), math.sin(heading)
    camera = np.array((0.0, 0.0, HEIGHT_M))
    solids = [Solid([_place(f, a, 0.18, x, y, cos, sin) for f in (-1.95, 1.95) for a in (-0.8, 0.8)], _UNDER)]
    for corners, material in _faces(colour):
        points = np.array([_place(*corner, x, y, cos, sin)[:3] for corner in corners])
        normal = np.cross(points[1] - points[0], points[2] - points[1])
        normal /= np.linalg.norm(normal)
        to_camera = camera - points.mean(axis=0)
        facing = float(normal @ to_camera / np.linalg.norm(to_camera))
        if facing <= 0:
            continue
        tone = 0.62 + 0.25 * facing + 0.3 * max(0.0, float(normal[2]))
        if lamps and material in {_HEADLAMP, _TAIL_LAMP}:
            tone = 30.0 if material is _HEADLAMP else 8.0
        solids.append(Solid([(float(px), float(py), float(pz), 0.0) for px, py, pz in points], material, tone))
    return Figure("car", solids, x, y, depth_of(x, y, 0.7), moving)


def lamps_of(x: float, y: float, heading: float) -> list[tuple[float, float, float]]:
    """Where its two headlamps are."""
    cos, sin = math.cos(heading), math.sin(heading)
    return [_place(LAMP_FORWARD_M, side * LAMP_ASIDE_M, LAMP_Z_M, x, y, cos, sin)[:3] for side in (1, -1)]


def _place(
    f: float, a: float, z: float, x: float, y: float, cos: float, sin: float
) -> tuple[float, float, float, float]:
    return x + f * cos - a * sin, y + f * sin + a * cos, z, 0.0
