"""What every camera promises (camera/protocol.py), tried on each that needs no hardware."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from pi_sec_cam.camera.protocol import Camera
from pi_sec_cam.camera.scene import SceneCamera
from pi_sec_cam.camera.stream import StreamCamera
from pi_sec_cam.media.picture import decode_picture
from tests.recording_sink import RecordingSink, Running, check_delivery
from tests.system.rtsp_camera import RtspCamera
from tests.unit import streams

PATIENCE_S = 20
PICTURES = 30


@dataclass
class Case:
    """One implementation.

    Attributes:
        camera: makes it; `at_end` "exit": one that comes to its end by itself after a second, where it can.
        in_real_time: media time runs with the clock.
    """

    camera: Callable[..., Camera]
    in_real_time: bool = True


def scene(folder: Path, resources: ExitStack) -> Case:
    return Case(partial(SceneCamera, width=320, height=180, frame_rate=15, duration_s=1, at_end="loop"))


def fast_scene(folder: Path, resources: ExitStack) -> Case:
    slow = scene(folder, resources)
    return Case(partial(slow.camera, pace="fast"), in_real_time=False)


def file(folder: Path, resources: ExitStack) -> Case:
    clip = folder / "clip.mp4"
    clip.write_bytes(streams.encoded(seconds=1, b_frames=2))
    return Case(partial(StreamCamera, str(clip)))


def fast_file(folder: Path, resources: ExitStack) -> Case:
    slow = file(folder, resources)
    return Case(partial(slow.camera, pace="fast"), in_real_time=False)


def rtsp(folder: Path, resources: ExitStack) -> Case:
    return Case(partial(StreamCamera, resources.enter_context(RtspCamera()).url()))


def rtsp_to_be_encoded(folder: Path, resources: ExitStack) -> Case:
    return Case(partial(StreamCamera, resources.enter_context(RtspCamera("--codec", "mjpeg")).url()))


WITH_AN_END = [scene, fast_scene, file, fast_file]


@pytest.fixture(params=[*WITH_AN_END, rtsp, rtsp_to_be_encoded], ids=lambda make: make.__name__)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    with ExitStack() as resources:
        yield request.param(tmp_path, resources)


def watch(camera: Camera, sink: RecordingSink) -> Running:
    """Run until the sink is full."""
    with Running(camera, sink) as running:
        assert sink.full.wait(PATIENCE_S), running.error
    return running


def test_every_promise(case: Case) -> None:
    camera = case.camera()
    sink = RecordingSink(lambda sink: len(sink.units) >= PICTURES)
    opened_us = time.monotonic_ns() // 1000
    running = watch(camera, sink)
    units = sink.units
    check_delivery(units)

    assert running.error is None, "a stop is no failure"
    assert running.stopped_in < 1
    count = len(units)
    time.sleep(0.2)
    assert len(units) == count, "nothing comes after the end of the run"

    assert units[-1].info.epoch == 0
    assert units[0].pts_us > opened_us - 2_000_000, "media time is monotonic time"
    if case.in_real_time:
        late_us = [arrival * 1e6 - unit.dts_us for arrival, unit in zip(sink.arrivals, units, strict=True)]
        assert all(-100_000 < late < 300_000 for late in late_us[20:])
    else:
        assert sink.paced >= PICTURES - 1, "whoever is faster than real time asks whether readers follow"

    if units[0].info.with_frames:
        # Detection may get its frame before or after the picture was encoded.
        given, encoded = {frame.pts_us for frame in sink.frames}, {unit.pts_us for unit in units}
        assert len(given ^ encoded) <= 1
        assert all(frame.luma.ndim == 2 and frame.luma.dtype == "uint8" for frame in sink.frames)
    else:
        assert sink.frames == []

    picture = decode_picture(units, units[-1].pts_us)
    assert picture is not None
    assert picture.shape == (units[0].info.height, units[0].info.width, 3)

    assert json.loads(json.dumps(camera.describe())) == camera.describe()
    assert camera.label
    assert camera.kind in {"scene", "stream"}


def test_another_run_is_another_epoch_and_goes_on_in_time(case: Case) -> None:
    camera = case.camera()
    sink = RecordingSink(lambda sink: len(sink.units) >= 3)
    watch(camera, sink)
    first = len(sink.units)
    sink.full.clear()
    watch(camera, sink)
    check_delivery(sink.units)
    assert [unit.info.epoch for unit in sink.units] == [0] * first + [1] * (len(sink.units) - first)
    assert sink.units[first].keyframe


@pytest.mark.parametrize("case", WITH_AN_END, indirect=True, ids=lambda make: make.__name__)
def test_an_end_is_a_return(case: Case) -> None:
    camera = case.camera(at_end="exit")
    sink = RecordingSink()
    with Running(camera, sink) as running:
        running.join(PATIENCE_S)
    assert running.error is None
    check_delivery(sink.units)
    times = [unit.pts_us for unit in sink.units]
    interval_us = (max(times) - min(times)) / (len(times) - 1)
    assert max(times) - min(times) + interval_us == pytest.approx(1_000_000, rel=0.01)
