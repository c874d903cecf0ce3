"""The scene: pictures of the yard by their number, and the truth of what moves in them."""

import cv2
import numpy as np

from pi_sec_cam.camera.scene.arrays import Plane
from pi_sec_cam.camera.scene.lens import Lens
from pi_sec_cam.camera.scene.light_field import LightField, exposure_gain
from pi_sec_cam.camera.scene.settings import SceneSettings
from pi_sec_cam.camera.scene.stage import Stage
from pi_sec_cam.camera.scene.story import figures_at
from pi_sec_cam.camera.scene.truth import Truth, Witness
from pi_sec_cam.camera.scene.weather import add_insect, insects_at


class Scene:
    """Draws any picture of the story; the same number always gives the same picture.

    Args:
        width, height: even, at least 64 by 64.
        frame_rate: pictures a second; it only says which moment a number means.

    Raises:
        ValueError: for sizes and rates that cannot be drawn.
    """

    def __init__(self, width: int, height: int, frame_rate: float, settings: SceneSettings) -> None:
        if width % 2 or height % 2 or min(width, height) < 64:
            raise ValueError(f"a scene of {width}x{height}: width and height must be even and at least 64")
        if not frame_rate > 0:
            raise ValueError(f"a scene of {frame_rate:g} pictures a second: the rate must be above 0")
        self.width, self.height = width, height
        self.frame_rate, self.settings = frame_rate, settings
        self._lens = Lens(width, height)
        self._light = LightField(self._lens, settings)
        self._insects = settings.insects and settings.light == "night"
        self._stage: Stage | None = None
        self._witness: Witness | None = None

    def prepare(self) -> None:
        """Draw what stays the same, once; about a second at 720p. Otherwise the first `render` does it."""
        if self._stage is None:
            self._stage = Stage(self._lens, self.settings)

    def render(self, index: int) -> Plane:
        """Picture number `index`: uint8 I420, shape (height * 3 // 2, width), limited range, the caller's to keep."""
        self.prepare()
        stage = self._stage
        assert stage is not None
        t = index / self.frame_rate
        rng = np.random.default_rng((self.settings.seed, 9, index))
        roll_y, roll_x, rain_y, rain_x = (int(rng.integers(n)) for n in (self.height, self.width) * 2)
        picture, y = stage.set_up(self._light, t)
        if self._insects:
            for insect in insects_at(self.settings.seed, t):
                add_insect(y, insect, self._lens)
        if stage.rain is not None:
            stage.rain.add(y, rain_y, rain_x)
        if self.settings.exposure_steps:
            cv2.convertScaleAbs(y, dst=y, alpha=exposure_gain(self.settings.seed, t))
        stage.sensor.expose(y, roll_y, roll_x)
        return picture

    def truth(self, index: int) -> tuple[Truth, ...]:
        """What can be seen in picture number `index` that is not part of the empty yard; draws nothing."""
        if self._witness is None:
            self._witness = Witness(self._lens, self.settings)
        t = index / self.frame_rate
        found = self._witness.figures(figures_at(self.settings, t))
        found += self._witness.lights(self._light.lit(t), t)
        if self._insects:
            found += self._witness.insects(insects_at(self.settings.seed, t))
        return tuple(found)
