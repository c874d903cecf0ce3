"""The pictures that benchmarks' cameras send: the rendered yard, encoded once and kept in .cache/bench."""

import os
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pi_sec_cam.camera.scene import Scene, SceneSettings

Picture = NDArray[np.uint8]

_FOLDER = Path(__file__).parents[2] / ".cache" / "bench"
_FIRST_S, _LENGTH_S = 6, 16
# A tree in the wind is no event; in the other, somebody is there nearly all the time.
_STORIES = {
    "quiet": SceneSettings(people=False, cat=False, clouds=False, leaves=True),
    "walk": SceneSettings(people=True, cat=False, clouds=False, leaves=True),
}


def video(story: str, width: int, height: int, rate: int, *, seconds: int = _LENGTH_S, **x264: object) -> Path:
    """An MP4 of H.264.

    Args:
        story: "quiet" or "walk".
        x264: libx264's parameters, besides a GOP of two seconds, 2 Mbit/s at 720p25 and others in proportion.
    """
    name = "-".join(
        ["yard", story, f"{width}x{height}", str(rate), str(seconds)] + [f"{k}{v}" for k, v in x264.items()]
    )
    kbit = round(2000 * width * height * rate / (1280 * 720 * 25))
    chosen = {"keyint": 2 * rate, "min-keyint": 2 * rate, "scenecut": 0, "bframes": 0, "bitrate": kbit} | x264
    return encoded(name, lambda: _drawn(_STORIES[story], width, height, rate, seconds), rate, **chosen)


def encoded(name: str, draw: Callable[[], Iterable[Picture]], rate: int, **x264: object) -> Path:
    """An MP4 of the pictures (I420) that `draw` gives, encoded once; `x264` are libx264's parameters."""
    path = _FOLDER / f"{name}.mp4"
    if not path.exists():
        _FOLDER.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.mp4")
        _encode(unfinished, draw(), rate, **x264)
        unfinished.replace(path)
    return path


def _encode(path: Path, pictures: Iterable[Picture], rate: int, **x264: object) -> None:
    """Encode I420 pictures (uint8, shape (height * 3 // 2, width)) to a file; `x264` are libx264's parameters."""
    with av.open(path, "w") as file:
        options = {"preset": "veryfast", "x264-params": ":".join(f"{k}={v}" for k, v in x264.items())}
        stream = file.add_stream("libx264", rate=rate, options=options)
        assert isinstance(stream, VideoStream)
        stream.pix_fmt = "yuv420p"
        for index, picture in enumerate(pictures):
            if not index:
                stream.width, stream.height = picture.shape[1], picture.shape[0] * 2 // 3
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _drawn(settings: SceneSettings, width: int, height: int, rate: int, seconds: int) -> Iterator[Picture]:
    # Drawn at 15 pictures a second at most, and shown twice in between: drawing costs more than all that is measured.
    drawn_rate = min(rate, 15)
    scene = Scene(width, height, drawn_rate, settings)
    first = _FIRST_S * drawn_rate
    drawn, picture = first, scene.render(first)
    for index in range(seconds * rate):
        wanted = first + index * drawn_rate // rate
        if wanted != drawn:
            drawn, picture = wanted, scene.render(wanted)
        yield picture
