"""A camera is started again for as long as the supervisor lives; its end, its silence and its errors are told apart."""

import queue
import threading
from collections.abc import Callable, Iterator
from random import Random

import pytest

from pi_sec_cam.backoff import Backoff
from pi_sec_cam.camera import supervisor
from pi_sec_cam.camera.protocol import Sink
from pi_sec_cam.camera.source_health import SourceState
from pi_sec_cam.camera.supervisor import CameraSupervisor
from pi_sec_cam.clock import Clock, SimulatedClock, SystemClock
from pi_sec_cam.errors import SourceAway, SourceUnusable
from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo
from pi_sec_cam.media.frame import Frame
from tests.unit import streams

PATIENCE_S = 10

Run = Callable[[Sink, threading.Event], None]


@pytest.fixture(autouse=True)
def looks_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is simulated, and how often a thread looks at it is not."""
    monkeypatch.setattr(supervisor, "_POLL_S", 0.01)
    monkeypatch.setattr(supervisor, "_LIVE_POLL_S", 0.01)


class ScriptedCamera:
    """A camera whose runs do one thing after the other; the last one is repeated. One of them may be `hang`."""

    kind = "scripted"
    label = "the scripted camera"

    def __init__(self, *runs: Run) -> None:
        self._runs = list(runs)
        self.started = threading.Semaphore(0)
        self.released, self.over = threading.Event(), threading.Semaphore(0)  # of the runs that hang
        self.running = 0

    def run(self, sink: Sink, stop: threading.Event) -> None:
        run = self._runs.pop(0) if len(self._runs) > 1 else self._runs[0]
        if run is hang:
            self.started.release()
            self._hang(sink)
            return
        self.running += 1
        assert self.running == 1, "two runs at once"
        self.started.release()
        try:
            run(sink, stop)
        finally:
            self.running -= 1

    def _hang(self, sink: Sink) -> None:
        """What a driver does that no stop reaches; at last it delivers, too late."""
        self.released.wait(10 * PATIENCE_S)
        deliver(sink, self.released)
        self.over.release()

    def describe(self) -> dict[str, object]:
        return {"lens": "made of text"}


class RecordingSink:
    def __init__(self) -> None:
        self.units: list[AccessUnit] = []
        self.blocked = threading.Event()

    def access_unit(self, unit: AccessUnit) -> None:
        self.units.append(unit)

    def frame(self, frame: Frame) -> None:
        pass

    def frame_due(self, pts_us: int) -> bool:
        return False

    def no_picture_yet(self, why: str) -> None:
        pass

    def keep_pace(self, stop: threading.Event) -> None:
        self.blocked.set()
        stop.wait(PATIENCE_S)


class Supervised:
    """A supervisor and what it said."""

    def __init__(self, camera: ScriptedCamera, clock: Clock | None = None) -> None:
        self.camera = camera
        self.sink = RecordingSink()
        self.states: queue.Queue[SourceState] = queue.Queue()
        self.ends = 0
        self.supervisor = CameraSupervisor(
            camera,
            self.sink,
            name="supervisor",
            clock=clock or SystemClock(),
            on_state=self.states.put,
            on_end=self._end,
            backoff=Backoff(first=0.001, cap=0.002, chance=Random(1)),
            unusable_wait=0.001,
        )
        self.supervisor.start()
        self.expect("connecting")

    def _end(self) -> None:
        self.ends += 1

    def expect(self, *states: SourceState) -> None:
        for state in states:
            assert self.states.get(timeout=PATIENCE_S) == state

    def await_runs(self, count: int) -> None:
        for _ in range(count):
            assert self.camera.started.acquire(timeout=PATIENCE_S)


Supervise = Callable[..., Supervised]


@pytest.fixture
def supervise() -> Iterator[Supervise]:
    made: list[Supervised] = []

    def start(*runs: Run, clock: Clock | None = None) -> Supervised:
        made.append(Supervised(ScriptedCamera(*runs), clock))
        return made[-1]

    yield start
    for supervised in made:
        supervised.camera.released.set()
        supervised.supervisor.stop()
        assert supervised.supervisor.join(PATIENCE_S)


def deliver(sink: Sink, stop: threading.Event) -> None:
    info = StreamInfo("h264", 160, 96, b"", frame_rate=25.0)
    sink.access_unit(AccessUnit(b"", streams.BASE_US, streams.BASE_US, True, info))


def deliver_on(sink: Sink, stop: threading.Event) -> None:
    deliver(sink, stop)
    stop.wait()


def be_away(sink: Sink, stop: threading.Event) -> None:
    raise SourceAway("it is away")


def be_unusable(sink: Sink, stop: threading.Event) -> None:
    raise SourceUnusable("it is not video")


def break_off(sink: Sink, stop: threading.Event) -> None:
    deliver(sink, stop)
    raise SourceAway("it broke off")


def hang(sink: Sink, stop: threading.Event) -> None:
    """Stands for `ScriptedCamera._hang`."""


def run_on(clock: SimulatedClock, done: Callable[[], bool]) -> None:
    """Let time fly until it is done."""
    for _ in range(100 * PATIENCE_S):
        if done():
            return
        clock.advance(1)
        threading.Event().wait(0.01)
    raise AssertionError("never done")


def test_comes_back_after_any_trouble(supervise: Supervise) -> None:
    supervised = supervise(be_away, be_away, be_unusable, break_off, deliver_on)
    supervised.expect("away", "unusable", "live", "away", "live")
    supervised.await_runs(5)
    assert len(supervised.sink.units) == 2
    assert supervised.ends == 0


def test_an_end_of_its_own_is_no_trouble(supervise: Supervise) -> None:
    supervised = supervise(deliver)
    assert supervised.supervisor.join(PATIENCE_S)
    supervised.expect("live", "ended")
    assert (supervised.supervisor.ended, supervised.supervisor.trouble(), supervised.ends) == (True, None, 1)


def test_a_stop_ends_the_run_and_is_no_end_of_the_source(supervise: Supervise) -> None:
    supervised = supervise(deliver_on)
    supervised.expect("live")
    supervised.supervisor.stop()
    assert supervised.supervisor.join(PATIENCE_S)
    supervised.expect("stopped")
    assert (supervised.supervisor.ended, supervised.ends) == (False, 0)


def test_a_stop_ends_the_wait_between_attempts(supervise: Supervise) -> None:
    clock = SimulatedClock()  # never moves: the wait would last for ever
    supervised = supervise(be_away, clock=clock)
    supervised.expect("away")
    supervised.supervisor.stop()
    assert supervised.supervisor.join(PATIENCE_S)


def test_a_silent_source_is_started_anew_and_cannot_deliver_any_more(supervise: Supervise) -> None:
    clock = SimulatedClock()
    late: list[Sink] = []

    def fall_silent(sink: Sink, stop: threading.Event) -> None:
        deliver(sink, stop)
        stop.wait()
        deliver(sink, stop)
        late.append(sink)

    supervised = supervise(fall_silent, deliver_on, clock=clock)
    supervised.await_runs(1)
    supervised.expect("live")
    clock.advance(6)
    supervised.expect("stalled")
    while not supervised.camera.started.acquire(timeout=0.01):
        clock.advance(1)
    supervised.expect("live")
    assert late
    assert len(supervised.sink.units) == 2, "one before the silence, one after it"


def test_a_source_that_opens_and_gives_no_picture_is_started_anew(supervise: Supervise) -> None:
    clock = SimulatedClock()

    def open_in_vain(sink: Sink, stop: threading.Event) -> None:
        stop.wait()

    supervised = supervise(open_in_vain, deliver_on, clock=clock)
    supervised.await_runs(1)
    assert supervised.supervisor.trouble() is None
    clock.advance(16)
    supervised.expect("stalled")
    assert "no picture" in (supervised.supervisor.trouble() or "")
    while not supervised.camera.started.acquire(timeout=0.01):
        clock.advance(1)
    supervised.expect("live")
    assert supervised.supervisor.trouble() is None


def test_a_stream_that_begins_in_the_middle_of_a_long_gop_is_not_started_anew(supervise: Supervise) -> None:
    clock = SimulatedClock()

    def send_no_keyframe(sink: Sink, stop: threading.Event) -> None:
        for _ in range(30):
            clock.advance(1)
            sink.no_picture_yet("sends no keyframe")
            stop.wait(0.01)
        deliver_on(sink, stop)

    supervised = supervise(send_no_keyframe, clock=clock)
    supervised.expect("live")
    assert supervised.supervisor.status()["attempts"] == 1


def test_what_cannot_be_used_is_no_sign_of_life_of_a_source_that_was_live(supervise: Supervise) -> None:
    clock = SimulatedClock()

    def send_rubbish_at_last(sink: Sink, stop: threading.Event) -> None:
        deliver(sink, stop)
        while not stop.is_set():
            sink.no_picture_yet("sends no keyframe")
            stop.wait(0.01)

    supervised = supervise(send_rubbish_at_last, clock=clock)
    supervised.expect("live")
    clock.advance(6)
    supervised.expect("stalled")


def test_a_source_that_is_held_back_by_its_readers_is_not_silent(supervise: Supervise) -> None:
    clock = SimulatedClock()

    def play_fast(sink: Sink, stop: threading.Event) -> None:
        deliver(sink, stop)
        sink.keep_pace(stop)

    supervised = supervise(play_fast, clock=clock)
    supervised.expect("live")
    assert supervised.sink.blocked.wait(PATIENCE_S)
    before_us = supervised.supervisor.advanced_us
    clock.advance(60)
    while supervised.supervisor.advanced_us == before_us:  # it has looked again
        threading.Event().wait(0.01)
    assert supervised.supervisor.state == "live"


def test_an_error_of_ours_is_shown_and_tried_again(supervise: Supervise, caplog: pytest.LogCaptureFixture) -> None:
    def fail(sink: Sink, stop: threading.Event) -> None:
        raise ZeroDivisionError

    supervised = supervise(fail, deliver_on)
    supervised.expect("unusable", "live")
    assert any(record.exc_info for record in caplog.records), "with its traceback"


def test_status_is_of_plain_values(supervise: Supervise) -> None:
    supervised = supervise(break_off, deliver_on)
    supervised.expect("live", "away", "live")
    status = supervised.supervisor.status()
    assert status["state"] == "live"
    assert (status["pictures"], status["attempts"], status["source"]) == (2, 2, {"lens": "made of text"})
    age = status["last_picture_age"]
    assert isinstance(age, float)
    assert 0 <= age < PATIENCE_S


def test_a_camera_that_hangs_is_left_behind_and_opened_anew(supervise: Supervise) -> None:
    clock = SimulatedClock()
    supervised = supervise(hang, deliver_on, clock=clock)
    supervised.await_runs(1)
    clock.advance(16)
    supervised.expect("stalled")
    clock.advance(9)
    assert not supervised.camera.started.acquire(timeout=0.3)
    assert supervised.supervisor.status()["wedged_runs"] == 0, "it has ten seconds to stop"
    run_on(clock, lambda: supervised.supervisor.status()["wedged_runs"] == 1)
    run_on(clock, lambda: supervised.camera.started.acquire(blocking=False))
    supervised.expect("live")
    supervised.camera.released.set()
    assert supervised.camera.over.acquire(timeout=PATIENCE_S)
    assert len(supervised.sink.units) == 1, "what comes too late is ignored"
    assert (supervised.supervisor.trouble(), supervised.supervisor.given_up) == (None, None)
    assert supervised.supervisor.status()["wedged_runs"] == 1


def test_gives_up_when_eight_runs_hang_whatever_came_in_between(supervise: Supervise) -> None:
    clock = SimulatedClock()
    supervised = supervise(*[hang, break_off] * 8, deliver_on, clock=clock)
    run_on(clock, lambda: not supervised.supervisor.alive)
    assert supervised.supervisor.status()["wedged_runs"] == 8
    assert supervised.supervisor.given_up is not None


@pytest.mark.parametrize("later", [hang, be_away], ids=["hangs again", "cannot be opened beside what hangs"])
def test_gives_up_when_three_runs_in_a_row_come_to_nothing(supervise: Supervise, later: Run) -> None:
    clock = SimulatedClock()
    supervised = supervise(hang, later, clock=clock)
    run_on(clock, lambda: not supervised.supervisor.alive)
    given_up = supervised.supervisor.given_up
    assert given_up is not None
    assert supervised.camera.label in given_up
    assert "The program ends" in given_up
    assert (supervised.supervisor.state, supervised.supervisor.trouble()) == ("wedged", given_up)
    supervised.await_runs(3)
    assert not supervised.camera.started.acquire(blocking=False)
    assert (supervised.supervisor.ended, supervised.ends) == (False, 0)


def test_a_picture_in_between_lets_it_go_on(supervise: Supervise) -> None:
    clock = SimulatedClock()
    supervised = supervise(hang, hang, break_off, hang, be_away, deliver_on, clock=clock)
    for _ in range(6):
        run_on(clock, lambda: supervised.camera.started.acquire(blocking=False))
    supervised.expect("stalled", "live", "away", "stalled", "away", "live")
    assert supervised.supervisor.given_up is None


def test_attempts_that_fail_after_what_hung_has_ended_are_no_reason_to_give_up(supervise: Supervise) -> None:
    clock = SimulatedClock()
    supervised = supervise(hang, *[be_away] * 4, deliver_on, clock=clock)
    run_on(clock, lambda: supervised.supervisor.status()["wedged_runs"] == 1)
    supervised.camera.released.set()
    assert supervised.camera.over.acquire(timeout=PATIENCE_S)
    for _ in range(6):
        run_on(clock, lambda: supervised.camera.started.acquire(blocking=False))
    supervised.expect("stalled", "away", "live")


@pytest.mark.parametrize("stalled", [False, True])
def test_a_stop_does_not_wait_long_for_a_camera_that_hangs(supervise: Supervise, stalled: bool) -> None:
    clock = SimulatedClock()
    supervised = supervise(hang, clock=clock)
    supervised.await_runs(1)
    if stalled:
        clock.advance(16)
        supervised.expect("stalled")
    supervised.supervisor.stop()
    assert not supervised.supervisor.join(0.3)
    clock.advance(1.6)
    assert supervised.supervisor.join(PATIENCE_S)
    supervised.expect("stopped")
