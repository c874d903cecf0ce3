"""Decodes what is neither H.264 nor H.265 and encodes it as H.264: costs processor time, but works."""

from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pi_sec_cam.camera.demux import Received
from pi_sec_cam.camera.protocol import Sink
from pi_sec_cam.camera.route import Counts, Place
from pi_sec_cam.camera.timeline import Stamp
from pi_sec_cam.errors import SourceUnusable
from pi_sec_cam.media.access_unit import StreamInfo
from pi_sec_cam.media.encoder import H264Encoder
from pi_sec_cam.media.frame import Frame
from pi_sec_cam.media.luma import luma_of
from pi_sec_cam.media.overlay import draw_text

_FALLBACK_RATE = 15.0
_SMALLEST = 16  # libx264 works in blocks of 16 by 16


class Transcoder:
    """Packets of one opened source → newly encoded access units, and frames for detection beside them.

    Args:
        decoder: FFmpeg's, for the source's stream.
        frame_rate: nominal, None if unknown: only the encoder's rate control depends on it.
        bitrate: bits a second, None for the encoder's own choice.
        overlay: the text to draw for a picture's media time, None for none.
        late: whether so much is waiting that pictures have to be left out.
        counts: "pictures"; "undecodable" packets; "too_slow": pictures left out.
        former: of the pass of the same file before this one; its encoder goes on.
    """

    def __init__(
        self,
        decoder: VideoCodecContext,
        frame_rate: float | None,
        *,
        bitrate: int | None,
        overlay: Callable[[int], str] | None,
        late: Callable[[], bool],
        counts: Counts,
        former: "Transcoder | None" = None,
    ) -> None:
        self._decoder = decoder
        self._decoder.thread_type = "SLICE"  # threads for whole pictures would hold several of them back
        self._frame_rate = frame_rate or _FALLBACK_RATE
        self._bitrate = bitrate
        self._overlay = overlay
        self._late = late
        self._counts = counts
        self.info: StreamInfo | None = None
        self._arrival_us = 0
        self._encoder: H264Encoder | None = former._encoder if former else None
        self._form: tuple[int, int, int] = (
            former._form if former else (0, 0, 0)
        )  # width, height, epoch of the encoder's pictures

    def take(self, received: Received, place: Place, sink: Sink) -> None:
        packet = received.packet
        packet.time_base = Fraction(1, 1_000_000)
        packet.pts, packet.dts = received.pts_us, received.dts_us
        self._arrival_us = received.arrival_us
        self._decode(packet, place, sink)

    def finish(self, place: Place, sink: Sink) -> None:
        self._decode(None, place, sink)

    def _decode(self, packet: "av.Packet[VideoStream] | None", place: Place, sink: Sink) -> None:
        try:
            frames = self._decoder.decode(packet)
        except av.FFmpegError:
            self._counts["undecodable"] += 1
            return
        for frame in frames:
            if self._late():
                self._counts["too_slow"] += 1
                continue
            pts_us = frame.pts if frame.pts is not None else frame.dts
            stamp = place(pts_us, pts_us, self._arrival_us)
            if stamp is None:
                return
            self._hand_over(frame, stamp, sink)

    def _hand_over(self, frame: VideoFrame, stamp: Stamp, sink: Sink) -> None:
        width, height = frame.width & ~1, frame.height & ~1  # H.264's colour planes are half as large
        if min(width, height) < _SMALLEST:
            raise SourceUnusable(f"pictures of {frame.width}×{frame.height} are too small to be watched")
        form = (width, height, stamp.epoch)
        if self._encoder is None or self._form != form:
            self._form = form
            self._encoder = H264Encoder(
                width=width,
                height=height,
                frame_rate=self._frame_rate,
                epoch=stamp.epoch,
                bitrate=self._bitrate,
                with_frames=True,
            )
        picture = np.asarray(
            frame.reformat(width, height, format="yuv420p", dst_color_range="MPEG").to_ndarray(), np.uint8
        )
        if self._overlay:
            draw_text(picture, self._overlay(stamp.pts_us))
        for unit in self._encoder.encode(picture, stamp.pts_us):
            self._counts["pictures"] += 1
            self.info = unit.info
            sink.access_unit(unit)
        if sink.frame_due(stamp.pts_us):  # without the overlay: its clock changes every second, which is no movement
            sink.frame(Frame(luma_of(frame), stamp.pts_us))
