"""Writes access units to an ordinary MP4 file: not in fragments, with the index in front, for any player."""

import io
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo

_MICROSECONDS = Fraction(1, 1_000_000)
_FORMATS = {"h264": "h264", "h265": "hevc"}
# What players other than ffmpeg ask for; of H.265 the muxer itself would make "hev1", which Apple's refuse.
_TAGS = {"h264": "avc1", "h265": "hvc1"}


class FilmWriter:
    """One video track; each unit keeps its timestamps, counted from the first unit's PTS.

    Args:
        path: an existing file is replaced; it is complete once this is closed.
        info: of all units to come.
        taken: when the first picture was taken; noted in the film.

    Raises:
        av.FFmpegError: from every method: the disk's error, or a stream that MP4 cannot hold.
    """

    def __init__(self, path: Path, info: StreamInfo, taken: datetime | None = None) -> None:
        self._origin_us: int | None = None
        self._last_dts_us: int | None = None
        self._duration_us = round(1e6 / (info.frame_rate or 25))
        # movflags: without faststart a player has to fetch the whole film before it can begin.
        options = {"movflags": "faststart", "video_track_timescale": "1000000"}
        self._container = av.open(str(path), "w", format="mp4", options=options)
        if taken is not None:
            self._container.metadata["creation_time"] = taken.astimezone(UTC).isoformat(timespec="seconds")
        with av.open(io.BytesIO(info.parameter_sets), format=_FORMATS[info.codec]) as source:
            self._stream = self._container.add_stream_from_template(source.streams.video[0])
        self._stream.codec_context.codec_tag = _TAGS[info.codec]
        self._stream.time_base = _MICROSECONDS
        self._stream.width, self._stream.height = info.width, info.height

    def add(self, unit: AccessUnit) -> None:
        """Append a unit; the first must be a keyframe."""
        if self._origin_us is None:
            assert unit.keyframe, "a film begins with a keyframe"
            self._origin_us = unit.pts_us
        if self._last_dts_us is not None:
            self._duration_us = unit.dts_us - self._last_dts_us
        self._last_dts_us = unit.dts_us
        packet = av.Packet(unit.data)
        packet.stream = self._stream
        packet.time_base = _MICROSECONDS
        packet.pts = unit.pts_us - self._origin_us
        packet.dts = unit.dts_us - self._origin_us
        # Counts only for the film's last picture: as long as the one before it.
        packet.duration = self._duration_us
        packet.is_keyframe = unit.keyframe
        self._container.mux_one(packet)

    def close(self) -> None:
        """Write the index, and put it in front. May be called again."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
