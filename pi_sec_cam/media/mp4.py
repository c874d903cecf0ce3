"""Writes fragmented MP4 that is playable at any moment while it grows; a fragment may end at any picture."""

import io
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from types import TracebackType
from typing import Self

import av
from av.container import OutputContainer

from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.media import fragments
from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo
from pi_sec_cam.media.fragments import Indexed, Sample
from pi_sec_cam.media.h264 import START_CODE

_MICROSECONDS = Fraction(1, 1_000_000)
# A second, and a little for cameras whose clock trembles: else of a GOP of one second the last picture would be left
# over now and then, and the keyframes after it would not begin fragments any more.
_LONGEST_US = 1_020_000
# A fragment of at least this length ends before a keyframe.
_KEYFRAME_ENDS_US = 800_000
_HEVC_TAG = "hvc1"  # what players other than ffmpeg ask for (parameter sets in the header alone)


class StreamRefused(PiSecCamError, ValueError):
    """A stream that MP4 cannot hold."""


class Mp4Writer:
    """One video track, in fragments; each is handed to `write` whole, in one call, the first with the header.

    Timestamps are the units' own in microseconds, counted from the first unit's PTS. A fragment ends by itself with the
    picture after which it spans a second; the last picture in it is taken to last as long as those before it, and the
    next fragment says exactly when it begins. FFmpeg's muxer, which makes the header, could not do that: it ends a
    fragment when the next picture comes.

    Args:
        write: takes the next bytes of the file; must not raise.
        info: of the units to come; all must share it.

    Attributes:
        pictures: how many are in what was handed out, also while `write` is called.
        end_pts_us: when the last of them ends; the first one's PTS before any was handed out.
    """

    def __init__(self, write: Callable[[bytes], None], info: StreamInfo) -> None:
        self._write = write
        self._info = info
        self._interval_us: int | None = None  # between the last two units
        self._pace_us = max(1, round(1e6 / (info.frame_rate or 25)))
        self._header = b""  # until it is handed out
        self._origin_dts_us = 0
        self._last_dts_us: int | None = None
        self._held: list[Sample] = []
        self._fragments = 0
        self._bytes = 0
        self._index: list[Indexed] = []
        self._closed = False
        self.pictures = 0
        self.end_pts_us = 0

    def add(self, unit: AccessUnit) -> None:
        """Append a unit; the first must be a keyframe.

        Raises:
            StreamRefused: it was not taken; what was before it is sound.
        """
        if not unit.data.startswith(START_CODE):
            raise StreamRefused("cannot write this stream as MP4: not in canonical form")
        if not fragments.fits(unit.pts_us - unit.dts_us):
            raise StreamRefused(f"cannot write this stream as MP4: PTS {unit.pts_us} and DTS {unit.dts_us}")
        if self._last_dts_us is None:
            self._begin(unit)
        elif unit.dts_us <= self._last_dts_us:
            raise StreamRefused(f"cannot write this stream as MP4: DTS {unit.dts_us} after {self._last_dts_us}")
        else:
            self._follow(unit, unit.dts_us - self._last_dts_us)
        self._last_dts_us = unit.dts_us
        dts = unit.dts_us - self._origin_dts_us
        # `hvc1`: the header alone has parameter sets.
        data = unit.data.removeprefix(self._info.parameter_sets) if self._info.codec == "h265" else unit.data
        self._held.append(Sample(data, dts, unit.pts_us - unit.dts_us, unit.keyframe))
        # Would it be too long with one more, at the pace of these? Single intervals tremble.
        span_us, intervals = dts - self._held[0].dts, len(self._held) - 1
        interval_us = span_us / intervals if intervals else self._interval_us or self._pace_us
        if span_us + 2 * interval_us > _LONGEST_US:
            self.cut()

    @property
    def held(self) -> int:
        """Pictures of the fragment that has not ended yet."""
        return len(self._held)

    def cut(self) -> None:
        """End the fragment here, if it holds anything."""
        if self._held:
            self._end_fragment(self._pace_us)

    def close(self) -> None:
        """Write what is held, and the index of keyframes. May be called again."""
        if self._closed:
            return
        self._closed = True
        self.cut()
        if self._fragments:
            self._hand_out(fragments.index(self._index))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, first: AccessUnit) -> None:
        assert first.keyframe, "a clip begins with a keyframe"
        self._header = _header(first)
        self.end_pts_us = first.pts_us
        self._origin_dts_us = first.dts_us

    def _follow(self, unit: AccessUnit, interval_us: int) -> None:
        """Look whether the fragment has to end before this unit, which comes so much later than the last."""
        if self._held:
            span_us = unit.dts_us - self._origin_dts_us - self._held[0].dts
            too_long = span_us + span_us / len(self._held) > _LONGEST_US
            if too_long or (unit.keyframe and span_us >= _KEYFRAME_ENDS_US):
                self._end_fragment(interval_us)
        # After a stall, a picture is not taken to last as long as the stall did.
        self._pace_us = min(interval_us, self._interval_us or interval_us)
        self._interval_us = interval_us

    def _end_fragment(self, last_us: int) -> None:
        """Hand out what is held; its last picture lasts so long."""
        samples, self._held = self._held, []
        durations = [*(after.dts - sample.dts for sample, after in pairwise(samples)), last_us]
        self._fragments += 1
        self.pictures += len(samples)
        self.end_pts_us = max(
            self.end_pts_us,
            *(
                self._origin_dts_us + sample.dts + sample.composition_offset + duration
                for sample, duration in zip(samples, durations, strict=True)
            ),
        )
        header, self._header = self._header, b""
        self._note_keyframes(samples, self._bytes + len(header))
        self._hand_out(header + fragments.fragment(self._fragments, samples, durations))

    def _note_keyframes(self, samples: list[Sample], moof_at: int) -> None:
        for number, sample in enumerate(samples, 1):
            if sample.keyframe:
                self._index.append(Indexed(sample.dts + sample.composition_offset, moof_at, number))

    def _hand_out(self, data: bytes) -> None:
        self._bytes += len(data)
        self._write(data)


def _header(first: AccessUnit) -> bytes:
    """ftyp and moov, from FFmpeg's muxer, which is given the first picture to know the codec and the exact start."""
    file = io.BytesIO()
    # delay_moov: the edit list, which makes up for B-frames, is written when that picture is known.
    options = {"movflags": "empty_moov+default_base_moof+delay_moov", "video_track_timescale": "1000000"}
    try:
        with av.open(file, "w", format="mp4", options=options) as container:
            packet = av.Packet(first.data)
            packet.stream = _stream(container, first.info)
            packet.time_base = _MICROSECONDS
            packet.pts, packet.dts = 0, first.dts_us - first.pts_us
            packet.is_keyframe = True
            container.mux_one(packet)
    except (av.FFmpegError, ValueError, OverflowError) as error:
        raise StreamRefused(f"cannot write this stream as MP4: {error}") from error
    written = file.getvalue()
    ftyp_bytes = int.from_bytes(written[:4], "big")
    return written[: ftyp_bytes + int.from_bytes(written[ftyp_bytes : ftyp_bytes + 4], "big")]


def _stream(container: OutputContainer, info: StreamInfo) -> av.stream.Stream:
    if info.codec == "h264":
        return container.add_mux_stream("h264", width=info.width, height=info.height, time_base=_MICROSECONDS)
    # A mux stream's tag cannot be set; one that is made after a template has a context, where it can.
    with av.open(io.BytesIO(info.parameter_sets), format="hevc") as source:
        stream = container.add_stream_from_template(source.streams.video[0])
    stream.codec_context.codec_tag = _HEVC_TAG
    stream.time_base = _MICROSECONDS
    stream.width, stream.height = info.width, info.height
    return stream
