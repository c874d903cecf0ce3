"""Media time and wall time are tied together by the monotonic clock."""

from datetime import UTC, datetime, timedelta

import pytest

from pi_sec_cam.clock import SimulatedClock, SystemClock

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def test_an_instant_ago_was_as_long_ago_by_the_wall() -> None:
    clock = SimulatedClock(NOON)
    then_us = clock.monotonic_us()
    clock.advance(8.25)
    assert clock.stamp(then_us).wall == NOON


def test_media_time_ahead_of_the_clock_gives_a_time_to_come() -> None:
    clock = SimulatedClock(NOON)
    assert clock.stamp(clock.monotonic_us() + 60_000_000).wall == NOON + timedelta(minutes=1)


def test_a_stamp_after_the_wall_clock_was_set_uses_the_new_time() -> None:
    clock = SimulatedClock(datetime(1970, 1, 1, tzinfo=UTC), synchronised=False)
    assert not clock.stamp(0).synchronised
    clock.step_wall((NOON - clock.wall()).total_seconds())
    assert clock.stamp(clock.monotonic_us()).wall == NOON


def test_the_machines_clocks_go_on() -> None:
    clock = SystemClock()
    first = clock.monotonic_us()
    assert clock.monotonic_us() >= first
    assert clock.wall().tzinfo is UTC
    assert clock.synchronised() in {True, False}


def test_a_clock_that_nobody_vouches_for_is_not_believed() -> None:
    clock = SimulatedClock(NOON, synchronised=False)
    assert not clock.synchronised()
    clock.vouch()
    assert clock.synchronised()


def test_a_clock_that_shows_a_time_before_this_program_is_not_believed() -> None:
    assert not SimulatedClock(datetime(1970, 1, 1, tzinfo=UTC)).synchronised()
    assert not SimulatedClock(datetime(2025, 12, 31, tzinfo=UTC)).synchronised()


def test_the_jump_of_a_clock_that_is_set_for_the_first_time_is_believed() -> None:
    clock = SimulatedClock(datetime(1970, 1, 1, tzinfo=UTC), synchronised=False)
    assert not clock.synchronised()
    clock.step_wall((NOON - clock.wall()).total_seconds())
    clock.vouch()
    assert clock.synchronised()


@pytest.mark.parametrize("seconds", [-7200, 120, 10 * 365 * 86400])
def test_a_clock_that_jumps_though_somebody_vouches_for_it_is_not_believed(seconds: float) -> None:
    clock = SimulatedClock(NOON)
    assert clock.synchronised()
    clock.step_wall(seconds)
    assert not clock.synchronised()
    clock.advance(3600)
    assert not clock.stamp(clock.monotonic_us()).synchronised


def test_a_doubted_clock_is_believed_again_when_it_has_jumped_back() -> None:
    clock = SimulatedClock(NOON)
    assert clock.synchronised()
    clock.step_wall(7200)
    assert not clock.synchronised()
    clock.advance(600)
    clock.step_wall(-7200)
    assert clock.synchronised()


def test_a_doubted_clock_is_believed_again_when_it_is_synchronised_anew() -> None:
    clock = SimulatedClock(NOON)
    assert clock.synchronised()
    clock.step_wall(7200)
    assert not clock.synchronised()
    clock.vouch(False)
    assert not clock.synchronised()
    clock.vouch()
    assert clock.synchronised()


def test_a_doubted_clock_is_believed_again_after_a_day() -> None:
    clock = SimulatedClock(NOON)
    assert clock.synchronised()
    clock.step_wall(7200)
    assert not clock.synchronised()
    clock.advance(86_300)
    assert not clock.synchronised()
    clock.advance(200)
    assert clock.synchronised()
    clock.step_wall(-7200)
    assert not clock.synchronised()


def test_small_corrections_are_no_jumps_however_many_they_are() -> None:
    clock = SimulatedClock(NOON)
    for _ in range(100):
        clock.step_wall(2)
        assert clock.synchronised()
        clock.advance(3600)
