"""What really moves where in a picture of the scene, measured on coarse silhouettes without drawing the picture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pi_sec_cam.camera.scene.arrays import Mask, Plane
from pi_sec_cam.camera.scene.backdrop import occluders
from pi_sec_cam.camera.scene.figure import Box, Figure, bounds, outlines, shadow_solids, silhouette
from pi_sec_cam.camera.scene.illumination import Illumination
from pi_sec_cam.camera.scene.lens import Lens
from pi_sec_cam.camera.scene.settings import SceneSettings
from pi_sec_cam.camera.scene.weather import Insect, glare_box, glares_at, insect_box

_COLUMNS = 320
_SEEN = 24  # of 255: less of a pixel is not worth a box
_LEAST_AREA = 2e-5


@dataclass(frozen=True, slots=True)
class Truth:
    """One thing that is not part of the empty yard.

    Attributes:
        kind: "person", "cat", "car", "insect"; "shadow" for that of a figure (without sun it is under its feet);
            "light" for headlights: one for all that their beams brighten, one for each lamp that dazzles.
        left, top, width, height: the box around what can be seen of it, fractions (0–1) of the picture.
        moving: whether it goes; people and cats that pause still sway a little.
        area: the fraction of the picture that it really covers. What fences, house and trunk hide is left out; what
            leaves, rain and other figures hide is not.
    """

    kind: str
    left: float
    top: float
    width: float
    height: float
    moving: bool
    area: float


class Witness:
    """Measures what is there, always on the same coarse picture: the truth does not depend on the resolution."""

    def __init__(self, lens: Lens, settings: SceneSettings) -> None:
        self._lens = Lens(_COLUMNS, max(2, round(_COLUMNS * lens.height / lens.width / 2) * 2))
        self._settings = settings
        self._shadow_per_m = Illumination(settings.light).shadow_per_m
        self._depth, self._ground = occluders(self._lens)

    def figures(self, figures: Sequence[Figure]) -> list[Truth]:
        """All figures that can be seen, and their shadows."""
        found: list[Truth] = []
        for figure in figures:
            shapes = outlines(figure.solids, self._lens)
            box = bounds(shapes, self._lens)
            if box is not None:
                seen = silhouette(shapes, box) * (self._depth[box.of_luma] > figure.depth)
                found += self._measured(figure.kind, seen, box, moving=figure.moving)
            shapes = outlines(shadow_solids(figure.solids, self._shadow_per_m), self._lens)
            box = bounds(shapes, self._lens)
            if box is not None:
                seen = silhouette(shapes, box) * (self._ground[box.of_luma] > 0)
                found += self._measured("shadow", seen, box, moving=figure.moving)
        return found

    def lights(self, lit: Mask | None, t: float) -> list[Truth]:
        """What headlights do; `lit` is where their beams brighten the yard, on any grid."""
        found: list[Truth] = []
        where = None if lit is None else _extent(lit)
        if lit is not None and where is not None:
            # Beams are drawn from a coarse grid, stretched: what changes reaches one cell further.
            rows, columns = lit.shape
            left, top, right, bottom = where
            box = Box(max(0, left - 1), max(0, top - 1), min(columns, right + 1), min(rows, bottom + 1))
            found.append(_truth("light", box, columns, rows, area=float(lit.mean())))
        for glare in glares_at(self._settings, t, self._lens, self._depth):
            around = glare_box(glare, self._lens)
            if around is not None:
                area = math.pi * glare.radius**2 / (self._lens.width * self._lens.height)
                found.append(_truth("light", around, self._lens.width, self._lens.height, area=area))
        return found

    def insects(self, insects: Sequence[Insect]) -> list[Truth]:
        """Insects before the lens."""
        found: list[Truth] = []
        width, height = self._lens.width, self._lens.height
        for insect in insects:
            box = insect_box(insect, self._lens)
            if box is not None:
                radius = insect.radius * height
                way = math.hypot((insect.to_x - insect.from_x) * width, (insect.to_y - insect.from_y) * height)
                area = (math.pi * radius**2 + 2 * radius * way) / (width * height)
                found.append(_truth("insect", box, width, height, area=area))
        return found

    def _measured(self, kind: str, seen: Plane, box: Box, *, moving: bool) -> list[Truth]:
        area = float(seen.sum()) / 255 / (self._lens.width * self._lens.height)
        where = _extent(seen > _SEEN)
        if where is None or area < _LEAST_AREA:
            return []
        left, top, right, bottom = where
        tight = Box(box.left + left, box.top + top, box.left + right, box.top + bottom)
        return [_truth(kind, tight, self._lens.width, self._lens.height, area=area, moving=moving)]


def _truth(kind: str, box: Box, columns: int, rows: int, *, area: float, moving: bool = True) -> Truth:
    size = ((box.right - box.left) / columns, (box.bottom - box.top) / rows)
    return Truth(kind, box.left / columns, box.top / rows, *size, moving, area)


def _extent(mask: Mask) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of the True pixels (right and bottom just outside), None without any."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
