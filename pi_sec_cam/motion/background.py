"""What each cell looks like when nothing moves, and how much it changes by itself."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_sec_cam.motion.grid import Plane

Field = NDArray[np.float32]

# What stands still for so long belongs to the base.
ABSORB_SEC = 10.0
_STILL_STEP_SEC = 0.5
# Time constants: how fast the base follows where nothing moves, and where only the light has changed.
_FOLLOW_SEC, _LIGHT_SEC = 5.0, 0.8

# `noise` is the level (0-255) that a cell's own changes exceed in 3 % of all looks at 5 a second: each time they do, it
# rises by 10 %, else it falls by 0.3 %. Below what is known to move it rises more slowly.
_RISE, _RISE_BELOW_MOVEMENT, _FALL = 0.10, 0.012, 0.003
_LOOKS_A_SECOND, _NOISE_STEP_SEC = 5.0, 0.35
_LEAST_NOISE, _MOST_NOISE = 3.0, 100.0
# A cell has changed if it strays by more than this much noise, and this many levels.
_LOW_TIMES, _LOW_PLUS = 1.35, 1.0
# It has changed strongly if it is beyond that by this factor.
_HIGH_TIMES = 1.7
# Before anything is known: edges flicker more than surfaces, by the least shake, by wind, by coding.
_NOISE_PER_CONTRAST = 0.5

# Added to brightness before ratios are taken: in the dark, noise must not look like light.
LIGHT_OFFSET = 6.0


class Background:
    """The base of one grid of cells.

    Attributes:
        mean: brightness of each cell at rest, 0-255.
        base: the same, rounded.
        noise: how far a cell strays from it by itself.
        low: a cell that differs by more than this has changed.
        high: a cell that differs by more than this has changed so much that it cannot be chance; see `ask`.
    """

    def __init__(self, cells: Plane) -> None:
        contrast = cv2.morphologyEx(cells, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        self.noise: Field = contrast.astype(np.float32) * np.float32(_NOISE_PER_CONTRAST) + np.float32(_LEAST_NOISE)
        self.base, self.low, self.high, self._noise8 = np.empty((4, *cells.shape), np.uint8)
        self._asked = np.zeros_like(cells)
        self._difference, self._changed, self._quick, self._strays = np.empty((4, *cells.shape), np.uint8)
        self._still, self._still_steps = np.empty((2, *cells.shape), np.uint8)
        self._level()
        self.rebase(cells)

    def rebase(self, cells: Plane) -> None:
        """Take these cells as what is at rest; what is known of the noise stays."""
        self.mean: Field = cells.astype(np.float32)
        self._still[:], self._still_steps[:], self._still_sec = 255, 0, 0.0
        self._age_sec, self._noise_sec = 0.0, 0.0
        self._round()

    def ask(self, least: float) -> None:
        """Take no cell for strongly changed that differs by `least` levels or less."""
        self._asked[:] = int(least)
        self._level()

    def compare(self, cells: Plane) -> tuple[Plane, Plane]:
        """How far each cell is from the base, and 255 where that is more than noise; valid until the next call."""
        cv2.absdiff(cells, self.base, dst=self._difference)
        cv2.compare(self._difference, self.low, cv2.CMP_GT, dst=self._changed)
        return self._difference, self._changed

    def lit(self, gain: float | Field) -> Field:
        """The base as it would look in light that differs by this factor."""
        lit: Field = (self.mean + np.float32(LIGHT_OFFSET)) * np.float32(gain) - np.float32(LIGHT_OFFSET)
        np.clip(lit, 0, 255, out=lit)
        return lit

    def brighten(self, gain: float) -> None:
        """All light has changed by this factor: the base follows at once, and the noise with it."""
        self.mean = self.lit(gain)
        self._round()
        self._louder(gain)

    def step(self, cells: Plane, gain: float, standing: Plane | None) -> None:
        """The same, by so much that the factor alone is too rough; `standing` is 255 where something hides the base."""
        lit = self.lit(gain)
        near = None if standing is None else cv2.dilate(standing, np.ones((5, 5), np.uint8)) > 0
        self.explain(cells, lit)
        if near is not None:
            np.copyto(self.mean, lit, where=near)
            self._round()
        self._louder(gain)

    def explain(self, cells: Plane, lit: Field) -> None:
        """Move the base towards the cells, as far as other light can be the reason.

        That light may reach a cell or not (a lit window, a saturated sky): whatever lies between the base as it was
        and the base in the other light is no change.
        """
        self.mean = np.clip(cells, np.minimum(self.mean, lit), np.maximum(self.mean, lit))
        self._round()

    def explain_part(self, cells: Plane, gain: float, box: tuple[slice, slice]) -> None:
        """The same in a box; `learn` makes it count."""
        mean, seen = self.mean[box], cells[box]
        lit = (mean + np.float32(LIGHT_OFFSET)) * np.float32(gain) - np.float32(LIGHT_OFFSET)
        np.copyto(mean, np.clip(seen, np.minimum(mean, lit), np.maximum(mean, lit)))

    def learn(
        self,
        cells: Plane,
        before: Plane,
        dt_sec: float,
        *,
        standing: Plane | None = None,
        certain: Plane | None = None,
        light: Plane | None = None,
    ) -> None:
        """Follow a picture that has been compared.

        Args:
            cells: the picture.
            before: one about a third of a second older: only what changes quickly is noise.
            dt_sec: time since the last picture.
            standing: 255 where something hides the base, which does not follow there.
            certain: 255 where it is known that something moves.
            light: 255 where the light has changed; the base follows fast.
        """
        self._age_sec += dt_sec
        follow = max(1 - math.exp(-dt_sec / _FOLLOW_SEC), min(0.5, dt_sec / self._age_sec))
        if standing is None:
            cv2.accumulateWeighted(cells, self.mean, follow)
        else:
            cv2.accumulateWeighted(cells, self.mean, follow, mask=cv2.bitwise_not(standing))
        if light is not None:
            cv2.accumulateWeighted(cells, self.mean, 1 - math.exp(-dt_sec / _LIGHT_SEC), mask=light)
        self._round()
        self._learn_noise(cells, before, dt_sec, certain)

    def absorb(self, cells: Plane, changed: Plane, active: Plane | None, dt_sec: float) -> None:
        """Count for how long changed cells have been still, and take into the base those that were for long.

        `changed` is 255 where a cell differs from the base, `active` where it has just changed; None for nowhere.
        """
        still = changed if active is None else cv2.subtract(changed, active)
        cv2.bitwise_and(self._still, still, dst=self._still)
        self._still_sec += dt_sec
        steps = int(self._still_sec / _STILL_STEP_SEC)
        if not steps:
            return
        self._still_sec -= steps * _STILL_STEP_SEC
        np.add(self._still_steps, np.uint8(min(steps, 100)), out=self._still_steps)  # 20 are ripe: it cannot overflow
        cv2.bitwise_and(self._still_steps, self._still, dst=self._still_steps)
        self._still[:] = 255
        ripe = self._still_steps >= ABSORB_SEC / _STILL_STEP_SEC
        if ripe.any():
            np.copyto(self.mean, cells, where=ripe)
            self._still_steps[ripe] = 0

    def _learn_noise(self, cells: Plane, before: Plane, dt_sec: float, certain: Plane | None) -> None:
        self._noise_sec += dt_sec
        if self._noise_sec < _NOISE_STEP_SEC:
            return
        looks = min(self._noise_sec * _LOOKS_A_SECOND, 5.0)
        self._noise_sec = 0.0
        quick, strays = self._quick, self._strays
        cv2.absdiff(cells, before, dst=quick)
        cv2.add(quick, quick, dst=quick)
        cv2.compare(quick, self._noise8, cv2.CMP_GT, dst=quick)
        cv2.compare(self._difference, self._noise8, cv2.CMP_GT, dst=strays)
        cv2.bitwise_and(strays, quick, dst=strays)
        self.noise *= np.float32(1 - _FALL * looks)
        if certain is not None:
            below = cv2.bitwise_and(strays, certain)
            np.multiply(self.noise, np.float32(1 + _RISE_BELOW_MOVEMENT * looks), out=self.noise, where=below > 0)
            cv2.subtract(strays, certain, dst=strays)
        if cv2.countNonZero(strays):
            np.multiply(self.noise, np.float32(1 + _RISE * looks), out=self.noise, where=strays > 0)
        np.clip(self.noise, _LEAST_NOISE, _MOST_NOISE, out=self.noise)
        self._level()

    def _louder(self, gain: float) -> None:
        self.noise *= np.float32(gain)
        np.clip(self.noise, _LEAST_NOISE, _MOST_NOISE, out=self.noise)
        self._level()

    def _level(self) -> None:
        cv2.convertScaleAbs(self.noise, dst=self._noise8)
        cv2.convertScaleAbs(self.noise, dst=self.low, alpha=_LOW_TIMES, beta=_LOW_PLUS)
        cv2.convertScaleAbs(self.low, dst=self.high, alpha=_HIGH_TIMES)
        cv2.max(self.high, self._asked, dst=self.high)

    def _round(self) -> None:
        cv2.convertScaleAbs(self.mean, dst=self.base)
