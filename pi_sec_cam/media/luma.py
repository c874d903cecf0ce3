"""The brightness plane of a decoded picture, without copying it."""

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

# 8-bit formats whose first plane is brightness alone.
_LUMA_FIRST = {
    *("gray", "nv12", "nv21", "nv16"),
    *(f"yuv{j}{sampling}p" for j in ("", "j") for sampling in (411, 420, 422, 440, 444)),
}


def luma_of(frame: VideoFrame) -> NDArray[np.uint8]:
    """uint8, shape (height, width): a view into the decoder's own picture where that has such a plane.

    The rows of a view are padded (its stride is larger than its width). It keeps the picture alive and must
    not be written to: other pictures may still be predicted from it.
    """
    if frame.format.name not in _LUMA_FIRST:  # ten bits, palettes, RGB
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, abs(plane.line_size))
    luma: NDArray[np.uint8] = rows[: frame.height, : frame.width]
    luma.flags.writeable = False
    return luma
