"""Deletion: what is deleted is gone, what is protected or foreign stays, and a cut at any step leaves the truth."""

import errno
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.durable import make_directories
from pi_sec_cam.errors import EventNotFound, EventProtected, EventStays, StorageError
from pi_sec_cam.record import deletion
from pi_sec_cam.record.annotation import annotate
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.deletion import delete_event, delete_unlisted
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.recovery import Recovered, recover
from tests.unit.events import NOON, record


class Storage:
    """A storage directory with finished events."""

    def __init__(self, directory: Path) -> None:
        self.archive = Archive(directory, zone=UTC)
        self.archive.prepare()
        self.catalogue = Catalogue(self.archive.catalogue_path)

    def event(self, minute: int = 0, camera: str = "Yard", **other: Any) -> EventRecord:
        folder = self.archive.begin(camera, WallStamp(NOON + timedelta(minutes=minute), 0, synchronised=True))
        for path in (folder.video_path(1), folder.video_path(2), folder.path / "event.json.damaged"):
            path.write_bytes(b"video")
        folder.write_picture(b"picture")
        written = folder.write_record(record(NOON + timedelta(minutes=minute), camera=camera, id=folder.id, **other))
        self.catalogue.put(written)
        self.archive.running.discard(folder.id)
        return written

    def delete(self, event: EventRecord) -> None:
        delete_event(self.archive, self.catalogue, event.id)

    def start_again(self, *, lose_catalogue: bool = False) -> Recovered:
        self.catalogue.close()
        if lose_catalogue:
            for file in self.archive.directory.glob("catalogue*"):
                file.unlink()
        self.catalogue = Catalogue(self.archive.catalogue_path)
        return recover(self.archive, self.catalogue)

    def found(self) -> list[str]:
        """What is in the recordings, hidden names too."""
        return sorted(str(path.relative_to(self.archive.recordings)) for path in self.archive.recordings.rglob("*"))


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    made = Storage(tmp_path)
    yield made
    made.catalogue.close()


def test_files_folder_empty_folders_above_and_row_are_gone(storage: Storage) -> None:
    event = storage.event()
    storage.delete(event)
    assert storage.found() == []
    assert storage.archive.recordings.is_dir()
    assert storage.catalogue.count() == 0
    with pytest.raises(EventNotFound):
        storage.delete(event)
    assert storage.start_again() == Recovered()


def test_the_others_stay(storage: Storage) -> None:
    kept, gone = storage.event(1), storage.event(2)
    before = [name for name in storage.found() if not name.startswith(gone.id)]
    storage.delete(gone)
    assert storage.found() == before
    assert storage.catalogue.find() == [kept]


@pytest.mark.parametrize(("what", "words"), [({"locked": True}, "unlock"), ({"state": "recording"}, "still")])
def test_locked_and_running_events_are_refused(storage: Storage, what: dict[str, Any], words: str) -> None:
    event = storage.event(**what)
    before = storage.found()
    with pytest.raises(EventProtected, match=words):
        storage.delete(event)
    assert storage.found() == before
    assert storage.catalogue.get(event.id) == event


def test_an_event_that_this_process_records_is_refused_whatever_its_record_says(storage: Storage) -> None:
    event = storage.event()
    storage.archive.running.add(event.id)
    with pytest.raises(EventProtected, match="still"):
        storage.delete(event)


def test_a_lock_counts_that_only_the_file_has(storage: Storage) -> None:
    event = storage.event()
    storage.archive.folder(event.id).update_record(lambda standing: replace(standing or event, locked=True))
    with pytest.raises(EventProtected, match="locked"):
        storage.delete(event)
    assert storage.catalogue.get(event.id) == event  # listed again
    assert (storage.archive.directory / event.path / "video.mp4").exists()


def test_foreign_files_stay_without_the_event(storage: Storage, caplog: pytest.LogCaptureFixture) -> None:
    event = storage.event()
    folder = storage.archive.directory / event.path
    (folder / "mine.txt").write_text("mine")
    (folder / "video-3.mp4").mkdir()
    (folder / "video-3.mp4/film").write_text("mine too")
    with caplog.at_level(logging.WARNING):
        storage.delete(event)
    assert sorted(os.listdir(folder)) == ["mine.txt", "video-3.mp4"]
    assert (folder / "video-3.mp4/film").exists()
    assert str(folder) in caplog.text
    assert storage.catalogue.count() == 0
    assert storage.start_again() == Recovered()


def test_foreign_files_do_not_take_the_name_of_a_new_event(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    event = storage.event()
    folder = storage.archive.directory / event.path
    (folder / "mine.txt").write_text("mine")
    give_back = deletion._give_back

    def begun_before(hidden: object) -> None:
        assert storage.archive.begin("Yard", WallStamp(NOON, 0, synchronised=True)).path == folder
        give_back(hidden)  # type: ignore[arg-type]

    monkeypatch.setattr(deletion, "_give_back", begun_before)
    storage.delete(event)
    assert os.listdir(folder) == []
    assert os.listdir(folder.with_name(f"{folder.name}-2")) == ["mine.txt"]


def test_links_are_never_followed(storage: Storage, tmp_path: Path) -> None:
    event = storage.event()
    day = storage.archive.recordings / "Yard/2026-05-04"
    outside = day.rename(tmp_path / "outside")
    day.symlink_to(outside)
    with pytest.raises(StorageError, match="link"):
        storage.delete(event)
    assert (outside / "12.00.00/video.mp4").exists()
    assert storage.catalogue.get(event.id) == event


def test_a_link_that_is_named_like_the_rest_of_a_deleted_event_is_not_followed(
    storage: Storage, tmp_path: Path
) -> None:
    event = storage.event()
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "video.mp4").write_text("mine")
    storage.archive.folder(event.id).hidden_path.symlink_to(precious)
    with pytest.raises(StorageError, match="link"):
        storage.delete(event)
    assert (precious / "video.mp4").exists()
    assert storage.catalogue.get(event.id) == event
    assert storage.start_again() == Recovered()


def test_a_link_in_the_folder_goes_and_what_it_points_to_stays(storage: Storage, tmp_path: Path) -> None:
    event = storage.event()
    target = tmp_path / "precious"
    target.write_text("mine")
    video = storage.archive.directory / event.path / "video.mp4"
    video.unlink()
    video.symlink_to(target)
    storage.delete(event)
    assert target.read_text() == "mine"
    assert storage.found() == []


def test_a_storage_directory_that_is_reached_by_a_link_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    storage = Storage(tmp_path / "link")
    storage.delete(storage.event())
    assert storage.found() == []
    storage.catalogue.close()


def test_a_row_without_folder_can_be_deleted(storage: Storage) -> None:
    event = storage.event()
    shutil.rmtree(storage.archive.directory / event.path)
    storage.delete(event)
    assert storage.catalogue.count() == 0


class Cut(BaseException):
    """The power, or the process."""


def steps(run: Callable[[], object], monkeypatch: pytest.MonkeyPatch, cut_at: int | None = None) -> int:
    """Runs and counts what changes the disk or the catalogue; raises Cut instead of step number `cut_at`."""
    count = 0

    def counted(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def step(*arguments: object, **named: object) -> object:
            nonlocal count
            count += 1
            if count == cut_at:
                raise Cut(name)
            return real(*arguments, **named)

        return step

    with monkeypatch.context() as patched:
        for owner, names in (
            (Path, ("unlink", "rename", "rmdir")),
            (deletion, ("sync_directory",)),
            (Catalogue, ("mark_deleting", "delete")),
        ):
            for name in names:
                patched.setattr(owner, name, counted(name, getattr(owner, name)))
        run()
    return count


@pytest.mark.parametrize("lose_catalogue", [False, True])
def test_a_cut_at_any_step_leaves_a_whole_event_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lose_catalogue: bool
) -> None:
    first = Storage(tmp_path / "uncut")
    event, _ = first.event(), first.event(5)
    total = steps(lambda: first.delete(event), monkeypatch)
    first.catalogue.close()
    assert total >= 10
    for cut_at in range(1, total + 1):
        storage = Storage(tmp_path / str(cut_at))
        event, kept = storage.event(), storage.event(5)
        whole = storage.found()
        with pytest.raises(Cut):
            steps(partial(storage.delete, event), monkeypatch, cut_at)
        done = storage.start_again(lose_catalogue=lose_catalogue)
        if storage.catalogue.count() == 2:
            assert storage.found() == whole, cut_at
            assert storage.catalogue.get(event.id) == event, cut_at
            assert cut_at <= 1 or lose_catalogue, cut_at
        else:
            assert storage.found() == [name for name in whole if not name.startswith(event.id)], cut_at
            assert [record.id for record in storage.catalogue.find()] == [kept.id], cut_at
        assert done.failed == [], cut_at
        assert storage.start_again() == Recovered(), cut_at
        storage.catalogue.close()


def test_a_new_event_under_the_name_of_a_half_deleted_one_is_safe(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = storage.event()

    def cut(*_: object) -> None:
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(deletion, "remove_hidden", cut)
        with pytest.raises(Cut):
            storage.delete(event)
    new = storage.event(sequence=event.sequence + 1)
    assert new.id == event.id
    assert storage.catalogue.get(event.id) == new
    storage.start_again()
    assert storage.catalogue.get(event.id) == new
    assert not storage.archive.folder(event.id).hidden_path.exists()
    storage.delete(new)
    assert storage.found() == []


def test_a_new_event_that_gets_the_name_before_the_row_is_dropped_stays_listed(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = storage.event()
    remove_hidden, new = deletion.remove_hidden, []

    def removed_and_new(archive: Archive, folder: EventFolder) -> None:
        remove_hidden(archive, folder)
        new.append(storage.event(sequence=event.sequence + 1))

    with monkeypatch.context() as patched:
        patched.setattr(deletion, "remove_hidden", removed_and_new)
        storage.delete(event)
    assert [found.id for found in new] == [event.id]
    assert storage.catalogue.find() == new


def test_a_new_event_that_is_not_listed_yet_is_not_taken_for_the_half_deleted_one(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = storage.event()

    def cut(*_: object) -> None:
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(deletion, "remove_hidden", cut)
        with pytest.raises(Cut):
            storage.delete(event)
    with monkeypatch.context() as patched:
        patched.setattr(Catalogue, "put", lambda *_: None)
        new = storage.event(sequence=event.sequence + 1)
    assert new.id == event.id
    storage.start_again()
    storage.start_again()
    assert storage.catalogue.get(event.id) == new
    assert storage.archive.folder(event.id).read_record() == new


def test_a_disk_that_refuses_leaves_the_event_listed(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    event = storage.event()
    before = storage.found()

    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "rename", read_only)
    with pytest.raises(StorageError, match="read-only"):
        storage.delete(event)
    assert storage.found() == before
    assert storage.catalogue.get(event.id) == event


def test_a_disk_that_refuses_half_way_leaves_nothing_listed_that_is_not_whole(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = storage.event()

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", broken)
        with pytest.raises(StorageError, match="disk reports an error"):
            storage.delete(event)
    assert storage.catalogue.count() == 0
    assert list(storage.archive.scan()) == []
    assert storage.start_again() == Recovered(deleted=[event.id])
    assert storage.found() == []


def test_a_disk_that_does_not_say_whether_the_folder_is_hidden_leaves_it_unlisted(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = storage.event()

    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(deletion, "sync_directory", broken)
        with pytest.raises(StorageError, match="disk reports an error"):
            storage.delete(event)
    assert storage.catalogue.count() == 0
    assert storage.start_again() == Recovered(deleted=[event.id])


def test_a_full_disk_is_no_obstacle_to_deleting(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    event = storage.event()

    def full(*_: object, **__: object) -> None:
        error = StorageError("the disk is full")
        error.errno = errno.ENOSPC
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Catalogue, "mark_deleting", full)
        storage.delete(event)
    assert storage.found() == []
    assert storage.catalogue.count() == 0


def test_an_event_begins_though_the_empty_day_has_just_been_removed(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[Path] = []

    def made_and_removed(path: Path, top: Path) -> None:
        make_directories(path, top)
        if not removed:
            path.rmdir()
            removed.append(path)

    monkeypatch.setattr("pi_sec_cam.record.archive.make_directories", made_and_removed)
    assert storage.archive.begin("Yard", WallStamp(NOON, 0, synchronised=True)).path.is_dir()
    assert removed


def test_events_begin_while_the_last_of_their_day_is_deleted(storage: Storage) -> None:
    faults: list[BaseException] = []
    stop = threading.Event()

    def begin() -> None:
        try:
            while not stop.is_set():
                folder = storage.archive.begin("Yard", WallStamp(NOON, 0, synchronised=True))
                folder.path.rmdir()
        except BaseException as error:
            faults.append(error)

    thread = threading.Thread(target=begin)
    thread.start()
    for minute in range(1, 30):
        storage.delete(storage.event(minute))
    stop.set()
    thread.join()
    assert faults == []


def test_a_lock_and_a_deletion_at_the_same_time_never_both_succeed(storage: Storage) -> None:
    for minute in range(20):
        event = storage.event(minute)
        ready = threading.Barrier(2)
        done: list[str] = []

        def attempt(name: str, action: Callable[[], object], ready: threading.Barrier, done: list[str]) -> None:
            ready.wait()
            try:
                action()
                done.append(name)
            except (EventNotFound, EventProtected, StorageError):
                pass

        actions: dict[str, Callable[[], object]] = {
            "lock": partial(annotate, storage.archive, storage.catalogue, event.id, locked=True),
            "delete": partial(storage.delete, event),
        }
        threads = [threading.Thread(target=attempt, args=(*item, ready, done)) for item in actions.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        exists = (storage.archive.directory / event.path / "video.mp4").exists()
        assert exists == ("delete" not in done)
        assert exists == (event.id in storage.catalogue.states())
        if "lock" in done and exists:
            assert storage.catalogue.get(event.id).locked


@pytest.mark.parametrize("hidden_from_us", [False, True])
def test_an_event_of_another_user_stays_whole_and_listed(hidden_from_us: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        storage = Storage(Path(name))
        event = storage.event()
        folder = storage.archive.folder(event.id).path
        (folder.parent if hidden_from_us else folder).chmod(0o000 if hidden_from_us else 0o555)
        if os.geteuid() == 0:
            for path in (Path(name), *storage.archive.recordings.parent.glob("catalogue*")):
                os.chown(path, 65534, 65534)
            for path in (storage.archive.recordings, folder.parent.parent):
                path.chmod(0o777)
            if not hidden_from_us:
                folder.parent.chmod(0o777)
            os.seteuid(65534)
        try:
            with pytest.raises(EventStays, match=r"user \w+ may not"):
                storage.delete(event)
            assert storage.catalogue.find() == [event]
            with pytest.raises(EventStays, match=r"user \w+ may not"):
                delete_unlisted(storage.archive, event)
        finally:
            os.seteuid(os.getuid())
            (folder.parent if hidden_from_us else folder).chmod(0o755)
        assert (folder / "video.mp4").exists()
        storage.delete(event)
        assert storage.found() == []
        storage.catalogue.close()
