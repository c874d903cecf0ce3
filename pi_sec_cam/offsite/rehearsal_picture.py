"""Draws the picture of a rehearsal: what the camera saw, or a test picture, with words across it."""

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from pi_sec_cam.media.picture import jpeg

Picture = NDArray[np.uint8]  # shape (height, width, 3), blue, green, red

_WIDTH, _HEIGHT = 1280, 720
_FONT = cv2.FONT_HERSHEY_DUPLEX
_WHITE = (255, 255, 255)
_YELLOW, _CYAN, _GREEN = (0, 255, 255), (255, 255, 0), (0, 255, 0)
_MAGENTA, _RED, _BLUE, _BLACK = (255, 0, 255), (0, 0, 255), (255, 0, 0), (0, 0, 0)
_BARS_BGR = (_WHITE, _YELLOW, _CYAN, _GREEN, _MAGENTA, _RED, _BLUE, _BLACK)


def rehearsal_picture(seen: bytes | None, words: str, below: str) -> bytes:
    """JPEG of `seen` with a dark band across it that says `words` in large letters.

    Args:
        seen: a JPEG; None, or one that cannot be decoded: a test picture is drawn.
        words, below: ASCII; `below` stands smaller under the words.
    """
    picture = _decoded(seen) if seen else None
    if picture is None:
        picture = _test_picture()
    height, width = picture.shape[:2]
    top, bottom = round(height * 0.3), round(height * 0.7)
    picture[top:bottom] //= 6
    _write(picture, words, centre=round(height * 0.46), widest=0.85 * width, highest=0.16 * height)
    _write(picture, below, centre=round(height * 0.62), widest=0.85 * width, highest=0.04 * height)
    return jpeg(picture)


def _decoded(seen: bytes) -> Picture | None:
    try:
        return np.array(simplejpeg.decode_jpeg(seen, colorspace="BGR"), np.uint8)
    except ValueError:
        return None


def _test_picture() -> Picture:
    return np.asarray(cv2.resize(np.array([_BARS_BGR], np.uint8), (_WIDTH, _HEIGHT), interpolation=cv2.INTER_NEAREST))


def _write(picture: Picture, text: str, *, centre: int, widest: float, highest: float) -> None:
    """One line, in the middle from side to side, as large as the two bounds (in pixels) allow."""
    (width, height), _ = cv2.getTextSize(text, _FONT, 1.0, 1)
    scale = min(widest / width, highest / height)
    thickness = max(1, round(scale * 1.5))
    at = (round((picture.shape[1] - width * scale) / 2), round(centre + height * scale / 2))
    cv2.putText(picture, text, at, _FONT, scale, _WHITE, thickness, cv2.LINE_AA)
