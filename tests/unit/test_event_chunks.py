"""An event's chunks: the newest first, then as they fill; whatever comes late, or not at all."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.media.ring import Ring
from pi_sec_cam.motion.event_reader import EventReaders
from pi_sec_cam.offsite.cut import Chunk
from pi_sec_cam.offsite.event_chunks import LONGEST_US, EventChunks
from tests.unit.recorder_bench import SECOND, ended, started
from tests.unit.test_cut import pictures

VIDEO = pictures(1000)


class Event:
    """One event that triggers at second 10, with 8 s before it, while the camera goes on."""

    def __init__(self, *, at_s: float = 10, before_s: float = 8, continues: int | None = None) -> None:
        self.ring = Ring(seconds=3600, max_bytes=50_000_000)
        self.clock = SimulatedClock(datetime(2026, 5, 4, tzinfo=UTC))
        self.clock.advance((VIDEO[0].dts_us - self.clock.monotonic_us()) / 1e6)
        self.fed = 0
        self.feed(at_s + 0.4)
        self.started = started(at_s, before_s, continues=continues)
        self.reader = EventReaders(self.ring, self.clock).open(self.started)
        self.chunks = EventChunks(self.reader, max_bytes=3 << 20, age_us=SECOND, clock=self.clock)

    def feed(self, up_to_s: float) -> None:
        """The camera goes on, the clock with it."""
        for unit in VIDEO[self.fed : round(up_to_s * 25)]:
            self.ring.append(unit)
        self.fed = max(self.fed, round(up_to_s * 25))
        self.clock.advance(max(0.0, (VIDEO[self.fed - 1].dts_us - self.clock.monotonic_us()) / 1e6))

    def begin(self) -> list[tuple[int, Chunk]]:
        return self.chunks.begin(self.started.trigger_pts_us)[0]

    def follow(self, *, most_us: int = SECOND) -> list[tuple[int, Chunk]]:
        """All that is complete now."""
        found = []
        while (done := self.chunks.follow(patient=False, most_us=most_us)) is not None:
            found += done
        return found


def spans(numbered: Sequence[tuple[int, Chunk]]) -> list[tuple[int, float, float]]:
    """Number, first picture and end of each chunk, in seconds of the video."""
    return [
        (number, round((chunk.video.pts_us[0] - VIDEO[0].pts_us) / 1e6, 2), round(chunk.end / 25, 2))
        for number, chunk in numbered
    ]


def test_first_comes_what_happens_now_then_what_was_before_it() -> None:
    event = Event()
    event.feed(10.6)
    assert spans(event.begin()) == [(8, 10, 10.6)]
    assert spans(list(event.chunks.before)) == [(n, 2 + n, 3 + n) for n in range(8)]


def test_a_chunk_is_complete_with_the_picture_that_fills_it() -> None:
    event = Event()
    event.begin()
    event.feed(10.98)
    assert event.follow() == []
    event.feed(11.4)
    assert spans(event.follow()) == [(9, 10.4, 11)], "it ends before a keyframe that is near"
    event.feed(11.96)
    assert event.follow() == []
    event.feed(12)
    assert spans(event.follow()) == [(10, 11, 12)]


def test_the_keyframe_before_the_trigger_may_be_far() -> None:
    event = Event(at_s=10.9)
    event.feed(12.6)
    assert spans(event.begin()) == [(8, 10, 12.6)]


def test_more_than_ten_seconds_are_not_one_chunk() -> None:
    event = Event()
    event.feed(32)
    assert spans(event.begin()) == [(8, 10, 20)]
    assert spans(event.follow())[:2] == [(9, 20, 21), (10, 21, 22)]


def test_a_continuation_has_nothing_before_it() -> None:
    event = Event(at_s=10.5, before_s=4.5, continues=1)
    event.reader.follow(150)
    event.feed(11.52)
    assert spans(event.begin()) == [(0, 6, 11.52)]
    assert not event.chunks.before


def test_without_a_keyframe_before_the_trigger_the_oldest_is_taken() -> None:
    event = Event(at_s=0.4)
    assert spans(event.begin()) == [(0, 0, 0.8)]


def test_how_much_is_to_be_decoded_for_the_picture() -> None:
    event = Event(at_s=10.4)
    assert event.chunks.begin(event.started.trigger_pts_us)[1] == pytest.approx(0.4 * SECOND)


def test_a_chunk_of_a_camera_that_falls_silent_leaves_when_it_is_old_by_the_clock() -> None:
    event = Event()
    event.begin()
    event.feed(10.8)
    assert event.follow() == []
    event.clock.advance(0.5)
    assert event.follow() == []
    event.clock.advance(0.2)
    assert spans(event.follow()) == [(9, 10.4, 10.8)]
    event.clock.advance(5)
    assert event.follow() == [], "nothing is left"


def test_what_is_late_by_the_clock_and_comes_steadily_is_waited_for() -> None:
    event = Event()
    event.begin()
    event.clock.advance(3)
    found = []
    for picture in range(260, 285):
        event.ring.append(VIDEO[picture])
        event.clock.advance(0.04)
        found += event.follow()
    assert spans(found) == [(9, 10.4, 11)]


def test_a_chunk_grows_while_it_may_and_is_cut_as_soon_as_it_may_not() -> None:
    event = Event()
    event.begin()
    event.feed(14.32)
    assert event.follow(most_us=LONGEST_US) == []
    assert spans(event.follow()) == [(9, 10.4, 14.32)]
    event.feed(40)
    assert spans(event.follow(most_us=LONGEST_US)) == [(10, 14.32, 24), (11, 24, 34)]


def test_after_a_gap_it_goes_on_with_a_keyframe() -> None:
    event = Event()
    event.begin()
    event.feed(10.8)
    event.follow()
    event.reader._cursor.dropped += 3
    event.feed(12.8)
    left = [*event.follow(), *event.chunks.rest()]
    assert b"".join(chunk.data for _, chunk in left) == b"".join(
        unit.data for unit in [*VIDEO[260:270], *VIDEO[275:320]]
    )
    assert event.chunks.dropped == 3 + 5


def test_at_the_end_all_of_it_was_cut() -> None:
    event = Event()
    found = event.begin()
    event.feed(15)
    event.reader.end(ended(12, 1.2))
    found += event.follow() + event.chunks.rest()
    assert event.reader.over
    assert b"".join(c.data for _, c in [*event.chunks.before, *found]) == b"".join(u.data for u in VIDEO[50:331])


def test_pictures_in_the_middle_of_a_chunk_wake_nobody() -> None:
    event = Event()
    event.begin()
    event.feed(11.2)
    event.follow()
    event.feed(11.24)
    event.follow()
    newest_us = VIDEO[event.fed - 1].dts_us
    assert newest_us + 0.6 * SECOND < event.reader._cursor.wakes_from_us < newest_us + 0.8 * SECOND
