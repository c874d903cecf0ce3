"""Hands on the video of a V4L2 camera that encodes by itself."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import av

from pi_sec_cam.camera.demux import Received
from pi_sec_cam.camera.passthrough import Passthrough
from pi_sec_cam.camera.protocol import Sink
from pi_sec_cam.camera.timeline import Stamp
from pi_sec_cam.camera.v4l2_capture import Captured
from pi_sec_cam.errors import SourceAway
from pi_sec_cam.media.access_unit import Codec

if TYPE_CHECKING:
    from av.video.stream import VideoStream

# An encoder that lets itself be asked answers at once; the others have keyframes every ten seconds at the longest.
_PATIENCE_US = 12_000_000


class NoKeyframes(SourceAway):
    """The camera's own video has had no keyframe for too long."""


class OwnVideo:
    """One opened camera's video → access units with the same coded pictures.

    Args:
        epoch, frame_rate: for the units' StreamInfo.
        counts: "damaged" buffers, besides what Passthrough counts.
        ask_for_keyframe: has the camera make one, if it can.
    """

    def __init__(
        self, codec: Codec, frame_rate: float, epoch: int, counts: Counter[str], ask_for_keyframe: Callable[[], None]
    ) -> None:
        self._passthrough = Passthrough(codec, None, frame_rate, counts=counts)
        self._epoch = epoch
        self._counts = counts
        self._ask_for_keyframe = ask_for_keyframe
        self._first_us: int | None = None

    def take(self, captured: Captured, pts_us: int, sink: Sink) -> bool:
        # What is predicted from a lost picture shows traces of that until the next keyframe; better than nothing.
        if self._first_us is None or captured.missed or captured.data is None:
            self._ask_for_keyframe()
        self._first_us = self._first_us or pts_us
        if captured.data is None:
            self._counts["damaged"] += 1
            return False
        packet = cast("av.Packet[VideoStream]", av.Packet(captured.data[0]))
        packet.is_keyframe = captured.keyframe
        # Shown in the order of decoding: B pictures cost a camera memory and time, and a V4L2 buffer has one time.
        self._passthrough.take(Received(packet, pts_us, pts_us, pts_us), self._place, sink)
        if self._passthrough.info is None and pts_us - self._first_us > _PATIENCE_US:
            raise NoKeyframes("it encodes by itself, but has sent no keyframe with its parameter sets for 12 s")
        return True

    def _place(self, pts_us: int | None, dts_us: int | None, _: int) -> Stamp | None:
        return Stamp(pts_us, dts_us, self._epoch) if pts_us is not None and dts_us is not None else None
