"""Runs inside the root: puts Picamera2Camera on the virtual camera and writes down what it did.

Nothing is judged here: the tests outside read /results/seen.json and the H.264 files beside it.
"""

import dataclasses
import gc
import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import picamera2
from virtual_camera import VirtualPicamera2

from pi_sec_cam.camera.discover import best
from pi_sec_cam.camera.pi_cameras import pi_cameras
from pi_sec_cam.camera.picamera2 import Picamera2Camera
from pi_sec_cam.clock import SystemClock
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.frame import Frame

RESULTS = Path("/results")
CLOCK = SystemClock()


class Watcher:
    """A sink that keeps what it gets, and wakes who waits for so many units."""

    def __init__(self, name: str | None = None) -> None:
        self.units: list[AccessUnit] = []
        self.frames: list[Frame] = []
        self._changed = threading.Condition()
        self._path = RESULTS / name if name else None

    def access_unit(self, unit: AccessUnit) -> None:
        with self._changed:
            self.units.append(unit)
            self._changed.notify_all()
        if self._path:
            with self._path.open("ab") as file:
                file.write(unit.data)

    def frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def frame_due(self, pts_us: int) -> bool:
        return not self.frames or pts_us - self.frames[-1].pts_us >= 190_000

    def no_picture_yet(self, why: str) -> None:
        pass

    def keep_pace(self, stop: threading.Event) -> None:
        pass

    def wait(self, count: int, seconds: float) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.units) >= count, seconds), f"{len(self.units)} of {count}"


def fault_of(camera: Picamera2Camera, sink: Any, stop: threading.Event) -> dict[str, str] | None:
    try:
        camera.run(sink, stop)
    except Exception as error:
        return {"kind": type(error).__name__, "says": str(error)}
    return None


def recorded(camera: Picamera2Camera, name: str, count: int) -> dict[str, Any]:
    """Let the camera run until it has delivered `count` units, and stop it."""
    sink, stop = Watcher(name), threading.Event()
    faults: list[dict[str, str] | None] = []
    began_us = CLOCK.monotonic_us()
    thread = threading.Thread(target=lambda: faults.append(fault_of(camera, sink, stop)))
    thread.start()
    try:
        sink.wait(count, 20)
    finally:
        stopping_us = CLOCK.monotonic_us()
        stop.set()
        thread.join(10)
        ended_us = CLOCK.monotonic_us()
    return {
        "fault": faults[0] if faults else "did not end",
        "stop_s": (ended_us - stopping_us) / 1e6,
        "began_us": began_us,
        "ended_us": ended_us,
        "pts_us": [unit.pts_us for unit in sink.units],
        "dts_us": [unit.dts_us for unit in sink.units],
        "keyframes": [unit.keyframe for unit in sink.units],
        "info": {**dataclasses.asdict(sink.units[0].info), "parameter_sets": sink.units[0].info.parameter_sets.hex()},
        "frames": [(*frame.luma.shape, frame.pts_us, float(frame.luma.std())) for frame in sink.frames],
        "described": camera.describe(),
    }


def in_use() -> dict[str, Any]:
    """What a second user of a running camera is told, and whether being told so for ever costs descriptors."""
    sink, stop = Watcher(), threading.Event()
    thread = threading.Thread(target=fault_of, args=(virtual(), sink, stop))
    thread.start()
    sink.wait(1, 20)
    second = virtual()
    told = fault_of(second, Watcher(), threading.Event())
    counts = descriptors(lambda: [fault_of(second, Watcher(), threading.Event()) for _ in range(3)])
    stop.set()
    thread.join(10)
    return {"told": told, "descriptors": counts}


def stalled() -> dict[str, str] | None:
    sink = Watcher()

    def stall() -> None:
        sink.wait(5, 20)
        VirtualPicamera2.latest.camera.stalled = True

    threading.Thread(target=stall).start()
    return fault_of(virtual(), sink, threading.Event())


def with_faulty_reader() -> dict[str, str] | None:
    """A bug of ours in a callback must not cost the library's thread."""

    class Faulty(Watcher):
        def access_unit(self, unit: AccessUnit) -> None:
            raise RuntimeError("a reader's fault")

    return fault_of(virtual(), Faulty(), threading.Event())


def virtual(**settings: Any) -> Picamera2Camera:
    return Picamera2Camera(**{"width": 1280, "height": 720, "frame_rate": 20, **settings})


def descriptors(use: Callable[[], object]) -> tuple[int, int]:
    """Open files before and after; picamera2 keeps some of a closed camera until they are collected."""
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    use()
    gc.collect()
    return before, len(os.listdir("/proc/self/fd"))


def main() -> None:
    logging.getLogger("picamera2").setLevel(logging.WARNING)
    picamera2.Picamera2 = VirtualPicamera2
    seen: dict[str, Any] = {}
    found, problems = pi_cameras(with_modes=False)
    seen["found"] = [dataclasses.asdict(camera) for camera in found]
    seen["problems"] = problems
    chosen = best()
    seen["best"] = dataclasses.asdict(chosen) if chosen else None
    camera = virtual()
    seen["plain"] = recorded(camera, "plain.h264", 60)
    seen["again"] = recorded(camera, "again.h264", 25)
    seen["marked"] = recorded(virtual(overlay=lambda pts_us: "yard"), "marked.h264", 10)
    seen["small"] = recorded(virtual(width=640, height=360), "small.h264", 10)
    seen["second_camera"] = fault_of(virtual(index=7), Watcher(), threading.Event())
    seen["stalled"] = stalled()
    seen["faulty"] = with_faulty_reader()
    seen["after"] = recorded(virtual(), "after.h264", 5)
    seen["in_use"] = in_use()
    seen["descriptors"] = descriptors(lambda: recorded(virtual(), "last.h264", 5))
    (RESULTS / "seen.json").write_text(json.dumps(seen))


main()
