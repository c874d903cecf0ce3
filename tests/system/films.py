"""Films for the tests' own cameras: from the third second on, a bright block walks up and down."""

import io
from fractions import Fraction
from functools import cache

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from pi_sec_cam.media.access_unit import Codec

RATE = 10
STILL_S = 2.0
_WALK_S = 8.0  # there and back


@cache
def walk(width: int = 320, height: int = 192, seconds: float = 18.0, codec: Codec = "h264") -> tuple[bytes, ...]:
    """The pictures in Annex B, parameter sets before each keyframe, one a second; can be played in a loop."""
    encoder = av.CodecContext.create("libx264" if codec == "h264" else "libx265", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, RATE), Fraction(RATE)
    params = f"keyint={RATE}:min-keyint={RATE}:scenecut=0:repeat-headers=1"
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": f"{params}:sliced-threads=0:threads=1",
        "x265-params": f"{params}:log-level=none:pools=1:frame-threads=1",
    }
    pictures = []
    for index in range(round(seconds * RATE)):
        frame = av.VideoFrame.from_ndarray(_picture(index / RATE, width, height), format="gray")
        frame = frame.reformat(format="yuv420p")
        frame.pts, frame.time_base = index, Fraction(1, RATE)
        pictures += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(pictures)


@cache
def as_transport_stream(pictures: tuple[bytes, ...], codec: Codec = "h264") -> tuple[bytes, ...]:
    """MPEG-TS, a piece for each picture."""
    out = io.BytesIO()
    pieces = []
    with av.open(out, "w", format="mpegts", options={"flush_packets": "1"}) as file:
        stream = file.add_mux_stream(
            "h264" if codec == "h264" else "hevc", width=320, height=192, time_base=Fraction(1, 90_000)
        )
        assert isinstance(stream, VideoStream)
        for index, picture in enumerate(pictures):
            packet = av.Packet(picture)
            packet.stream, packet.time_base = stream, Fraction(1, RATE)
            packet.pts = packet.dts = index
            packet.is_keyframe = index % RATE == 0
            file.mux_one(packet)
            pieces.append(out.getvalue())
            out.seek(0)
            out.truncate()
    return tuple(pieces)


def _picture(seconds: float, width: int, height: int) -> np.ndarray:
    wall = np.random.default_rng(1).integers(60, 140, (height // 8, width // 8)).astype(np.uint8)
    picture = wall.repeat(8, axis=0).repeat(8, axis=1)
    if seconds >= STILL_S:
        way = (seconds - STILL_S) % _WALK_S / _WALK_S
        left = round((width - width // 6) * (1 - abs(1 - 2 * way)))
        picture[height // 4 : height - height // 8, left : left + width // 6] = 230
    return picture
