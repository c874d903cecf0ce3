"""Room is made with the list of events, and without it where the disk is too full for one."""

import errno
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.clock import SimulatedClock, WallStamp
from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.disk import DiskState
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.retention import Limits
from pi_sec_cam.record.room import RoomMaker
from tests.unit.events import NOON, record

MB, GB = 10**6, 10**9


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path / "storage", zone=UTC)
    made.prepare()
    return made


@pytest.fixture
def event(archive: Archive) -> Callable[..., EventRecord]:
    """Makes an event of 2 MB, as its record says; each begins an hour after the one before."""
    hours = iter(range(1000))

    def make(**other: Any) -> EventRecord:
        start = NOON + timedelta(hours=next(hours))
        folder = archive.begin("Yard", WallStamp(start, 0, synchronised=True))
        archive.running.discard(folder.id)
        made = record(start, id=folder.id, sequence=archive.next_sequence(WallStamp(start, 0, True)), **other)
        folder.write_record(made)
        (folder.path / "video.mp4").write_bytes(b"video")
        return made

    return make


def maker(archive: Archive, on_deleted: Callable[[str], None] = lambda _id: None, **limits: int | float) -> RoomMaker:
    clock = SimulatedClock(NOON + timedelta(days=30))
    return RoomMaker(archive, Limits(**{"min_free_bytes": 0, **limits}), clock, on_deleted)  # type: ignore[arg-type]


def state(free: int, kind: str = "ready") -> DiskState:
    return DiskState(kind=kind, free_bytes=free, total_bytes=GB)  # type: ignore[arg-type]


def there(archive: Archive) -> set[str]:
    return {found.id for found in archive.scan()}


def nothing() -> None:
    pass


def test_the_oldest_makes_room_and_leaves_the_list(archive: Archive, event: Callable[..., EventRecord]) -> None:
    made = [event(bytes=2 * MB) for _ in range(6)]
    with Catalogue(archive.catalogue_path) as catalogue:
        for one in made:
            catalogue.put(one)
        told: list[str] = []
        room = maker(archive, told.append, max_bytes=10 * MB)
        assert room.make(state(GB), catalogue, threading.Event(), nothing)
        assert told == [one.id for one in made[:2]]
        assert there(archive) == {one.id for one in catalogue.find()} == {one.id for one in made[2:]}
        assert not room.make(state(GB), catalogue, threading.Event(), nothing)
    assert room.deleted == 2


def test_where_events_cannot_make_room_it_says_how_much_lacks(
    archive: Archive, event: Callable[..., EventRecord]
) -> None:
    lacks: list[int] = []
    clock = SimulatedClock(NOON + timedelta(days=30))
    room = RoomMaker(archive, Limits(min_free_bytes=GB), clock, on_lack=lacks.append)
    with Catalogue(archive.catalogue_path) as catalogue:
        catalogue.put(event(bytes=20 * MB))
        catalogue.put(event(bytes=500 * MB, locked=True))
        for free in (500 * MB, 44 * MB, 10 * MB):
            room.make(state(free), catalogue, threading.Event(), nothing)
            clock.advance(60)
    assert lacks == [34 * MB]


def test_a_refusal_of_the_disk_makes_a_little_room_once(archive: Archive, event: Callable[..., EventRecord]) -> None:
    made = [event(bytes=20 * MB) for _ in range(20)]
    with Catalogue(archive.catalogue_path) as catalogue:
        for one in made:
            catalogue.put(one)
        room = maker(archive)
        room.refused()
        assert room.make(state(GB), catalogue, threading.Event(), nothing)
        assert not room.make(state(GB), catalogue, threading.Event(), nothing)
    assert there(archive) == {one.id for one in made[4:]}


def test_where_the_list_cannot_be_opened_the_files_say_what_may_go(
    archive: Archive, event: Callable[..., EventRecord]
) -> None:
    locked = event(bytes=2 * MB, locked=True)
    running = event(bytes=2 * MB, state="recording")
    kept = event(bytes=2 * MB)
    uploaded = event(bytes=2 * MB, offsite=True)
    newer = [event(bytes=2 * MB) for _ in range(6)]
    room = maker(archive)
    assert room.make_without_list(state(3 * MB, "full"), threading.Event(), nothing)
    assert there(archive) == {locked.id, running.id, *(one.id for one in newer)} - {newer[0].id}
    assert kept.id not in there(archive)
    assert uploaded.id not in there(archive)


@pytest.mark.parametrize("kind", ["ready", "read-only", "missing", "wrong", "unusable"])
def test_without_the_list_nothing_is_deleted_unless_the_disk_is_full(
    kind: str, archive: Archive, event: Callable[..., EventRecord]
) -> None:
    made = event(bytes=2 * MB)
    room = maker(archive, max_bytes=10 * MB)
    assert not room.make_without_list(state(0, kind), threading.Event(), nothing)
    assert there(archive) == {made.id}


def unwritable(monkeypatch: pytest.MonkeyPatch, folder: Path, number: int = errno.EACCES) -> None:
    """From now on nothing in that folder can be renamed."""
    rename = Path.rename

    def refusing(self: Path, target: Path) -> Path:
        if self.is_relative_to(folder):
            raise OSError(number, os.strerror(number))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refusing)


def test_events_that_cannot_be_deleted_are_said_and_newer_ones_go(
    archive: Archive,
    event: Callable[..., EventRecord],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = [event(bytes=2 * MB) for _ in range(20)]  # the first twelve on one day
    day = archive.folder(made[0].id).path.parent
    theirs, ours = made[:12], made[12:]
    with Catalogue(archive.catalogue_path) as catalogue:
        for one in made:
            catalogue.put(one)
        clock = SimulatedClock(NOON)
        room = RoomMaker(archive, Limits(min_free_bytes=0, max_bytes=30 * MB), clock)
        with monkeypatch.context() as patched:
            unwritable(patched, day)
            for _ in range(100):
                room.make(state(GB), catalogue, threading.Event(), nothing)
                clock.advance(1)
            assert there(archive) == {one.id for one in catalogue.find()} == {one.id for one in (*theirs, *ours[-2:])}
            assert str(day) in " ".join(room.obstacles)
            assert "chown" in " ".join(room.obstacles)
            assert len([entry for entry in caplog.records if entry.levelname == "ERROR"]) == 1
        catalogue.put(event(bytes=20 * MB))
        room.changed()
        clock.advance(1000)
        assert room.make(state(GB), catalogue, threading.Event(), nothing)
        assert theirs[0].id not in there(archive), "what was left out is never tried again"
    assert room.obstacles == ()


def test_a_lock_that_only_the_file_knows_of_does_not_keep_the_others(
    archive: Archive, event: Callable[..., EventRecord]
) -> None:
    made = [event(bytes=2 * MB) for _ in range(6)]
    archive.folder(made[0].id).update_record(lambda standing: replace(standing or made[0], locked=True))
    with Catalogue(archive.catalogue_path) as catalogue:
        for one in made:
            catalogue.put(one)
        room = maker(archive, max_bytes=12 * MB - 1)
        assert not room.make(state(GB), catalogue, threading.Event(), nothing)
        assert room.make(state(GB), catalogue, threading.Event(), nothing)
    assert there(archive) == {made[0].id, *(one.id for one in made[2:])}
    assert room.obstacles == ()


def test_without_the_list_events_that_cannot_be_deleted_are_left_out_too(
    archive: Archive, event: Callable[..., EventRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [event(bytes=2 * MB) for _ in range(14)]
    unwritable(monkeypatch, archive.folder(made[0].id).path.parent)
    room = maker(archive)
    for _ in range(6):
        room.make_without_list(state(3 * MB, "full"), threading.Event(), nothing)
    assert there(archive) >= {one.id for one in made[:12]}
    assert made[12].id not in there(archive)
    assert room.obstacles


def test_a_catalogue_that_fails_is_not_taken_for_an_event_that_cannot_be_deleted(
    archive: Archive, event: Callable[..., EventRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Catalogue(archive.catalogue_path) as catalogue:
        catalogue.put(event(bytes=20 * MB))
        room = maker(archive, max_bytes=10 * MB)

        def fails(*_: object, **__: object) -> None:
            raise StorageError("cannot use the catalogue")

        monkeypatch.setattr(Catalogue, "mark_deleting", fails)
        with pytest.raises(StorageError, match="the catalogue"):
            room.make(state(GB), catalogue, threading.Event(), nothing)
    assert room.obstacles == ()


def test_a_disk_that_refuses_to_delete_is_not_asked_for_all_events(
    archive: Archive, event: Callable[..., EventRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [event(bytes=2 * MB) for _ in range(20)]
    with Catalogue(archive.catalogue_path) as catalogue:
        for one in made:
            catalogue.put(one)
        clock = SimulatedClock(NOON)
        room = RoomMaker(archive, Limits(min_free_bytes=0, max_bytes=30 * MB), clock)
        with monkeypatch.context() as patched:
            unwritable(patched, archive.recordings, errno.ENOSPC)
            for _ in range(10):
                room.make(state(GB), catalogue, threading.Event(), nothing)
                clock.advance(1)
        assert room.obstacles
        clock.advance(10)
        assert room.make(state(GB), catalogue, threading.Event(), nothing)
    assert made[0].id in there(archive), "it is left out for a while"
    assert made[1].id not in there(archive), "events were left out that had not been asked for"


def test_a_disk_that_refuses_for_ever_is_not_emptied(archive: Archive, event: Callable[..., EventRecord]) -> None:
    made = [event(bytes=MB) for _ in range(300)]
    clock = SimulatedClock(NOON)
    with Catalogue(archive.catalogue_path) as catalogue:
        catalogue.put_all(made)
        room = RoomMaker(archive, Limits(min_free_bytes=0), clock)

        def an_hour() -> int:
            for _ in range(3600):
                room.refused()
                room.make(state(GB), catalogue, threading.Event(), nothing)
                clock.advance(1)
            return catalogue.count()

        assert an_hour() == 300 - 2 * 64
        assert "quota" in " ".join(room.obstacles)
        room.written()
        room.make(state(GB), catalogue, threading.Event(), nothing)
        assert room.obstacles == ()
        assert an_hour() == (300 - 3 * 64) - (300 - 3 * 64) // 2


def test_how_long_the_disk_lasts_follows_the_last_week(archive: Archive, event: Callable[..., EventRecord]) -> None:
    clock = SimulatedClock(NOON + timedelta(hours=12))
    room = RoomMaker(archive, Limits(min_free_bytes=400 * MB, max_bytes=700 * MB), clock)
    assert room.lasts_days(state(GB)) is None  # nothing is known yet
    with Catalogue(archive.catalogue_path) as catalogue:
        for _ in range(5):
            catalogue.put(event(bytes=20 * MB))
        room.make(state(GB), catalogue, threading.Event(), nothing)
        # 100 MB in half a day; 600 MB are left to both limits.
        assert room.lasts_days(state(GB)) == pytest.approx(3)
        assert room.lasts_days(state(450 * MB)) == pytest.approx(0.25)
        assert room.lasts_days(state(300 * MB)) == 0
        clock.advance(8 * 24 * 3600)
        room.changed()
        room.make(state(GB), catalogue, threading.Event(), nothing)
        assert room.lasts_days(state(GB)) is None  # nothing was recorded in the last week: it lasts for ever
