"""The camera backend `scene`: renders the yard, encodes it, and keeps its pace."""

import threading
from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np

from pi_sec_cam.allocator import give_back
from pi_sec_cam.camera.protocol import Sink
from pi_sec_cam.camera.scene.arrays import Plane
from pi_sec_cam.camera.scene.render import Scene
from pi_sec_cam.camera.scene.settings import SceneSettings
from pi_sec_cam.clock import Clock, SystemClock
from pi_sec_cam.media.encoder import H264Encoder
from pi_sec_cam.media.frame import Frame
from pi_sec_cam.media.overlay import draw_text

_LARGEST_LUMA = (640, 360)


class SceneCamera:
    """A `Camera` that needs no hardware.

    Args:
        width, height: of the pictures, even.
        frame_rate: pictures a second of media time.
        settings: what happens in the yard.
        pace: "realtime" follows the clock and skips pictures that it cannot draw in time; "fast" goes as fast as the
            readers allow.
        duration_s: length of one run through the story; None: without end.
        at_end: after that, "loop" begins the story again (media time goes on), "exit" ends the source.
        overlay: gives the text to draw into the picture shown at a media time (µs). Detection does not see it.
        clock: for tests.
        bitrate: bits a second, None for the encoder's own choice.

    Raises:
        ValueError: for a size or rate that cannot be drawn.
    """

    kind = "scene"

    def __init__(
        self,
        *,
        width: int,
        height: int,
        frame_rate: float,
        settings: SceneSettings | None = None,
        pace: Literal["realtime", "fast"] = "realtime",
        duration_s: float | None = None,
        at_end: Literal["loop", "exit"] = "exit",
        overlay: Callable[[int], str] | None = None,
        clock: Clock | None = None,
        bitrate: int | None = None,
    ) -> None:
        self.scene = Scene(width, height, frame_rate, settings or SceneSettings())
        self.label = f"the demo yard ({self.scene.settings.light})"
        self._pace = pace
        self._count = None if duration_s is None else max(1, round(duration_s * frame_rate))
        self._loops = at_end == "loop"
        self._overlay = overlay
        self._clock: Clock = clock or SystemClock()
        self._bitrate = bitrate
        shrink = min(1.0, _LARGEST_LUMA[0] / width, _LARGEST_LUMA[1] / height)
        self._luma_size = (round(width * shrink / 2) * 2, round(height * shrink / 2) * 2)
        self._runs = 0
        self._next_us = 0
        # Written by the camera's thread alone, read by status.
        self._pictures = 0
        self._skipped = 0

    def run(self, sink: Sink, stop: threading.Event) -> None:
        """See `Camera.run`; the story begins anew."""
        scene = self.scene
        encoder = H264Encoder(
            width=scene.width,
            height=scene.height,
            frame_rate=scene.frame_rate,
            epoch=self._runs,
            bitrate=self._bitrate,
            with_frames=True,
        )
        self._runs += 1
        scene.prepare()
        give_back()
        # A fast run before this one may have run ahead of the clock.
        starts_us, index = max(self._clock.monotonic_us(), self._next_us), 0
        while not stop.is_set() and not self._over(index):
            if self._pace == "realtime":
                late = self._wait(starts_us, index, stop)
                if late:
                    self._skipped += late
                    index += late
                    continue
                if stop.is_set():
                    break
            self._deliver(encoder, index, starts_us + round(index * 1e6 / scene.frame_rate), sink, stop)
            index += 1
            self._next_us = starts_us + round(index * 1e6 / scene.frame_rate)
        for unit in encoder.flush():
            sink.access_unit(unit)

    def describe(self) -> dict[str, object]:
        """See `Camera.describe`."""
        return {
            "width": self.scene.width,
            "height": self.scene.height,
            "frame_rate": self.scene.frame_rate,
            "codec": "h264",
            "light": self.scene.settings.light,
            "pictures": self._pictures,
            "skipped": self._skipped,
        }

    def _over(self, index: int) -> bool:
        return self._count is not None and index >= self._count and not self._loops

    def _wait(self, starts_us: int, index: int, stop: threading.Event) -> int:
        """Wait for a picture's time; how many pictures to skip because their time is past."""
        period_us = 1e6 / self.scene.frame_rate
        early_us = starts_us + index * period_us - self._clock.monotonic_us()
        if early_us > 0:
            stop.wait(early_us / 1e6)
            return 0
        return int(-early_us / period_us)

    def _deliver(self, encoder: H264Encoder, index: int, pts_us: int, sink: Sink, stop: threading.Event) -> None:
        picture = self.scene.render(index % self._count if self._count else index)
        wanted = sink.frame_due(pts_us)
        luma = self._luma(picture) if wanted else None
        if self._overlay is not None:
            draw_text(picture, self._overlay(pts_us))
        for unit in encoder.encode(picture, pts_us):
            sink.access_unit(unit)
        self._pictures += 1
        if luma is not None:
            sink.frame(Frame(luma, pts_us))
            if self._pace == "fast":
                sink.keep_pace(stop)

    def _luma(self, picture: Plane) -> Plane:
        """The picture's brightness for detection, before the overlay is drawn."""
        y = picture[: self.scene.height]
        if (y.shape[1], y.shape[0]) == self._luma_size:
            return y.copy()
        return np.asarray(cv2.resize(y, self._luma_size, interpolation=cv2.INTER_AREA), np.uint8)
