"""How surfaces are coated: what a coat is, and the brushes for its grain, joints and stones."""

from dataclasses import dataclass

import numpy as np

from pi_sec_cam.camera.scene.arrays import Floats, Mask, Values
from pi_sec_cam.camera.scene.colour import Paint
from pi_sec_cam.camera.scene.texture import fraction, sample, smoothstep, tile
from pi_sec_cam.camera.scene.yard import View

Direction = tuple[float, float, float]

ROUGH = tile(11, slope=1.0)
FINE = tile(12, slope=0.35)


@dataclass(slots=True, eq=False)
class Coat:
    """A surface's look; all arrays have the view's shape.

    Attributes:
        rgb: linear reflectance, shape (rows, columns, 3).
        infrared: reflectance for the infrared lamp.
        glow: how much the surface shines by itself when lamps are on, by dusk: a lit window.
        normal: the direction that the surface faces.
    """

    rgb: Floats
    infrared: Floats
    glow: Floats | None = None
    normal: Direction = (0.0, 0.0, 1.0)

    def put(self, inside: Mask, colour: Paint, shine: float = 0.0) -> None:
        """Paint over a part, in place."""
        self.rgb[inside] = colour.rgb
        self.infrared[inside] = colour.infrared
        if self.glow is not None:
            self.glow[inside] = shine


def mix(under: Values, over: Values, amount: Values) -> Floats:
    """One coat over another, as thick as `amount` (0 to 1) says."""
    mixed = over - under
    mixed *= amount[..., np.newaxis]
    mixed += under
    return np.asarray(mixed, np.float32)


def flat(view: View, colour: Paint, brightness: Values | None = None) -> Floats:
    """A coat of one colour, of even or varying brightness."""
    levels = np.ones_like(view.x) if brightness is None else brightness
    return np.asarray(levels[..., np.newaxis] * np.array(colour.rgb, np.float32), np.float32)


def detail(view: View, size_m: float) -> Floats:
    """How much of a texture of this grain survives: at a distance it averages out instead of flickering."""
    return np.asarray(np.clip(600 * size_m / view.depth, 0, 1), np.float32)


def grain(view: View, u: Values, v: Values, size_m: float) -> Floats:
    """Fine random relief, mean 0, its grains `size_m` wide; u and v are metres along the surface."""
    return sample(FINE, u / (256 * size_m), v / (256 * size_m)) * detail(view, size_m)


def joints(u: Values, v: Values, width: float, length: float, joint: float = 0.03) -> Floats:
    """1 on the joints of a running bond, 0 on its stones; all lengths in metres."""
    row = np.floor(v / width)
    across = np.abs(fraction(v / width) - 0.5) * width
    along = np.abs(fraction(u / length + 0.5 * np.mod(row, 2)) - 0.5) * length
    return np.maximum(
        smoothstep(width / 2 - 0.7 * joint, width / 2 - 0.2 * joint, across),
        smoothstep(length / 2 - 0.7 * joint, length / 2 - 0.2 * joint, along),
    )


def stones(u: Values, v: Values, width: float, length: float) -> Floats:
    """One random value for each stone of a running bond."""
    row = np.floor(v / width)
    column = np.floor(u / length + 0.5 * np.mod(row, 2) + 0.5)
    return sample(FINE, np.asarray(column * 0.3819, np.float32), np.asarray(row * 0.2371, np.float32))
