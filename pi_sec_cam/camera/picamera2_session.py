"""What happens in picamera2's callbacks: pictures and encoded units go from the library to the sink."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_sec_cam.camera.driver_clock import DriverClock
from pi_sec_cam.camera.protocol import Sink
from pi_sec_cam.clock import Clock
from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo
from pi_sec_cam.media.frame import Frame
from pi_sec_cam.media.h264 import Canonicaliser
from pi_sec_cam.media.overlay import draw_text_in_planes

Size = tuple[int, int]


class Session:
    """One run of the camera.

    `picture` and `encoded` are called by the library's threads, under its locks. An exception there would end the
    camera's thread for good and let its `stop` wait for ever, so each is kept in `fault`, for the owner to raise.

    Args:
        sink: gets units and frames.
        epoch, frame_rate: for the units' StreamInfo.
        main, small: width and height of the two streams, as they were configured in the end.
        planar: the main stream's colour planes follow each other (YUV420), so that they can be drawn on too.
        overlay: the text for a picture's time in microseconds, None for none.
        mapped: gives access to the bytes of a request's stream: `mapped(request, "main")` yields an object whose
            `array` is uint8 with the Y plane in its first rows, which may be padded.
    """

    def __init__(
        self,
        *,
        sink: Sink,
        epoch: int,
        frame_rate: float,
        main: Size,
        small: Size,
        planar: bool,
        overlay: Callable[[int], str] | None,
        mapped: Callable[[Any, str], AbstractContextManager[Any]],
        clock: Clock,
    ) -> None:
        self.fault: Exception | None = None
        self.units = 0
        self.heard_us = clock.monotonic_us()
        self._sink = sink
        self._epoch = epoch
        self._frame_rate = frame_rate
        self._main = main
        self._small = small
        self._planar = planar
        self._overlay = overlay
        self._mapped = mapped
        self._clock = clock
        self._driver_clock = DriverClock()
        self._canonical = Canonicaliser("h264", None)
        self._info: StreamInfo | None = None
        self._last_us = 0

    def picture(self, request: Any) -> None:
        """picamera2's `pre_callback`: a picture that is not encoded yet, which may be drawn on."""
        try:
            self._picture(request)
        except Exception as error:  # noqa: BLE001 (see the class)
            self.fault = self.fault or error

    def encoded(self, data: bytes, keyframe: bool, taken_us: int) -> None:
        """An encoder's output, taken at `taken_us` by the sensor's clock."""
        try:
            self._encoded(data, keyframe, taken_us)
        except Exception as error:  # noqa: BLE001 (see the class)
            self.fault = self.fault or error

    def _picture(self, request: Any) -> None:
        pts_us = self._media_us(request.get_metadata()["SensorTimestamp"] // 1000)
        if self._sink.frame_due(pts_us):
            width, height = self._small
            with self._mapped(request, "lores") as small:
                luma = small.array[:height, :width].copy()  # the buffer goes back to the camera
            self._sink.frame(Frame(luma, pts_us))
        if self._overlay:
            text = self._overlay(pts_us)
            with self._mapped(request, "main") as main:
                self._draw(main.array, text)

    def _draw(self, picture: NDArray[np.uint8], text: str) -> None:
        width, height = self._main
        if self._planar:
            colour = picture[height:].reshape(height, -1)  # rows half as long, U above V
            u, v = colour[: height // 2, : width // 2], colour[height // 2 :, : width // 2]
        else:  # a pipeline that gives NV12 whatever was asked for: the letters keep the colour beneath
            u = v = np.zeros((height // 2, width // 2), np.uint8)
        draw_text_in_planes(picture[:height, :width], u, v, text)

    def _encoded(self, data: bytes, keyframe: bool, taken_us: int) -> None:
        unit = self._canonical.convert(data, keyframe)
        if unit is None:
            return
        canonical = self._canonical
        if self._info is None or self._info.parameter_sets != canonical.parameter_sets:
            self._info = StreamInfo(
                codec="h264",
                width=canonical.width,
                height=canonical.height,
                parameter_sets=canonical.parameter_sets,
                epoch=self._epoch,
                frame_rate=self._frame_rate,
                with_frames=True,
            )
        self._last_us = pts_us = max(self._media_us(taken_us), self._last_us + 1)
        # The encoders that are used have no B-frames: the order of decoding is that of showing.
        self._sink.access_unit(AccessUnit(unit.data, pts_us, pts_us, unit.keyframe, self._info))
        self.units += 1
        self.heard_us = self._clock.monotonic_us()

    def _media_us(self, taken_us: int) -> int:
        return self._driver_clock.media_us(taken_us, self._clock.monotonic_us())
