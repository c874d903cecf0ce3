"""One decoded picture out of recorded video, as pixels and as JPEG."""

from collections.abc import Sequence

import av
import numpy as np
import simplejpeg
from av.codec import CodecContext
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from pi_sec_cam.media.access_unit import AccessUnit


def decode_picture(gop: Sequence[AccessUnit], pts_us: int) -> NDArray[np.uint8] | None:
    """The picture shown at `pts_us`, or else the nearest one that can be decoded.

    Args:
        gop: units in decoding order, from a keyframe on; more than what is needed is not decoded.
        pts_us: media time.

    Returns:
        uint8, shape (height, width, 3), blue, green, red; None if nothing could be decoded.
    """
    if not gop:
        return None
    context = CodecContext.create("h264" if gop[0].info.codec == "h264" else "hevc", "r")
    assert isinstance(context, VideoCodecContext)
    best: av.VideoFrame | None = None
    for unit in [*gop, None]:
        for frame in _decode(context, unit):
            if best is None or _distance(frame, pts_us) <= _distance(best, pts_us):
                best = frame
            if frame.pts is not None and frame.pts >= pts_us:
                return _bgr(best)
    return _bgr(best) if best else None


def jpeg(bgr: NDArray[np.uint8], quality: int = 85) -> bytes:
    """JPEG of a uint8 picture of shape (height, width, 3), blue, green, red."""
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(bgr), quality=quality, colorspace="BGR"))


def _decode(context: VideoCodecContext, unit: AccessUnit | None) -> list[av.VideoFrame]:
    packet = None
    if unit is not None:
        packet = av.Packet(unit.data)
        packet.pts, packet.dts = unit.pts_us, unit.dts_us
    try:
        return context.decode(packet)
    except av.FFmpegError:  # a damaged picture; the next may do
        return []


def _bgr(frame: av.VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def _distance(frame: av.VideoFrame, pts_us: int) -> int:
    return abs((frame.pts if frame.pts is not None else 0) - pts_us)
