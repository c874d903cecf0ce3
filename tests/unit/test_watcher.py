"""The watcher: every frame is looked at, listeners are told, and events end when the pictures do."""

import json
import logging

import numpy as np
import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.media.frame import Frame, FrameSlot
from pi_sec_cam.motion.detector import Detector, Motion
from pi_sec_cam.motion.event import Area, EventEnded, EventMachine, EventStarted
from pi_sec_cam.motion.watcher import Watcher

LUMA = np.zeros((90, 160), np.uint8)
HERE = (Area(0.25, 0.5, 0.125, 0.25),)


class Script:
    """A detector that finds what it is told to: movement in the given seconds of media time."""

    def __init__(self, *movements):
        self.movements = movements
        self.rebased = 0

    def look(self, luma, pts_us):
        for begin, end in self.movements:
            if begin * 1e6 <= pts_us <= end * 1e6:
                return Motion(HERE, round(begin * 1e6), 0.02)
        return Motion(light_change=pts_us == 1_000_000)

    def rebase(self):
        self.rebased += 1


class Source:
    """A slot whose frames come by the simulated clock: nothing waits in real time.

    `frames` are the seconds of media time of each frame; None is half a second without one.
    """

    def __init__(self, clock, frames, at_end=lambda: None, at_gap=lambda: None):
        self.clock, self.frames, self.at_end, self.at_gap = clock, list(frames), at_end, at_gap
        self.finished = False
        self.dropped = 0
        self.number = 0
        self.dealt_with = []

    def take(self, after, seconds):
        if not self.frames:
            self.at_end()
            self.finished = True
            return None
        seconds_of_media = self.frames.pop(0)
        if seconds_of_media is None:
            self.clock.advance(seconds)
            self.at_gap()
            return None
        self.clock.advance(0.2)
        self.number = after + 1
        return self.number, Frame(LUMA, round(seconds_of_media * 1e6))

    def done(self, number):
        self.dealt_with.append(number)


def every_fifth(begin, end):
    return [round(k / 5, 1) for k in range(round(begin * 5), round(end * 5))]


def machine():
    return EventMachine(rec_sec_before=2, rec_sec_after=3, max_event_time=20)


class Play:
    """A watcher that has run through the frames."""

    def __init__(self, frames, *movements, stop=False, pause=False, listeners=None, **settings):
        self.clock, self.detector, self.told = SimulatedClock(), Script(*movements), []
        self.source = Source(
            self.clock,
            frames,
            at_end=lambda: self.watcher.stop() if stop else None,
            at_gap=lambda: self.watcher.pause() if pause else None,
        )
        self.watcher = Watcher(
            "watch front",
            slot=self.source,
            detector=self.detector,
            machine=machine(),
            listeners=listeners or [self.told.append],
            clock=self.clock,
            **settings,
        )
        self.watcher.work()


def test_tells_when_an_event_begins_and_ends():
    play = Play(every_fifth(0, 20), (5, 8))
    assert play.told == [
        EventStarted(1, 5_000_000, 3_000_000, HERE, None, 5_400_000),
        EventEnded(1, 8_000_000, 11_000_000, "rest"),
    ]


def test_every_listener_is_told_in_order():
    first, second = [], []
    Play(every_fifth(0, 20), (5, 8), listeners=[first.append, second.append])
    assert first == second
    assert len(first) == 2


def test_says_that_each_frame_was_dealt_with():
    play = Play(every_fifth(0, 10))
    assert play.source.dealt_with == list(range(1, 51))


def test_a_source_that_ends_ends_the_event():
    play = Play(every_fifth(0, 10), (5, 8))
    assert play.told[-1] == EventEnded(1, 8_000_000, 9_800_000, "source_ended")


def test_a_pause_ends_the_event_and_watching_goes_on():
    play = Play([*every_fifth(0, 6), None, *every_fifth(60, 70)], (5, 8), (62, 64), pause=True)
    ends = [(event.reason, event.clip_to_pts_us) for event in play.told if isinstance(event, EventEnded)]
    assert ends == [("stopped", 5_800_000), ("rest", 67_000_000)]
    assert play.detector.rebased == 1


def test_nothing_counts_before_the_camera_has_settled():
    assert not Play(every_fifth(0, 10), (0, 2.8), settle_seconds=3).told
    started = Play(every_fifth(0, 10), (0, 5), settle_seconds=3).told[0]
    assert (started.trigger_pts_us, started.decided_pts_us) == (3_000_000, 3_400_000)


def test_after_a_pause_the_camera_has_to_settle_again():
    play = Play([*every_fifth(0, 6), None, *every_fifth(60, 70)], (60, 64), pause=True, settle_seconds=3)
    assert play.told[0].trigger_pts_us == 63_000_000


def test_a_stop_ends_the_event():
    play = Play(every_fifth(0, 10), (5, 8), stop=True)
    assert play.told[-1] == EventEnded(1, 8_000_000, 9_800_000, "stopped")


class TestStall:
    def test_ends_the_event_at_the_last_picture(self):
        play = Play([*every_fifth(0, 9), *[None] * 11, *every_fifth(20, 22)], (5, 8))
        assert play.told[1] == EventEnded(1, 8_000_000, 8_800_000, "source_lost")
        assert play.watcher.describe()["state"] == "armed"

    def test_what_comes_afterwards_is_compared_with_itself(self):
        play = Play([*every_fifth(0, 9), *[None] * 11, *every_fifth(20, 22)], (5, 8))
        assert play.detector.rebased == 1

    def test_is_counted_from_the_last_picture(self):
        play = Play([*every_fifth(0, 7), *[None] * 9, *every_fifth(7, 9), *[None] * 9, *every_fifth(9, 20)], (5, 8))
        assert [change.reason for change in play.told[1:]] == ["rest"]

    def test_lasts_as_long_as_said(self):
        play = Play([*every_fifth(0, 9), *[None] * 4], (5, 8), stall_seconds=2)
        assert play.told[1].reason == "source_lost"

    def test_without_an_event_is_nothing(self):
        play = Play([*every_fifth(0, 4), *[None] * 100, *every_fifth(4, 20)], (5, 8))
        assert [type(change) for change in play.told] == [EventStarted, EventEnded]
        assert play.detector.rebased == 0


def test_a_cut_takes_a_new_base():
    play = Play(every_fifth(0, 40), (5, 30))
    assert play.told[1].reason == "max_time"
    assert play.detector.rebased == 1


def test_a_listener_that_fails_is_reported_and_harms_nobody(caplog):
    told = []

    def broken(change):
        raise KeyError("no such thing")

    with caplog.at_level(logging.ERROR):
        play = Play(every_fifth(0, 20), (5, 8), listeners=[broken, told.append])
    assert len(told) == 2
    assert play.watcher.describe()["listener_faults"] == 2
    assert "watch front" in caplog.text
    assert "no such thing" in caplog.text


def test_progress_is_shown_with_and_without_pictures():
    play = Play([*every_fifth(0, 2), *[None] * 4])
    assert play.clock.monotonic_us() - play.watcher.advanced_us < 1_000_000


def test_what_differs_without_moving_is_no_movement():
    clock = SimulatedClock()
    detector = Script()
    detector.look = lambda luma, pts_us: Motion(HERE, None, 0.02)
    watcher = Watcher("w", slot=Source(clock, every_fifth(0, 2)), detector=detector, machine=machine(), clock=clock)
    watcher.work()
    assert watcher.describe()["last_motion_pts_us"] is None
    assert watcher.describe()["events"] == 0


def test_describes_itself_in_plain_values():
    play = Play(every_fifth(0, 9), (5, 7), stop=True)
    play.source.dropped = 3
    described = play.watcher.describe()
    assert json.loads(json.dumps(described)) == described
    assert described == {
        "state": "armed",
        "frames": 45,
        "frames_dropped": 3,
        "events": 1,
        "light_changes": 1,
        "listener_faults": 0,
        "last_pts_us": 8_800_000,
        "last_motion_pts_us": 7_000_000,
        "areas": [],
    }


def test_shows_what_moves_now():
    clock, shown = SimulatedClock(), []
    watcher = Watcher(
        "w",
        slot=Source(clock, every_fifth(0, 6)),
        detector=Script((5, 8)),
        machine=machine(),
        listeners=[lambda change: shown.append(watcher.describe())],
        clock=clock,
    )
    watcher.work()
    assert shown[0]["areas"] == [[0.25, 0.5, 0.125, 0.25]]
    assert shown[0]["state"] == "active"
    assert shown[0]["events"] == 1


def test_is_alert_from_the_first_movement_to_the_end_of_the_event():
    clock, alert = SimulatedClock(), {}
    source = Source(clock, every_fifth(0, 20))
    watcher = Watcher("w", slot=source, detector=Script((2, 2.2), (5, 8)), machine=machine(), clock=clock)
    source.done = lambda number: alert.update({number - 1: watcher.alert})
    watcher.work()
    # A movement that is over before it makes an event; one that makes an event, with its post-roll of three seconds.
    assert [at / 5 for at, yes in alert.items() if yes] == [2.0, 2.2, *every_fifth(5, 11)]


@pytest.mark.parametrize("ends", ["finish", "stop"])
def test_runs_in_its_thread_with_a_real_slot(ends):
    slot, told = FrameSlot(), []
    watcher = Watcher("w", slot=slot, detector=Detector(), machine=machine(), listeners=[told.append])
    watcher.start()
    rng = np.random.default_rng(1)
    still = rng.integers(60, 200, (90, 160), np.uint8)
    for k in range(40):
        luma = still.copy()
        luma[30:70, 4 * k - 80 : 4 * k - 60] = 255
        slot.put(Frame(luma, k * 200_000))
        assert slot.wait_done(10)
    slot.finish() if ends == "finish" else watcher.stop()
    assert watcher.join(10)
    assert watcher.fault is None
    assert watcher.watched.frames == 40
    assert [type(change) for change in told] == [EventStarted, EventEnded]
    assert told[1].reason == ("source_ended" if ends == "finish" else "stopped")
