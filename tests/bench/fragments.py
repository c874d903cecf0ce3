"""What it costs to put pictures into MP4: our fragments against those of FFmpeg's muxer, through PyAV.

    .venv/bin/python -m tests.bench.fragments

CPU time of this thread, without any disk; the two take turns on the same pictures.
"""

import statistics
import time
from collections.abc import Callable
from fractions import Fraction

import av

from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo
from pi_sec_cam.media.mp4 import Mp4Writer
from tests.unit.streams import units

_PICTURES = 2500
_ROUNDS = 9
_PERIOD_US = 40_000
_KEYFRAME_IS_LARGER = 6


def pictures(mean_bytes: int) -> list[AccessUnit]:
    """25 a second, a keyframe each second."""
    first, other = units(seconds=1)[:2]
    made = []
    for index in range(_PICTURES):
        keyframe = index % 25 == 0
        padding = b"\x55" * (mean_bytes * 25 // (24 + _KEYFRAME_IS_LARGER) * (_KEYFRAME_IS_LARGER if keyframe else 1))
        at_us = index * _PERIOD_US
        made.append(AccessUnit((first if keyframe else other).data + padding, at_us, at_us, keyframe, first.info))
    return made


def ours(found: list[AccessUnit], info: StreamInfo) -> None:
    with Mp4Writer(lambda _: None, info) as writer:
        for unit in found:
            writer.add(unit)


class _Nowhere:
    """Takes the muxer's bytes."""

    def write(self, piece: bytes) -> int:
        return len(piece)


def ffmpegs(found: list[AccessUnit], info: StreamInfo) -> None:
    options = {"movflags": "empty_moov+default_base_moof+delay_moov", "frag_duration": "800000"}
    with av.open(_Nowhere(), "w", format="mp4", options=options, buffer_size=1 << 18) as container:
        stream = container.add_mux_stream(
            "h264", width=info.width, height=info.height, time_base=Fraction(1, 1_000_000)
        )
        for unit in found:
            packet = av.Packet(unit.data)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 1_000_000), unit.keyframe
            packet.pts, packet.dts, packet.duration = unit.pts_us, unit.dts_us, _PERIOD_US
            container.mux_one(packet)


def cost(write: Callable[[list[AccessUnit], StreamInfo], None], found: list[AccessUnit]) -> float:
    """Microseconds of CPU time a picture."""
    began = time.thread_time_ns()
    write(found, found[0].info)
    return (time.thread_time_ns() - began) / 1000 / len(found)


def main() -> None:
    for mean_bytes in (2_500, 10_000, 30_000):
        found = pictures(mean_bytes)
        rounds = [(cost(ours, found), cost(ffmpegs, found)) for _ in range(_ROUNDS)]
        own, other = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(
            f"{mean_bytes * 25 * 8 / 1e6:.1f} Mbit/s: {own:.1f} µs a picture, FFmpeg's muxer {other:.1f} µs; "
            f"ratio {statistics.median(o / f for o, f in rounds):.2f}"
        )


if __name__ == "__main__":
    main()
