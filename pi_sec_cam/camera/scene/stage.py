"""The yard as a stage: what is drawn once for all pictures of a size, and the figures drawn upon it."""

import cv2
import numpy as np

from pi_sec_cam.camera.scene import tree
from pi_sec_cam.camera.scene.arrays import Plane, Planes
from pi_sec_cam.camera.scene.backdrop import Backdrop, develop_backdrop
from pi_sec_cam.camera.scene.figure import (
    Figure,
    bounds,
    compose,
    outlines,
    round_off,
    shadow_solids,
    silhouette,
    sprite,
)
from pi_sec_cam.camera.scene.illumination import Illumination
from pi_sec_cam.camera.scene.lens import Lens
from pi_sec_cam.camera.scene.light_field import LightField, apply_field
from pi_sec_cam.camera.scene.sensor import Sensor
from pi_sec_cam.camera.scene.settings import SceneSettings
from pi_sec_cam.camera.scene.story import figures_at
from pi_sec_cam.camera.scene.weather import Rain, add_glare, glares_at
from pi_sec_cam.camera.scene.yard import TRUNK_X, TRUNK_Y

# How wide a figure's round parts are (metres), for its shading; cars are flat.
_ROUND_M = {"person": 0.22, "cat": 0.14}
_CAST, _CONTACT = 0.37, 0.22


class Stage:
    """What is made once for all pictures of a size, and the drawing of figures upon it."""

    def __init__(self, lens: Lens, settings: SceneSettings) -> None:
        illumination = Illumination(settings.light)
        self._lens, self._illumination, self._settings = lens, illumination, settings
        self._backdrop: Backdrop = develop_backdrop(lens, illumination)
        self._crown = tree.grow(lens, illumination, settings.seed)
        self._dapple = tree.dapple(lens, self._backdrop.ground, settings.seed) if illumination.sunny else None
        self.sensor = Sensor(lens, settings.light, settings.seed)
        self.rain = Rain(lens, settings.seed) if settings.rain else None

    def set_up(self, light: LightField, t: float) -> tuple[Plane, Plane]:
        """The yard with all figures: the picture, and of it the Y plane, still in levels above black."""
        width, height = self._lens.width, self._lens.height
        backdrop = self._backdrop
        picture = np.empty((height * 3 // 2, width), np.uint8)
        flat = picture.reshape(-1)
        luma, quarter = width * height, width * height // 4
        planes = (
            flat[:luma].reshape(height, width),
            flat[luma : luma + quarter].reshape(height // 2, width // 2),
            flat[luma + quarter :].reshape(height // 2, width // 2),
        )
        for plane, still in zip(planes, (backdrop.y, backdrop.u, backdrop.v), strict=True):
            np.copyto(plane, still)
        if self._dapple is not None:
            part = planes[0][self._dapple.box.of_luma]
            cv2.multiply(part, tree.sway_dapple(self._dapple, self._wind_time(t)), dst=part, scale=1 / 255)
        field = light.field(t)
        if field is not None:
            apply_field(planes[0], field)
        figures = figures_at(self._settings, t)
        for figure in figures:
            self._shade(planes[0], figure)
        behind = sum(figure.depth >= tree.DEPTH_M for figure in figures)
        for figure in figures[:behind]:
            self._draw(planes, figure, light, t)
        self._draw_crown(planes, light, t)
        for figure in figures[behind:]:
            self._draw(planes, figure, light, t)
        for glare in glares_at(self._settings, t, self._lens, self._backdrop.depth):
            add_glare(planes[0], glare, self._lens)
        return picture, planes[0]

    def _wind_time(self, t: float) -> float:
        return t if self._settings.leaves else 0.0

    def _draw_crown(self, planes: Planes, light: LightField, t: float) -> None:
        if self._crown is None:
            return
        drawn = tree.sway(self._crown, self._wind_time(t))
        share, added = light.at(TRUNK_X, TRUNK_Y, t)
        if (share, added) != (1.0, 0.0):
            steady = sum(self._illumination.on_figure(TRUNK_X, TRUNK_Y)) / 3
            gain = (share + added / steady) ** (1 / 2.2)
            drawn[..., 0] = cv2.convertScaleAbs(drawn[..., 0], alpha=min(gain, 4.0))
        compose(planes, drawn, self._crown.box, monochrome=self._illumination.monochrome)

    def _shade(self, y: Plane, figure: Figure) -> None:
        """The figure's shadow on the ground: cast by the sun, else only where it touches the ground."""
        sunny = self._illumination.sunny
        flat = shadow_solids(figure.solids, self._illumination.shadow_per_m)
        shapes = outlines(flat, self._lens)
        soft = max(1, round(self._lens.focal_px / figure.depth * (0.02 if sunny else 0.09)))
        box = bounds(shapes, self._lens, 2 * soft + 2)
        if box is None:
            return
        mask = cv2.blur(silhouette(shapes, box), (2 * soft + 1, 2 * soft + 1))
        mask = cv2.bitwise_and(mask, self._backdrop.ground[box.of_luma])
        left_over = cv2.convertScaleAbs(mask, alpha=-(_CAST if sunny else _CONTACT), beta=255)
        part = y[box.of_luma]
        cv2.multiply(part, left_over, dst=part, scale=1 / 255)

    def _draw(self, planes: Planes, figure: Figure, light: LightField, t: float) -> None:
        shapes = outlines(figure.solids, self._lens)
        box = bounds(shapes, self._lens)
        if box is None:
            return
        share, added = light.at(figure.x, figure.y, t)
        red, green, blue = self._illumination.on_figure(figure.x, figure.y)
        lit = (red * share + added, green * share + added, blue * share + added)
        drawn = sprite(figure, shapes, box, lit, monochrome=self._illumination.monochrome)
        if figure.kind in _ROUND_M:
            size_px = _ROUND_M[figure.kind] * self._lens.focal_px / figure.depth
            round_off(drawn, size_px, 0.5 if self._illumination.sunny else 0.0)
        seen = np.asarray(self._backdrop.depth[box.of_luma] > figure.depth, np.uint8)
        compose(planes, drawn * seen[..., np.newaxis], box, monochrome=self._illumination.monochrome)
