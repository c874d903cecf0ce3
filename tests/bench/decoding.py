"""How many pictures are decoded for detection where there is no second stream, and what that costs.

    .venv/bin/python -m tests.bench.decoding

Detection looks five times a second. For each kind of stream: pictures decoded of pictures that came, and the processor
time of decoding a stream picture, beside that of decoding all of them (medians of five interleaved runs).
"""

import statistics
import time
from typing import Any

import av
from av.codec import CodecContext
from av.video.codeccontext import VideoCodecContext

from pi_sec_cam.clock import SystemClock
from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo
from pi_sec_cam.media.decoding import Decoding
from pi_sec_cam.media.frame import FrameSlot
from pi_sec_cam.media.h264 import Canonicaliser
from pi_sec_cam.motion.pacer import FramePacer
from tests.bench.camera_videos import video

_FPS = 5.0
_RUNS = 5
# 1280x720 at 25 pictures a second unless the name says otherwise; GOPs in pictures.
_STREAMS: dict[str, tuple[tuple[int, int, int], dict[str, Any]]] = {
    "keyframes alone (GOP 1)": ((1280, 720, 25), {"keyint": 1, "min-keyint": 1}),
    "GOP 5": ((1280, 720, 25), {"keyint": 5, "min-keyint": 5}),
    "IPPP, GOP 25": ((1280, 720, 25), {"keyint": 25, "min-keyint": 25}),
    "IPPP, GOP 250": ((1280, 720, 25), {"keyint": 250, "min-keyint": 250}),
    "IBBP, GOP 24": (
        (1280, 720, 25),
        {"keyint": 24, "min-keyint": 24, "bframes": 2, "b-adapt": 0, "b-pyramid": "none"},
    ),
    "1080p30 IPPP, GOP 30": ((1920, 1080, 30), {"keyint": 30, "min-keyint": 30}),
    "1080p30 IBBP, GOP 30": (
        (1920, 1080, 30),
        {"keyint": 30, "min-keyint": 30, "bframes": 2, "b-adapt": 0, "b-pyramid": "none"},
    ),
}


def units(size: tuple[int, int, int], x264: dict[str, Any]) -> list[AccessUnit]:
    found = []
    with av.open(video("quiet", *size, **x264)) as file:
        stream = file.streams.video[0]
        canonical = Canonicaliser("h264", stream.codec_context.extradata)
        info = None
        for packet in file.demux(stream):
            unit = canonical.convert(bytes(packet), packet.is_keyframe) if packet.size else None
            if unit is None or packet.pts is None or packet.dts is None:
                continue
            info = info or StreamInfo("h264", size[0], size[1], canonical.parameter_sets)
            pts_us, dts_us = (round(ticks * packet.time_base * 1_000_000) for ticks in (packet.pts, packet.dts))
            found.append(AccessUnit(unit.data, pts_us, dts_us, unit.keyframe, info))
    return found


def ours(stream: list[AccessUnit]) -> tuple[float, dict[str, int]]:
    """Milliseconds a picture of the stream, and what was counted."""
    decoding = Decoding(FrameSlot(), due=FramePacer(_FPS).due, clock=SystemClock())
    began = time.thread_time()
    for unit in stream:
        decoding.take(unit, 0)
    return (time.thread_time() - began) * 1000 / len(stream), decoding.status()


def everything(stream: list[AccessUnit]) -> float:
    """The same for decoding all."""
    decoder = CodecContext.create("h264", "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    began = time.thread_time()
    for unit in stream:
        decoder.decode(av.Packet(unit.data))
    return (time.thread_time() - began) * 1000 / len(stream)


def main() -> None:
    print(f"{'':24} {'came':>5} {'decoded':>8} {'looked at':>10} {'ms a stream picture':>20} {'all':>6} {'ratio':>6}")
    for name, (size, x264) in _STREAMS.items():
        stream = units(size, x264)
        runs = [(ours(stream), everything(stream)) for _ in range(_RUNS)]
        counts = runs[0][0][1]
        cost, whole = statistics.median(run[0][0] for run in runs), statistics.median(run[1] for run in runs)
        print(
            f"{name:24} {len(stream):5} {counts['decoded']:8} {counts['taken']:10} "
            f"{cost:20.2f} {whole:6.2f} {cost / whole:6.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
