"""A webcam, or whatever else Linux shows as a V4L2 camera."""

import errno
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from pi_sec_cam.camera import v4l2_kernel as kernel
from pi_sec_cam.camera.device_access import holders, no_permission
from pi_sec_cam.camera.driver_clock import DriverClock
from pi_sec_cam.camera.protocol import Sink
from pi_sec_cam.camera.v4l2_capture import Capture, Captured
from pi_sec_cam.camera.v4l2_controls import ask_for_keyframe, set_up_encoder
from pi_sec_cam.camera.v4l2_mode import Settled, Wanted, settle
from pi_sec_cam.camera.v4l2_own_video import NoKeyframes, OwnVideo
from pi_sec_cam.clock import Clock, SystemClock
from pi_sec_cam.errors import SourceAway, SourceError, SourceUnusable

log = logging.getLogger(__name__)

_BUFFERS = 4
_VIDEO_BUFFERS = 8  # they are small, and a picture that is missed spoils those after it
_WAIT_S = 0.25
_SILENCE_US = 5_000_000


class _Route(Protocol):
    """Turns what one opened camera delivers into access units."""

    def take(self, captured: Captured, pts_us: int, sink: Sink) -> bool:
        """Deliver what one buffer gives; whether it held what it should."""
        ...


class V4l2Camera:
    """Captures from a V4L2 device in the mode nearest to what is wanted.

    Video that the camera encodes by itself is handed on as it is; pictures are encoded on the processor.

    Args:
        device: its file ("/dev/video0", or a lasting name under /dev/v4l/by-id).
        width, height, frame_rate: what is wanted; pictures that come faster are thinned out.
        rotation: 0 or 180 degrees; 180 has the camera deliver pictures.
        format: four-character code of the one that the camera is to deliver ("MJPG"), None: whichever suits best.
        bitrate: bits a second, None for the encoder's own choice.
        overlay: the text to draw for a picture's time in microseconds, None for none; not into the camera's own video.
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
        format: str | None = None,
        bitrate: int | None = None,
        overlay: Callable[[int], str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        if rotation not in {0, 180}:
            raise ValueError(f"a picture can be turned by 0 or 180 degrees, not {rotation}")
        self.label = device
        self._device = Path(device)
        self._wanted = Wanted(width, height, frame_rate, rotation == 180, format)
        self._bitrate = bitrate
        self._overlay = overlay
        self._clock = clock or SystemClock()
        self._epoch = -1
        # Written by the camera's thread alone, read by whoever asks for the status: `_said` is replaced as a whole.
        self._said: dict[str, object] = {}
        self._counts: Counter[str] = Counter(pictures=0, missed=0, damaged=0)

    def run(self, sink: Sink, stop: threading.Event) -> None:
        self._epoch += 1
        try:
            fd = kernel.open_device(self._device)
        except OSError as error:
            raise self._explain(error) from error
        try:
            settled = settle(fd, self.label, self._wanted)
            self._say(settled)
            route = self._route(fd, settled)
            with Capture(fd, settled.buffer_type, _VIDEO_BUFFERS if settled.codec else _BUFFERS) as capture:
                self._deliver(capture, route, sink, stop)
        except NoKeyframes as error:
            self._wanted = replace(self._wanted, may_encode=not settled.has_pictures)
            raise SourceAway(f"{self._device}: {error}") from error
        except SourceError:
            raise
        except OSError as error:
            raise self._explain(error) from error
        finally:
            os.close(fd)

    def describe(self) -> dict[str, object]:
        return {"device": str(self._device), **self._said, **self._counts}

    def _say(self, settled: Settled) -> None:
        layout = settled.layout
        self._said = {
            "name": settled.name,
            "format": layout.fourcc,
            "encoded_by": "camera" if settled.codec else "processor",
            "width": layout.width,
            "height": layout.height,
            "frame_rate": round(settled.frame_rate, 2),
        }
        if settled.notes:
            self._said["note"] = "; ".join(settled.notes)
            log.warning("%s: %s", self._device, self._said["note"])

    def _route(self, fd: int, settled: Settled) -> _Route:
        if settled.codec:
            set_up_encoder(fd, settled.frame_rate, self._bitrate)
            ask = partial(ask_for_keyframe, fd)
            return OwnVideo(settled.codec, settled.frame_rate, self._epoch, self._counts, ask)
        from pi_sec_cam.camera.v4l2_encoded_here import EncodedHere  # brings OpenCV with it

        return EncodedHere(
            settled.layout,
            settled.frame_rate,
            self._epoch,
            self._counts,
            turned=self._wanted.turned,
            bitrate=self._bitrate,
            overlay=self._overlay,
        )

    def _deliver(self, capture: Capture, route: _Route, sink: Sink, stop: threading.Event) -> None:
        driver_clock = DriverClock()
        heard_us = self._clock.monotonic_us()
        last_us = 0
        while not stop.is_set():
            captured = capture.next(_WAIT_S)
            now_us = self._clock.monotonic_us()
            if now_us - heard_us > _SILENCE_US:
                raise SourceAway(f"{self._device} has delivered no picture for {_SILENCE_US // 1_000_000} s")
            if captured is None:
                continue
            self._counts["missed"] += captured.missed
            pts_us = max(driver_clock.media_us(captured.taken_us, now_us), last_us + 1)
            if route.take(captured, pts_us, sink):
                last_us, heard_us = pts_us, now_us

    def _explain(self, error: OSError) -> SourceError:
        device = self._device
        match error.errno:
            case errno.ENOTTY | errno.EISDIR:
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
