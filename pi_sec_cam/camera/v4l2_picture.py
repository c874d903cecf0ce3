"""Turns what a webcam sends into I420, the form that the encoder takes."""

import av
import numpy as np
from av.codec import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from pi_sec_cam.camera.v4l2_kernel import Layout
from pi_sec_cam.errors import SourceUnusable

# FFmpeg's name of each raw format and its bytes a pixel in the first plane.
_RAW = {"YU12": ("yuv420p", 1), "NV12": ("nv12", 1), "YUYV": ("yuyv422", 2), "UYVY": ("uyvy422", 2)}


class PictureReader:
    """Decodes one camera's pictures.

    Raises:
        SourceUnusable: the camera pads its rows, which no webcam that we know of does.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        raw = _RAW.get(layout.fourcc)
        context = CodecContext.create("rawvideo" if raw else "mjpeg", "r")
        assert isinstance(context, VideoCodecContext)
        context.thread_count = 1  # threads hold pictures back; one at a time comes out at once
        if raw:
            name, pixel_bytes = raw
            if layout.bytes_per_line != layout.width * pixel_bytes:
                raise SourceUnusable(
                    f"the camera pads its rows to {layout.bytes_per_line} bytes in {layout.fourcc}; "
                    "this is not supported, please report the camera's model"
                )
            context.pix_fmt, context.width, context.height = name, layout.width, layout.height
        self._context = context
        self._reformatter = VideoReformatter()  # kept, because setting it up takes longer than a picture

    def i420(self, data: bytes) -> NDArray[np.uint8] | None:
        """One picture as uint8 of shape (height * 3 // 2, width), in video range; None if it is damaged."""
        if not data:  # to a decoder an empty packet means the end, after which it takes no more
            return None
        try:
            frames = self._context.decode(av.Packet(data))
        except (av.FFmpegError, ValueError):
            return None
        if not frames:
            return None
        # JPEG has the full range from 0 to 255, which players of H.264 would show too dark and too bright.
        planar = self._reformatter.reformat(
            frames[0], self._layout.width, self._layout.height, format="yuv420p", dst_color_range="MPEG"
        )
        return np.asarray(planar.to_ndarray(), np.uint8)


def upside_down(i420: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture turned by 180°: each of the three planes read backwards."""
    flat = i420.reshape(-1)
    luma = flat.size * 2 // 3
    chroma = luma // 4
    planes = np.split(flat, [luma, luma + chroma])
    return np.concatenate([plane[::-1] for plane in planes]).reshape(i420.shape)
