"""States, back-off and stalls of a source, by a simulated clock."""

import logging
from datetime import UTC, datetime
from random import Random

import pytest

from pi_sec_cam.backoff import Backoff
from pi_sec_cam.camera.source_health import SourceHealth
from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.errors import SourceAway, SourceUnusable

AWAY = SourceAway("camera: no route")
UNUSABLE = SourceUnusable("camera: not video")


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(datetime(2026, 5, 1, 12, tzinfo=UTC))


@pytest.fixture
def health(clock: SimulatedClock) -> SourceHealth:
    return SourceHealth("camera", clock, Backoff(chance=Random(1)))


def go_live(health: SourceHealth) -> None:
    health.attempt()
    health.delivers()


def test_waiting_times_double_up_to_a_cap_and_are_shortened_by_chance() -> None:
    backoff = Backoff(first=0.5, cap=30, chance=Random(1))
    waits = [backoff.wait() for _ in range(12)]
    for wait, most in zip(waits, [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30], strict=True):
        assert most / 2 <= wait <= most
    assert len({wait / 30 for wait in waits[6:]}) == 6
    backoff.reset()
    assert backoff.wait() <= 0.5


def test_connects_and_delivers(health: SourceHealth) -> None:
    assert health.state == "connecting"
    go_live(health)
    assert health.status() == {"state": "live", "since": "2026-05-01T12:00:00+00:00", "detail": "", "attempts": 1}


def test_says_since_when_a_source_is_away(health: SourceHealth, clock: SimulatedClock) -> None:
    go_live(health)
    clock.advance(60)
    health.failed(AWAY)
    for _ in range(3):
        clock.advance(20)
        health.attempt()
        health.failed(SourceAway("camera: refused"))
    assert health.status() == {
        "state": "away",
        "since": "2026-05-01T12:01:00+00:00",
        "detail": "camera: refused",
        "attempts": 4,
    }


def test_since_is_right_after_the_wall_clock_was_set(health: SourceHealth, clock: SimulatedClock) -> None:
    health.failed(AWAY)
    clock.advance(10)
    clock.step_wall(3600)
    assert health.status()["since"] == "2026-05-01T13:00:00+00:00"


def test_an_unusable_source_is_tried_again_once_a_minute(health: SourceHealth) -> None:
    assert [health.failed(UNUSABLE) for _ in range(3)] == [60, 60, 60]
    assert health.state == "unusable"


def test_an_error_of_ours_does_not_end_the_watch(health: SourceHealth) -> None:
    assert health.failed(RuntimeError("oops")) <= 0.5
    assert (health.state, "RuntimeError" in health.detail) == ("unusable", True)


def test_a_success_makes_the_next_failure_a_new_one(health: SourceHealth, clock: SimulatedClock) -> None:
    for _ in range(8):
        health.attempt()
        wait = health.failed(AWAY)
    assert wait >= 15
    go_live(health)
    clock.advance(1)
    assert health.failed(AWAY) >= 15, "one second of video is no success"
    go_live(health)
    clock.advance(11)
    assert health.failed(AWAY) <= 0.5


def test_five_silent_seconds_are_a_stall(health: SourceHealth, clock: SimulatedClock) -> None:
    go_live(health)
    last_us = clock.monotonic_us()
    clock.advance(4.9)
    assert not health.has_stalled(last_us, 25)
    clock.advance(0.2)
    assert health.has_stalled(last_us, 25)
    assert health.state == "stalled"
    assert health.failed(None) <= 0.5
    assert health.state == "stalled"
    clock.advance(60)
    health.attempt()
    health.failed(AWAY)
    assert health.status()["since"] == "2026-05-01T12:00:05+00:00", "since the trouble began"


def test_a_slow_source_is_given_time(health: SourceHealth, clock: SimulatedClock) -> None:
    go_live(health)
    last_us = clock.monotonic_us()
    clock.advance(30)
    assert not health.has_stalled(last_us, 0.1)
    clock.advance(11)
    assert health.has_stalled(last_us, 0.1)


def test_a_first_picture_that_does_not_come_is_a_stall(health: SourceHealth, clock: SimulatedClock) -> None:
    for wait in (0.5, 1, 2):
        health.attempt()
        started_us = clock.monotonic_us()
        clock.advance(14.9)
        assert not health.has_stalled(started_us, None)
        clock.advance(0.2)
        assert health.has_stalled(started_us, None)
        assert wait / 2 <= health.failed(None) <= wait
    status = health.status()
    assert (status["state"], status["since"]) == ("stalled", "2026-05-01T12:00:15+00:00")
    assert "no picture within 15 s" in health.detail
    go_live(health)
    assert (health.state, health.detail) == ("live", "")


def test_a_first_keyframe_may_take_its_time_and_that_is_said(health: SourceHealth, clock: SimulatedClock) -> None:
    health.failed(AWAY)
    clock.advance(60)
    health.attempt()
    for second in range(599):
        clock.advance(1)
        health.waits("sends no keyframe")
        assert not health.has_stalled(clock.monotonic_us(), None)
        assert health.detail == ("camera: no route" if second < 14 else "camera sends no keyframe")
    assert (health.state, health.status()["since"]) == ("connecting", "2026-05-01T12:01:15+00:00")
    clock.advance(2)
    assert health.has_stalled(clock.monotonic_us(), None), "no camera has a GOP of ten minutes"
    health.attempt()
    health.delivers()
    assert (health.state, health.detail) == ("live", "")


def test_says_what_hangs(health: SourceHealth) -> None:
    health.attempt()
    health.abandoned(10)
    assert (health.state, "camera has not stopped within 10 s" in health.detail) == ("stalled", True)
    health.failed(AWAY)
    assert health.wedged(10) == health.detail
    assert (health.state, "camera hangs" in health.detail) == ("wedged", True)


def test_logs_each_change_once(health: SourceHealth, clock: SimulatedClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for error in (AWAY, AWAY, AWAY, UNUSABLE, UNUSABLE):
        health.attempt()
        health.failed(error)
        clock.advance(30)
    go_live(health)
    health.delivers()
    assert caplog.messages == ["camera: no route", "camera: not video", "camera is back after 150.0 s"]


def test_an_end_is_an_end(health: SourceHealth) -> None:
    go_live(health)
    health.finished("ended")
    assert (health.state, health.detail) == ("ended", "")
