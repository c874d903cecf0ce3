"""The pictures that benchmarks' cameras send: the rendered yard, encoded once and kept in .cache/bench."""

import os
from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream

from pi_sec_cam.camera.scene import Scene, SceneSettings

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
    path = _FOLDER / f"{name}.mp4"
    if not path.exists():
        _FOLDER.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.mp4")
        _encode(unfinished, _STORIES[story], (width, height), rate, seconds, x264)
        unfinished.replace(path)
    return path


def _encode(
    path: Path, settings: SceneSettings, size: tuple[int, int], rate: int, seconds: int, x264: dict[str, object]
) -> None:
    # Drawn at 15 pictures a second at most, and shown twice in between: drawing costs more than all that is measured.
    drawn_rate = min(rate, 15)
    scene = Scene(*size, drawn_rate, settings)
    chosen = {"keyint": 2 * rate, "min-keyint": 2 * rate, "scenecut": 0, "bframes": 0} | x264
    with av.open(path, "w") as file:
        stream = file.add_stream(
            "libx264",
            rate=rate,
            options={"preset": "veryfast", "x264-params": ":".join(f"{k}={v}" for k, v in chosen.items())},
        )
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = round(2_000_000 * size[0] * size[1] * rate / (1280 * 720 * 25))
        drawn, picture = -1, None
        for index in range(seconds * rate):
            wanted = _FIRST_S * drawn_rate + index * drawn_rate // rate
            if wanted != drawn:
                drawn, picture = wanted, scene.render(wanted)
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
