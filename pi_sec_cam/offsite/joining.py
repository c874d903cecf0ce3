"""Joins chunks into the stream that they were cut from: its access units again, with one chunk in memory at a time."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import av
from av.container import InputContainer

from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.media.access_unit import AccessUnit, Codec, StreamInfo
from pi_sec_cam.media.h264 import Canonicaliser

_FORMATS = {"h264": "h264", "h265": "hevc"}


class NoVideo(PiSecCamError, ValueError):
    """Chunks in which no picture can be found, or not those that there should be."""


@dataclass(frozen=True, slots=True)
class Run:
    """Chunks that follow one another, of one codec.

    Attributes:
        codec: of their video.
        chunks: each gives its plain bytes when it is called; called several times, an error is passed on.
        pts_us: of their pictures, in the order of the stream, as far as somebody has written it down.
        interval_us: from each picture to the next, of those that come after them; None if there are none.
    """

    codec: Codec
    chunks: tuple[Callable[[], bytes], ...]
    pts_us: tuple[int, ...]
    interval_us: float | None


def joined_units(run: Run) -> Iterator[AccessUnit]:
    """The units from the first keyframe on; `info` is another object once parameter sets change.

    Raises:
        NoVideo: there is no video in the chunks, or more or less than there are timestamps.
    """
    times = _decoding_times(run.pts_us if run.interval_us is None else _with_the_rest(run, run.interval_us))
    rate = None if run.interval_us is None else 1e6 / run.interval_us
    canonical = Canonicaliser(run.codec, None)
    info: StreamInfo | None = None
    count = 0
    with _opened(run) as container:
        for count, packet in enumerate(_packets(container), 1):
            if count > len(times):
                break
            unit = canonical.convert(bytes(packet), packet.is_keyframe)
            if unit is None or not (unit.keyframe or info):
                continue
            if info is None or info.parameter_sets != canonical.parameter_sets:
                info = StreamInfo(
                    run.codec, canonical.width, canonical.height, canonical.parameter_sets, frame_rate=rate
                )
            pts_us, dts_us = times[count - 1]
            yield AccessUnit(unit.data, pts_us, dts_us, unit.keyframe, info)
    if count != len(times):
        more = "more than that" if count > len(times) else str(count)
        raise NoVideo(f"{len(times)} pictures should be in these chunks, and {more} are: they belong to another event")
    if info is None:
        raise NoVideo("no picture in these chunks can be decoded: there is no keyframe with its parameter sets")


def _decoding_times(pts_us: Sequence[int]) -> list[tuple[int, int]]:
    """(PTS, DTS) of each picture: they are decoded at the times at which pictures are shown, early enough for all."""
    shown = sorted(pts_us)
    delay = max((at - pts for at, pts in zip(shown, pts_us, strict=True)), default=0)
    return [(pts, at - delay) for pts, at in zip(pts_us, shown, strict=True)]


def _with_the_rest(run: Run, interval_us: float) -> list[int]:
    """The PTS of all pictures: those without one follow the last one shown of the others, in the order of showing."""
    places = _places(run)
    known = run.pts_us[: len(places)]
    last_us, last = max(zip(known, places, strict=False), default=(0, 0))
    return [*run.pts_us, *(last_us + round((place - last) * interval_us) for place in places[len(known) :])]


def _places(run: Run) -> list[int]:
    """Of each picture, its place in the order of showing.

    A byte stream only has the order of decoding. Where there are B-frames, the decoder tells the other one.
    """
    with _opened(run) as container:
        decoder = container.streams.video[0].codec_context
        count = 0
        if not decoder.has_b_frames:
            return list(range(sum(1 for _ in _packets(container))))
        shown: dict[int, int] = {}
        for packet in itertools.chain(_packets(container), [None]):
            if packet is not None:
                packet.pts = packet.dts = count
                count += 1
            for frame in decoder.decode(packet):
                if frame.pts is not None:
                    shown[frame.pts] = len(shown)
    return [shown.get(coded, coded) for coded in range(count)]


def _opened(run: Run) -> InputContainer:
    try:
        container = av.open(_Joined(run.chunks), "r", format=_FORMATS[run.codec])
    except av.FFmpegError as error:
        raise NoVideo(f"no video can be read from these chunks: {error.strerror}") from error
    return container


def _packets(container: InputContainer) -> "Iterator[av.Packet[Any]]":
    """One for each coded picture."""
    for packet in container.demux(container.streams.video[0]):
        if packet.size:  # the last one is an empty mark of the end
            yield packet


class _Joined:
    """The chunks as one file, as PyAV reads files."""

    def __init__(self, chunks: Sequence[Callable[[], bytes]]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def read(self, size: int) -> bytes:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = memoryview(chunk())
        piece, self._rest = self._rest[:size], self._rest[size:]
        return bytes(piece)
