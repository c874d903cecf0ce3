"""A webcam, or whatever else Linux shows as a V4L2 camera."""

import errno
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_sec_cam.camera import v4l2_kernel as kernel
from pi_sec_cam.camera.device_access import holders, no_permission
from pi_sec_cam.camera.driver_clock import DriverClock
from pi_sec_cam.camera.found import Mode, choose
from pi_sec_cam.camera.pace import Pace
from pi_sec_cam.camera.protocol import Sink
from pi_sec_cam.camera.v4l2_capture import Capture
from pi_sec_cam.camera.v4l2_devices import FORMATS, modes
from pi_sec_cam.camera.v4l2_picture import PictureReader, upside_down
from pi_sec_cam.clock import Clock, SystemClock
from pi_sec_cam.errors import SourceAway, SourceError, SourceUnusable
from pi_sec_cam.media.encoder import H264Encoder
from pi_sec_cam.media.frame import Frame
from pi_sec_cam.media.overlay import draw_text

log = logging.getLogger(__name__)

_BUFFERS = 4
_WAIT_S = 0.25
_SILENCE_US = 5_000_000
_DETECTION_WIDTH = 640


class V4l2Camera:
    """Captures from a V4L2 device in the mode nearest to what is wanted, and encodes on the processor.

    Args:
        device: its file ("/dev/video0", or a lasting name under /dev/v4l/by-id).
        width, height, frame_rate: what is wanted; a camera that is faster is thinned out.
        rotation: 0 or 180 degrees.
        bitrate: bits a second, None for the encoder's own choice.
        overlay: the text to draw for a picture's time in microseconds, None for none.
    """

    kind = "v4l2"

    def __init__(
        self,
        device: str,
        *,
        width: int,
        height: int,
        frame_rate: float,
        rotation: int = 0,
        bitrate: int | None = None,
        overlay: Callable[[int], str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        if rotation not in {0, 180}:
            raise ValueError(f"a picture can be turned by 0 or 180 degrees, not {rotation}")
        self.label = device
        self._device = Path(device)
        self._wanted = (width, height, frame_rate)
        self._rotation = rotation
        self._bitrate = bitrate
        self._overlay = overlay
        self._clock = clock or SystemClock()
        self._epoch = -1
        # Written by the camera's thread alone, read by whoever asks for the status: each is replaced as a whole.
        self._said: dict[str, object] = {}
        self._pictures = 0
        self._missed = 0
        self._damaged = 0

    def run(self, sink: Sink, stop: threading.Event) -> None:
        self._epoch += 1
        try:
            fd = kernel.open_device(self._device)
        except OSError as error:
            raise self._explain(error) from error
        try:
            layout, rate = self._set_up(fd)
            reader = PictureReader(layout)
            encoder = H264Encoder(
                width=layout.width,
                height=layout.height,
                frame_rate=rate,
                epoch=self._epoch,
                bitrate=self._bitrate,
                with_frames=True,
            )
            with Capture(fd, _BUFFERS) as capture:
                self._deliver(capture, reader, encoder, sink, stop)
        except SourceError:
            raise
        except OSError as error:
            raise self._explain(error) from error
        finally:
            os.close(fd)

    def describe(self) -> dict[str, object]:
        return {
            "device": str(self._device),
            **self._said,
            "pictures": self._pictures,
            "missed": self._missed,
            "damaged": self._damaged,
        }

    def _set_up(self, fd: int) -> tuple[kernel.Layout, float]:
        """Put the camera into its best mode; the layout and the rate at which pictures will be kept."""
        width, height, frame_rate = self._wanted
        said = kernel.identify(fd)
        if not said.captures:
            raise SourceUnusable(f"{self._device} ({said.card}) does not capture pictures; see `pi-sec-cam devices`")
        offered = modes(fd)
        if not offered:
            theirs = ", ".join(kernel.formats(fd)) or "none"
            raise SourceUnusable(
                f"{self._device} ({said.card}) has no format that is read here ({', '.join(FORMATS)}), but {theirs}"
            )
        mode, rate = choose(offered, width, height, frame_rate)
        layout = kernel.set_format(fd, mode.format, mode.width, mode.height)
        if layout.fourcc != mode.format:
            raise SourceUnusable(f"{self._device} ({said.card}) offers {mode}, but delivers {layout.fourcc}")
        settled = kernel.set_rate(fd, rate) or rate
        kept = min(settled, frame_rate)
        self._said = {
            "name": said.card,
            "format": layout.fourcc,
            "width": layout.width,
            "height": layout.height,
            "frame_rate": round(kept, 2),
        }
        note = self._note(Mode(layout.fourcc, layout.width, layout.height), kept)
        if note:
            self._said["note"] = note
            log.warning("%s: %s", self._device, note)
        return layout, kept

    def _note(self, mode: Mode, rate: float) -> str:
        """What is different from what was wanted, empty if nothing is."""
        width, height, frame_rate = self._wanted
        got = []
        if (mode.width, mode.height) != (width, height):
            got.append(f"{mode.width}×{mode.height} instead of {width}×{height}")
        if rate < frame_rate * 0.98:
            got.append(f"{rate:g} pictures a second instead of {frame_rate:g}")
        return f"the camera does not offer what is configured: {', '.join(got)}" if got else ""

    def _deliver(
        self, capture: Capture, reader: PictureReader, encoder: H264Encoder, sink: Sink, stop: threading.Event
    ) -> None:
        pace, driver_clock = Pace(self._wanted[2]), DriverClock()
        heard_us = self._clock.monotonic_us()
        last_us, sequence = 0, None
        while not stop.is_set():
            captured = capture.next(_WAIT_S)
            now_us = self._clock.monotonic_us()
            if now_us - heard_us > _SILENCE_US:
                raise SourceAway(f"{self._device} has delivered no picture for {_SILENCE_US // 1_000_000} s")
            if captured is None:
                continue
            if sequence is not None:
                self._missed += max(0, captured.sequence - sequence - 1)
            sequence = captured.sequence
            pts_us = max(driver_clock.media_us(captured.taken_us, now_us), last_us + 1)
            if captured.data is not None and not pace.keeps(pts_us):
                continue
            picture = reader.i420(captured.data or b"")
            if picture is None:
                self._damaged += 1
                continue
            last_us, heard_us = pts_us, now_us
            self._hand_over(picture, pts_us, encoder, sink)

    def _hand_over(self, picture: NDArray[np.uint8], pts_us: int, encoder: H264Encoder, sink: Sink) -> None:
        if self._rotation:
            picture = upside_down(picture)
        # Before the overlay is drawn: its clock changes every second, which is no movement.
        frame = _detection_frame(picture, pts_us) if sink.frame_due(pts_us) else None
        if self._overlay:
            draw_text(picture, self._overlay(pts_us))
        for unit in encoder.encode(picture, pts_us):
            sink.access_unit(unit)
            self._pictures += 1
        if frame:
            sink.frame(frame)

    def _explain(self, error: OSError) -> SourceError:
        device = self._device
        match error.errno:
            case errno.ENOTTY | errno.EISDIR | errno.EINVAL:
                return SourceUnusable(f"{device} is no camera; `pi-sec-cam devices` lists what is there")
            case errno.EACCES | errno.EPERM:
                why = no_permission(device)
            case errno.EBUSY:
                why = f"{device} is in use by {', '.join(holders(device)) or 'another program'}"
            case errno.ENOENT | errno.ENXIO:
                why = f"no camera at {device}; `pi-sec-cam devices` lists what is there"
            case errno.ENODEV | errno.EIO:
                why = f"{device} was unplugged or has failed ({error.strerror})"
            case errno.ENOSPC:
                why = f"the USB bus has no room for {device}: plug it in elsewhere or ask for a smaller picture"
            case _:
                why = f"{device} does not work: {error.strerror or error}"
        return SourceAway(why)


def _detection_frame(picture: NDArray[np.uint8], pts_us: int) -> Frame:
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    luma = picture[:height]
    if width <= _DETECTION_WIDTH:
        return Frame(luma.copy(), pts_us)
    size = (_DETECTION_WIDTH, round(height * _DETECTION_WIDTH / width))
    return Frame(np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8), pts_us)
