"""The light in the yard that does not change: sun and sky, dusk and the lamp by the door, or the infrared lamp."""

import math
from dataclasses import dataclass

import numpy as np

from pi_sec_cam.camera.scene.arrays import Floats
from pi_sec_cam.camera.scene.coat import Direction
from pi_sec_cam.camera.scene.colour import Linear
from pi_sec_cam.camera.scene.lens import COS_PITCH, HEIGHT_M, SIN_PITCH
from pi_sec_cam.camera.scene.settings import Light
from pi_sec_cam.camera.scene.texture import sample, smoothstep, tile
from pi_sec_cam.camera.scene.yard import View

SUN: Direction = (0.62, -0.35, 0.702)
# Ground a metre below the top of a thing is shaded this far to the side: how shadows are cast.
SHADOW_PER_M = (-SUN[0] / SUN[2], -SUN[1] / SUN[2])
_DOOR_LAMP = (-3.4, 7.72, 2.0)
# The lamp lights what is 5.5 m away as the sun lights the lawn; beyond, its light falls with the square.
_INFRARED_REACH_M = 5.5
_INFRARED_HALF_ANGLE = math.radians(33)


@dataclass(frozen=True, slots=True)
class Illumination:
    """Linear light by colour; 1 shows a material in its own colour."""

    light: Light

    @property
    def sunny(self) -> bool:
        """Whether the sun casts shadows."""
        return self.light == "day"

    @property
    def shadow_per_m(self) -> tuple[float, float]:
        """How far aside a thing's shadow falls for each metre of its height: without sun, only just below it."""
        return SHADOW_PER_M if self.sunny else (0.0, 0.0)

    @property
    def monochrome(self) -> bool:
        """Whether the camera has swung its infrared filter away."""
        return self.light == "night"

    def on_view(self, view: View, normal: Direction) -> Floats:
        """Light that falls on surfaces facing `normal`, shape (rows, columns, 3)."""
        if self.light == "night":
            return np.repeat(self._infrared(view, normal)[..., np.newaxis], 3, axis=2)
        open_sky = 0.7 + 0.3 * normal[2]
        if self.light == "day":
            sun = 0.95 * max(0.0, sum(n * s for n, s in zip(normal, SUN, strict=True)))
            flat = [sun * c + 0.38 * open_sky * s for c, s in zip((1.04, 1.0, 0.9), (0.9, 1.0, 1.18), strict=True)]
            return np.broadcast_to(np.array(flat, np.float32), (*view.x.shape, 3))
        lamp = self._door_lamp(view, normal)
        sky = 0.40 * open_sky * np.array((0.80, 0.95, 1.35), np.float32)
        return np.asarray(sky + lamp[..., np.newaxis] * np.array((1.0, 0.72, 0.38), np.float32), np.float32)

    def on_figure(self, x: float, y: float, z: float = 1.0) -> Linear:
        """Light on an upright round thing that stands at a point."""
        if self.light == "night":
            one = np.ones((1, 1), np.float32)
            point = View(np.zeros((1, 1), np.uint8), one, x * one, y * one, z * one)
            towards = math.sqrt(x * x + y * y)
            bright = float(self._infrared(point, (-x / towards, -y / towards, 0.0))[0, 0])
            return bright, bright, bright
        if self.light == "day":
            return 0.95, 0.93, 0.90
        away = math.dist((x, y, z), _DOOR_LAMP)
        lamp = 0.8 / (0.4 + away * away)
        return 0.27 + lamp, 0.32 + 0.72 * lamp, 0.45 + 0.38 * lamp

    def sky(self, view: View) -> Floats:
        """The sky's linear colour, shape (rows, columns, 3)."""
        up = view.z - HEIGHT_M
        up = np.asarray(up / np.sqrt(view.x**2 + view.y**2 + up**2), np.float32)
        if self.light == "night":
            return np.full((*up.shape, 3), 0.006, np.float32)
        high = smoothstep(0.0, 0.35, up)[..., np.newaxis]
        if self.light == "day":
            low_colour, high_colour = np.array((0.70, 0.80, 0.90)), np.array((0.22, 0.42, 0.74))
        else:
            low_colour, high_colour = np.array((0.62, 0.34, 0.20)), np.array((0.10, 0.15, 0.30))
        sky = low_colour + (high_colour - low_colour) * high
        # Clouds lie in a layer, so that they crowd towards the horizon.
        layer = 0.10 / np.maximum(up + 0.04, 0.03)
        cover = sample(_CLOUDS, view.x / view.y * layer * 0.55, np.asarray(layer, np.float32))
        cover = smoothstep(-0.2, 1.6, cover)[..., np.newaxis]
        cloud = np.array((0.92, 0.93, 0.95)) if self.light == "day" else np.array((0.40, 0.24, 0.22))
        return np.asarray(sky + (cloud - sky) * 0.8 * cover, np.float32)

    def _infrared(self, view: View, normal: Direction) -> Floats:
        across, up, away = view.x, view.z - HEIGHT_M, view.y
        distance = np.sqrt(across**2 + up**2 + away**2)
        facing = -(across * normal[0] + away * normal[1] + up * normal[2]) / distance
        axis = (away * COS_PITCH - up * SIN_PITCH) / distance
        angle = np.arccos(np.clip(axis, -1, 1))
        beam = np.exp(-((angle / _INFRARED_HALF_ANGLE) ** 2))
        # Rough surfaces send more back than Lambert's law says when lit at a grazing angle from the viewer's side.
        lambert = 0.25 + 0.75 * np.clip(facing, 0, 1)
        return np.asarray(1.25 * beam * lambert * (_INFRARED_REACH_M / distance) ** 2, np.float32)

    def _door_lamp(self, view: View, normal: Direction) -> Floats:
        dx, dy, dz = (_DOOR_LAMP[0] - view.x, _DOOR_LAMP[1] - view.y, _DOOR_LAMP[2] - view.z)
        squared = dx**2 + dy**2 + dz**2
        facing = (dx * normal[0] + dy * normal[1] + dz * normal[2]) / np.sqrt(squared)
        reach = 1.1 * np.clip(facing, 0.05, 1) / (0.35 + squared)
        return np.asarray(np.where(view.x > -3.7, reach, 0), np.float32)


_CLOUDS = tile(31, slope=1.6)
