"""The few V4L2 calls that listing and capturing need, after linux/videodev2.h (64-bit layout)."""

import ctypes
import errno
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

CAPTURE = 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE
MMAP = 1  # V4L2_MEMORY_MMAP
_DISCRETE = 1  # V4L2_FRMSIZE_TYPE_DISCRETE, V4L2_FRMIVAL_TYPE_DISCRETE
_DEVICE_CAPS = 0x80000000
_VIDEO_CAPTURE = 0x00000001
_STREAMING = 0x04000000
_TIME_PER_FRAME = 0x1000  # V4L2_CAP_TIMEPERFRAME
FLAG_ERROR = 0x40
FLAG_TIMESTAMPS = 0xE000
FLAG_MONOTONIC = 0x2000
_MOST_ITEMS = 256  # no driver lists as many; a broken one must not keep us for ever

_Indexed = TypeVar("_Indexed", bound=ctypes.Structure)
_u8, _u32 = ctypes.c_uint8, ctypes.c_uint32


class _Capability(ctypes.Structure):
    _fields_ = (
        ("driver", ctypes.c_char * 16),
        ("card", ctypes.c_char * 32),
        ("bus", ctypes.c_char * 32),
        ("version", _u32),
        ("capabilities", _u32),
        ("device_caps", _u32),
        ("reserved", _u32 * 3),
    )


class _FormatDescription(ctypes.Structure):
    _fields_ = (
        ("index", _u32),
        ("type", _u32),
        ("flags", _u32),
        ("description", ctypes.c_char * 32),
        ("fourcc", _u32),
        ("mbus_code", _u32),
        ("reserved", _u32 * 3),
    )


class _FrameSize(ctypes.Structure):
    """`values`: width and height, or least, greatest and step of width, then of height."""

    _fields_ = (("index", _u32), ("fourcc", _u32), ("type", _u32), ("values", _u32 * 6), ("reserved", _u32 * 2))


class _FrameInterval(ctypes.Structure):
    """`values`: numerator and denominator of the interval, or of the least, the greatest and the step."""

    _fields_ = (
        ("index", _u32),
        ("fourcc", _u32),
        ("width", _u32),
        ("height", _u32),
        ("type", _u32),
        ("values", _u32 * 6),
        ("reserved", _u32 * 2),
    )


class _Format(ctypes.Structure):
    """The kernel's union is 200 bytes at an offset of 8, of which pictures use the first numbers."""

    _fields_ = (
        ("type", _u32),
        ("padding", _u32),
        ("width", _u32),
        ("height", _u32),
        ("fourcc", _u32),
        ("field", _u32),
        ("bytes_per_line", _u32),
        ("size", _u32),
        ("rest", _u8 * 176),
    )


class _StreamParameters(ctypes.Structure):
    _fields_ = (
        ("type", _u32),
        ("capability", _u32),
        ("mode", _u32),
        ("numerator", _u32),
        ("denominator", _u32),
        ("rest", _u8 * 184),
    )


class RequestBuffers(ctypes.Structure):
    _fields_ = (("count", _u32), ("type", _u32), ("memory", _u32), ("reserved", _u32 * 2))


class Buffer(ctypes.Structure):
    _fields_ = (
        ("index", _u32),
        ("type", _u32),
        ("bytes_used", _u32),
        ("flags", _u32),
        ("field", _u32),
        ("seconds", ctypes.c_int64),
        ("microseconds", ctypes.c_int64),
        ("timecode", _u8 * 16),
        ("sequence", _u32),
        ("memory", _u32),
        ("offset", ctypes.c_uint64),
        ("length", _u32),
        ("reserved", _u32 * 2),
    )


def _request(direction: int, number: int, size: int) -> int:
    """_IOC of asm-generic/ioctl.h: direction 1 writes to the kernel, 2 reads, 3 both."""
    return direction << 30 | size << 16 | ord("V") << 8 | number


_QUERYCAP = _request(2, 0, ctypes.sizeof(_Capability))
_ENUM_FMT = _request(3, 2, ctypes.sizeof(_FormatDescription))
_S_FMT = _request(3, 5, ctypes.sizeof(_Format))
REQBUFS = _request(3, 8, ctypes.sizeof(RequestBuffers))
QUERYBUF = _request(3, 9, ctypes.sizeof(Buffer))
QBUF = _request(3, 15, ctypes.sizeof(Buffer))
DQBUF = _request(3, 17, ctypes.sizeof(Buffer))
STREAMON = _request(1, 18, 4)
STREAMOFF = _request(1, 19, 4)
_S_PARM = _request(3, 22, ctypes.sizeof(_StreamParameters))
_ENUM_FRAMESIZES = _request(3, 74, ctypes.sizeof(_FrameSize))
_ENUM_FRAMEINTERVALS = _request(3, 75, ctypes.sizeof(_FrameInterval))


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says it is; `captures`: it delivers pictures to mapped buffers, in one plane each."""

    driver: str
    card: str
    bus: str
    captures: bool


@dataclass(frozen=True, slots=True)
class Span:
    """From `least` to `greatest`; both equal where a device offers that one only."""

    least: float
    greatest: float


def identify(fd: int) -> Identity:
    """Raises OSError (ENOTTY) for what is no V4L2 device."""
    said = _Capability()
    fcntl.ioctl(fd, _QUERYCAP, said)
    caps = said.device_caps if said.capabilities & _DEVICE_CAPS else said.capabilities
    captures = bool(caps & _VIDEO_CAPTURE and caps & _STREAMING)
    return Identity(_text(said.driver), _text(said.card), _text(said.bus), captures)


def formats(fd: int) -> list[str]:
    """Four-character codes of what the device delivers."""
    return [_fourcc_text(said.fourcc) for said in _each(fd, _ENUM_FMT, _FormatDescription(type=CAPTURE))]


def sizes(fd: int, fourcc: str) -> list[tuple[Span, Span]]:
    """Widths and heights that a format comes in."""
    found = []
    for said in _each(fd, _ENUM_FRAMESIZES, _FrameSize(fourcc=_fourcc_number(fourcc))):
        v = said.values
        found.append(
            (Span(v[0], v[0]), Span(v[1], v[1])) if said.type == _DISCRETE else (Span(v[0], v[1]), Span(v[3], v[4]))
        )
    return found


def rates(fd: int, fourcc: str, width: int, height: int) -> list[Span]:
    """Pictures a second that a format and size come in."""
    found = []
    for said in _each(
        fd, _ENUM_FRAMEINTERVALS, _FrameInterval(fourcc=_fourcc_number(fourcc), width=width, height=height)
    ):
        v = said.values
        shortest = v[1] / max(1, v[0])
        found.append(Span(shortest, shortest) if said.type == _DISCRETE else Span(v[3] / max(1, v[2]), shortest))
    return found


@dataclass(frozen=True, slots=True)
class Layout:
    """What the driver settled on; `bytes_per_line` of the first plane, 0 for compressed pictures."""

    fourcc: str
    width: int
    height: int
    bytes_per_line: int


def set_format(fd: int, fourcc: str, width: int, height: int) -> Layout:
    """Ask for a format; the driver answers with the nearest that it can do."""
    said = _Format(type=CAPTURE, width=width, height=height, fourcc=_fourcc_number(fourcc))
    fcntl.ioctl(fd, _S_FMT, said)
    return Layout(_fourcc_text(said.fourcc), said.width, said.height, said.bytes_per_line)


def set_rate(fd: int, rate: float) -> float | None:
    """Ask for pictures a second and return what the driver settled on, None where it has no say in it."""
    said = _StreamParameters(type=CAPTURE, numerator=1000, denominator=round(rate * 1000))
    try:
        fcntl.ioctl(fd, _S_PARM, said)
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
