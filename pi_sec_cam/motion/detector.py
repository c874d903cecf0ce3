"""What moves in a picture: compares luma planes with an adaptive base (docs/motion.md). Pure: no I/O, no threads."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pi_sec_cam.motion import light
from pi_sec_cam.motion.background import Background
from pi_sec_cam.motion.blob import Blob, find_blobs
from pi_sec_cam.motion.event import Area
from pi_sec_cam.motion.grid import Grid, Plane, Polygon
from pi_sec_cam.motion.track import Track, Tracker

# A cell is the mean of many pixels, which an object's edges and texture fill in part: of the difference that a pixel
# must show, this much is asked of the cell.
_CELL_SHARE = 0.4
# Contrast of a full picture: between its darkest and its brightest 2 %, in levels. Where there is less, less is asked.
_FULL_CONTRAST, _LEAST_CONTRAST = 200.0, 0.2
_CONTRAST_EVERY_SEC = 2.0

# Blobs are followed from this share of the least area on.
_FOLLOWED_SHARE = 0.6
# Gains of the whole picture: below the first nothing is done, above the second it is a change of light (log).
_GAIN_SEEN, _GAIN_STEP = 0.01, 0.08
# Changed shares of the picture: above the first, light may have changed in parts; above the second, after a picture
# with less than the third, everything is new (the infrared filter switches, somebody turns the camera).
_MUCH, _MOST, _LITTLE = 0.06, 0.5, 0.1
# A part of the picture where the light has changed by more (log), over so many cells at least.
_GAIN_IN_PART, _FEWEST_CELLS = 0.04, 100

# The older picture that tells quick changes from slow ones; and a gap after which everything is new.
_BEFORE_US, _GAP_US = 300_000, 10_000_000


@dataclass(frozen=True, slots=True)
class Motion:
    """What one look has found.

    Attributes:
        areas: boxes around what moves; while nothing does, around what differs and is followed.
        since_pts_us: the first picture that showed the longest of the movements; None if nothing moves (yet).
        changed: the share of the picture that differs from the base, 0-1, light allowed for.
        light_change: the light has changed at once, and the base with it.
    """

    areas: tuple[Area, ...] = ()
    since_pts_us: int | None = None
    changed: float = 0.0
    light_change: bool = False


class Detector:
    """Finds movement in the luma planes of one camera.

    Args:
        min_trigger_area: fraction (0-1) of the picture that a moving thing must cover.
        min_pixel_delta_trigger: by how many levels (0-255) some of its pixels must differ from the background, in a
            picture of full contrast.
        zones, masks: polygons (x, y in fractions of the picture): movement counts only inside one of the zones, if
            there are any, and never inside a mask.
    """

    def __init__(
        self,
        *,
        min_trigger_area: float = 0.005,
        min_pixel_delta_trigger: int = 50,
        zones: Sequence[Polygon] = (),
        masks: Sequence[Polygon] = (),
    ) -> None:
        if not 0 <= min_trigger_area <= 1:
            raise ValueError("min_trigger_area must be a fraction of the picture, 0 to 1")
        if not 0 <= min_pixel_delta_trigger <= 255:
            raise ValueError("min_pixel_delta_trigger must be 0 to 255")
        self._min_area = min_trigger_area
        self._min_delta = min_pixel_delta_trigger
        self._zones, self._masks = tuple(zones), tuple(masks)
        self._scene: _Scene | None = None
        self._rebase = False

    def rebase(self) -> None:
        """Take the next picture as the new base."""
        self._rebase = True

    def look(self, luma: Plane, pts_us: int) -> Motion:
        """The next picture.

        Args:
            luma: uint8, shape (height, width), any size; rows may be padded. Another size begins anew.
            pts_us: its media time. Going backwards, or a gap of ten seconds, begins anew.
        """
        scene = self._scene
        if scene is None or scene.grid.source_shape != luma.shape:
            grid = Grid(*luma.shape, zones=self._zones, masks=self._masks)
            self._scene = _Scene(grid, grid.reduce(luma), pts_us, min_area=self._min_area, min_delta=self._min_delta)
            self._rebase = False
            return Motion()
        cells = scene.grid.reduce(luma)
        if self._rebase or not 0 <= pts_us - scene.pts_us <= _GAP_US:
            self._rebase = False
            scene.rebase(cells, pts_us)
            return Motion()
        return scene.look(cells, pts_us)


class _Scene:
    """All that is known of pictures of one size."""

    def __init__(self, grid: Grid, cells: Plane, pts_us: int, *, min_area: float, min_delta: int) -> None:
        self.grid = grid
        self._count = grid.shape[0] * grid.shape[1]
        self._least = max(1.0, min_area * self._count)
        self._min_delta = min_delta
        self._tracker = Tracker(large=self._least)
        self._background = Background(cells)
        self.rebase(cells, pts_us)

    def rebase(self, cells: Plane, pts_us: int) -> None:
        """Another base; what was learned of the noise stays."""
        self.pts_us = pts_us
        self._background.rebase(cells)
        self._tracker.clear()
        self._earlier = deque([(pts_us, cells)])
        self._standing: Plane | None = None
        self._last_share = 0.0
        self._contrast_us: int | None = None

    def look(self, cells: Plane, pts_us: int) -> Motion:
        """Compare, find, follow, learn."""
        dt_sec, self.pts_us = (pts_us - self.pts_us) / 1e6, pts_us
        difference, changed, light_change = self._compare(cells)
        changed_cells = cv2.countNonZero(changed)
        share = changed_cells / self._count
        if share > _MOST and self._last_share < _LITTLE:
            self._background = Background(cells)
            self.rebase(cells, pts_us)
            return Motion(changed=share, light_change=True)
        self._last_share = share

        before = self._before(cells, pts_us)
        pairs: list[tuple[Blob, Track | None]] = []
        lit: list[Blob] = []
        active: Plane | None = None
        if changed_cells >= _FOLLOWED_SHARE * self._least:
            active = np.asarray(cv2.compare(cv2.absdiff(cells, before), self._background.low, cv2.CMP_GT), np.uint8)
            self._ask(pts_us)
            strong = np.asarray(cv2.compare(difference, self._background.high, cv2.CMP_GT), np.uint8)
            found = find_blobs(changed, strong, active, least_area=_FOLLOWED_SHARE * self._least)
            for blob, track in self._tracker.match(found, pts_us):
                if (track is None or not track.goes_on(blob)) and self._only_light(cells, blob):
                    lit.append(blob)
                else:
                    pairs.append((blob, track))
        self._background.absorb(cells, changed, active, dt_sec)

        self._tracker.follow(pairs, pts_us)
        blobs = [blob for blob, _ in pairs]
        moving = self._tracker.moving(pts_us)
        self._standing = self._paint(blobs)
        lasting = [track.blob for track in moving if track.lasts]
        certain = self._standing if len(lasting) == len(blobs) else self._paint(lasting)
        self._background.learn(cells, before, dt_sec, standing=self._standing, certain=certain, light=self._paint(lit))
        shown = [track.blob for track in moving] or blobs
        return Motion(
            tuple(self._area(blob) for blob in shown),
            min((track.since_us for track in moving), default=None),
            share,
            light_change,
        )

    def _compare(self, cells: Plane) -> tuple[Plane, Plane, bool]:
        """What differs from the base once all changes of light are allowed for."""
        background, stepped = self._background, False
        difference, changed = self._changes(cells)
        if cv2.countNonZero(changed) < _FOLLOWED_SHARE * self._least:
            return difference, changed, stepped
        gain = light.gain_of_all(cells, background.base)
        if abs(math.log(gain)) > _GAIN_SEEN:
            stepped = abs(math.log(gain)) > _GAIN_STEP
            if stepped:
                background.step(cells, gain, self._standing)
            else:
                background.brighten(gain)
            for _, earlier in self._earlier:
                cv2.convertScaleAbs(earlier, dst=earlier, alpha=gain)
            difference, changed = self._changes(cells)
        if cv2.countNonZero(changed) > _MUCH * self._count:
            gains = light.gain_field(cells, background.base)
            part = np.abs(np.log(gains)) > _GAIN_IN_PART
            if np.count_nonzero(part) > _FEWEST_CELLS and light.same_texture(cells, background.mean, part) > 0.5:
                background.explain(cells, background.lit(gains))
                difference, changed = self._changes(cells)
        return difference, changed, stepped

    def _changes(self, cells: Plane) -> tuple[Plane, Plane]:
        difference, changed = self._background.compare(cells)
        if self.grid.watched is not None:
            cv2.bitwise_and(changed, self.grid.watched, dst=changed)
        return difference, changed

    def _ask(self, pts_us: int) -> None:
        """Ask for as much difference as the picture's contrast allows; looked up from time to time."""
        if self._contrast_us is None or pts_us - self._contrast_us >= _CONTRAST_EVERY_SEC * 1e6:
            darkest, brightest = np.percentile(self._background.base[::3, ::3], (2, 98))
            contrast = (float(brightest) - float(darkest)) / _FULL_CONTRAST
            self._background.ask(self._min_delta * _CELL_SHARE * min(1.0, max(_LEAST_CONTRAST, contrast)))
            self._contrast_us = pts_us

    def _only_light(self, cells: Plane, blob: Blob) -> bool:
        """Whether a blob is a change of light; the base is then moved to it as far as light explains it."""
        rows, columns, mask = blob.around(light.MARGIN, self.grid.shape)
        mean = self._background.mean[rows, columns]
        if not light.only_light(cells[rows, columns], mean, mask):
            return False
        gain = light.gain_of_part(cells[rows, columns], mean, mask)
        rows, columns, _ = blob.around(light.WIDE_MARGIN, self.grid.shape)
        self._background.explain_part(cells, gain, (rows, columns))
        return True

    def _before(self, cells: Plane, pts_us: int) -> Plane:
        """The newest picture that is old enough to tell quick from slow, else the oldest."""
        earlier = self._earlier
        while len(earlier) > 1 and pts_us - earlier[1][0] >= _BEFORE_US:
            earlier.popleft()
        earlier.append((pts_us, cells))
        return earlier[0][1]

    def _paint(self, blobs: Sequence[Blob]) -> Plane | None:
        """255 in the cells of these blobs; None for none."""
        if not blobs:
            return None
        plane = np.zeros(self.grid.shape, np.uint8)
        for blob in blobs:
            plane[blob.cells][blob.mask] = 255
        return plane

    def _area(self, blob: Blob) -> Area:
        height, width = self.grid.shape
        return Area(blob.left / width, blob.top / height, blob.width / width, blob.height / height)
