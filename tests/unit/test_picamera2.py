"""What the callbacks of picamera2 hand on, and what a machine without the library says.

The library itself runs in tests/picamera2.
"""

import contextlib
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pi_sec_cam.camera.picamera2 import Picamera2Camera
from pi_sec_cam.camera.picamera2_session import Session
from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.errors import SourceAway, SourceUnusable
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.encoder import H264Encoder
from pi_sec_cam.media.frame import Frame

WIDTH, HEIGHT = 64, 48
START_US = 1_000_000_000  # where a SimulatedClock begins


class Request:
    """A picture in both streams as picamera2 hands it over: rows padded to 96 bytes, times in nanoseconds."""

    def __init__(self, taken_us: int) -> None:
        self.streams = {"main": np.full((HEIGHT * 3 // 2, 96), 50, np.uint8), "lores": np.full((18, 96), 70, np.uint8)}
        self.taken_us = taken_us

    def get_metadata(self) -> dict[str, int]:
        return {"SensorTimestamp": self.taken_us * 1000 + 999}


@contextlib.contextmanager
def mapped(request: Request, stream: str) -> Iterator[SimpleNamespace]:
    yield SimpleNamespace(array=request.streams[stream])


class Sink:
    def __init__(self) -> None:
        self.units: list[AccessUnit] = []
        self.frames: list[Frame] = []
        self.due = True
        self.broken = False

    def access_unit(self, unit: AccessUnit) -> None:
        if self.broken:
            raise RuntimeError("a reader's fault")
        self.units.append(unit)

    def frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def frame_due(self, pts_us: int) -> bool:
        return self.due

    def no_picture_yet(self, why: str) -> None:
        pass

    def keep_pace(self, stop: threading.Event) -> None:
        raise AssertionError("a camera cannot wait")


@pytest.fixture
def sink() -> Sink:
    return Sink()


def session(sink: Sink, **changes: Any) -> Session:
    settings = {
        "epoch": 3,
        "frame_rate": 20,
        "main": (WIDTH, HEIGHT),
        "small": (16, 12),
        "planar": True,
        "overlay": None,
        "mapped": mapped,
        "clock": SimulatedClock(),
    }
    return Session(sink=sink, **{**settings, **changes})


def encoded(count: int, width: int = WIDTH) -> list[AccessUnit]:
    encoder = H264Encoder(width=width, height=HEIGHT, frame_rate=20, epoch=0)
    picture = np.full((HEIGHT * 3 // 2, width), 128, np.uint8)
    return [unit for n in range(count) for unit in encoder.encode(picture, n * 50_000)]


def test_units_carry_the_sensors_time_and_the_streams_description(sink: Sink) -> None:
    run = session(sink)
    for n, unit in enumerate(encoded(3)):
        run.encoded(unit.data, unit.keyframe, START_US - 40_000 + n * 50_000)
    assert run.fault is None
    assert [unit.pts_us for unit in sink.units] == [START_US - 40_000, START_US + 10_000, START_US + 60_000]
    assert [unit.dts_us for unit in sink.units] == [unit.pts_us for unit in sink.units]
    assert [unit.keyframe for unit in sink.units] == [True, False, False]
    info = sink.units[0].info
    assert (info.codec, info.width, info.height, info.epoch) == ("h264", WIDTH, HEIGHT, 3)
    assert (info.frame_rate, info.with_frames) == (20, True)
    assert sink.units[0].data.startswith(info.parameter_sets)
    assert all(unit.info is info for unit in sink.units)


def test_another_size_in_the_stream_is_another_description(sink: Sink) -> None:
    run = session(sink)
    for n, unit in enumerate(encoded(1) + encoded(1, width=96)):
        run.encoded(unit.data, unit.keyframe, START_US + n)
    assert [unit.info.width for unit in sink.units] == [WIDTH, 96]


def test_what_precedes_the_first_keyframe_is_left_out(sink: Sink) -> None:
    run = session(sink)
    for unit in encoded(2)[1:]:
        run.encoded(unit.data, unit.keyframe, START_US)
    assert (sink.units, run.units, run.fault) == ([], 0, None)


def test_a_sensor_on_another_clock_is_shifted_to_ours_for_frames_and_units_alike(sink: Sink) -> None:
    run = session(sink)
    run.picture(Request(77))
    unit = encoded(1)[0]
    run.encoded(unit.data, unit.keyframe, 77)
    assert sink.frames[0].pts_us == sink.units[0].pts_us == START_US


def test_a_frame_is_the_small_stream_without_padding_and_outlives_its_buffer(sink: Sink) -> None:
    request = Request(START_US)
    session(sink).picture(request)
    request.streams["lores"][:] = 0
    assert sink.frames[0].luma.shape == (12, 16)
    assert (sink.frames[0].luma == 70).all()
    assert sink.frames[0].pts_us == START_US


def test_no_frame_where_detection_wants_none(sink: Sink) -> None:
    sink.due = False
    session(sink).picture(Request(START_US))
    assert sink.frames == []


@pytest.mark.parametrize("planar", [True, False])
def test_the_overlay_goes_into_the_recording_and_not_into_detection(sink: Sink, planar: bool) -> None:
    request = Request(START_US)
    times: list[int] = []

    def overlay(pts_us: int) -> str:
        times.append(pts_us)
        return "X"

    session(sink, overlay=overlay, planar=planar).picture(request)
    assert times == [START_US]
    main = request.streams["main"]
    assert main[:20, :20].max() > 200
    assert (main[:HEIGHT, WIDTH:] == 50).all()  # the padding stays as it was
    assert (main[20:HEIGHT] == 50).all()
    u, v = main[HEIGHT:].reshape(2, HEIGHT // 2, 48)  # the planes as the sensor's hardware lays them out
    for colour in (u, v):
        assert (colour[:10, :10].max() > 110) == planar  # white letters have no colour
        assert (colour[12:] == 50).all()
        assert (colour[:, WIDTH // 2 :] == 50).all()
    assert (sink.frames[0].luma == 70).all()


def test_a_fault_in_a_callback_is_kept_and_never_raised(sink: Sink) -> None:
    sink.broken = True
    run = session(sink)
    unit = encoded(1)[0]
    run.encoded(unit.data, unit.keyframe, START_US)
    run.picture(None)
    assert isinstance(run.fault, RuntimeError)  # the first one


class TestWithoutTheLibrary:
    def test_not_installed_says_how_to_install_it(self, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "picamera2", None)
        with pytest.raises(SourceUnusable, match="not installed: install it with `sudo apt install python3-picamera2`"):
            Picamera2Camera(width=640, height=480, frame_rate=10).run(sink, threading.Event())

    def test_a_pi_without_a_camera_is_away(self, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
        library = SimpleNamespace(Picamera2=SimpleNamespace(global_camera_info=list))
        monkeypatch.setitem(sys.modules, "picamera2", library)
        with pytest.raises(SourceAway, match="ribbon cable"):
            Picamera2Camera(width=640, height=480, frame_rate=10).run(sink, threading.Event())

    def test_a_quarter_turn_is_refused(self) -> None:
        with pytest.raises(ValueError, match="90"):
            Picamera2Camera(width=640, height=480, frame_rate=10, rotation=90)
