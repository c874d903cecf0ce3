"""All readers of an event take the same units, whoever was ahead when the watcher said that it is over."""

from collections.abc import Sequence

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.ring import Ring
from pi_sec_cam.motion.event import EndReason, EventEnded
from pi_sec_cam.motion.event_reader import EventReader, EventReaders
from tests.unit.recorder_bench import ended, started
from tests.unit.test_cut import pictures

VIDEO = pictures(300)


class Two:
    """Two readers of one event, of which the first is told of its end first."""

    def __init__(self) -> None:
        self.ring = Ring(seconds=3600, max_bytes=50_000_000)
        self.clock = SimulatedClock()
        readers = EventReaders(self.ring, self.clock)
        self.feed(VIDEO[:110])
        event = started(4, 2)
        self.first, self.second = readers.open(event), readers.open(event)
        assert self.first.stamp is self.second.stamp

    def feed(self, units: Sequence[AccessUnit]) -> None:
        for unit in units:
            self.ring.append(unit)

    def end(self, event: EventEnded) -> None:
        self.first.end(event)
        self.second.end(event)


def read(reader: EventReader) -> list[AccessUnit]:
    found = []
    while (unit := reader.read(0)) is not None:
        found.append(unit)
    return found


@pytest.mark.parametrize("reason", ["rest", "max_time"])
def test_what_one_has_taken_the_other_takes_too(reason: EndReason) -> None:
    for ahead_is_first in (True, False):
        two = Two()
        ahead, behind = (two.first, two.second) if ahead_is_first else (two.second, two.first)
        two.feed(VIDEO[110:180])
        taken = read(ahead)
        assert len(taken) == 130
        two.end(ended(5, 1, reason=reason))
        two.feed(VIDEO[180:])
        taken += read(ahead)
        assert ahead.over
        assert read(behind) == taken
        assert behind.over
        assert ahead.stopped_at == behind.stopped_at == (180 if reason == "rest" else 200)


def test_if_none_was_ahead_the_event_ends_where_it_should() -> None:
    two = Two()
    two.feed(VIDEO[110:])
    two.end(ended(5, 1))
    assert read(two.second) == read(two.first) == VIDEO[50:151]


def test_the_end_holds_for_all_from_the_moment_that_one_knows_of_it() -> None:
    two = Two()
    two.feed(VIDEO[110:151])
    assert read(two.first) == VIDEO[50:151]
    two.first.end(ended(5, 1))
    two.feed(VIDEO[151:])
    assert read(two.second) == VIDEO[50:151]
    assert two.second.over
    two.second.end(ended(5, 1))
    assert read(two.first) == []
    assert two.first.over


def test_what_comes_after_one_has_given_up_belongs_to_none() -> None:
    two = Two()
    two.end(ended(4, 2))
    assert read(two.first) == read(two.second) == VIDEO[50:110]
    two.clock.advance(2.1)
    assert read(two.first) == []
    assert two.first.over
    two.feed(VIDEO[110:])
    assert read(two.second) == []
    assert two.second.over
    assert two.first.stopped_at == two.second.stopped_at == 110


def test_another_event_has_nothing_to_do_with_it() -> None:
    two = Two()
    readers = EventReaders(two.ring, two.clock)
    two.feed(VIDEO[110:])
    one = readers.open(started(4, 2))
    one.end(ended(5, 1))
    other = readers.open(started(5, 1, number=2))
    assert read(other) == VIDEO[100:]
    assert read(one) == VIDEO[50:151]
