"""What one look of the detector costs, in instructions, beside the least that any detector on a small picture must do.

    .venv/bin/python -m tests.bench.detector

Needs valgrind. Callgrind counts the instructions of N and of 2N looks; the difference is free of start-up. The floor is
cv2.resize of a 640x360 luma plane to 160x90 (INTER_AREA), cv2.absdiff and cv2.countNonZero, counted in the same run.
The pictures are the rendered scene's, 5 a second, played forth and back: nobody there, somebody walking, a storm.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pi_sec_cam.camera.scene.render import Scene
from pi_sec_cam.camera.scene.settings import SceneSettings
from pi_sec_cam.motion.detector import Detector

_LOOKS = 300
_PICTURES = 30
_BAR = 1.5
_WIDTH, _HEIGHT, _RATE = 640, 360, 5.0
_STILL = SceneSettings(people=False, cat=False, clouds=False, leaves=True)
_WALK = SceneSettings(people=True, cat=False, clouds=False, leaves=True)
_STORM = SceneSettings(people=True, cat=True, clouds=True, leaves=True, rain=True, exposure_steps=True)
_SCENES = {"quiet": _STILL, "person": _WALK, "storm": _STORM}


def render(settings: SceneSettings) -> NDArray[np.uint8]:
    """Luma planes, from the moment on that somebody covers 1 % of the picture, if anybody comes."""
    scene = Scene(_WIDTH, _HEIGHT, _RATE, settings)
    first = 0
    if settings.people:
        first = next(k for k in range(500) if any(t.kind == "person" and t.area > 0.01 for t in scene.truth(k)))
    return np.stack([scene.render(first + k)[:_HEIGHT] for k in range(_PICTURES)])


def count(what: str, pictures: Path, looks: int) -> int:
    """Instructions of a process that looks so often."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, "-m", __spec__.name]
    # The same hashes and one thread, so that two runs differ by their looks alone.
    environment = os.environ | {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    ran = subprocess.run(
        [*command, what, str(pictures), str(looks)], env=environment, capture_output=True, text=True, check=True
    )
    collected = re.search(r"Collected : (\d+)", ran.stderr)
    assert collected is not None, ran.stderr
    return int(collected[1])


def floor() -> Callable[[NDArray[np.uint8], int], object]:
    base = np.zeros((90, 160), np.uint8)

    def look(luma: NDArray[np.uint8], _: int) -> object:
        return cv2.countNonZero(cv2.absdiff(cv2.resize(luma, (160, 90), interpolation=cv2.INTER_AREA), base))

    return look


def child(what: str, pictures: Path, looks: int) -> None:
    cv2.setNumThreads(1)
    planes = list(np.load(pictures))
    planes += planes[-2:0:-1]
    look: Callable[[NDArray[np.uint8], int], object] = floor() if what == "floor" else Detector().look
    for k in range(looks):
        look(planes[k % len(planes)], round(k * 1e6 / _RATE))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        costs = {}
        for name, settings in _SCENES.items():
            pictures = Path(folder) / f"{name}.npy"
            np.save(pictures, render(settings))
            costs[name] = (count("detector", pictures, 2 * _LOOKS) - count("detector", pictures, _LOOKS)) / _LOOKS
        least = (count("floor", pictures, 2 * _LOOKS) - count("floor", pictures, _LOOKS)) / _LOOKS
    print(f"floor: {least / 1e3:.0f} thousand instructions a look")
    for name, cost in costs.items():
        print(f"{name}: {cost / 1e3:.0f} thousand, {cost / least:.2f} times the floor (bar: {_BAR})")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
