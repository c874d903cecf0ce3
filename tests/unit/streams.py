"""Encoded test streams: real H.264 and H.265 made by libx264 and libx265, as access units on media time."""

import io
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from pi_sec_cam.media.access_unit import AccessUnit, Codec, StreamInfo
from pi_sec_cam.media.h264 import Canonicaliser

BASE_US = 1_000_000_000


@cache
def encoded(
    codec: Codec = "h264",
    *,
    seconds: float = 4,
    rate: int = 25,
    gop: int = 25,
    b_frames: int = 0,
    open_gop: bool = False,
    size: tuple[int, int] = (160, 96),
    container: str = "mp4",
) -> bytes:
    """A file in which each picture differs from the one before, so that a decoder can tell them apart."""
    out = io.BytesIO()
    library = "libx264" if codec == "h264" else "libx265"
    params = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}:b-adapt=0:open-gop={int(open_gop)}"
    options = {"x264-params": params, "x265-params": f"{params}:log-level=none", "preset": "ultrafast"}
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(library, rate=rate, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for index in range(round(seconds * rate)):
            frame = av.VideoFrame.from_ndarray(_picture(index, size), format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


def units(
    codec: Codec = "h264", *, epoch: int = 0, start_us: int = BASE_US, info: StreamInfo | None = None, **how: object
) -> list[AccessUnit]:
    """The same as access units; `start_us` is the PTS of the first picture."""
    return list(_units(encoded(codec, **how), codec, epoch, start_us, info))  # type: ignore[arg-type]


def packets(file: Path, *, shown: str = "pts_time,dts_time,duration_time,flags") -> list[dict[str, str]]:
    """What ffprobe reads of a file's video packets."""
    return _probe(file, "-show_entries", f"packet={shown}")


def shown_at(file: Path) -> list[float]:
    """When ffprobe says that each picture is shown, in seconds, in this order."""
    return sorted(float(packet["pts_time"]) for packet in packets(file))


def decoded_pictures(file: Path, harmless: str = "") -> int:
    """How many pictures ffprobe decodes; a complaint of the decoder that does not have `harmless` in it fails."""
    counted = _probe(file, "-count_frames", "-show_entries", "stream=nb_read_frames", harmless=harmless)
    return int(counted[0]["nb_read_frames"])


def stream_entry(file: Path, name: str) -> str:
    """One of ffprobe's stream entries."""
    return _probe(file, "-show_entries", f"stream={name}")[0][name]


def format_duration(file: Path) -> float:
    """The file's duration in seconds, as ffprobe gives it."""
    return float(_probe(file, "-show_entries", "format=duration")[0]["duration"])


def _units(data: bytes, codec: Codec, epoch: int, start_us: int, info: StreamInfo | None) -> Iterator[AccessUnit]:
    with av.open(io.BytesIO(data)) as file:
        stream = file.streams.video[0]
        canonical = Canonicaliser(codec, stream.codec_context.extradata)
        first_pts_us = None
        for packet in file.demux(stream):
            unit = canonical.convert(bytes(packet), packet.is_keyframe) if packet.size else None
            if unit is None:
                continue
            assert packet.pts is not None
            assert packet.dts is not None
            pts_us, dts_us = (round(stamp * packet.time_base * 1_000_000) for stamp in (packet.pts, packet.dts))
            first_pts_us = pts_us if first_pts_us is None else first_pts_us
            info = info or StreamInfo(
                codec,
                canonical.width,
                canonical.height,
                canonical.parameter_sets,
                epoch,
                float(stream.average_rate or 25),
            )
            shift_us = start_us - first_pts_us
            yield AccessUnit(unit.data, pts_us + shift_us, dts_us + shift_us, unit.keyframe, info)


def _picture(index: int, size: tuple[int, int]) -> np.ndarray:
    """Gray with the picture's number as a row of black and white blocks, least significant bit first."""
    width, height = size
    picture = np.full((height, width), 128, np.uint8)
    for bit in range(10):
        picture[:32, bit * 16 : bit * 16 + 16] = 235 if index >> bit & 1 else 16
    return picture


def number_in(picture: np.ndarray) -> int:
    """The number that `_picture` drew into a decoded picture."""
    return sum(1 << bit for bit in range(10) if picture[8:24, bit * 16 + 4 : bit * 16 + 12].mean() > 128)


def _probe(file: Path, *arguments: str, harmless: str = "") -> list[dict[str, str]]:
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-of", "default=nokey=0", *arguments, str(file)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    complaints = [line for line in found.stderr.splitlines() if not harmless or harmless not in line]
    assert not complaints, found.stderr
    sections: list[dict[str, str]] = []
    for line in found.stdout.splitlines():
        if line.startswith("[") and not line.startswith("[/"):
            sections.append({})
        elif "=" in line:
            name, _, value = line.partition("=")
            sections[-1][name] = value
    return [section for section in sections if section]
