"""Lists the V4L2 devices that are cameras, with their modes."""

import errno
import os
from pathlib import Path

from pi_sec_cam.camera import v4l2_kernel as kernel
from pi_sec_cam.camera.device_access import may_open, no_permission
from pi_sec_cam.camera.found import FoundCamera, Mode
from pi_sec_cam.camera.v4l2_formats import CODED, FORMATS

# Drivers whose nodes deliver pictures only as part of a Pi's own camera pipeline, which libcamera drives: decoders and
# encoders, the image signal processors, and the bare receivers.
_PIPELINE_DRIVERS = (
    "bcm2835-codec",
    "bcm2835-isp",
    "bcm2835_isp",
    "pispbe",
    "rp1-cfe",
    "rpi-hevc-dec",
    "rpivid",
    "unicam",
)

_USUAL_SIZES = ((1920, 1080), (1280, 720), (800, 600), (640, 480), (640, 360), (320, 240), (320, 180))
_USUAL_RATES = (60.0, 50.0, 30.0, 25.0, 24.0, 20.0, 15.0, 10.0, 5.0)


def v4l2_cameras(dev: Path = Path("/dev")) -> tuple[list[FoundCamera], list[str]]:
    """Cameras under `dev` in the order of their numbers, and what kept others from being listed."""
    cameras, problems = [], []
    nodes = [p for p in dev.glob("video*") if p.name.removeprefix("video").isdigit()]
    for node in sorted(nodes, key=lambda p: int(p.name.removeprefix("video"))):
        if not may_open(node):
            problems.append(no_permission(node))
            continue
        try:
            camera = look_at(node)
        except OSError as error:
            # Plugged devices that hang or are being unplugged answer with anything; they must not hide the others.
            if error.errno != errno.ENOTTY:
                problems.append(f"{node} does not answer: {error.strerror}")
            continue
        if camera is not None:
            cameras.append(camera)
    return cameras, problems


def look_at(node: Path) -> FoundCamera | None:
    """The camera behind a device file, None if it is some other V4L2 device.

    Raises:
        OSError: it cannot be opened, or is no V4L2 device (ENOTTY).
    """
    fd = kernel.open_device(node)
    try:
        said = kernel.identify(fd)
        if said.buffer_type is None or said.driver.startswith(_PIPELINE_DRIVERS):
            return None
        return FoundCamera("v4l2", str(node), said.card, modes(fd, said.buffer_type), _lasting(node))
    finally:
        os.close(fd)


def _lasting(node: Path) -> str:
    """What udev calls it after its model and serial number, else after its socket."""
    links = [link for kind in ("by-id", "by-path") for link in sorted((node.parent / "v4l" / kind).glob("*"))]
    return next((str(link) for link in links if link.resolve() == node.resolve()), "")


def modes(fd: int, buffer_type: int) -> tuple[Mode, ...]:
    """The modes of an open device in formats that we read, the cheapest first, without odd sizes, which 4:2:0 lacks."""
    offered = kernel.formats(fd, buffer_type)
    found = []
    for fourcc in FORMATS:
        for width, height in _sizes(fd, fourcc) if fourcc in offered else []:
            if width % 2 == 0 and height % 2 == 0:
                found.append(Mode(fourcc, width, height, _rates(fd, fourcc, width, height), CODED.get(fourcc)))
    return tuple(found)


def _sizes(fd: int, fourcc: str) -> list[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for across, down in kernel.sizes(fd, fourcc):
        found.add((int(across.greatest), int(down.greatest)))
        found.update((w, h) for w, h in _USUAL_SIZES if _within(w, across) and _within(h, down))
    return sorted(found, reverse=True)


def _rates(fd: int, fourcc: str, width: int, height: int) -> tuple[float, ...]:
    found: set[float] = set()
    for span in kernel.rates(fd, fourcc, width, height):
        found.add(round(span.greatest, 2))
        found.update(rate for rate in _USUAL_RATES if _within(rate, span))
    return tuple(sorted(found, reverse=True))


def _within(value: float, span: kernel.Span) -> bool:
    return span.least <= value <= span.greatest
