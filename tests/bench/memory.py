"""What the real daemon keeps in memory: with network cameras, with the demo scene, and after a thousand events.

    .venv/bin/python -m tests.bench.memory [cameras] [scene] [events]

MiB resident (RSS), proportional (PSS: shared pages counted in part) and unique (USS), as the kernel counts them,
beside a bare interpreter that has imported NumPy, OpenCV and PyAV. Server and stores are off. A camera's own share is
what each further one adds less the bytes in its ring.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.camera_videos import video
from tests.bench.process_figures import resident_kib
from tests.bench.streams import _DETECT, _MAIN, farm
from tests.system.daemon import Home

_ONE_CAMERA_MIB, _EACH_FURTHER_MIB, _SCENE_MIB, _GROWTH_MIB = 150.0, 7.0, 170.0, 1.0
_SETTLED_S = 30
_EVENTS = (200, 1000)


def mib(pid: int, kind: str = "Rss") -> float:
    return resident_kib(pid, kind) / 1024


def said(pid: int) -> str:
    unique = mib(pid, "Private_Clean") + mib(pid, "Private_Dirty")
    return f"{mib(pid):6.1f} MiB resident, {mib(pid, 'Pss'):6.1f} proportional, {unique:6.1f} unique"


def verdict(figure: float, bar: float) -> str:
    return f"(bar: {bar:g}, {'met' if figure < bar else 'MISSED'})"


@contextmanager
def home(**configuration: Any) -> Iterator[Home]:
    with tempfile.TemporaryDirectory() as folder:
        yield Home(Path(folder), **configuration)


def bare() -> None:
    program = "import av, cv2, numpy, sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        print(f"interpreter, NumPy, OpenCV, PyAV: {said(process.pid)}")
        process.kill()


def cameras() -> None:
    kept = {}
    with farm("quiet") as (main, detect):
        for count in (1, 2, 4, 8):
            watched = [
                {"cam_name": f"c{i}", "camera": {"backend": "stream", "url": main, "detect_url": detect}}
                for i in range(count)
            ]
            with home(cameras=watched) as place, place.running() as daemon:
                time.sleep(_SETTLED_S)
                rings = sum(camera["ring"]["bytes"] for camera in place.status()["cameras"]) / (1 << 20)
                kept[count] = mib(daemon.pid), rings
                print(f"{count} RTSP cameras ({_MAIN[1]}p and {_DETECT[1]}p): {said(daemon.pid)}, {rings:.1f} in rings")
                place.stop(daemon)
    print(f"one RTSP camera: {kept[1][0]:.1f} MiB {verdict(kept[1][0], _ONE_CAMERA_MIB)}")
    most = max(kept)
    each = (kept[most][0] - kept[most][1] - kept[1][0] + kept[1][1]) / (most - 1)
    print(f"each further one, without its ring's bytes: {each:.1f} MiB {verdict(each, _EACH_FURTHER_MIB)}")


def scene() -> None:
    with home(camera={"backend": "scene"}, video_size=[1280, 720], framerate=25) as place, place.running() as daemon:
        time.sleep(_SETTLED_S)
        print(f"demo scene, 720p25, encoded here: {said(daemon.pid)} {verdict(mib(daemon.pid), _SCENE_MIB)}")
        place.stop(daemon)


def events() -> None:
    """A file in which somebody comes and goes four times, played fast, again and again."""
    motion = {"rec_sec_before": 1, "rec_sec_after": 1, "max_event_time": 60}
    source = {
        "backend": "stream",
        "url": str(video("walk", 320, 180, 5, seconds=148)),
        "pace": "fast",
        "at_end": "loop",
    }
    with home(motion=motion, camera=source) as place:
        found = {}
        with place.running() as daemon:
            for count in _EVENTS:
                while sum(1 for _ in (place.storage / "recordings").glob("*/*/*/video.mp4")) < count:
                    assert daemon.poll() is None, place.log
                    time.sleep(0.05)
                found[count] = mib(daemon.pid)
                print(f"after {count} events: {said(daemon.pid)}", flush=True)
            place.stop(daemon)
    growth = found[_EVENTS[1]] - found[_EVENTS[0]]
    print(f"growth from {_EVENTS[0]} to {_EVENTS[1]} events: {growth:+.2f} MiB {verdict(growth, _GROWTH_MIB)}")


def main() -> None:
    parts = {"cameras": cameras, "scene": scene, "events": events}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(parts), metavar="|".join(parts))
    bare()
    for part in parser.parse_args().parts:
        parts[part]()


if __name__ == "__main__":
    main()
