"""Opens a file or a stream's address with FFmpeg, and takes its video packets out."""

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from pi_sec_cam.camera.address import without_password
from pi_sec_cam.camera.source_fault import file_path, is_live, why_file, why_live
from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import SourceAway, SourceError, SourceUnusable

# A camera that is there answers within a second or two; one that boots may take longer and is asked again.
_OPEN_SECONDS = 10.0
# Longer than a stall, which the supervisor notices by itself: when FFmpeg's time is up it first hands out the last
# picture that its parser holds, and only gives up after as long again.
_READ_SECONDS = 10.0
# Their timestamps are counted out by FFmpeg from a guessed rate: worthless for what comes over a network.
_UNTIMED_FORMATS = {"mpjpeg", "jpeg_pipe", "mjpeg", "h264", "hevc", "m4v"}
_RTSP_OPTIONS = {
    "rtsp_transport": "tcp",
    # With sound beside it, FFmpeg moves the picture's timestamps at each RTCP report.
    "allowed_media_types": "video",
    # FFmpeg looks at the first pictures to learn what is known from SDP or SPS anyway; they arrive late for it.
    "analyzeduration": "100000",
}


class Received(NamedTuple):
    """One packet as it came.

    Attributes:
        packet: of the video stream.
        pts_us, dts_us: by the source's clock, None where it gives none.
        arrival_us: monotonic time.
    """

    packet: "av.Packet[VideoStream]"  # a type argument only for the type checker
    pts_us: int | None
    dts_us: int | None
    arrival_us: int


class Source:
    """An opened source; `with` closes it.

    Attributes:
        decoder: FFmpeg's decoder of its first video stream, as the container describes it; outlives the source.
        frame_rate: nominal pictures a second, None if unknown.
        expected: pictures that a file's index promises, 0 if it has none.
        timed: pictures have timestamps of their own; else they have the time of their arrival.

    Raises:
        SourceAway, SourceUnusable: when opening fails.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self._label = without_password(url)
        self._clock = clock
        self._live = is_live(url)
        self._url = url
        self._container = self._open()
        stream = self._container.streams.best("video")  # a cover picture is never the best
        if not isinstance(stream, VideoStream):
            self._container.close()
            raise SourceUnusable(f"{self._label} has no video in it: name a source with a picture")
        self._stream = stream
        decoder: VideoCodecContext | None = self._stream.codec_context  # None: FFmpeg lacks one
        if decoder is None:
            self._container.close()
            raise SourceUnusable(f"{self._label} uses a video coding that is not known here; set it to H.264")
        self.decoder = decoder
        # MP4's index is exact; that of AVI, for one, is not.
        self.expected = self._stream.frames if "mp4" in self._container.format.name else 0
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.frame_rate = float(rate) if rate and 0.01 <= rate <= 1000 else None
        self.timed = not (self._live and self._container.format.name in _UNTIMED_FORMATS)

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def packets(self) -> Iterator[Received]:
        """The video packets until the end of the source.

        Raises:
            SourceAway: a live source has ended, fallen silent or broken off.
            SourceUnusable: a file cannot be read on.
        """
        time_base = self._stream.time_base or Fraction(1, 1_000_000)
        multiplier, divisor = time_base.numerator * 1_000_000, time_base.denominator
        try:
            for packet in self._container.demux(self._stream):
                if not packet.size:
                    continue  # FFmpeg marks the end so
                arrival_us = self._clock.monotonic_us()
                if not self.timed:
                    yield Received(packet, arrival_us, arrival_us, arrival_us)
                    continue
                pts, dts = packet.pts, packet.dts
                pts_us = None if pts is None else pts * multiplier // divisor
                dts_us = pts_us if dts == pts else None if dts is None else dts * multiplier // divisor
                yield Received(packet, pts_us, dts_us, arrival_us)
        except av.FFmpegError as error:
            raise self._why(error, opening=False) from None
        if self._live:
            raise SourceAway(f"{self._label} closed the connection")

    def _open(self) -> InputContainer:
        if not self._live:
            path = file_path(self._url)
            if not path.exists():
                raise SourceAway(f"{path} does not exist (waiting for it: a disk may yet be mounted)")
            target, options = f"file:{path}", {}
        else:
            target = self._url
            options = _RTSP_OPTIONS if target.lower().startswith("rtsp") else {"analyzeduration": "100000"}
        started_us = self._clock.monotonic_us()
        try:
            return av.open(target, options=options, timeout=(_OPEN_SECONDS, _READ_SECONDS), metadata_errors="replace")
        except av.FFmpegError as error:
            # Under a time limit FFmpeg's RTSP reports a half-read answer as invalid data.
            late = self._clock.monotonic_us() - started_us > 0.9e6 * _OPEN_SECONDS
            if self._live and late:
                raise SourceAway(f"{self._label} did not answer within {_OPEN_SECONDS:g} s") from None
            raise self._why(error, opening=True) from None

    def _why(self, error: av.FFmpegError, *, opening: bool) -> SourceError:
        if self._live:
            return why_live(error, self._url, opening=opening)
        return why_file(error, file_path(self._url), opening=opening)
