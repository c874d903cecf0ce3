"""Room is made with the list of events, and without it where the disk is too full for one."""

import threading
from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.clock import SimulatedClock, WallStamp
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


def maker(archive: Archive, **limits: int | float) -> RoomMaker:
    return RoomMaker(archive, Limits(**{"min_free_bytes": 0, **limits}), SimulatedClock(NOON + timedelta(days=30)))  # type: ignore[arg-type]


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
        room = maker(archive, max_bytes=10 * MB)
        assert room.make(state(GB), catalogue, threading.Event(), nothing)
        assert there(archive) == {one.id for one in catalogue.find()} == {one.id for one in made[2:]}
        assert not room.make(state(GB), catalogue, threading.Event(), nothing)
    assert room.deleted == 2


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
