"""Media time and wall time are tied together by the monotonic clock."""

from datetime import UTC, datetime, timedelta

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
