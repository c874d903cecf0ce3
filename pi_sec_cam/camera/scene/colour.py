"""From light to picture levels: linear colour, gamma, and the Y, U and V of 8-bit video."""

from dataclasses import dataclass

import numpy as np

from pi_sec_cam.camera.scene.arrays import Floats

Linear = tuple[float, float, float]

_GAMMA = 1 / 2.2
# BT.601, limited range: what decoders assume of untagged video. Luma is kept as levels above black (0 to 219) until
# the last step adds the 16, so that a gain leaves black black.
_LUMA = (65.481, 128.553, 24.966)
_CB = (-37.797, -74.203, 112.0)
_CR = (112.0, -93.786, -18.214)
BLACK = 16
NEUTRAL = 128


@dataclass(frozen=True, slots=True)
class Paint:
    """A material: its linear colour, and how much infrared it returns (cloth returns more than the eye sees)."""

    rgb: Linear
    infrared: float


def paint(srgb: int, infrared: float | None = None) -> Paint:
    """A material from a colour as web pages write it (0xRRGGBB)."""
    red, green, blue = (((srgb >> shift & 0xFF) / 255) ** 2.2 for shift in (16, 8, 0))
    grey = 0.3 * red + 0.59 * green + 0.11 * blue
    return Paint((red, green, blue), 0.12 + 0.6 * grey if infrared is None else infrared)


def develop(linear: Floats) -> Floats:
    """Linear light to gamma-coded values from 0 to 1, with a soft shoulder for what is brighter than white."""
    clipped = np.maximum(linear, 0)
    return np.asarray(np.minimum(1.18 * clipped / (1 + 0.18 * clipped), 1) ** _GAMMA, np.float32)


def luma(r: Floats, g: Floats, b: Floats) -> Floats:
    """Levels above black of gamma-coded colour."""
    return np.asarray(_LUMA[0] * r + _LUMA[1] * g + _LUMA[2] * b, np.float32)


def chroma(r: Floats, g: Floats, b: Floats) -> tuple[Floats, Floats]:
    """U and V levels (neutral at 128) of gamma-coded colour."""
    u = NEUTRAL + _CB[0] * r + _CB[1] * g + _CB[2] * b
    v = NEUTRAL + _CR[0] * r + _CR[1] * g + _CR[2] * b
    return np.asarray(u, np.float32), np.asarray(v, np.float32)


def levels(linear: Linear) -> tuple[float, float, float]:
    """Y above black, U and V of one linear colour."""
    r, g, b = develop(np.array(linear, np.float32)).reshape(3, 1)
    u, v = chroma(r, g, b)
    return float(luma(r, g, b)[0]), float(u[0]), float(v[0])
