"""Room is made on the disk itself: the oldest events go, in time, never by a clock that is not believed."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from pi_sec_cam.clock import SimulatedClock, WallStamp
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.disk import DiskState
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.retention import Limits
from pi_sec_cam.record.room import RoomMaker
from tests.unit.events import NOON, record

EVENT_BYTES = 10_000_000
DAY_S = 86_400.0


class Store:
    """A storage directory that events come to, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.clock = SimulatedClock(NOON)
        self.archive = Archive(folder, zone=UTC)
        self.archive.prepare()
        self.catalogue = Catalogue(self.archive.catalogue_path)
        self.free_bytes = 10**12
        self.stopping = threading.Event()

    def event(self, *, finished: bool = True, **said: object) -> EventRecord:
        """An event of 20 seconds begins now; its media take EVENT_BYTES, as the record says."""
        stamp = WallStamp(self.clock.wall(), 0, self.clock.synchronised())
        folder = self.archive.begin("Yard", stamp)
        folder.video_path(1).write_bytes(b"video")
        kept = replace(
            record(stamp.wall),
            id=folder.id,
            sequence=self.archive.next_sequence(stamp),
            bytes=EVENT_BYTES,
            clock_synchronised=stamp.synchronised,
            **({} if finished else {"state": "recording", "end_reason": None}),
            **said,  # type: ignore[arg-type]
        )
        folder.write_record(kept)
        self.catalogue.put(kept)
        if finished:
            self.archive.running.discard(kept.id)
        self.clock.advance(60)
        return kept

    def maker(self, **limits: object) -> RoomMaker:
        return RoomMaker(self.archive, Limits(**{"min_free_bytes": 0, **limits}), self.clock)  # type: ignore[arg-type]

    def make(self, maker: RoomMaker) -> bool:
        maker.changed()
        state = DiskState(kind="ready", free_bytes=self.free_bytes, total_bytes=10**12)
        return maker.make(state, self.catalogue, self.stopping, lambda: None)

    @property
    def left(self) -> list[str]:
        """The events whose folders are there, the oldest first; the catalogue says the same."""
        listed = self.catalogue.find()
        found = sorted(folder.parent.name for folder in self.archive.recordings.rglob("video.mp4"))
        assert found == sorted(self.archive.folder(event.id).path.name for event in listed)
        return [event.id for event in sorted(listed, key=lambda event: event.sequence)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.catalogue.close()


def test_the_oldest_go_when_there_are_too_many_bytes(store: Store) -> None:
    events = [store.event() for _ in range(20)]
    maker = store.maker(max_bytes=15 * EVENT_BYTES)
    assert store.make(maker)
    assert store.left == [event.id for event in events[6:]]  # one more than needed, so that the next has room
    assert maker.deleted == 6
    assert not store.make(maker)


def test_what_is_off_site_goes_before_what_is_only_here_and_what_is_locked_stays(store: Store) -> None:
    here, _, locked, last = store.event(), store.event(offsite=True), store.event(locked=True), store.event()
    store.free_bytes = 90_000_000
    assert store.make(store.maker(min_free_bytes=90_500_000))
    assert store.left == [here.id, locked.id, last.id]
    assert store.make(store.maker(min_free_bytes=90_500_000))
    assert store.left == [locked.id, last.id]


def test_the_running_event_is_never_deleted(store: Store) -> None:
    store.event()
    running = store.event(finished=False)
    store.free_bytes = 0
    store.make(store.maker(min_free_bytes=10**9))
    assert running.id in store.left


def test_what_is_too_old_goes(store: Store) -> None:
    store.event()
    store.clock.advance(20 * DAY_S)
    young = store.event()
    maker = store.maker(max_age_days=30)
    assert not store.make(maker)
    store.clock.advance(15 * DAY_S)
    assert store.make(maker)
    assert store.left == [young.id]


@pytest.mark.parametrize("jump", [timedelta(days=3650), timedelta(hours=5)])
def test_nothing_is_too_old_by_a_clock_that_has_jumped(store: Store, jump: timedelta) -> None:
    kept = [store.event() for _ in range(3)]
    maker = store.maker(max_age_days=0.1)
    assert not store.make(maker)
    store.clock.step_wall(jump.total_seconds())
    for _ in range(3):
        store.clock.advance(3600)
        assert not store.make(maker)
    assert store.left == [event.id for event in kept]


def test_nothing_is_too_old_before_the_clock_is_set(store: Store) -> None:
    kept = store.event()
    store.clock.advance(50 * DAY_S)
    store.clock.vouch(False)
    maker = store.maker(max_age_days=30)
    assert not store.make(maker)
    assert store.left == [kept.id]
    store.clock.vouch()
    store.clock.advance(DAY_S)
    assert store.make(maker)
    assert store.left == []


def test_an_event_of_1970_is_not_the_oldest_because_of_that(store: Store) -> None:
    store.event()
    store.clock.vouch(False)
    store.clock.step_wall(-56 * 365 * DAY_S)
    new = store.event()
    store.event()
    store.free_bytes = 95_000_000
    assert store.make(store.maker(min_free_bytes=95_100_000))
    assert store.left[0] == new.id


def test_where_nothing_can_be_deleted_it_is_said_until_it_is_over(store: Store) -> None:
    store.event(locked=True)
    store.free_bytes = 1000
    maker = store.maker(min_free_bytes=10**9)
    assert not store.make(maker)
    assert maker.obstacles
    store.free_bytes = 10**10
    assert not store.make(maker)
    assert maker.obstacles == ()


def test_a_stop_ends_a_long_purge(store: Store) -> None:
    for _ in range(10):
        store.event()
    store.stopping.set()
    assert not store.make(store.maker(max_bytes=3 * EVENT_BYTES))
    assert len(store.left) == 10
