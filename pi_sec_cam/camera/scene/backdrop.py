"""The yard with nobody in it, developed once: planes, what hides whom, and where shadows may fall."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from pi_sec_cam.camera.scene import yard
from pi_sec_cam.camera.scene.arrays import Floats, Plane
from pi_sec_cam.camera.scene.colour import chroma, develop, luma
from pi_sec_cam.camera.scene.illumination import SHADOW_PER_M, Illumination
from pi_sec_cam.camera.scene.lens import Lens
from pi_sec_cam.camera.scene.material import coat
from pi_sec_cam.camera.scene.texture import smoothstep
from pi_sec_cam.camera.scene.yard import Surface, View, look

# Drawn in bands of about this many rays, which stay in the processor's cache.
_BAND_RAYS = 120_000
_SAMPLED_COLUMNS = 1920


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """The still part of the picture; treat the arrays as read-only.

    Attributes:
        y: levels above black (0 to 219), shape (height, width).
        u, v: chroma, half the size.
        depth: of what may hide someone, metres; infinite for ground and sky.
        ground: 255 where shadows fall.
    """

    y: Plane
    u: Plane
    v: Plane
    depth: Floats
    ground: Plane


def develop_backdrop(lens: Lens, illumination: Illumination) -> Backdrop:
    """Draw it; takes a second or so at 1080p."""
    width, height = lens.width, lens.height
    oversample = max(2, min(4, round(_SAMPLED_COLUMNS / width)))
    y = np.empty((height, width), np.float32)
    u, v = np.empty((height // 2, width // 2), np.float32), np.empty((height // 2, width // 2), np.float32)
    band = max(2, _BAND_RAYS // (width * oversample**2) // 2 * 2)
    for top in range(0, height, band):
        bottom = min(top + band, height)
        view = look(lens, top, bottom, oversample)
        red, green, blue = np.moveaxis(develop(_light(view, illumination)), 2, 0)
        y[top:bottom] = cv2.resize(luma(red, green, blue), (width, bottom - top), interpolation=cv2.INTER_AREA)
        size = (width // 2, (bottom - top) // 2)
        for plane, levels in zip((u, v), chroma(red, green, blue), strict=True):
            plane[top // 2 : bottom // 2] = cv2.resize(levels, size, interpolation=cv2.INTER_AREA)
    if illumination.monochrome:
        u[:], v[:] = 128, 128
    depth, ground = occluders(lens)
    return Backdrop(_rounded(y), _rounded(u), _rounded(v), depth, ground)


def occluders(lens: Lens) -> tuple[Floats, Plane]:
    """`depth` and `ground` of the Backdrop; quick."""
    view = look(lens)
    passable = (view.surface == Surface.GROUND) | (view.surface == Surface.SKY)
    depth = np.where(passable, np.float32(np.inf), view.depth).astype(np.float32)
    return depth, np.where(view.surface == Surface.GROUND, 255, 0).astype(np.uint8)


def light_on(view: View, illumination: Illumination) -> Floats:
    """The brightness of the steady light that falls on each ray's surface; 1 for the sky."""
    light = np.ones(view.x.shape, np.float32)
    for kind, part, where in _parts(view):
        if kind is not Surface.SKY:
            fallen = illumination.on_view(part, coat(part, kind).normal).mean(axis=2)
            np.copyto(light[:, where], fallen, where=part.surface == kind)
    return light


def _light(view: View, illumination: Illumination) -> Floats:
    """Linear colour of each ray."""
    linear = np.empty((*view.x.shape, 3), np.float32)
    for kind, part, where in _parts(view):
        if kind is Surface.SKY:
            lit = illumination.sky(part)
        else:
            material = coat(part, kind)
            light = illumination.on_view(part, material.normal)
            if kind is Surface.GROUND and illumination.sunny:
                light = light * _trunk_shade(part)[..., np.newaxis]
            lit = (material.infrared[..., np.newaxis] if illumination.monochrome else material.rgb) * light
            if material.glow is not None and illumination.light == "dusk":
                lit = lit + material.glow[..., np.newaxis] * np.array((0.95, 0.62, 0.28), np.float32)
        np.copyto(linear[:, where], lit, where=(part.surface == kind)[..., np.newaxis])
    return linear


def _parts(view: View) -> Iterator[tuple[Surface, View, slice]]:
    """Each surface of the view with the columns that it appears in."""
    for value in np.flatnonzero(np.bincount(view.surface.ravel())):  # np.unique would import 3 MB more
        columns = np.flatnonzero((view.surface == value).any(axis=0))
        where = slice(int(columns[0]), int(columns[-1]) + 1)
        x, y, z = (np.ascontiguousarray(values[:, where]) for values in (view.x, view.y, view.z))
        yield Surface(int(value)), View(view.surface[:, where], view.depth[:, where], x, y, z), where


def _trunk_shade(view: View) -> Floats:
    """Light that is left on the ground beside the trunk's shadow."""
    along_x, along_y = SHADOW_PER_M
    length = float(np.hypot(along_x, along_y))
    dx, dy = view.x - yard.TRUNK_X, view.y - yard.TRUNK_Y
    forward = (dx * along_x + dy * along_y) / length
    aside = np.abs(dx * along_y - dy * along_x) / length
    blur = 0.03 + 0.015 * np.maximum(forward, 0)
    shade = (1 - smoothstep(-1, 1, np.asarray((aside - 0.15) / blur, np.float32))) * (forward > 0)
    return np.asarray(1 - 0.6 * shade * (forward < yard.TRUNK_TOP * length), np.float32)


def _rounded(levels: Floats) -> Plane:
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)
