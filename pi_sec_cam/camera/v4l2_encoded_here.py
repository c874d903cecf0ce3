"""Encodes the pictures of a V4L2 camera that does not do so itself."""

from collections import Counter
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_sec_cam.camera.pace import Pace
from pi_sec_cam.camera.protocol import Sink
from pi_sec_cam.camera.v4l2_capture import Captured
from pi_sec_cam.camera.v4l2_kernel import Layout
from pi_sec_cam.camera.v4l2_picture import PictureReader, upside_down
from pi_sec_cam.media.encoder import H264Encoder
from pi_sec_cam.media.frame import Frame
from pi_sec_cam.media.overlay import draw_text

_DETECTION_WIDTH = 640


class EncodedHere:
    """Pictures of one opened camera → encoded access units, and frames for detection beside them.

    Args:
        frame_rate: pictures beyond it are left out.
        turned: by 180°.
        overlay: the text to draw for a picture's media time, None for none.
        counts: "pictures"; "damaged": what holds none.
    """

    def __init__(
        self,
        layout: Layout,
        frame_rate: float,
        epoch: int,
        counts: Counter[str],
        *,
        turned: bool,
        bitrate: int | None,
        overlay: Callable[[int], str] | None,
    ) -> None:
        self._reader = PictureReader(layout)
        self._encoder = H264Encoder(
            width=layout.width,
            height=layout.height,
            frame_rate=frame_rate,
            epoch=epoch,
            bitrate=bitrate,
            with_frames=True,
        )
        self._pace = Pace(frame_rate)
        self._counts = counts
        self._turned = turned
        self._overlay = overlay

    def take(self, captured: Captured, pts_us: int, sink: Sink) -> bool:
        if captured.data is not None and not self._pace.keeps(pts_us):
            return True
        picture = None if captured.data is None else self._reader.i420(captured.data)
        if picture is None:
            self._counts["damaged"] += 1
            return False
        if self._turned:
            picture = upside_down(picture)
        # Before the overlay is drawn: its clock changes every second, which is no movement.
        frame = _detection_frame(picture, pts_us) if sink.frame_due(pts_us) else None
        if self._overlay:
            draw_text(picture, self._overlay(pts_us))
        for unit in self._encoder.encode(picture, pts_us):
            sink.access_unit(unit)
            self._counts["pictures"] += 1
        if frame:
            sink.frame(frame)
        return True


def _detection_frame(picture: NDArray[np.uint8], pts_us: int) -> Frame:
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    luma = picture[:height]
    if width <= _DETECTION_WIDTH:
        return Frame(luma.copy(), pts_us)
    size = (_DETECTION_WIDTH, round(height * _DETECTION_WIDTH / width))
    return Frame(np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8), pts_us)
