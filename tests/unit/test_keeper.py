"""The storage's keeper: who is told what, and when it counts as stuck."""

import errno
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from pi_sec_cam.clock import SimulatedClock, WallStamp
from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.disk import Disk, DiskState
from pi_sec_cam.record.keeper import StorageKeeper
from pi_sec_cam.record.retention import Limits
from pi_sec_cam.record.room import RoomMaker
from pi_sec_cam.remembered import Remembered
from tests.unit.events import NOON, record

MB = 1_000_000


class SlowDisk(Disk):
    """One that may stop answering, or be full."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, Remembered(directory))
        self.answers = threading.Event()
        self.answers.set()
        self.asked = threading.Event()
        self.full = False

    def check(self) -> DiskState:
        self.asked.set()
        assert self.answers.wait(30)
        state = super().check()
        return replace(state, kind="full", detail="full", free_bytes=0) if self.full else state


class Storage:
    """A storage directory with its keeper."""

    def __init__(self, directory: Path) -> None:
        self.clock = SimulatedClock(NOON)
        self.disk = SlowDisk(directory)
        self.archive = Archive(directory, zone=UTC)
        self.room = RoomMaker(self.archive, Limits(min_free_bytes=0), self.clock)
        self.refusal: StorageError | None = None
        self.made_room = threading.Event()
        self.keeper = StorageKeeper(
            self.archive,
            self.disk,
            self.room,
            clock=self.clock,
            lock_storage=self._lock,
            unlock_storage=lambda: None,
            on_room=self.made_room.set,
        )

    def _lock(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    def look_again(self) -> None:
        """Until the keeper has looked at all once more; a look asks the disk twice at most."""
        for _ in range(5):
            self.disk.asked.clear()
            self.keeper.changed()
            assert self.disk.asked.wait(30)

    def end(self) -> None:
        self.disk.answers.set()
        self.keeper.stop()
        assert self.keeper.join(30)
        self.keeper.close()
        assert self.keeper.fault is None


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    made = Storage(tmp_path / "storage")
    yield made
    made.end()


def test_a_disk_that_hangs_is_said_soon_and_a_reason_to_start_anew_late(storage: Storage) -> None:
    storage.keeper.claim()
    storage.keeper.open()
    storage.disk.answers.clear()
    storage.disk.asked.clear()
    storage.keeper.start()
    assert storage.disk.asked.wait(30)
    assert not storage.keeper.problems()
    storage.clock.advance(60)
    assert "has not answered for 60 s" in storage.keeper.problems()[0]
    storage.clock.advance(800)
    assert not storage.keeper.overdue()
    storage.clock.advance(60)
    assert storage.keeper.overdue()


def test_who_has_no_room_for_the_lock_waits_and_another_daemon_is_an_error(storage: Storage) -> None:
    storage.refusal = StorageError("cannot write daemon.lock")
    storage.refusal.errno = errno.ENOSPC
    storage.keeper.claim()
    storage.keeper.open()
    assert storage.keeper.problems() == ["cannot write daemon.lock"]
    with pytest.raises(StorageError, match=r"daemon\.lock"):
        storage.keeper.guard()
    with pytest.raises(StorageError, match=r"daemon\.lock"):
        _ = storage.keeper.catalogue
    storage.refusal = StorageError("in use by another daemon")
    with pytest.raises(StorageError, match="another"):
        storage.keeper.claim()


@pytest.mark.parametrize(("number", "makes_room"), [(errno.ENOSPC, True), (None, False)])
def test_without_a_lock_room_is_made_only_if_nobody_can_have_it(
    number: int | None, makes_room: bool, storage: Storage
) -> None:
    storage.archive.prepare()
    for hour in range(4):
        stamp = WallStamp(NOON.replace(hour=hour), 0, synchronised=True)
        folder = storage.archive.begin("Yard", stamp)
        folder.write_record(record(stamp.wall, id=folder.id, bytes=2 * MB, sequence=hour + 1))
        storage.archive.running.discard(folder.id)
    storage.disk.full = True
    storage.refusal = StorageError("cannot have daemon.lock")
    storage.refusal.errno = number
    storage.keeper.start()
    storage.look_again()
    assert storage.made_room.is_set() == makes_room
    assert (len(list(storage.archive.scan())) < 4) == makes_room


@pytest.mark.parametrize("step", ["places", "prepare"])
def test_what_cannot_be_looked_into_is_said_and_looked_into_again(
    step: str, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    storage.archive.prepare()
    with monkeypatch.context() as patched:
        patched.setattr(Archive, step, refuses)
        storage.keeper.start()
        storage.look_again()
        assert "Permission denied" in " ".join(storage.keeper.problems())
    storage.clock.advance(10)
    storage.look_again()
    assert storage.keeper.problems() == []
    assert storage.keeper.catalogue.count() == 0


def test_an_event_that_was_kept_says_that_the_disk_takes_something(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.keeper.claim()
    storage.keeper.open()
    told = threading.Event()
    monkeypatch.setattr(storage.room, "written", told.set)
    storage.keeper.changed()
    assert not told.is_set(), "a deletion passes for something written"
    storage.keeper.keep(record())
    assert told.is_set()
