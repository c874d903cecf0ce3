"""Real clips for tests: in fragments, as the recorder writes them; torn where a test wants them torn."""

from functools import cache
from pathlib import Path

from pi_sec_cam.media.access_unit import Codec
from pi_sec_cam.media.mp4 import Mp4Writer
from tests.unit.streams import units


@cache
def clip(
    codec: Codec = "h264", *, seconds: float = 4, b_frames: int = 0, size: tuple[int, int] = (160, 96), gop: int = 25
) -> tuple[bytes, ...]:
    """The writes that make a clip of 25 pictures a second: the first has the header, each other is one fragment."""
    writes: list[bytes] = []
    pictures = units(codec, seconds=seconds, b_frames=b_frames, size=size, gop=gop)
    with Mp4Writer(writes.append, pictures[0].info) as writer:
        for unit in pictures:
            writer.add(unit)
    return tuple(writes)


def write(path: Path, data: bytes) -> Path:
    """Put `data` at `path`, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def boxes(data: bytes) -> list[tuple[bytes, int]]:
    """Type and end of each box at the top."""
    found: list[tuple[bytes, int]] = []
    start = 0
    while start < len(data):
        end = start + int.from_bytes(data[start : start + 4], "big")
        found.append((data[start + 4 : start + 8], end))
        start = end
    return found
