"""What programs that are not ours say of the guest's clips, and what the daemon kept."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def probe(file: Path) -> dict[str, Any]:
    """What ffprobe says of a stream, all pictures decoded; it must have nothing to complain about."""
    command = ["ffprobe", "-v", "warning", "-of", "json", "-count_frames", "-show_streams", "-show_entries"]
    done = subprocess.run([*command, "frame=pict_type", str(file)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    said = json.loads(done.stdout)
    return {**said["streams"][0], "types": [frame["pict_type"] for frame in said["frames"]]}


def planes(file: Path) -> NDArray[np.int64]:
    """The last picture's three planes (320×180, I420), one behind the other."""
    command = ["ffmpeg", "-v", "error", "-i", str(file), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
    pictures = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(pictures[-320 * 270 :], np.uint8).astype(np.int64)


def luma(file: Path) -> NDArray[np.int64]:
    """The last picture's brightness, of shape (180, 320)."""
    return planes(file)[: 320 * 180].reshape(180, 320)


def digests(file: Path) -> list[str]:
    """Of each picture as ffmpeg decodes it."""
    command = ["ffmpeg", "-v", "error", "-i", str(file), "-fps_mode", "passthrough", "-f", "framemd5", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line.split(",")[-1].strip() for line in said.splitlines() if not line.startswith("#")]


def is_a_stretch_of(part: list[str], loop: list[str]) -> bool:
    """Whether these pictures came one after the other in what is played over and over."""
    return any(part == [loop[(start + index) % len(loop)] for index in range(len(part))] for start in range(len(loop)))


def events(results: Path, camera: str) -> list[tuple[dict[str, Any], Path]]:
    """What the daemon kept, oldest first: event.json and the clip."""
    folders = sorted(file.parent for file in (results / "recordings" / camera).glob("*/*/event.json"))
    return [(json.loads((folder / "event.json").read_text()), folder / "video.mp4") for folder in folders]


def intervals_us(run: dict[str, Any]) -> NDArray[np.int64]:
    pts_us = np.array(run["pts_us"], np.int64)
    return pts_us[1:] - pts_us[:-1]
