"""The image sensor's noise, from a pool that is laid over every picture at another place."""

import cv2
import numpy as np

from pi_sec_cam.camera.scene.arrays import Plane
from pi_sec_cam.camera.scene.colour import BLACK
from pi_sec_cam.camera.scene.lens import Lens
from pi_sec_cam.camera.scene.settings import Light

# Standard deviation in levels; grain is the share that spreads over neighbouring pixels, as denoising leaves it.
_DEVIATION: dict[Light, float] = {"day": 1.1, "dusk": 2.8, "night": 4.4}
_GRAIN = 0.6


class Sensor:
    """Adds noise and the black level."""

    def __init__(self, lens: Lens, light: Light, seed: int) -> None:
        rng = np.random.default_rng((seed, 8))
        white = rng.standard_normal((lens.height, lens.width), np.float32)
        grain = cv2.GaussianBlur(rng.standard_normal((lens.height, lens.width), np.float32), (0, 0), 1.0)
        mixed = (1 - _GRAIN) ** 0.5 * white + _GRAIN**0.5 * grain / grain.std()
        noise = np.rint(_DEVIATION[light] * mixed)
        self._above = np.asarray(np.clip(noise, 0, 200) + BLACK, np.uint8)
        self._below = np.asarray(np.clip(-noise, 0, 200), np.uint8)

    def expose(self, y: Plane, roll_y: int, roll_x: int) -> None:
        """Turn levels above black into the picture's Y plane, in place; the rolls choose the noise."""
        add_rolled(y, self._above, roll_y, roll_x)
        add_rolled(y, self._below, roll_y, roll_x, subtract=True)


def add_rolled(y: Plane, pool: Plane, roll_y: int, roll_x: int, *, subtract: bool = False) -> None:
    """Add a pool of the same shape to a plane in place, saturating; what is rolled out comes in on the other side."""
    height, width = y.shape
    change = cv2.subtract if subtract else cv2.add
    for to_row, from_row, rows in ((0, roll_y, height - roll_y), (height - roll_y, 0, roll_y)):
        for to_column, from_column, columns in ((0, roll_x, width - roll_x), (width - roll_x, 0, roll_x)):
            if rows and columns:
                part = y[to_row : to_row + rows, to_column : to_column + columns]
                change(part, pool[from_row : from_row + rows, from_column : from_column + columns], dst=part)
