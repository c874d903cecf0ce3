"""Changed cells that belong together."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_sec_cam.motion.grid import Plane

# Of its cells, at least so many must have changed strongly.
_SEED_SHARE, _FEWEST_SEEDS = 0.08, 3

_FARTHEST = 24

_KERNEL = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Blob:
    """A connected change.

    Attributes:
        left, top, width, height: the box around it, in cells.
        area: in cells.
        active: how many of them changed within the last third of a second.
        mask: True for its cells, in the box.
    """

    left: int
    top: int
    width: int
    height: int
    area: int
    active: int
    mask: NDArray[np.bool_]

    @property
    def cells(self) -> tuple[slice, slice]:
        """Rows and columns of the box."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def around(self, margin: int, grid_shape: tuple[int, int]) -> tuple[slice, slice, NDArray[np.bool_]]:
        """Rows and columns of the box with a margin, as far as the grid goes, and the mask in them."""
        above, before = min(margin, self.top), min(margin, self.left)
        below = min(margin, grid_shape[0] - self.top - self.height)
        behind = min(margin, grid_shape[1] - self.left - self.width)
        rows = slice(self.top - above, self.top + self.height + below)
        columns = slice(self.left - before, self.left + self.width + behind)
        mask = np.zeros((above + self.height + below, before + self.width + behind), np.bool_)
        mask[above : above + self.height, before : before + self.width] = self.mask
        return rows, columns, mask


def find_blobs(changed: Plane, strong: Plane, active: Plane, *, least_area: float) -> list[Blob]:
    """The blobs of at least `least_area` cells: seeds in `strong` grown over what is connected in `changed`.

    All three are 255 where it holds, 0 elsewhere. Gaps of one cell are closed. Nothing grows farther than 24 cells
    out of the box around all seeds.
    """
    left, top, width, height = cv2.boundingRect(strong)
    if not width:
        return []
    right, bottom = left + width + _FARTHEST, top + height + _FARTHEST
    left, top = max(0, left - _FARTHEST), max(0, top - _FARTHEST)
    rows, columns = slice(top, bottom), slice(left, right)
    closed = cv2.morphologyEx(changed[rows, columns], cv2.MORPH_CLOSE, _KERNEL)
    # 16 bits are enough for labels: no two blobs touch, so there are at most a quarter as many as cells.
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, ltype=cv2.CV_16U)
    if count == 1:
        return []
    seeds, actives = strong[rows, columns], active[rows, columns]
    blobs = []
    for label in (np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= least_area) + 1).tolist():
        x, y, w, h, area = stats[label].tolist()
        box = slice(y, y + h), slice(x, x + w)
        mask = labels[box] == label
        if np.count_nonzero(seeds[box][mask]) >= max(_FEWEST_SEEDS, _SEED_SHARE * area):
            blobs.append(Blob(left + x, top + y, w, h, area, int(np.count_nonzero(actives[box][mask])), mask))
    return blobs
