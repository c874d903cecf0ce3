"""Runs inside the guest: puts V4l2Camera through what happens to a webcam, and writes down what it did.

Nothing is judged here: the tests outside read /run/results/seen.json and the H.264 files beside it.
"""

import dataclasses
import fcntl
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, os.getcwd())

from pi_sec_cam.camera import v4l2_kernel as kernel
from pi_sec_cam.camera import v4l2_structures
from pi_sec_cam.camera.discover import best, cameras
from pi_sec_cam.camera.v4l2 import V4l2Camera
from pi_sec_cam.camera.v4l2_capture import Capture
from pi_sec_cam.clock import SystemClock
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.frame import Frame

RESULTS = Path("/run/results")
CAMERA = "/dev/video0"
BIND = Path("/sys/bus/platform/drivers/vivid")
NOBODY = 65534
CLOCK = SystemClock()


def set_control(name: str, value: int = 1) -> None:
    """Turn one of vivid's knobs, which have names: `Disconnect`, `Percentage of Dropped Buffers`."""
    fd = kernel.open_device(CAMERA)
    try:
        said = v4l2_structures.QueryControl()
        while said.name.decode() != name:
            said.id |= 0x80000000  # V4L2_CTRL_FLAG_NEXT_CTRL
            fcntl.ioctl(fd, v4l2_structures.QUERYCTRL, said)  # EINVAL after the last
        fcntl.ioctl(fd, v4l2_structures.S_CTRL, v4l2_structures.Control(said.id, value))
    finally:
        os.close(fd)


class Watcher:
    """A sink that keeps what it gets, and wakes who waits for so many units."""

    def __init__(self, name: str | None = None) -> None:
        self.units: list[AccessUnit] = []
        self.arrived_us: list[int] = []
        self.frames: list[Frame] = []
        self._changed = threading.Condition()
        self._path = RESULTS / name if name else None

    def access_unit(self, unit: AccessUnit) -> None:
        with self._changed:
            self.units.append(unit)
            self.arrived_us.append(CLOCK.monotonic_us())
            self._changed.notify_all()
        if self._path:
            with self._path.open("ab") as file:
                file.write(unit.data)

    def frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def frame_due(self, pts_us: int) -> bool:
        return not self.frames or pts_us - self.frames[-1].pts_us >= 900_000

    def no_picture_yet(self, why: str) -> None:
        pass

    def keep_pace(self, stop: threading.Event) -> None:
        pass

    def wait(self, count: int, seconds: float) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.units) >= count, seconds), (
                f"{len(self.units)} of {count} units"
            )


def fault_of(camera: V4l2Camera, sink: Watcher, stop: threading.Event) -> dict[str, str] | None:
    try:
        camera.run(sink, stop)
    except Exception as error:
        return {"kind": type(error).__name__, "says": str(error)}
    return None


def recorded(
    camera: V4l2Camera, name: str, count: int, while_running: Callable[[Watcher], None] = lambda _: None
) -> dict[str, Any]:
    """Let the camera run until it has delivered `count` units and `while_running` is through, and stop it."""
    sink, stop = Watcher(name), threading.Event()
    faults: list[dict[str, str] | None] = []
    began_us = CLOCK.monotonic_us()
    thread = threading.Thread(target=lambda: faults.append(fault_of(camera, sink, stop)))
    thread.start()
    try:
        sink.wait(count, 30)
        while_running(sink)
    finally:
        stop.set()
        stopping_us = CLOCK.monotonic_us()
        thread.join(10)
    took_us = CLOCK.monotonic_us() - stopping_us
    return {
        "fault": faults[0] if faults else "did not end",
        "stop_s": took_us / 1e6,
        "began_us": began_us,
        "ended_us": CLOCK.monotonic_us(),
        "arrived_us": sink.arrived_us,
        "pts_us": [unit.pts_us for unit in sink.units],
        "dts_us": [unit.dts_us for unit in sink.units],
        "keyframes": [unit.keyframe for unit in sink.units],
        "info": {**dataclasses.asdict(sink.units[0].info), "parameter_sets": sink.units[0].info.parameter_sets.hex()},
        "frames": [(*frame.luma.shape, frame.pts_us, float(frame.luma[:40, :30].std())) for frame in sink.frames],
        "described": camera.describe(),
    }


def v4l2(**settings: Any) -> V4l2Camera:
    return V4l2Camera(CAMERA, **{"width": 320, "height": 180, "frame_rate": 5, **settings})


def as_nobody() -> dict[str, str]:
    """What a user sees who is in no group, in a process of its own."""
    os.chown(CAMERA, 0, 44)  # the group "video" of Debian, as udev does it
    os.chmod(CAMERA, 0o660)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        said = {"fault": fault_of(v4l2(), Watcher(), threading.Event()), "listed": cameras()[1]}
        os.write(writer, json.dumps(said).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader) as answer:
        return dict(json.load(answer))


def while_taken() -> dict[str, Any]:
    """Another process captures from the camera."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        fd = kernel.open_device(CAMERA)
        kernel.set_format(fd, v4l2_structures.CAPTURE, "YUYV", 320, 180)
        with Capture(fd, v4l2_structures.CAPTURE, 2):
            os.write(writer, b"!")
            threading.Event().wait(60)
    os.read(reader, 1)
    try:
        return {"child": child, "fault": fault_of(v4l2(), Watcher(), threading.Event())}
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def replugged(camera: V4l2Camera) -> dict[str, Any]:
    """Pull the plug, look, and put it back."""
    sink = Watcher()

    def pull() -> None:
        sink.wait(5, 30)
        set_control("Disconnect")

    puller = threading.Thread(target=pull)
    puller.start()
    unplugged = fault_of(camera, sink, threading.Event())
    puller.join()
    (BIND / "unbind").write_text("vivid.0")
    absent = fault_of(camera, Watcher(), threading.Event())
    (BIND / "bind").write_text("vivid.0")
    return {"unplugged": unplugged, "absent": absent, "again": recorded(camera, "again.h264", 6)}


def main() -> None:
    seen: dict[str, Any] = {}
    camera = best()
    seen["best"] = dataclasses.asdict(camera) if camera else None
    seen["cameras"] = [dataclasses.asdict(camera) for camera in cameras()[0]]
    set_control("OSD Text Mode", 2)  # a still picture: colour bars alone
    descriptors = len(os.listdir("/proc/self/fd"))
    seen["plain"] = recorded(v4l2(), "plain.h264", 16)
    seen["rotated"] = recorded(v4l2(rotation=180), "rotated.h264", 6)
    seen["marked"] = recorded(v4l2(overlay=lambda pts_us: "yard"), "marked.h264", 6)
    seen["thinned"] = recorded(v4l2(frame_rate=3), "thinned.h264", 8)
    seen["nearest"] = recorded(v4l2(width=500, height=300, frame_rate=2), "nearest.h264", 4)
    seen["elsewhere"] = {
        device: fault_of(V4l2Camera(device, width=320, height=180, frame_rate=5), Watcher(), threading.Event())
        for device in ("/dev/video7", "/dev/null", "/dev/video1", "/dev")
    }
    seen["descriptors"] = (descriptors, len(os.listdir("/proc/self/fd")))
    seen["nobody"] = as_nobody()
    seen["taken"] = while_taken()

    def damage(sink: Watcher) -> None:
        set_control("Inject V4L2_BUF_FLAG_ERROR")
        sink.wait(len(sink.units) + 3, 30)

    seen["damaged"] = recorded(v4l2(), "damaged.h264", 3, damage)
    set_control("Percentage of Dropped Buffers", 50)
    seen["missed"] = recorded(v4l2(), "missed.h264", 8)
    set_control("Percentage of Dropped Buffers", 100)
    seen["silent"] = fault_of(v4l2(), Watcher(), threading.Event())
    set_control("Percentage of Dropped Buffers", 0)
    seen["replugged"] = replugged(v4l2())
    (RESULTS / "seen.json").write_text(json.dumps(seen))


main()
