"""From exec to the first picture in the ring, on a file source; prints the median of several starts.

    .venv/bin/python -m tests.bench.startup [RUNS]

Each run is a new process: interpreter, imports, configuration, opening the file, first access unit appended. The
yardstick in the same run is a bare interpreter that imports PyAV and demuxes the file's first packet.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.unit.streams import encoded

# Prints the time of the first append on the clock that the parent reads too, and ends.
_FIRST_PICTURE = """
import os, sys, time
from pi_sec_cam.media.ring import Ring
append = Ring.append
def first(ring, unit):
    append(ring, unit)
    os.write(1, b"%d" % time.monotonic_ns())
    os._exit(0)
Ring.append = first
sys.argv = ["pi-sec-cam", "run", "-c", sys.argv[1]]
from pi_sec_cam.cli.main import main
main()
"""
_BARE = """
import sys, time, av
with av.open(sys.argv[2]) as file:
    next(file.demux(video=0))
    print(time.monotonic_ns())
"""


def seconds(program: str, *arguments: str) -> float:
    began = time.monotonic_ns()
    done = subprocess.run([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, check=True)
    return (int(done.stdout) - began) / 1e9


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as folder:
        video, config = Path(folder, "x.mp4"), Path(folder, "camera_config.json")
        video.write_bytes(encoded(seconds=10, size=(1280, 720)))
        camera = {"backend": "stream", "url": str(video)}
        config.write_text(json.dumps({"camera": camera, "storage": {"directory": folder}}))
        for program in (_FIRST_PICTURE, _BARE):
            seconds(program, str(config), str(video))
        pairs = [
            (seconds(_FIRST_PICTURE, str(config), str(video)), seconds(_BARE, str(config), str(video)))
            for _ in range(runs)
        ]
    ours, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"exec to first picture in the ring: {ours:.3f} s (median of {runs}; the bar is 1 s)")
    print(f"bare interpreter, PyAV and a first packet: {bare:.3f} s; ratio {ours / bare:.2f}")


if __name__ == "__main__":
    main()
