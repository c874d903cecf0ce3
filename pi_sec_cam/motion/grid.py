"""A luma plane made small: the grid of cells on which detection works, and the parts of it that are watched."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Polygon = Sequence[Sequence[float]]

# The picture is halved while at least this many cells are left: 640x360 and 1280x720 become 160x90.
_FEWEST_CELLS = 7200
_SMALLEST = 16


class Grid:
    """Reduces luma planes of one size; another size needs another grid.

    Args:
        height, width: of the planes, at least 16 each.
        zones: polygons in fractions of the picture (x, y); movement counts only inside of one. None: everywhere.
        masks: the same; movement inside does not count.

    Attributes:
        shape: height and width in cells.
        watched: 255 where movement counts, 0 elsewhere; None if it counts everywhere.
    """

    def __init__(
        self, height: int, width: int, *, zones: Sequence[Polygon] = (), masks: Sequence[Polygon] = ()
    ) -> None:
        if min(height, width) < _SMALLEST:
            raise ValueError(f"a picture of {width}x{height} is too small to find movement in")
        self.source_shape = (height, width)
        self._steps: list[Plane] = []
        while (height // 2) * (width // 2) >= _FEWEST_CELLS:
            height, width = height // 2, width // 2
            self._steps.append(np.empty((height, width), np.uint8))
        self.shape = (height, width)
        self.watched = self._watched(zones, masks)

    def reduce(self, luma: Plane) -> Plane:
        """The plane's cells, lightly smoothed (3x3), in an array of their own.

        Halving again and again by the mean of 2x2 is a mean over each cell like cv2.INTER_AREA at once, but OpenCV has
        vector code for it: a sixth of the instructions. An odd last row or column is left out.
        """
        for smaller in self._steps:
            height, width = smaller.shape
            even = luma[: 2 * height, : 2 * width]
            cv2.resize(even, (width, height), dst=smaller, interpolation=cv2.INTER_AREA)
            luma = smaller
        return np.asarray(cv2.blur(luma, (3, 3)), np.uint8)

    def _watched(self, zones: Sequence[Polygon], masks: Sequence[Polygon]) -> Plane | None:
        if not zones and not masks:
            return None
        watched = np.full(self.shape, 0 if zones else 255, np.uint8)
        for polygons, value in ((zones, 255), (masks, 0)):
            for polygon in polygons:
                corners = np.array(polygon, np.float64) * (self.shape[1], self.shape[0]) - 0.5
                cv2.fillPoly(watched, [np.round(corners).astype(np.int32)], value)
        return watched
