"""Runs inside the guest: puts V4l2Camera through what happens to a webcam, and writes down what it did.

Nothing is judged here: the tests outside read /run/results/seen.json and the H.264 files beside it.
"""

import dataclasses
import fcntl
import json
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, os.getcwd())

from pi_sec_cam.camera import v4l2_kernel as kernel
from pi_sec_cam.camera import v4l2_structures
from pi_sec_cam.camera.discover import best, cameras
from pi_sec_cam.camera.v4l2 import V4l2Camera
from pi_sec_cam.camera.v4l2_capture import Capture
from tests.system.vivid.in_guest_camera import (
    CAMERA,
    LOOPBACK,
    PLANES_CAMERA,
    RESULTS,
    Watcher,
    fault_of,
    fed,
    recorded,
    set_control,
    v4l2,
)
from tests.system.vivid.in_guest_daemon import DaemonRun

BIND = Path("/sys/bus/platform/drivers/vivid")
NOBODY = 65534


def as_nobody() -> dict[str, Any]:
    """What a user sees who is in no group, in a process of its own."""
    os.chown(CAMERA, 0, 44)  # the group "video" of Debian, as udev does it
    os.chmod(CAMERA, 0o660)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        os.write(writer, json.dumps({"fault": fault_of(v4l2()), "listed": cameras()[1]}).encode())
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
        return {"child": child, "fault": fault_of(v4l2())}
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def padded(fourcc: str) -> dict[str, Any]:
    """The driver is asked for 64 bytes behind each row, as hardware has them that likes round numbers."""
    plain = kernel.set_format

    def with_padding(fd: int, buffer_type: int, fourcc: str, width: int, height: int) -> kernel.Layout:
        layout = plain(fd, buffer_type, fourcc, width, height)
        form = v4l2_structures.Format(type=buffer_type)
        fcntl.ioctl(fd, 0xC0D05604, form)  # VIDIOC_G_FMT
        form.form.picture.row_bytes += 64
        form.form.picture.size = 0
        fcntl.ioctl(fd, v4l2_structures.S_FMT, form)
        assert form.form.picture.row_bytes == layout.row_bytes[0] + 64
        return dataclasses.replace(layout, row_bytes=(form.form.picture.row_bytes,))

    with patch.object(kernel, "set_format", with_padding):
        return recorded(v4l2(format=fourcc, frame_rate=10), f"padded-{fourcc}.h264", 2)


def refused(call: str) -> dict[str, str] | None:
    """What the camera says when the driver's next call of a kind fails."""
    set_control(f"Inject VIDIOC_{call} Error")
    return fault_of(v4l2())


def failing() -> dict[str, str] | None:
    """The driver gives up in the middle of a run."""
    sink = Watcher()

    def turn() -> None:
        sink.wait(2, 30)
        set_control("Inject Fatal Streaming Error")

    turner = threading.Thread(target=turn)
    turner.start()
    fault = fault_of(v4l2(), sink)
    turner.join()
    return fault


def held() -> list[str]:
    """The files that this process has open or mapped."""
    links = []
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # another thread has closed it
            links.append(os.readlink(f"/proc/self/fd/{number}"))
    return links + [line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()]


def coded_by_camera() -> dict[str, Any]:
    """A camera that encodes by itself, and one that sends JPEG, of which one is torn."""
    seen: dict[str, Any] = {}
    with fed(LOOPBACK, "H264", "fed-h264.pickle"):
        seen["cameras"] = [dataclasses.asdict(camera) for camera in cameras()[0]]
        seen["video"] = recorded(v4l2(LOOPBACK), "video.h264", 12)
        seen["turned"] = fault_of(v4l2(LOOPBACK, rotation=180))
        seen["format"] = fault_of(v4l2(LOOPBACK, format="YUYV"))
    with fed(LOOPBACK, "MJPG", "fed-jpeg.pickle"):
        seen["jpeg"] = recorded(v4l2(LOOPBACK), "jpeg.h264", 8)
    return seen


def replugged(camera: V4l2Camera) -> dict[str, Any]:
    """Pull the plug, look, and put it back."""
    sink = Watcher()

    def pull() -> None:
        sink.wait(5, 30)
        set_control("Disconnect")

    puller = threading.Thread(target=pull)
    puller.start()
    unplugged = fault_of(camera, sink)
    puller.join()
    (BIND / "unbind").write_text("vivid.0")
    absent = fault_of(camera)
    (BIND / "bind").write_text("vivid.0")
    return {"unplugged": unplugged, "absent": absent, "again": recorded(camera, "again.h264", 6)}


def main() -> None:
    seen: dict[str, Any] = {}
    camera = best()
    seen["best"] = dataclasses.asdict(camera) if camera else None
    seen["cameras"] = [dataclasses.asdict(camera) for camera in cameras()[0]]
    for vivid in (CAMERA, PLANES_CAMERA):
        set_control("OSD Text Mode", 2, vivid)  # a still picture: colour bars alone
    seen["planes"] = {
        fourcc: recorded(v4l2(PLANES_CAMERA, format=fourcc, frame_rate=10), f"planes-{fourcc}.h264", 2)
        for fourcc in ("YU12", "NM12", "YM12")
    }
    daemon = DaemonRun()
    daemon.start()
    seen["plain"] = recorded(v4l2(), "plain.h264", 16)
    seen["rotated"] = recorded(v4l2(rotation=180), "rotated.h264", 6)
    seen["marked"] = recorded(v4l2(overlay=lambda pts_us: "yard"), "marked.h264", 6)
    seen["thinned"] = recorded(v4l2(frame_rate=3), "thinned.h264", 8)
    seen["nearest"] = recorded(v4l2(width=500, height=300, frame_rate=2), "nearest.h264", 4)
    seen["padded"] = {fourcc: padded(fourcc) for fourcc in ("YU12", "NV12", "YUYV")}
    seen["elsewhere"] = {
        device: fault_of(v4l2(device)) for device in ("/dev/video7", "/dev/null", "/dev/video1", "/dev")
    }
    seen["coded"] = coded_by_camera()
    seen["refused"] = {call: refused(call) for call in ("REQBUFS", "QBUF", "STREAMON")}
    seen["failed"] = failing()
    seen["left_open"] = [link for link in held() if link in {CAMERA, LOOPBACK}]
    seen["nobody"] = as_nobody()
    seen["taken"] = while_taken()

    def damage(sink: Watcher) -> None:
        set_control("Inject V4L2_BUF_FLAG_ERROR")
        sink.wait(len(sink.units) + 3, 30)

    seen["damaged"] = recorded(v4l2(), "damaged.h264", 3, damage)
    set_control("Percentage of Dropped Buffers", 50)
    seen["missed"] = recorded(v4l2(), "missed.h264", 8)
    set_control("Percentage of Dropped Buffers", 100)
    seen["silent"] = fault_of(v4l2())
    set_control("Percentage of Dropped Buffers", 0)
    daemon.join()
    seen["daemon"] = {"status": daemon.status}
    seen["replugged"] = replugged(v4l2())
    (RESULTS / "seen.json").write_text(json.dumps(seen))


main()
