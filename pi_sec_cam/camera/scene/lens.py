"""The pinhole camera of the rendered yard: from metres to pixels and back.

World: x to the right, y away from the camera's mast, z up, in metres; the camera hangs at (0, 0, HEIGHT_M) and looks
along y, tilted down.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_sec_cam.camera.scene.arrays import Floats

HEIGHT_M = 2.6
_PITCH = math.radians(12)
_HALF_WIDTH = math.tan(math.radians(35))
# Taller pictures than 4:3 keep a vertical field that does not look straight down.
_HALF_HEIGHT = _HALF_WIDTH * 3 / 4
_NEAREST_M = 0.4
COS_PITCH, SIN_PITCH = math.cos(_PITCH), math.sin(_PITCH)


@dataclass(frozen=True, slots=True)
class Lens:
    """Projection for one picture size (pixels)."""

    width: int
    height: int

    @property
    def focal_px(self) -> float:
        """Pixels a metre covers at a depth of one metre."""
        return max(self.width / (2 * _HALF_WIDTH), self.height / (2 * _HALF_HEIGHT))

    def project(self, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where world points appear.

        Args:
            points: shape (n, 3), metres.

        Returns:
            Pixel coordinates, shape (n, 2), the first pixel spanning 0 to 1; and depths along the optical axis in
            metres, shape (n,), never below 0.4 m.
        """
        y, z = points[:, 1], points[:, 2] - HEIGHT_M
        depth = np.maximum(y * COS_PITCH - z * SIN_PITCH, _NEAREST_M)
        scale = self.focal_px / depth
        pixels = np.empty((len(points), 2))
        pixels[:, 0] = self.width / 2 + points[:, 0] * scale
        pixels[:, 1] = self.height / 2 - (y * SIN_PITCH + z * COS_PITCH) * scale
        return pixels, depth

    def rays(self, top: int, bottom: int, oversample: int) -> tuple[Floats, Floats, Floats]:
        """Directions through the pixels of rows `top` to `bottom`, each axis sampled `oversample` times a pixel.

        Returns:
            dx of shape (1, columns), dy and dz of shape (rows, 1); a ray's point at depth s is s times its direction
            from the camera.
        """
        columns = (np.arange(self.width * oversample, dtype=np.float32) + 0.5) / oversample
        rows = (np.arange(top * oversample, bottom * oversample, dtype=np.float32) + 0.5) / oversample
        across = (columns - self.width / 2) / self.focal_px
        up = (self.height / 2 - rows) / self.focal_px
        dy = COS_PITCH + up * SIN_PITCH
        dz = up * COS_PITCH - SIN_PITCH
        return (
            across[np.newaxis, :].astype(np.float32),
            dy[:, np.newaxis].astype(np.float32),
            dz[:, np.newaxis].astype(np.float32),
        )


def depth_of(x: float, y: float, z: float = 0.9) -> float:
    """Depth along the optical axis of a world point, metres."""
    del x  # the axis has no part across
    return y * COS_PITCH - (z - HEIGHT_M) * SIN_PITCH
