"""The overlay's text: readable on anything, at the top left, in all sizes and kinds of planes."""

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from pi_sec_cam.media.encoder import H264Encoder
from pi_sec_cam.media.overlay import draw_text, draw_text_in_planes

TEXT = "PiSecCam 2026-10-03 18:20:55"


def picture(width: int, height: int, grey: int = 90) -> NDArray[np.uint8]:
    i420 = np.full((height * 3 // 2, width), 128, np.uint8)
    i420[:height] = grey
    return i420


def reach(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what differs."""
    rows, columns = np.nonzero(before != after)
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


@pytest.mark.parametrize("grey", [40, 90, 180])
def test_white_letters_with_a_dark_outline_on_any_ground(grey: int) -> None:
    i420 = picture(1280, 720, grey)
    draw_text(i420, TEXT)
    drawn = i420[:40, :600]
    white, dark = drawn > 210, drawn < 30
    assert white.sum() > 500
    near = dark[:-6, 3:-3] | dark[6:, 3:-3] | dark[3:-3, :-6] | dark[3:-3, 6:]
    assert near[white[3:-3, 3:-3]].mean() > 0.8, "white has dark beside it, three pixels up, down, left or right"


def test_it_stands_at_the_top_left_and_leaves_the_rest_alone() -> None:
    i420 = picture(1280, 720)
    before = i420.copy()
    draw_text(i420, TEXT)
    left, top, right, bottom = reach(before[:720], i420[:720])
    assert left < 20
    assert top < 20
    assert 300 < right < 640
    assert bottom < 45


@pytest.mark.parametrize(("width", "height"), [(160, 120), (320, 180), (640, 360), (1280, 720), (1920, 1080)])
def test_the_letters_grow_with_the_picture(width: int, height: int) -> None:
    i420 = picture(width, height)
    before = i420.copy()
    draw_text(i420, "H")
    _, top, _, bottom = reach(before[:height], i420[:height])
    assert max(7, height / 40) <= bottom - top <= max(14, height / 20)


def test_a_long_text_is_made_to_fit() -> None:
    i420 = picture(320, 180)
    before = i420.copy()
    draw_text(i420, "A camera with quite a long name beside the back door " + TEXT)
    left, _, right, _ = reach(before[:180], i420[:180])
    assert left < 10
    assert 290 < right < 319


def test_monochrome_pictures_stay_so() -> None:
    i420 = picture(640, 360)
    draw_text(i420, TEXT)
    assert (i420[360:] == 128).all()


def test_the_letters_have_no_colour_on_a_coloured_ground() -> None:
    i420 = picture(640, 360, 235)
    i420[360:] = 200
    draw_text(i420, TEXT)
    u = i420.reshape(-1)[640 * 360 : 640 * 360 * 5 // 4].reshape(180, 320)
    assert (np.abs(u[:12, :160].astype(int) - 128) < 12).sum() > 100
    assert (u[30:] == 200).all()


def test_accents_go_and_what_the_font_lacks_is_marked() -> None:
    accented, plain = picture(640, 360), picture(640, 360)
    draw_text(accented, "Gärten 日")
    draw_text(plain, "Garten ?")
    assert np.array_equal(accented, plain)


def test_no_text_changes_nothing() -> None:
    i420 = picture(640, 360)
    draw_text(i420, "")
    assert np.array_equal(i420, picture(640, 360))


def test_planes_with_padded_rows_get_the_same_text() -> None:
    i420 = picture(322, 182)
    draw_text(i420, TEXT)
    y, u, v = (np.full((rows, 400), value, np.uint8) for rows, value in ((182, 90), (91, 128), (91, 128)))
    draw_text_in_planes(y[:, :322], u[:, :161], v[:, :161], TEXT)
    flat = np.concatenate([y[:, :322].ravel(), u[:, :161].ravel(), v[:, :161].ravel()])
    assert np.array_equal(flat, i420.ravel())
    assert (y[:, 322:] == 90).all()


def test_a_decoder_shows_it_in_white() -> None:
    i420 = picture(640, 360, 60)
    draw_text(i420, TEXT)
    encoder = H264Encoder(width=640, height=360, frame_rate=10, epoch=0)
    (unit,) = encoder.encode(i420, 1_000_000)
    decoder = av.CodecContext.create("h264", "r")
    (shown,) = decoder.decode(av.Packet(unit.data)) + decoder.decode(None)
    rgb = shown.to_ndarray(format="rgb24")
    bright = rgb[:25, :320].min(axis=2)
    assert (bright > 190).sum() > 100
    assert rgb[30:].max() < 120
