"""The kernel's structures and calls for cameras, as linux/videodev2.h lays them out on 32- and 64-bit machines."""

import ctypes

CAPTURE = 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE
CAPTURE_PLANES = 9  # V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE: a picture may lie in several pieces of memory
MMAP = 1  # V4L2_MEMORY_MMAP
MOST_PLANES = 8  # VIDEO_MAX_PLANES
FLAG_KEYFRAME = 0x8
FLAG_ERROR = 0x40
FLAG_TIMESTAMPS = 0xE000
FLAG_MONOTONIC = 0x2000

_u8, _u16, _u32, _s32 = ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_int32


class Capability(ctypes.Structure):
    _fields_ = (
        ("driver", ctypes.c_char * 16),
        ("card", ctypes.c_char * 32),
        ("bus", ctypes.c_char * 32),
        ("version", _u32),
        ("capabilities", _u32),
        ("device_caps", _u32),
        ("reserved", _u32 * 3),
    )


class FormatDescription(ctypes.Structure):
    _fields_ = (
        ("index", _u32),
        ("type", _u32),
        ("flags", _u32),
        ("description", ctypes.c_char * 32),
        ("fourcc", _u32),
        ("mbus_code", _u32),
        ("reserved", _u32 * 3),
    )


class FrameSize(ctypes.Structure):
    """`values`: width and height, or least, greatest and step of width, then of height."""

    _fields_ = (("index", _u32), ("fourcc", _u32), ("type", _u32), ("values", _u32 * 6), ("reserved", _u32 * 2))


class FrameInterval(ctypes.Structure):
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


class PictureFormat(ctypes.Structure):
    """struct v4l2_pix_format."""

    _fields_ = (
        ("width", _u32),
        ("height", _u32),
        ("fourcc", _u32),
        ("field", _u32),
        ("row_bytes", _u32),
        ("size", _u32),
        ("colour_space", _u32),
        ("magic", _u32),
        ("flags", _u32),
        ("encoding", _u32),
        ("quantisation", _u32),
        ("transfer", _u32),
    )


class PlaneFormat(ctypes.Structure):
    """struct v4l2_plane_pix_format."""

    _fields_ = (("size", _u32), ("row_bytes", _u32), ("reserved", _u16 * 6))


class PlanesFormat(ctypes.Structure):
    """struct v4l2_pix_format_mplane; packed in the kernel, which makes no difference to these members' places."""

    _fields_ = (
        ("width", _u32),
        ("height", _u32),
        ("fourcc", _u32),
        ("field", _u32),
        ("colour_space", _u32),
        ("planes", PlaneFormat * MOST_PLANES),
        ("count", _u8),
        ("flags", _u8),
        ("encoding", _u8),
        ("quantisation", _u8),
        ("transfer", _u8),
        ("reserved", _u8 * 7),
    )


class _AnyFormat(ctypes.Union):
    """200 bytes; `aligned` stands for the pointers in those members that are not used here."""

    _fields_ = (
        ("picture", PictureFormat),
        ("planes", PlanesFormat),
        ("raw", _u8 * 200),
        ("aligned", ctypes.c_void_p),
    )


class Format(ctypes.Structure):
    _fields_ = (("type", _u32), ("form", _AnyFormat))


class StreamParameters(ctypes.Structure):
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


class Plane(ctypes.Structure):
    """struct v4l2_plane; of the union `m`, the offset alone."""

    _fields_ = (
        ("bytes_used", _u32),
        ("length", _u32),
        ("offset", ctypes.c_ulong),
        ("data_offset", _u32),
        ("reserved", _u32 * 11),
    )


class Buffer(ctypes.Structure):
    """`place`: the offset to map at, or the address of `length` planes."""

    _fields_ = (
        ("index", _u32),
        ("type", _u32),
        ("bytes_used", _u32),
        ("flags", _u32),
        ("field", _u32),
        ("seconds", ctypes.c_long),
        ("microseconds", ctypes.c_long),
        ("timecode", _u8 * 16),
        ("sequence", _u32),
        ("memory", _u32),
        ("place", ctypes.c_ulong),
        ("length", _u32),
        ("reserved", _u32 * 2),
    )


class QueryControl(ctypes.Structure):
    _fields_ = (
        ("id", _u32),
        ("type", _u32),
        ("name", ctypes.c_char * 32),
        ("least", _s32),
        ("greatest", _s32),
        ("step", _s32),
        ("default", _s32),
        ("flags", _u32),
        ("reserved", _u32 * 2),
    )


class Control(ctypes.Structure):
    _fields_ = (("id", _u32), ("value", _s32))


def _request(direction: int, number: int, size: int) -> int:
    """_IOC of asm-generic/ioctl.h: direction 1 writes to the kernel, 2 reads, 3 both."""
    return direction << 30 | size << 16 | ord("V") << 8 | number


QUERYCAP = _request(2, 0, ctypes.sizeof(Capability))
ENUM_FMT = _request(3, 2, ctypes.sizeof(FormatDescription))
S_FMT = _request(3, 5, ctypes.sizeof(Format))
REQBUFS = _request(3, 8, ctypes.sizeof(RequestBuffers))
QUERYBUF = _request(3, 9, ctypes.sizeof(Buffer))
QBUF = _request(3, 15, ctypes.sizeof(Buffer))
DQBUF = _request(3, 17, ctypes.sizeof(Buffer))
STREAMON = _request(1, 18, 4)
STREAMOFF = _request(1, 19, 4)
S_PARM = _request(3, 22, ctypes.sizeof(StreamParameters))
S_CTRL = _request(3, 28, ctypes.sizeof(Control))
QUERYCTRL = _request(3, 36, ctypes.sizeof(QueryControl))
ENUM_FRAMESIZES = _request(3, 74, ctypes.sizeof(FrameSize))
ENUM_FRAMEINTERVALS = _request(3, 75, ctypes.sizeof(FrameInterval))
