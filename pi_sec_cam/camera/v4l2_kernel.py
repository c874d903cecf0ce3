"""The few V4L2 calls that listing a camera and setting it up need."""

import errno
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from pi_sec_cam.camera import v4l2_structures as v4l2

_DISCRETE = 1  # V4L2_FRMSIZE_TYPE_DISCRETE, V4L2_FRMIVAL_TYPE_DISCRETE
_DEVICE_CAPS = 0x80000000
_VIDEO_CAPTURE = 0x00000001
_VIDEO_CAPTURE_PLANES = 0x00001000
_STREAMING = 0x04000000
_TIME_PER_FRAME = 0x1000  # V4L2_CAP_TIMEPERFRAME
_MOST_ITEMS = 256  # no driver lists as many; a broken one must not keep us for ever
_FULL_RANGE, _LIMITED_RANGE = 1, 2  # V4L2_QUANTIZATION_*
_JPEG_COLOURS = 7  # V4L2_COLORSPACE_JPEG

_Indexed = TypeVar("_Indexed", v4l2.FormatDescription, v4l2.FrameSize, v4l2.FrameInterval)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says it is; `buffer_type`: the kind of buffers it captures into, None if it does not capture."""

    driver: str
    card: str
    bus: str
    buffer_type: int | None


@dataclass(frozen=True, slots=True)
class Span:
    """From `least` to `greatest`; both equal where a device offers that one only."""

    least: float
    greatest: float


def identify(fd: int) -> Identity:
    """Raises OSError (ENOTTY) for what is no V4L2 device."""
    said = v4l2.Capability()
    fcntl.ioctl(fd, v4l2.QUERYCAP, said)
    caps = said.device_caps if said.capabilities & _DEVICE_CAPS else said.capabilities
    buffer_type = None
    if caps & _STREAMING and caps & (_VIDEO_CAPTURE | _VIDEO_CAPTURE_PLANES):
        buffer_type = v4l2.CAPTURE if caps & _VIDEO_CAPTURE else v4l2.CAPTURE_PLANES
    return Identity(_text(said.driver), _text(said.card), _text(said.bus), buffer_type)


def formats(fd: int, buffer_type: int) -> list[str]:
    """Four-character codes of what the device delivers."""
    return [_fourcc_text(said.fourcc) for said in _each(fd, v4l2.ENUM_FMT, v4l2.FormatDescription(type=buffer_type))]


def sizes(fd: int, fourcc: str) -> list[tuple[Span, Span]]:
    """Widths and heights that a format comes in."""
    found = []
    for said in _each(fd, v4l2.ENUM_FRAMESIZES, v4l2.FrameSize(fourcc=_fourcc_number(fourcc))):
        v = said.values
        found.append(
            (Span(v[0], v[0]), Span(v[1], v[1])) if said.type == _DISCRETE else (Span(v[0], v[1]), Span(v[3], v[4]))
        )
    return found


def rates(fd: int, fourcc: str, width: int, height: int) -> list[Span]:
    """Pictures a second that a format offers at a size; empty where the driver does not say."""
    found = []
    wanted = v4l2.FrameInterval(fourcc=_fourcc_number(fourcc), width=width, height=height)
    for said in _each(fd, v4l2.ENUM_FRAMEINTERVALS, wanted):
        v = said.values
        shortest = v[1] / max(1, v[0])
        found.append(Span(shortest, shortest) if said.type == _DISCRETE else Span(v[3] / max(1, v[2]), shortest))
    return found


@dataclass(frozen=True, slots=True)
class Layout:
    """What the driver settled on.

    Attributes:
        row_bytes: from one row to the next, for each piece of memory that a picture lies in (the first plane's
            where it holds several); 0 where it does not apply.
        full_range: brightness from 0 to 255, not from 16 to 235; of no meaning where a coding says so itself.
    """

    fourcc: str
    width: int
    height: int
    row_bytes: tuple[int, ...]
    full_range: bool = False


def set_format(fd: int, buffer_type: int, fourcc: str, width: int, height: int) -> Layout:
    """Ask for a format; the driver answers with the nearest that it can do."""
    said = v4l2.Format(type=buffer_type)
    several = buffer_type == v4l2.CAPTURE_PLANES
    form = said.form.planes if several else said.form.picture
    form.width, form.height, form.fourcc = width, height, _fourcc_number(fourcc)
    fcntl.ioctl(fd, v4l2.S_FMT, said)
    row_bytes = tuple(plane.row_bytes for plane in form.planes[: form.count]) if several else (form.row_bytes,)
    # V4L2_MAP_QUANTIZATION_DEFAULT: left open, only the colours of JPEG have the full range.
    full = form.quantisation == _FULL_RANGE or (
        form.quantisation != _LIMITED_RANGE and form.colour_space == _JPEG_COLOURS
    )
    return Layout(_fourcc_text(form.fourcc), form.width, form.height, row_bytes, full)


def set_rate(fd: int, buffer_type: int, rate: float) -> float | None:
    """Ask for pictures a second and return what the driver settled on, None where it has no say in it."""
    said = v4l2.StreamParameters(type=buffer_type, numerator=1000, denominator=round(rate * 1000))
    try:
        fcntl.ioctl(fd, v4l2.S_PARM, said)
    except OSError as error:
        if error.errno in {errno.ENOTTY, errno.EINVAL}:
            return None
        raise
    usable = said.capability & _TIME_PER_FRAME and said.numerator and said.denominator
    return said.denominator / said.numerator if usable else None


def open_device(path: str | os.PathLike[str]) -> int:
    """A descriptor for these calls; opening a camera twice is allowed, capturing twice is not."""
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def _each(fd: int, request: int, argument: _Indexed) -> Iterator[_Indexed]:
    for index in range(_MOST_ITEMS):
        argument.index = index
        try:
            fcntl.ioctl(fd, request, argument)
        except OSError as error:
            if error.errno in {errno.EINVAL, errno.ENOTTY}:
                return
            raise
        yield argument


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").strip()


def _fourcc_number(text: str) -> int:
    return int.from_bytes(text.encode("ascii"), "little")


def _fourcc_text(number: int) -> str:
    """The top bit marks big-endian variants, which have no name of four letters and are not used here."""
    return number.to_bytes(4, "little").decode("latin-1")
