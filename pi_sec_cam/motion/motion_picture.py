"""The picture of what triggered an event: full size, changed areas outlined in red."""

from collections.abc import Sequence

import cv2

from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.picture import decode_picture, jpeg
from pi_sec_cam.motion.event import Area

_RED_BGR = (0, 0, 255)


def motion_picture(gop: Sequence[AccessUnit], pts_us: int, areas: Sequence[Area]) -> bytes | None:
    """JPEG of the picture at `pts_us` with `areas` outlined; None if it could not be decoded.

    The same picture that the clip holds, so its size and overlay are the clip's.
    """
    picture = decode_picture(gop, pts_us)
    if picture is None:
        return None
    height, width = picture.shape[:2]
    line = max(1, round(height / 240))
    for area in areas:
        left, top = round(area.left * width), round(area.top * height)
        right, bottom = round((area.left + area.width) * width), round((area.top + area.height) * height)
        cv2.rectangle(picture, (left, top), (min(right, width) - 1, min(bottom, height) - 1), _RED_BGR, line)
    return jpeg(picture)
