"""The picture that is decoded is the one that was shown at that time."""

import pytest

from pi_sec_cam.media.picture import decode_picture, jpeg
from pi_sec_cam.motion.event import Area
from pi_sec_cam.motion.motion_picture import motion_picture
from tests.unit.streams import BASE_US, number_in, units


@pytest.mark.parametrize("b_frames", [0, 3])
@pytest.mark.parametrize("index", [0, 1, 13, 24, 49])
def test_the_picture_of_a_time_is_found(index: int, b_frames: int) -> None:
    picture = decode_picture(units(seconds=2, gop=50, b_frames=b_frames), BASE_US + index * 40_000)
    assert picture is not None
    assert picture.shape == (96, 160, 3)
    assert number_in(picture[..., 0]) == index


def test_a_time_between_two_pictures_gives_the_nearer_one() -> None:
    picture = decode_picture(units(seconds=2, gop=50), BASE_US + 7 * 40_000 + 30_000)
    assert picture is not None
    assert number_in(picture[..., 0]) == 8


def test_nothing_decodable_gives_none() -> None:
    assert decode_picture([], 0) is None
    assert decode_picture(units(seconds=1)[1:3], BASE_US) is None


def test_the_motion_picture_has_full_size_and_red_outlines() -> None:
    import simplejpeg

    data = motion_picture(units(seconds=1, size=(640, 360)), BASE_US, [Area(0.25, 0.5, 0.5, 0.25)])
    assert data is not None
    picture = simplejpeg.decode_jpeg(data, "RGB")
    assert picture.shape == (360, 640, 3)
    red, green, _ = picture[180, 161:470].mean(axis=0)
    assert red > 180
    assert green < 90
    inside = picture[220, 200:440].mean(axis=0)
    assert abs(inside[0] - inside[1]) < 10


def test_jpeg_is_read_by_another_program() -> None:
    import numpy as np

    assert jpeg(np.zeros((10, 12, 3), np.uint8)).startswith(b"\xff\xd8\xff")
