"""The camera backend `scene`: what it delivers, when, and how it ends."""

import threading

import av
import numpy as np
import pytest

from pi_sec_cam.camera.protocol import Camera
from pi_sec_cam.camera.scene import SceneCamera, SceneSettings
from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.frame import Frame
from tests.recording_sink import check_delivery


class Listener:
    """A sink that wants five frames a second, and may take its time or ask to stop."""

    def __init__(
        self, clock: SimulatedClock, stop: threading.Event, *, stop_after: int = 0, takes_s: float = 0
    ) -> None:
        self.units: list[AccessUnit] = []
        self.frames: list[Frame] = []
        self.copies: list[np.ndarray[tuple[int, int], np.dtype[np.uint8]]] = []
        self.paced = 0
        self._clock, self._stop, self._stop_after, self._takes_s = clock, stop, stop_after, takes_s
        self._next_us = 0

    def access_unit(self, unit: AccessUnit) -> None:
        self.units.append(unit)
        self._clock.advance(self._takes_s)
        if len(self.units) == self._stop_after:
            self._stop.set()

    def frame(self, frame: Frame) -> None:
        assert self.units[-1].pts_us == frame.pts_us, "the picture is in the ring before anyone looks at it"
        self.frames.append(frame)
        self.copies.append(frame.luma.copy())

    def frame_due(self, pts_us: int) -> bool:
        if pts_us < self._next_us:
            return False
        self._next_us = pts_us + 200_000
        return True

    def no_picture_yet(self, why: str) -> None:
        pass

    def keep_pace(self, stop: threading.Event) -> None:
        assert stop is self._stop
        self.paced += 1


class SteppingStop(threading.Event):
    """A stop event whose waiting moves the simulated clock instead of taking time."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__()
        self._clock = clock
        self.waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        assert timeout < 0.5
        self.waits += 1
        self._clock.advance(timeout)
        return self.is_set()


def run(camera: SceneCamera, clock: SimulatedClock, **listening: float) -> Listener:
    stop = SteppingStop(clock)
    sink = Listener(clock, stop, **listening)  # type: ignore[arg-type]
    camera.run(sink, stop)
    return sink


def make(clock: SimulatedClock, **values: object) -> SceneCamera:
    given = {"width": 160, "height": 120, "frame_rate": 10, "pace": "fast", "duration_s": 3.5, "clock": clock, **values}
    return SceneCamera(**given)  # type: ignore[arg-type]


def test_it_is_a_camera() -> None:
    camera: Camera = make(SimulatedClock())
    assert camera.kind == "scene"
    assert "day" in camera.label


def test_played_fast_it_delivers_every_picture_and_ends() -> None:
    clock = SimulatedClock()
    began_us = clock.monotonic_us()
    sink = run(make(clock), clock)
    assert [u.pts_us for u in sink.units] == [began_us + i * 100_000 for i in range(35)]
    assert [i for i, u in enumerate(sink.units) if u.keyframe] == [0, 10, 20, 30]
    assert clock.monotonic_us() == began_us, "a fast source waits for nothing but its readers"
    check_delivery(sink.units)


def test_the_stream_says_what_it_is() -> None:
    clock = SimulatedClock()
    info = run(make(clock, width=320, height=180), clock).units[0].info
    assert (info.codec, info.width, info.height, info.frame_rate, info.with_frames) == ("h264", 320, 180, 10, True)


def test_detection_gets_a_frame_whenever_it_is_due() -> None:
    clock = SimulatedClock()
    sink = run(make(clock), clock)
    assert [f.pts_us for f in sink.frames] == [u.pts_us for u in sink.units[::2]]
    assert sink.paced == len(sink.frames)
    assert all(f.luma.shape == (120, 160) and f.luma.dtype == np.uint8 for f in sink.frames)
    assert all(np.array_equal(f.luma, copy) for f, copy in zip(sink.frames, sink.copies, strict=True))


@pytest.mark.parametrize(
    ("size", "luma"), [((800, 450), (360, 640)), ((640, 480), (360, 480)), ((322, 182), (182, 322))]
)
def test_frames_for_detection_are_small(size: tuple[int, int], luma: tuple[int, int]) -> None:
    clock = SimulatedClock()
    sink = run(make(clock, width=size[0], height=size[1], duration_s=0.2), clock)
    assert sink.frames[0].luma.shape == luma


def test_frames_show_what_the_scene_shows() -> None:
    clock = SimulatedClock()
    camera = make(clock, duration_s=1)
    sink = run(camera, clock)
    assert np.array_equal(sink.frames[1].luma, camera.scene.render(2)[:120])


def test_the_overlay_is_in_the_video_but_not_in_the_frames() -> None:
    clock = SimulatedClock()
    asked: list[int] = []

    def text(pts_us: int) -> str:
        asked.append(pts_us)
        return f"Yard {pts_us // 100_000 % 10}"

    values = {"width": 320, "height": 180, "duration_s": 1.0, "settings": SceneSettings(light="night")}
    plain, written = run(make(clock, **values), clock), run(make(clock, **values, overlay=text), clock)
    assert asked == [u.pts_us for u in written.units]
    assert all(np.array_equal(a.luma, b.luma) for a, b in zip(plain.frames, written.frames, strict=True))
    with_text, without = decoded(written.units)[0], decoded(plain.units)[0]
    changed = np.abs(with_text.astype(int) - without) > 60
    assert changed[:24, :100].sum() > 50
    assert not changed[40:].any()


def test_each_run_is_a_new_epoch_that_begins_with_a_keyframe_and_the_same_story() -> None:
    clock = SimulatedClock()
    camera = make(clock, duration_s=0.5)
    first, second = run(camera, clock), run(camera, clock)
    assert first.units[0].info.epoch != second.units[0].info.epoch
    assert second.units[0].keyframe
    assert [u.data for u in first.units] == [u.data for u in second.units]


def test_at_its_end_it_may_begin_again() -> None:
    clock = SimulatedClock()
    sink = run(make(clock, duration_s=0.6, at_end="loop"), clock, stop_after=18)
    assert len(sink.units) == 18
    assert [u.pts_us - sink.units[0].pts_us for u in sink.units] == [i * 100_000 for i in range(18)]
    assert np.array_equal(sink.frames[0].luma, sink.frames[3].luma)
    assert not np.array_equal(sink.frames[0].luma, sink.frames[1].luma)


def test_it_stops_when_told() -> None:
    clock = SimulatedClock()
    sink = run(make(clock, duration_s=None), clock, stop_after=7)
    assert len(sink.units) == 7


def test_in_real_time_it_waits_for_each_pictures_time() -> None:
    clock = SimulatedClock()
    camera = make(clock, pace="realtime", duration_s=2)
    began_us = clock.monotonic_us()
    sink = run(camera, clock)
    assert [u.pts_us - began_us for u in sink.units] == [i * 100_000 for i in range(20)]
    assert clock.monotonic_us() - began_us == pytest.approx(1_900_000, abs=100)
    assert sink.paced == 0
    assert camera.describe()["skipped"] == 0


def test_in_real_time_it_skips_and_counts_what_it_cannot_draw_in_time() -> None:
    clock = SimulatedClock()
    camera = make(clock, pace="realtime", duration_s=3)
    began_us = clock.monotonic_us()
    sink = run(camera, clock, takes_s=0.25)
    told = camera.describe()
    assert told["pictures"] == len(sink.units)
    assert len(sink.units) + int(str(told["skipped"])) == 30
    assert 10 <= len(sink.units) <= 16
    late = [(began_us + 250_000 * (i + 1)) - u.pts_us for i, u in enumerate(sink.units)]
    assert max(late) < 500_000, "it does not fall behind"
    check_delivery(sink.units)


def test_it_tells_status_its_numbers() -> None:
    clock = SimulatedClock()
    camera = make(clock, settings=SceneSettings(light="dusk"))
    run(camera, clock)
    assert camera.describe() == {
        "width": 160,
        "height": 120,
        "frame_rate": 10,
        "codec": "h264",
        "light": "dusk",
        "pictures": 35,
        "skipped": 0,
    }


def test_a_size_that_cannot_be_drawn_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="161x120"):
        make(SimulatedClock(), width=161)


def decoded(units: list[AccessUnit]) -> list[np.ndarray[tuple[int, int], np.dtype[np.uint8]]]:
    """The luma planes of some units, by FFmpeg."""
    context = av.CodecContext.create("h264", "r")
    frames = [frame for unit in units for frame in context.decode(av.Packet(unit.data))] + context.decode(None)
    return [frame.to_ndarray(format="gray") for frame in frames]
