"""Things that move, as solids in metres, and how they are drawn: smooth edges, round shading, cast shadows."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_sec_cam.camera.scene.arrays import Plane, Planes
from pi_sec_cam.camera.scene.colour import Linear, Paint, levels
from pi_sec_cam.camera.scene.lens import Lens

Outline = NDArray[np.int32]
Sphere = tuple[float, float, float, float]

# Outlines are in 1/16 pixel: movement is smooth at any speed.
_SHIFT = 4
_FINE = 1 << _SHIFT
_TURNS = np.arange(12) * 2 * np.pi / 12
_CIRCLE = np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=1)
# OpenCV computes with 16 bits before the point; what lies farther outside need not be exact.
_FARTHEST_PX = 30000


@dataclass(frozen=True, slots=True)
class Solid:
    """A part of a figure: the skin stretched over some spheres, or with radius 0 over corners of a flat face.

    Attributes:
        spheres: x, y, z and radius of each, metres.
        paint: its material.
        tone: brightness beside the figure's other parts; above 1 it may shine (lamps, eyes).
    """

    spheres: Sequence[Sphere]
    paint: Paint
    tone: float = 1.0


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that moves, at one moment.

    Attributes:
        kind: what it is: "person", "cat", "car".
        solids: in the order of drawing, the farthest first.
        x, y: where it stands, metres.
        depth: of its middle, metres along the optical axis.
        moving: whether it goes (someone who pauses only sways).
    """

    kind: str
    solids: Sequence[Solid]
    x: float
    y: float
    depth: float
    moving: bool


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels inside the picture; where colour is drawn it lies on even pixels, as chroma is halved."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def of_luma(self) -> tuple[slice, slice]:
        """Rows and columns in the Y plane."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def of_chroma(self) -> tuple[slice, slice]:
        """Rows and columns in the U and V planes."""
        return slice(self.top // 2, self.bottom // 2), slice(self.left // 2, self.right // 2)


def outlines(solids: Sequence[Solid], lens: Lens) -> list[Outline]:
    """Each solid's outline in the picture: convex, 1/16 pixel, shape (corners, 2)."""
    spheres = np.array([sphere for solid in solids for sphere in solid.spheres], np.float64)
    pixels, depth = lens.project(spheres[:, :3])
    radii = spheres[:, 3] * lens.focal_px / depth
    # A pixel's own middle has a whole coordinate for OpenCV.
    rims = (pixels - 0.5)[:, np.newaxis, :] + radii[:, np.newaxis, np.newaxis] * _CIRCLE
    rims = np.clip(rims, -_FARTHEST_PX, _FARTHEST_PX)
    fixed = np.rint(rims * _FINE).astype(np.int32)
    found, first = [], 0
    for solid in solids:
        last = first + len(solid.spheres)
        flat = solid.spheres[0][3] == 0
        corners = np.ascontiguousarray(fixed[first:last, 0]) if flat else fixed[first:last].reshape(-1, 2)
        found.append(np.asarray(cv2.convexHull(corners), np.int32).reshape(-1, 2))
        first = last
    return found


def shadow_solids(solids: Sequence[Solid], along: tuple[float, float]) -> list[Solid]:
    """The solids pressed flat on the ground as their shadow: `along` is its shift for each metre of height."""
    return [
        Solid([(x + z * along[0], y + z * along[1], 0.0, r) for x, y, z, r in solid.spheres], solid.paint)
        for solid in solids
    ]


def bounds(shapes: Sequence[Outline], lens: Lens, margin: int = 2) -> Box | None:
    """The box around outlines, or None when nothing of it is in the picture."""
    corners = np.concatenate(shapes)
    left, top = corners.min(axis=0) // _FINE - margin
    right, bottom = corners.max(axis=0) // _FINE + 1 + margin
    left, top = max(int(left), 0) & ~1, max(int(top), 0) & ~1
    right, bottom = min((int(right) + 1) & ~1, lens.width), min((int(bottom) + 1) & ~1, lens.height)
    return Box(left, top, right, bottom) if left < right and top < bottom else None


def silhouette(shapes: Sequence[Outline], box: Box) -> Plane:
    """How much of each pixel of the box the outlines cover: 0 to 255."""
    mask = np.zeros((box.bottom - box.top, box.right - box.left), np.uint8)
    corner = np.array((box.left, box.top), np.int32) * _FINE
    for shape in shapes:
        cv2.fillConvexPoly(mask, shape - corner, 255, cv2.LINE_AA, _SHIFT)
    return mask


def sprite(figure: Figure, shapes: Sequence[Outline], box: Box, light: Linear, *, monochrome: bool) -> Plane:
    """The figure alone: Y above black, U, V and coverage, colours multiplied by coverage; shape (rows, columns, 4)."""
    drawn = np.zeros((box.bottom - box.top, box.right - box.left, 4), np.uint8)
    corner = np.array((box.left, box.top), np.int32) * _FINE
    for solid, shape in zip(figure.solids, shapes, strict=True):
        colour = (solid.paint.infrared,) * 3 if monochrome else solid.paint.rgb
        r, g, b = (c * e * solid.tone for c, e in zip(colour, light, strict=True))
        cv2.fillConvexPoly(drawn, shape - corner, (*levels((r, g, b)), 255), cv2.LINE_AA, _SHIFT)
    return drawn


def round_off(drawn: Plane, size_px: float, side: float) -> None:
    """Shade a sprite in place as if it were round, parts of about `size_px` across.

    Args:
        side: where the light comes from, in shares of the size: above 0 from the right, 0 from the camera.
    """
    reach = max(1, round(size_px / 2))
    coverage = drawn[..., 3]
    near = cv2.blur(coverage, (2 * reach + 1, 2 * reach + 1))
    shift = round(side * reach)
    if shift:
        near = np.roll(near, shift, axis=1)
        near[:, :shift] = 0
    shade = cv2.addWeighted(near, 0.62, near, 0, 255 * 0.44)
    drawn[..., 0] = cv2.multiply(drawn[..., 0], shade, scale=1 / 255)


def compose(planes: Planes, drawn: Plane, box: Box, *, monochrome: bool) -> None:
    """Put a sprite over the Y, U and V planes, in place; U and V of a monochrome picture stay as they are."""
    y, u, v = planes
    luma_part = y[box.of_luma]
    cv2.add(cv2.multiply(luma_part, 255 - drawn[..., 3], scale=1 / 255), drawn[..., 0], dst=luma_part)
    if monochrome:
        return
    half = cv2.resize(drawn, (drawn.shape[1] // 2, drawn.shape[0] // 2), interpolation=cv2.INTER_AREA)
    behind = 255 - half[..., 3]
    for plane, channel in ((u, 1), (v, 2)):
        part = plane[box.of_chroma]
        part[:] = cv2.add(cv2.multiply(part, behind, scale=1 / 255), half[..., channel])
