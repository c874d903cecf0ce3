"""Turns what a webcam sends into I420, the form that the encoder takes."""

from collections.abc import Sequence

import av
import numpy as np
from av.codec import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from pi_sec_cam.camera.v4l2_formats import RAW, Raw
from pi_sec_cam.camera.v4l2_kernel import Layout


class PictureReader:
    """Reads one camera's pictures: raw ones in any row length, or JPEG."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        raw = RAW.get(layout.fourcc)
        self._source: _RawPictures | _Jpegs = _RawPictures(layout, raw) if raw else _Jpegs()
        self._reformatter = VideoReformatter()  # kept, because setting it up takes longer than a picture

    def i420(self, data: Sequence[bytes]) -> NDArray[np.uint8] | None:
        """One picture as uint8 of shape (height * 3 // 2, width), in video range; None if it is damaged.

        Args:
            data: each of the pieces of memory that it came in.
        """
        frame = self._source.frame(data)
        if frame is None:
            return None
        # Players of H.264 would show the full range from 0 to 255 too dark and too bright.
        planar = self._reformatter.reformat(
            frame,
            self._layout.width,
            self._layout.height,
            format="yuv420p",
            dst_color_range="MPEG",
        )
        return np.asarray(planar.to_ndarray(), np.uint8)


class _RawPictures:
    """Copies rows that may be padded into FFmpeg's picture."""

    def __init__(self, layout: Layout, raw: Raw) -> None:
        self._frame = VideoFrame(layout.width, layout.height, raw.name)
        self._frame.color_range = ColorRange.JPEG if layout.full_range else ColorRange.MPEG
        # Of each plane: piece of memory, first byte, bytes from row to row, rows, bytes used of a row.
        self._planes: list[tuple[int, int, int, int, int]] = []
        piece, begin = 0, 0
        for number, (across, down) in enumerate(raw.planes):
            rows, used = layout.height * down // 2, layout.width * across // 2
            if number and len(layout.row_bytes) > 1:
                piece, begin, step = number, 0, layout.row_bytes[number]
            else:
                step = layout.row_bytes[0] * across // raw.planes[0][0]
            self._planes.append((piece, begin, max(step, used), rows, used))
            begin += max(step, used) * rows

    def frame(self, data: Sequence[bytes]) -> VideoFrame | None:
        for plane, (piece, begin, step, rows, used) in zip(self._frame.planes, self._planes, strict=True):
            if len(data[piece]) < begin + (rows - 1) * step + used:
                return None
            source = as_strided(np.frombuffer(data[piece], np.uint8, offset=begin), (rows, used), (step, 1))
            np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:rows, :used] = source
        return self._frame


class _Jpegs:
    """Decodes whole JPEGs, and refuses those of which something is missing."""

    def __init__(self) -> None:
        context = CodecContext.create("mjpeg", "r")
        assert isinstance(context, VideoCodecContext)
        context.thread_count = 1  # threads hold pictures back; one at a time comes out at once
        context.options = {"err_detect": "explode"}  # FFmpeg would fill up with grey what the cable lost
        self._context = context

    def frame(self, data: Sequence[bytes]) -> VideoFrame | None:
        if not data[0]:  # to a decoder an empty packet means the end, after which it takes no more
            return None
        try:
            frames = self._context.decode(av.Packet(data[0]))
        except (av.FFmpegError, ValueError):
            return None
        return frames[0] if frames else None


def upside_down(i420: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture turned by 180°: each of the three planes read backwards."""
    flat = i420.reshape(-1)
    luma = flat.size * 2 // 3
    chroma = luma // 4
    planes = np.split(flat, [luma, luma + chroma])
    return np.concatenate([plane[::-1] for plane in planes]).reshape(i420.shape)
