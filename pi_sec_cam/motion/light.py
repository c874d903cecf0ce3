"""Telling light from movement: gains of the whole picture, of its parts, and whether a change is light alone."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_sec_cam.motion.background import LIGHT_OFFSET, Field
from pi_sec_cam.motion.grid import Plane

# Light changes brightness by a factor and leaves the texture: the gradients of picture and base correlate, whatever the
# light, and the ratio of both is smooth. Something opaque has a texture and edges of its own. The texture is looked at
# in what has changed and around it, and less strictly in its inner cells alone: an edge beside it that stays must not
# speak for something flat in front.
_SAME_TEXTURE, _SAME_INSIDE = 0.55, 0.2
_SMOOTH = 0.27
# Cells around a change that are looked at too.
MARGIN = 4
# Cells around a part in other light that it probably reaches too: no edge must arise where the base ends following.
WIDE_MARGIN = 12

_LOG_STEP = 40.0
_MEDIAN = 15


def coarse_ratio(cells: Plane, base: Plane, halvings: int) -> Field:
    """log(picture / base) of square blocks of cells."""
    rows, columns = cells.shape[0] >> halvings, cells.shape[1] >> halvings
    means = []
    for plane in (cells, base):
        mean = plane[: rows << halvings, : columns << halvings]
        for left in range(halvings - 1, -1, -1):
            mean = cv2.resize(mean, (columns << left, rows << left), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        means.append(np.log(mean + np.float32(LIGHT_OFFSET)))
    return np.asarray(means[0] - means[1], np.float32)


def gain_of_all(cells: Plane, base: Plane) -> float:
    """The factor by which most of the picture has become brighter: the median over blocks of 8x8 cells."""
    ratio = coarse_ratio(cells, base, 3 if min(cells.shape) >= 32 else 1)
    middle = ratio.size // 2
    return math.exp(float(np.partition(ratio, middle, axis=None)[middle]))


def gain_field(cells: Plane, base: Plane) -> Field:
    """The factor for each cell: the median of its wide surroundings, which nothing small and moving can shift."""
    ratio = coarse_ratio(cells, base, 2)
    edge = _MEDIAN // 2
    steps = np.clip(np.round(ratio * (_LOG_STEP / math.log(2))) + 128, 0, 255).astype(np.uint8)
    padded = cv2.copyMakeBorder(steps, edge, edge, edge, edge, cv2.BORDER_REFLECT)
    smooth = cv2.medianBlur(padded, _MEDIAN)[edge:-edge, edge:-edge]
    gains = np.exp2((smooth.astype(np.float32) - 128) / np.float32(_LOG_STEP))
    return np.asarray(cv2.resize(gains, cells.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def same_texture(cells: Plane, mean: Field, where: NDArray[np.bool_]) -> float:
    """Correlation (-1 to 1) of the gradients of picture and base in a part of the picture."""
    weight = where.astype(np.float32)
    slopes = [slope * weight for plane in (cells, mean) for slope in _slopes(plane)]
    across, down, base_across, base_down = slopes
    power = float(np.vdot(across, across) + np.vdot(down, down))
    base_power = float(np.vdot(base_across, base_across) + np.vdot(base_down, base_down))
    both = float(np.vdot(across, base_across) + np.vdot(down, base_down))
    return both / math.sqrt(power * base_power + 1e-9)


def only_light(cells: Plane, mean: Field, mask: NDArray[np.bool_]) -> bool:
    """Whether light alone can explain what has changed.

    Args:
        cells, mean: the picture and the base, cut out around the change with a margin.
        mask: True where it has changed.
    """
    near = cv2.dilate(mask.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if same_texture(cells, mean, near) <= _SAME_TEXTURE:
        return False
    inner = cv2.erode(mask.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if inner.any() and same_texture(cells, mean, inner) <= _SAME_INSIDE:
        return False
    ratio = np.log((cells + np.float32(16)) / (mean + np.float32(16)))
    across, down = _slopes(ratio)
    steepness = float(np.hypot(across, down)[mask].mean())
    return steepness < _SMOOTH * float(np.abs(ratio[mask]).mean())


def gain_of_part(cells: Plane, mean: Field, mask: NDArray[np.bool_]) -> float:
    """The factor that most of a part has in common, rather too strong than too weak."""
    ratio = (cells[mask] + np.float32(LIGHT_OFFSET)) / (mean[mask] + np.float32(LIGHT_OFFSET))
    darker, middle, brighter = np.quantile(ratio, (0.3, 0.5, 0.7))
    return float(darker if middle < 1 else brighter)


def _slopes(plane: Plane | Field) -> tuple[Field, Field]:
    """Change of brightness from cell to cell, across and down."""
    return (
        np.asarray(cv2.Sobel(plane, cv2.CV_32F, 1, 0, scale=1 / 8), np.float32),
        np.asarray(cv2.Sobel(plane, cv2.CV_32F, 0, 1, scale=1 / 8), np.float32),
    )
