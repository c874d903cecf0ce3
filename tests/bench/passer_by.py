"""A film for what is measured off-site: a yard at night, grainy, in which from a known picture on somebody walks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from pi_sec_cam.media.h264 import Canonicaliser
from tests.bench.camera_videos import Picture, encoded

WIDTH, HEIGHT, RATE = 1280, 720, 20
QUIET_S, WALK_S, REST_S = 12.0, 25.0, 11.0
_WALKER_WIDTH, _WALKER_HEIGHT = 96, 400
# Of the grain's parts, by the width of their grains in pixels: with fine grain alone, an encoder at a low bit rate
# either keeps all of it or nothing.
_GRAIN_SIGMA = {1: 5.0, 2: 4.0, 4: 3.0, 8: 2.0}


@dataclass(frozen=True)
class Film:
    """H.264, 720p20, a keyframe a second; played in a loop, it is always the same yard.

    Attributes:
        path: of the MP4.
        units: canonical access units in the order of the stream, which is the order of showing.
        first_moving: index of the picture in which the walker's first pixels are seen.
        first_resting: index of the first picture without the walker after that.
        bits_per_second: of the units as they are.
    """

    path: Path
    units: tuple[bytes, ...]
    first_moving: int
    first_resting: int

    @property
    def seconds(self) -> float:
        return len(self.units) / RATE

    @property
    def bits_per_second(self) -> float:
        return 8 * sum(map(len, self.units)) / self.seconds


def film(mbit: float, *, walk_s: float = WALK_S) -> Film:
    """Encoded once for each bit rate and length, and kept.

    The grain makes all pictures as large as the bit rate asks for, also those in which nothing moves.
    """
    pictures = round((QUIET_S + walk_s + REST_S) * RATE)
    path = encoded(
        f"passer-by-{walk_s:g}s-{mbit:g}",
        lambda: _drawn(pictures, round(QUIET_S * RATE), round(walk_s * RATE)),
        RATE,
        keyint=RATE,
        **{"min-keyint": RATE},
        scenecut=0,
        bframes=0,
        bitrate=round(mbit * 1000),
        **{"vbv-maxrate": round(mbit * 1000), "vbv-bufsize": round(mbit * 1000), "rc-lookahead": 0},
        mbtree=0,
    )
    units = canonical_units(path)
    assert len(units) == len(set(units)) == pictures
    return Film(path, units, round(QUIET_S * RATE), round((QUIET_S + walk_s) * RATE))


def canonical_units(path: Path) -> tuple[bytes, ...]:
    """A file's access units, in the order of the stream."""
    with av.open(path) as file:
        stream = file.streams.video[0]
        canonical = Canonicaliser("h264", stream.codec_context.extradata)
        converted = [
            canonical.convert(bytes(packet), packet.is_keyframe) for packet in file.demux(stream) if packet.size
        ]
    return tuple(unit.data for unit in converted if unit is not None)


def _drawn(pictures: int, first: int, walking: int) -> Iterator[Picture]:
    random = np.random.default_rng(4)
    wall = np.kron(random.integers(60, 130, (HEIGHT // 16, WIDTH // 16)), np.ones((16, 16))).astype(np.float32)
    grain = sum(_grain(random, width, sigma) for width, sigma in _GRAIN_SIGMA.items())
    coat = np.kron(random.integers(170, 240, (_WALKER_HEIGHT // 8, _WALKER_WIDTH // 8)), np.ones((8, 8)))
    chroma = np.full((HEIGHT // 2, WIDTH), 128, np.uint8)
    way = WIDTH - _WALKER_WIDTH
    for index in range(pictures):
        picture = wall.copy()
        step = index - first
        if 0 <= step < walking:
            # Comes in from the left, walks there and back at 160 pixels a second, and is gone at once at the end.
            along = 8 * (step + 1)
            right = along if along < _WALKER_WIDTH else _WALKER_WIDTH + _there_and_back(along - _WALKER_WIDTH, way)
            seen = coat[:, -min(right, _WALKER_WIDTH) :]
            picture[HEIGHT - _WALKER_HEIGHT - 40 : HEIGHT - 40, right - seen.shape[1] : right] = seen
        down, across = random.integers(0, HEIGHT), random.integers(0, WIDTH)
        picture += grain[down : down + HEIGHT, across : across + WIDTH]
        luma = np.clip(picture, 16, 235).astype(np.uint8)
        yield np.concatenate([luma, chroma])


def _grain(random: np.random.Generator, width: int, sigma: float) -> NDArray[np.float32]:
    coarse = random.normal(0, sigma, (2 * HEIGHT // width, 2 * WIDTH // width)).astype(np.float32)
    return coarse.repeat(width, axis=0).repeat(width, axis=1)


def _there_and_back(along: int, way: int) -> int:
    return way - abs(along % (2 * way) - way)
