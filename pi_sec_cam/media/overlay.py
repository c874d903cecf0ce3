"""Draws a line of text into a picture's planes: white with a dark outline, at the top left."""

import unicodedata
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE, _DARK, _NEUTRAL = 235, 16, 128  # limited range
_CAPITAL_AT_1 = 21  # pixels a capital is high at scale 1 in this font
_DRAWN_LARGER = 4


def draw_text(i420: Plane, text: str) -> None:
    """Draw into an I420 picture in place.

    Args:
        i420: uint8, contiguous, shape (height * 3 // 2, width): Y plane, then U and V at half size.
        text: one line. Letters beyond ASCII lose their accents or become "?": the built-in font has no others.
    """
    rows, width = i420.shape
    height = rows * 2 // 3
    flat = i420.reshape(-1)
    luma, quarter = width * height, width * height // 4
    draw_text_in_planes(
        flat[:luma].reshape(height, width),
        flat[luma : luma + quarter].reshape(height // 2, width // 2),
        flat[luma + quarter :].reshape(height // 2, width // 2),
        text,
    )


def draw_text_in_planes(y: Plane, u: Plane, v: Plane, text: str) -> None:
    """The same for planes that lie apart or have padded rows; u and v have half of y's size."""
    stamp = _stamp(text, y.shape[1], y.shape[0])
    if stamp is None:
        return
    # Both levels are blended in one go: y * keep + ink, all in 8 bits.
    part = y[: stamp.keep.shape[0], : stamp.keep.shape[1]]
    cv2.add(cv2.multiply(part, stamp.keep, scale=1 / 255), stamp.ink, dst=part)
    for plane in (u, v):
        part = plane[: stamp.keep_colour.shape[0], : stamp.keep_colour.shape[1]]
        cv2.add(cv2.multiply(part, stamp.keep_colour, scale=1 / 255), stamp.grey, dst=part)


class _Stamp:
    """A line of text ready to be blended: what it keeps of the picture (0 to 255) and what it adds."""

    def __init__(self, outline: Plane, letters: Plane) -> None:
        white = letters.astype(np.float32) / 255
        dark = np.maximum(outline.astype(np.float32) / 255 - white, 0)
        covered = white + dark
        self.keep = np.asarray(np.rint(255 * (1 - covered)), np.uint8)
        self.ink = np.asarray(np.rint(_WHITE * white + _DARK * dark), np.uint8)
        half = (covered.shape[1] // 2, covered.shape[0] // 2)
        faded = cv2.resize(covered, half, interpolation=cv2.INTER_AREA)
        self.keep_colour = np.asarray(np.rint(255 * (1 - faded)), np.uint8)
        # What is kept and what is added make up exactly 128 over grey, so that monochrome pictures stay so.
        self.grey = np.asarray(_NEUTRAL - np.rint(_NEUTRAL * (self.keep_colour / 255.0)), np.uint8)


@lru_cache(maxsize=8)
def _stamp(text: str, width: int, height: int) -> _Stamp | None:
    """The text drawn for a picture size; the same text is shown in many pictures. None when there is none."""
    plain = _plain(text)
    if not plain:
        return None
    scale = max(7.0, height / 34) / _CAPITAL_AT_1
    (text_width, _), _ = cv2.getTextSize(plain, _FONT, scale, 1)
    margin = max(4.0, height / 90)
    scale *= min(1.0, (width - 2 * margin) / max(text_width, 1))
    capital = _CAPITAL_AT_1 * scale
    # Drawn larger and reduced: the font's strokes have whole widths only.
    stroke = max(1, round(_DRAWN_LARGER * capital / 9))
    edge = 2 * max(2, round(_DRAWN_LARGER * capital / 11))
    rows = min(height, int(capital * 1.4 + 2 * margin) + 1) & ~1
    (drawn_width, _), _ = cv2.getTextSize(plain, _FONT, scale * _DRAWN_LARGER, stroke)
    columns = min(width, int(drawn_width / _DRAWN_LARGER + 2 * margin) + 2) & ~1
    at = (round(margin * _DRAWN_LARGER), round((margin + capital) * _DRAWN_LARGER))
    outline, letters = (
        _drawn(plain, at, scale * _DRAWN_LARGER, thickness, columns, rows) for thickness in (stroke + edge, stroke)
    )
    return _Stamp(outline, letters)


def _drawn(text: str, at: tuple[int, int], scale: float, thickness: int, columns: int, rows: int) -> Plane:
    large = np.zeros((rows * _DRAWN_LARGER, columns * _DRAWN_LARGER), np.uint8)
    cv2.putText(large, text, at, _FONT, scale, 255, thickness, cv2.LINE_AA)
    return np.asarray(cv2.resize(large, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)


def _plain(text: str) -> str:
    """The nearest that the font can show."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else "?" for c in letters)
