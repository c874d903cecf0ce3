"""The formats of V4L2 that are read here, and how the raw ones lie in memory."""

from dataclasses import dataclass

from pi_sec_cam.camera.found import Coding


@dataclass(frozen=True, slots=True)
class Raw:
    """A format of bare samples.

    Attributes:
        name: FFmpeg's.
        planes: of each plane, bytes across for two pixels and rows for two rows of the picture.
    """

    name: str
    planes: tuple[tuple[int, int], ...]


_PLANAR = Raw("yuv420p", ((2, 2), (1, 1), (1, 1)))
_HALF_PLANAR = Raw("nv12", ((2, 2), (2, 1)))

# By four-character code (Linux, Documentation/userspace-api/media/v4l/pixfmt*). YM12 and NM12 have a piece of memory
# for each plane.
RAW = {
    "YU12": _PLANAR,
    "YM12": _PLANAR,
    "NV12": _HALF_PLANAR,
    "NM12": _HALF_PLANAR,
    "YUYV": Raw("yuyv422", ((4, 2),)),
    "UYVY": Raw("uyvy422", ((4, 2),)),
}
# "AVC1", H.264 without start codes, is left out: of Linux's own drivers none delivers it.
CODED: dict[str, Coding] = {"H264": "h264", "HEVC": "h265", "MJPG": "jpeg", "JPEG": "jpeg"}

# Cheapest first: encoded already; planar as the encoder wants it; to be rearranged; to be decoded.
FORMATS = ("H264", "HEVC", *RAW, "MJPG", "JPEG")
