"""Writes fragmented MP4 that is playable at any moment while it grows."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from types import TracebackType
from typing import Self

import av

from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo

_MICROSECONDS = Fraction(1, 1_000_000)
# A fragment is closed by the first picture that is this much later than its own first: with five pictures a second
# and more, none is longer than one second.
_FRAGMENT_US = 800_000
_HEVC_TAG = "hvc1"  # what players other than ffmpeg ask for (parameter sets in the header alone)


class StreamRefused(PiSecCamError, ValueError):
    """A stream that MP4 cannot hold."""


class Mp4Writer:
    """One video track, in fragments; each is handed to `write` whole, in one call, the first with the header.

    Timestamps are the units' own in microseconds, counted from the first unit's PTS.

    Args:
        write: takes the next bytes of the file. It is called through the muxer's C code and must not raise.
        info: of the units to come; all must share it.

    Raises:
        StreamRefused: from the constructor, `add` and `close`; what was handed out before is sound.
    """

    def __init__(self, write: Callable[[bytes], None], info: StreamInfo) -> None:
        self._boxes = _WholeFragments(write)
        self._origin_us: int | None = None
        self._last_dts_us: int | None = None
        self._duration_us = round(1e6 / (info.frame_rate or 25))
        with _refusing():
            self._container = av.open(
                self._boxes,
                "w",
                format="mp4",
                # delay_moov: the header is made when the first pictures are known, and so has their exact start.
                options={
                    "movflags": "empty_moov+default_base_moof+delay_moov",
                    "frag_duration": str(_FRAGMENT_US),
                    "video_track_timescale": "1000000",
                },
                buffer_size=1 << 18,
            )
            self._stream = self._add_stream(info)

    def add(self, unit: AccessUnit) -> None:
        """Append a unit; the first must be a keyframe."""
        if self._origin_us is None:
            assert unit.keyframe, "a clip begins with a keyframe"
            self._origin_us = unit.pts_us
        if self._last_dts_us is not None:
            self._duration_us = unit.dts_us - self._last_dts_us
        self._last_dts_us = unit.dts_us
        with _refusing():
            packet = av.Packet(unit.data)
            packet.stream = self._stream
            packet.time_base = _MICROSECONDS
            packet.pts = unit.pts_us - self._origin_us
            packet.dts = unit.dts_us - self._origin_us
            # Counts only for the file's last picture: as long as the one before it.
            packet.duration = self._duration_us
            packet.is_keyframe = unit.keyframe
            self._container.mux_one(packet)

    def _add_stream(self, info: StreamInfo) -> av.stream.Stream:
        if info.codec == "h264":
            return self._container.add_mux_stream("h264", width=info.width, height=info.height, time_base=_MICROSECONDS)
        # A mux stream's tag cannot be set; one that is made after a template has a context, where it can.
        with av.open(io.BytesIO(info.parameter_sets), format="hevc") as source:
            stream = self._container.add_stream_from_template(source.streams.video[0])
        stream.codec_context.codec_tag = _HEVC_TAG
        stream.time_base = _MICROSECONDS
        stream.width, stream.height = info.width, info.height
        return stream

    def close(self) -> None:
        """Write the last fragment and the index of fragments. May be called again."""
        with _refusing():
            self._container.close()
        self._boxes.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def _refusing() -> Iterator[None]:
    """FFmpeg's complaints; nothing in them is about a disk, the bytes only go to memory."""
    try:
        yield
    except (av.FFmpegError, ValueError, OverflowError) as error:
        raise StreamRefused(f"cannot write this stream as MP4: {error}") from error


class _WholeFragments:
    """The file that the muxer writes to: gathers its pieces and passes them on in whole fragments."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._held = bytearray()

    def write(self, piece: bytes) -> int:
        """Called by the muxer."""
        self._held += piece
        end = self._end_of_last_mdat()
        if end:
            self._write(bytes(self._held[:end]))
            del self._held[:end]
        return len(piece)

    def finish(self) -> None:
        """Pass on what is left."""
        if self._held:
            self._write(bytes(self._held))
            self._held.clear()

    def _end_of_last_mdat(self) -> int:
        """Where the last complete mdat box of what is held ends; 0 if none does (box: ISO/IEC 14496-12, 4.2)."""
        end = position = 0
        while position + 8 <= len(self._held):
            length = int.from_bytes(self._held[position : position + 4], "big")
            if length < 8 or position + length > len(self._held):
                break
            position += length
            if self._held[position - length + 4 : position - length + 8] == b"mdat":
                end = position
        return end
