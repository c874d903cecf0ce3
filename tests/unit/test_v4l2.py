"""Webcam pictures from the kernel's buffer to I420, and times from the driver's clock to ours.

Capturing itself needs a kernel with a camera: tests/system/vivid.
"""

import ctypes
import os
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pi_sec_cam.camera import v4l2_structures
from pi_sec_cam.camera.driver_clock import DriverClock
from pi_sec_cam.camera.pace import Pace
from pi_sec_cam.camera.v4l2 import V4l2Camera
from pi_sec_cam.camera.v4l2_kernel import Layout
from pi_sec_cam.camera.v4l2_picture import PictureReader, upside_down
from pi_sec_cam.errors import SourceAway, SourceUnusable

Pixels = NDArray[np.uint8]
WIDTH, HEIGHT = 64, 48


def planes(i420: Pixels) -> list[Pixels]:
    """Y, U and V as pictures of their own."""
    height, width = i420.shape[0] * 2 // 3, i420.shape[1]
    flat = i420.reshape(-1)
    u, v = flat[width * height :].reshape(2, height // 2, width // 2)
    return [flat[: width * height].reshape(height, width), u, v]


@pytest.fixture
def picture() -> Pixels:
    """I420 with a different gradient in each plane, smooth in chroma so that 4:2:2 and 4:2:0 say the same."""
    y = np.add.outer(np.arange(HEIGHT), 3 * np.arange(WIDTH)) % 200 + 16
    u = np.repeat(np.linspace(60, 200, WIDTH // 2)[None], HEIGHT // 2, 0)
    v = np.repeat(np.linspace(200, 60, WIDTH // 2)[None], HEIGHT // 2, 0)
    return np.concatenate([p.reshape(-1) for p in (y, u, v)]).astype(np.uint8).reshape(HEIGHT * 3 // 2, WIDTH)


def as_webcam_sends(i420: Pixels, fourcc: str, padding: int = 0) -> tuple[list[bytes], tuple[int, ...]]:
    """The picture in a format of V4L2, packed by hand after the kernel's description of it.

    Args:
        padding: bytes behind each row of the first plane; half as many behind those of a plane half as wide.

    Returns:
        Its pieces of memory, and their bytes from row to row.
    """
    y, u, v = planes(i420)
    if fourcc in {"YU12", "YM12"}:
        parts = [y, u, v]
    elif fourcc in {"NV12", "NM12"}:
        parts = [y, np.stack([u, v], 2).reshape(HEIGHT // 2, WIDTH)]
    else:
        u, v = u.repeat(2, 0), v.repeat(2, 0)
        order = [y[:, ::2], u, y[:, 1::2], v] if fourcc == "YUYV" else [u, y[:, ::2], v, y[:, 1::2]]
        parts = [np.stack(order, 2).reshape(HEIGHT, 2 * WIDTH)]
    wide = parts[0].shape[1]
    padded = [np.pad(part, ((0, 0), (0, padding * part.shape[1] // wide)), constant_values=7) for part in parts]
    pieces = [part.tobytes() for part in padded]
    if fourcc in {"YM12", "NM12"}:
        return pieces, tuple(part.shape[1] for part in padded)
    return [b"".join(pieces)], (padded[0].shape[1],)


@pytest.mark.parametrize("padding", [0, 32])
@pytest.mark.parametrize("fourcc", ["YU12", "YM12", "NV12", "NM12", "YUYV", "UYVY"])
def test_raw_formats_become_i420_however_long_their_rows_are(picture: Pixels, fourcc: str, padding: int) -> None:
    data, row_bytes = as_webcam_sends(picture, fourcc, padding)
    reader = PictureReader(Layout(fourcc, WIDTH, HEIGHT, row_bytes))
    for _ in range(2):
        read = reader.i420(data)
        assert read is not None
        assert read.shape == (HEIGHT * 3 // 2, WIDTH)
        assert np.array_equal(planes(read)[0], planes(picture)[0])
        assert np.abs(read.astype(int) - picture).max() <= 2


@pytest.mark.parametrize("fourcc", ["YU12", "NM12", "YUYV"])
def test_a_driver_need_not_send_the_last_rows_padding_but_all_else(picture: Pixels, fourcc: str) -> None:
    data, row_bytes = as_webcam_sends(picture, fourcc, 32)
    reader = PictureReader(Layout(fourcc, WIDTH, HEIGHT, row_bytes))
    unpadded = 16 if fourcc == "YU12" else 32
    assert reader.i420([*data[:-1], data[-1][:-unpadded]]) is not None
    assert reader.i420([*data[:-1], data[-1][: -unpadded - 1]]) is None


def test_a_driver_that_gives_no_row_length_means_rows_without_padding(picture: Pixels) -> None:
    read = PictureReader(Layout("YU12", WIDTH, HEIGHT, (0,))).i420([picture.tobytes()])
    assert np.array_equal(read, picture)


def test_pictures_do_not_share_their_memory(picture: Pixels) -> None:
    reader = PictureReader(Layout("YU12", WIDTH, HEIGHT, (WIDTH,)))
    first = reader.i420([picture.tobytes()])
    reader.i420([bytes(picture.size)])
    assert np.array_equal(first, picture)


@pytest.mark.parametrize("fourcc", ["YU12", "YUYV"])
def test_a_full_range_is_brought_into_video_range(fourcc: str) -> None:
    i420 = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
    i420[:HEIGHT, : WIDTH // 2] = 0
    i420[:HEIGHT, WIDTH // 2 :] = 255
    data, row_bytes = as_webcam_sends(i420, fourcc)
    read = PictureReader(Layout(fourcc, WIDTH, HEIGHT, row_bytes, full_range=True)).i420(data)
    assert read is not None
    assert np.median(read[:HEIGHT, : WIDTH // 2]) == 16
    assert np.median(read[:HEIGHT, WIDTH // 2 :]) == 235
    assert np.abs(read[HEIGHT:].astype(int) - 128).max() <= 1


def test_jpeg_is_brought_into_video_range() -> None:
    halves = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    halves[:, WIDTH // 2 :] = 255
    data = cv2.imencode(".jpg", halves)[1].tobytes()
    read = PictureReader(Layout("MJPG", WIDTH, HEIGHT, (0,))).i420([data])
    assert read is not None
    # ITU-R BT.601: black is 16 and white 235.
    assert np.median(read[:HEIGHT, : WIDTH // 2]) == 16
    assert np.median(read[:HEIGHT, WIDTH // 2 :]) == 235


NOISE = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
JPEG = cv2.imencode(".jpg", NOISE)[1].tobytes()


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff", bytes(500), JPEG[: len(JPEG) // 2], JPEG[: len(JPEG) * 9 // 10] + b"\xff\xd9"]
)
def test_a_damaged_jpeg_is_no_picture_and_the_next_one_is(data: bytes) -> None:
    reader = PictureReader(Layout("MJPG", WIDTH, HEIGHT, (0,)))
    assert reader.i420([data]) is None
    assert reader.i420([JPEG]) is not None


@pytest.mark.parametrize("data", [JPEG + bytes(700), JPEG[:-2], JPEG[:-2] + bytes(700)])
def test_a_jpeg_whose_end_mark_is_missing_or_followed_by_padding_is_whole(data: bytes) -> None:
    assert PictureReader(Layout("MJPG", WIDTH, HEIGHT, (0,))).i420([data]) is not None


def test_upside_down_turns_each_plane_by_180_degrees(picture: Pixels) -> None:
    for turned, plane in zip(planes(upside_down(picture)), planes(picture), strict=True):
        assert np.array_equal(turned, np.rot90(plane, 2))


class TestPace:
    @given(
        camera_rate=st.floats(2, 120),
        wanted=st.floats(1, 60),
        jitter=st.lists(st.integers(-2000, 2000), min_size=300, max_size=300),
    )
    def test_no_more_than_wanted_and_no_less_than_there_is(
        self, camera_rate: float, wanted: float, jitter: list[int]
    ) -> None:
        pace = Pace(wanted)
        times = [10**9 + round(n * 1e6 / camera_rate) + off for n, off in enumerate(jitter)]
        kept = [time for time in times if pace.keeps(time)]
        seconds = 299 / camera_rate
        expected = min(camera_rate, wanted) * seconds
        assert len(kept) <= wanted * seconds + 3
        assert len(kept) >= expected * 0.95 - 3

    def test_after_a_pause_it_does_not_catch_up(self) -> None:
        pace = Pace(10)
        assert pace.keeps(1_000_000)
        kept = [time for time in range(60_000_000, 60_500_000, 20_000) if pace.keeps(time)]
        assert len(kept) <= 7

    def test_jitter_costs_no_picture_of_a_camera_at_the_wanted_rate(self) -> None:
        pace = Pace(20)
        assert all(pace.keeps(n * 50_000 + (-8_000 if n % 2 else 8_000)) for n in range(1, 200))


class TestDriverClock:
    def test_a_driver_on_our_clock_is_believed(self) -> None:
        clock = DriverClock()
        assert clock.media_us(5_000_000, 5_040_000) == 5_000_000
        assert clock.media_us(5_050_000, 5_700_000) == 5_050_000

    def test_one_on_another_clock_is_shifted_and_keeps_its_intervals(self) -> None:
        clock = DriverClock()
        first = clock.media_us(1_700_000_000_000_000, 5_000_000)
        assert first == 5_000_000
        assert clock.media_us(1_700_000_000_050_000, 5_063_000) == 5_050_000

    def test_one_that_jumps_is_shifted_anew(self) -> None:
        clock = DriverClock()
        clock.media_us(5_000_000, 5_010_000)
        assert clock.media_us(900_000_000, 5_060_000) == 5_060_000

    def test_and_believed_again_when_it_comes_back(self) -> None:
        clock = DriverClock()
        clock.media_us(0, 5_000_000)
        assert clock.media_us(8_000_000, 8_010_000) == 8_000_000

    def test_without_a_time_it_is_now(self) -> None:
        assert DriverClock().media_us(None, 7) == 7


def test_the_kernels_structures_have_the_kernels_sizes() -> None:
    """The size is part of each request's number: these are those of linux/videodev2.h on 64-bit machines."""
    assert v4l2_structures.QUERYCAP == 0x80685600
    assert v4l2_structures.ENUM_FMT == 0xC0405602
    assert v4l2_structures.S_FMT == 0xC0D05605
    assert v4l2_structures.S_PARM == 0xC0CC5616
    assert v4l2_structures.S_CTRL == 0xC008561C
    assert v4l2_structures.QUERYCTRL == 0xC0445624
    assert v4l2_structures.ENUM_FRAMESIZES == 0xC02C564A
    assert v4l2_structures.ENUM_FRAMEINTERVALS == 0xC034564B
    assert v4l2_structures.REQBUFS == 0xC0145608
    assert v4l2_structures.QUERYBUF == 0xC0585609
    assert v4l2_structures.QBUF == 0xC058560F
    assert v4l2_structures.DQBUF == 0xC0585611
    assert ctypes.sizeof(v4l2_structures.Buffer) == 88
    assert ctypes.sizeof(v4l2_structures.Plane) == 64
    assert ctypes.sizeof(v4l2_structures.PlanesFormat) == 192


class NoSink:
    """For cameras that deliver nothing."""

    def access_unit(self, unit: object) -> None:
        raise AssertionError

    def frame(self, frame: object) -> None:
        raise AssertionError

    def frame_due(self, pts_us: int) -> bool:
        raise AssertionError

    def no_picture_yet(self, why: str) -> None:
        pass

    def keep_pace(self, stop: threading.Event) -> None:
        raise AssertionError


class TestWithoutACamera:
    def test_an_absent_device_is_away(self, tmp_path: Path) -> None:
        camera = V4l2Camera(str(tmp_path / "video0"), width=640, height=480, frame_rate=10)
        with pytest.raises(SourceAway, match="no camera at"):
            camera.run(NoSink(), threading.Event())

    def test_a_file_is_no_camera(self, tmp_path: Path) -> None:
        (tmp_path / "video0").write_bytes(b"film")
        camera = V4l2Camera(str(tmp_path / "video0"), width=640, height=480, frame_rate=10)
        descriptors = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            with pytest.raises(SourceUnusable, match="is no camera"):
                camera.run(NoSink(), threading.Event())
        assert len(os.listdir("/proc/self/fd")) == descriptors

    def test_a_quarter_turn_is_refused(self) -> None:
        with pytest.raises(ValueError, match="90"):
            V4l2Camera("/dev/video0", width=640, height=480, frame_rate=10, rotation=90)
