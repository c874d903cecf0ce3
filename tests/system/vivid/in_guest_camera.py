"""Inside the guest: what the runs have in common. Cameras, their knobs, and what is written down of a run."""

import dataclasses
import fcntl
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pi_sec_cam.camera import v4l2_kernel as kernel
from pi_sec_cam.camera import v4l2_structures
from pi_sec_cam.camera.v4l2 import V4l2Camera
from pi_sec_cam.clock import SystemClock
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.frame import Frame

RESULTS = Path("/run/results")
CAMERA, PLANES_CAMERA = "/dev/video0", "/dev/video3"
LOOPBACK, DAEMONS_LOOPBACK = "/dev/video9", "/dev/video8"
CLOCK = SystemClock()


def set_control(name: str, value: int = 1, camera: str = CAMERA) -> None:
    """Turn one of vivid's knobs, which have names: `Disconnect`, `Percentage of Dropped Buffers`."""
    fd = kernel.open_device(camera)
    try:
        said = v4l2_structures.QueryControl()
        while said.name.decode() != name:
            said.id |= 0x80000000  # V4L2_CTRL_FLAG_NEXT_CTRL
            fcntl.ioctl(fd, v4l2_structures.QUERYCTRL, said)  # EINVAL after the last
        fcntl.ioctl(fd, v4l2_structures.S_CTRL, v4l2_structures.Control(said.id, value))
    finally:
        os.close(fd)


@contextmanager
def fed(device: str, fourcc: str, packets: str, rate: int = 5) -> Iterator[None]:
    """While the block runs, a process writes these packets into a loopback camera, over and over."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        data = pickle.loads((RESULTS / packets).read_bytes())
        fd = os.open(device, os.O_RDWR)
        form = v4l2_structures.Format(type=2)  # V4L2_BUF_TYPE_VIDEO_OUTPUT
        picture = form.form.picture
        picture.width, picture.height, picture.fourcc = 320, 180, int.from_bytes(fourcc.encode(), "little")
        picture.field = 1  # V4L2_FIELD_NONE
        fcntl.ioctl(fd, v4l2_structures.S_FMT, form)
        pace = v4l2_structures.StreamParameters(type=2, numerator=1, denominator=rate)
        fcntl.ioctl(fd, v4l2_structures.S_PARM, pace)
        never = threading.Event()
        due_us = CLOCK.monotonic_us()
        while True:
            for packet in data:
                os.write(fd, packet)
                os.write(writer, b"!")
                due_us += 1_000_000 // rate
                never.wait(max(0, due_us - CLOCK.monotonic_us()) / 1e6)
    os.close(writer)
    drain = threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(reader, 100), b"")])
    try:
        os.read(reader, 1)
        drain.start()
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        drain.join()
        os.close(reader)


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


def v4l2(device: str = CAMERA, **settings: Any) -> V4l2Camera:
    return V4l2Camera(device, **{"width": 320, "height": 180, "frame_rate": 5, **settings})


def fault_of(
    camera: V4l2Camera, sink: Watcher | None = None, stop: threading.Event | None = None
) -> dict[str, str] | None:
    """How a run ends by itself."""
    try:
        camera.run(sink or Watcher(), stop or threading.Event())
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
