"""Encodes pictures to H.264 on the processor, for sources that do not deliver it themselves."""

from fractions import Fraction

import av
import numpy as np
from av.codec import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from numpy.typing import NDArray

from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo
from pi_sec_cam.media.h264 import Canonicaliser

_MICROSECONDS = Fraction(1, 1_000_000)
_GOP_US = 1_000_000
# 0.1 bit a pixel keeps a surveillance picture clean with this preset (our estimate by eye on the demo scene).
_BITS_PER_PIXEL = 0.1


class H264Encoder:
    """libx264 without delay: each picture gives its access unit at once, a keyframe every second of media time.

    Args:
        width, height: of the pictures, even.
        frame_rate: nominal pictures a second, for rate control only; timestamps may vary.
        epoch: for the units' StreamInfo.
        bitrate: bits a second; None: 0.1 bit a pixel.
        with_frames: for the units' StreamInfo.
    """

    def __init__(
        self,
        *,
        width: int,
        height: int,
        frame_rate: float,
        epoch: int,
        bitrate: int | None = None,
        with_frames: bool = False,
    ) -> None:
        self.bitrate = bitrate or max(100_000, round(width * height * frame_rate * _BITS_PER_PIXEL))
        self._rate = frame_rate
        self._epoch = epoch
        self._with_frames = with_frames
        self._last_key_us: int | None = None
        self._info: StreamInfo | None = None
        context = CodecContext.create("libx264", "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height = width, height
        context.pix_fmt = "yuv420p"
        context.time_base = _MICROSECONDS
        context.framerate = Fraction(frame_rate).limit_denominator(1001)
        context.bit_rate = self.bitrate
        # One thread each for up to 720p: the picture stays one slice, and a small board keeps its other cores.
        context.thread_count = 1 if width * height <= 1280 * 720 else 2
        context.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "forced-idr": "1",
            # Keyframes are forced by media time (a webcam's rate falls in the dark); headers go with each.
            "x264-params": "keyint=infinite:scenecut=0:repeat-headers=1:annexb=1:aud=0"
            f":vbv-maxrate={2 * self.bitrate // 1000}:vbv-bufsize={2 * self.bitrate // 1000}",
        }
        self._context = context
        self._canonical = Canonicaliser("h264", None)

    def encode(self, i420: NDArray[np.uint8], pts_us: int) -> list[AccessUnit]:
        """The access units that one picture gives (one).

        Args:
            i420: uint8, shape (height * 3 // 2, width): Y plane, then U and V at half size.
            pts_us: media time, rising from call to call.
        """
        frame = av.VideoFrame.from_ndarray(i420, format="yuv420p")
        frame.pts = pts_us
        frame.time_base = _MICROSECONDS
        if self._last_key_us is None or pts_us - self._last_key_us >= _GOP_US:
            frame.pict_type = PictureType.I
            self._last_key_us = pts_us
        return self._units(frame)

    def flush(self) -> list[AccessUnit]:
        """What the encoder still holds; none may be encoded after it."""
        return self._units(None)

    def _units(self, frame: av.VideoFrame | None) -> list[AccessUnit]:
        units = []
        for packet in self._context.encode(frame):
            unit = self._canonical.convert(bytes(packet), packet.is_keyframe)
            if unit is None or packet.pts is None or packet.dts is None:
                continue
            if self._info is None or self._info.parameter_sets != self._canonical.parameter_sets:
                self._info = self._describe()
            units.append(AccessUnit(unit.data, packet.pts, packet.dts, unit.keyframe, self._info))
        return units

    def _describe(self) -> StreamInfo:
        canonical = self._canonical
        return StreamInfo(
            codec="h264",
            width=canonical.width,
            height=canonical.height,
            parameter_sets=canonical.parameter_sets,
            epoch=self._epoch,
            frame_rate=self._rate,
            with_frames=self._with_frames,
        )
