"""A catalogue that is lost, damaged or taken away: made anew from the files, with all that the owner has said."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.annotation import annotate
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.catalogue_file import CatalogueDamaged, CatalogueGone, set_aside
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.rebuild import open_or_rebuild, rebuild
from pi_sec_cam.record.recovery import recover
from tests.unit.events import NOON, record


class Storage:
    """A storage directory with finished events, some of which the owner has spoken of."""

    def __init__(self, directory: Path) -> None:
        self.archive = Archive(directory, zone=UTC)
        self.archive.prepare()
        self.path = self.archive.catalogue_path
        with Catalogue(self.path) as catalogue:
            for minute in range(30):
                event = self.event(minute)
                catalogue.put(event)
            for event in catalogue.find()[:10]:
                annotate(self.archive, catalogue, event.id, locked=True, add_labels=("cat", "dog"), note="mine")
            self.events = catalogue.find()

    def event(self, minute: int, state: str = "complete") -> EventRecord:
        folder = self.archive.begin("Yard", WallStamp(NOON + timedelta(minutes=minute), 0, synchronised=True))
        folder.write_picture(b"picture")
        if state == "complete":
            self.archive.running.discard(folder.id)
        return folder.write_record(record(NOON + timedelta(minutes=minute), id=folder.id, state=state))

    def start(self) -> tuple[Catalogue, str | None]:
        """As the daemon does."""
        catalogue, happened = open_or_rebuild(self.archive)
        recover(self.archive, catalogue)
        return catalogue, happened


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path)


@pytest.fixture
def catalogue(storage: Storage) -> Iterator[Catalogue]:
    with Catalogue(storage.path) as opened:
        yield opened


def overwrite(path: Path, at: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * length)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no database": lambda path: path.write_bytes(b"these are not the bytes that you are looking for" * 500),
    "its head": lambda path: overwrite(path, 0, 100),
    "a page of the table": lambda path: overwrite(path, 5 * 4096, 4096),
    "the schema's page": lambda path: overwrite(path, 100, 3000),
    "cut off": lambda path: os.truncate(path, 3 * 4096),
    "one bit of the tree": lambda path: overwrite(path, 3 * 4096, 1),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_catalogue_is_kept_and_made_anew(storage: Storage, damage: str) -> None:
    DAMAGES[damage](storage.path)
    damaged = storage.path.read_bytes()
    catalogue, happened = storage.start()
    assert happened is not None
    assert str(storage.path) in happened
    assert "damaged" in happened
    assert catalogue.find() == storage.events
    catalogue.close()
    assert storage.path.with_name("catalogue.sqlite3.damaged").read_bytes() == damaged
    assert storage.start()[1] is None


def test_a_missing_catalogue_is_made_anew(storage: Storage) -> None:
    storage.path.unlink()
    catalogue, happened = storage.start()
    assert happened is not None
    assert "missing" in happened
    assert catalogue.find() == storage.events
    catalogue.close()


def test_the_very_first_start_is_nothing_to_speak_of(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.prepare()
    catalogue, happened = open_or_rebuild(archive)
    assert happened is None
    catalogue.close()


def test_a_catalogue_of_a_later_version_is_left_as_it_is(storage: Storage) -> None:
    with closing(sqlite3.connect(storage.path)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    before = storage.path.read_bytes()
    with pytest.raises(StorageError, match="later version"):
        open_or_rebuild(storage.archive)
    assert storage.path.read_bytes() == before


def test_only_the_last_damaged_catalogue_is_kept_with_what_belongs_to_it(storage: Storage) -> None:
    aside = storage.path.with_name("catalogue.sqlite3.damaged")
    for content in (b"first" * 999, b"second" * 999):
        storage.path.write_bytes(content)
        storage.path.with_name("catalogue.sqlite3-wal").write_bytes(b"wal of " + content)
        set_aside(storage.path)
        assert aside.read_bytes() == content
        assert aside.with_name(f"{aside.name}-wal").read_bytes() == b"wal of " + content
    storage.path.write_bytes(b"third" * 999)
    set_aside(storage.path)
    assert sorted(file.name for file in storage.path.parent.glob("catalogue*")) == [aside.name]


def test_changes_of_a_catalogue_that_was_moved_away_are_not_taken_for_those_of_the_new_one(
    storage: Storage, tmp_path: Path
) -> None:
    """The power failed after the first renaming: the changes (-wal) lie beside a new, empty file."""
    with Catalogue(storage.path) as writer:
        writer.put(record(id="Yard/in the changes only"))
        wal = storage.path.with_name("catalogue.sqlite3-wal").read_bytes()
    assert wal
    storage.path.unlink()
    storage.path.with_name("catalogue.sqlite3-wal").write_bytes(wal)
    catalogue, _ = storage.start()
    assert catalogue.find() == storage.events
    catalogue.close()


def test_the_order_of_events_goes_on_where_it_was(storage: Storage) -> None:
    newest = max(event.sequence for event in storage.events)
    in_1970 = WallStamp(NOON.replace(year=1970), 0, synchronised=False)
    again = Archive(storage.archive.directory, zone=UTC)
    open_or_rebuild(again)[0].close()
    assert again.next_sequence(in_1970) == newest + 1
    assert again.next_sequence(in_1970) == newest + 2
    storage.path.unlink()
    once_more = Archive(storage.archive.directory, zone=UTC)
    catalogue, _ = open_or_rebuild(once_more)
    recover(once_more, catalogue)
    assert once_more.next_sequence(in_1970) == newest + 1
    catalogue.close()


def test_a_rebuild_beside_recording_lists_all_and_loses_nothing_said(storage: Storage, catalogue: Catalogue) -> None:
    running = storage.event(100, "recording")
    catalogue.put(running)
    said: list[EventRecord] = []
    stop = threading.Event()

    def speak() -> None:
        for number in range(1000):
            if stop.is_set():
                return
            event = storage.events[number % len(storage.events)]
            said.append(annotate(storage.archive, catalogue, event.id, note=f"note {number}"))

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        assert rebuild(storage.archive, catalogue) is catalogue
    finally:
        stop.set()
        thread.join()
    assert said
    expected = {event.id: event for event in (*storage.events, running, *said)}
    assert {event.id: event for event in catalogue.find()} == expected
    read = storage.archive.folder(running.id).read_record()
    assert read == running  # still running: nobody has repaired it


def test_a_rebuild_forgets_what_is_not_there(storage: Storage, catalogue: Catalogue) -> None:
    catalogue.put(record(id="Yard/never"))
    rebuild(storage.archive, catalogue)
    assert catalogue.find() == storage.events


def test_a_rebuild_needs_no_catalogue_that_can_be_opened(storage: Storage) -> None:
    storage.path.write_bytes(b"rubbish" * 999)
    with rebuild(storage.archive, None) as catalogue:
        assert catalogue.find() == storage.events


def test_without_recordings_nothing_is_rebuilt(storage: Storage, catalogue: Catalogue) -> None:
    storage.archive.recordings.rename(storage.archive.directory / "elsewhere")
    with pytest.raises(StorageError, match="cannot list"):
        rebuild(storage.archive, catalogue)
    assert catalogue.find() == storage.events


def test_a_catalogue_that_was_deleted_is_missed_and_not_written(storage: Storage, catalogue: Catalogue) -> None:
    storage.path.unlink()
    with pytest.raises(CatalogueGone, match="gone"):
        catalogue.put(record())
    with pytest.raises(CatalogueGone, match="gone"):
        catalogue.find()
    assert not storage.path.exists()
    rebuild(storage.archive, catalogue)
    assert catalogue.find() == storage.events


def test_a_catalogue_whose_disk_comes_back_is_used_again(storage: Storage, catalogue: Catalogue) -> None:
    away = storage.path.with_name("away")
    storage.path.rename(away)
    with pytest.raises(CatalogueGone):
        catalogue.count()
    away.rename(storage.path)
    assert catalogue.find() == storage.events


def test_another_disks_catalogue_is_not_taken_for_ours(storage: Storage, catalogue: Catalogue, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite3"
    Catalogue(other).close()
    before = other.read_bytes()
    other.replace(storage.path)
    with pytest.raises(CatalogueGone):
        catalogue.put(record())
    assert storage.path.read_bytes() == before


def test_damage_is_found_without_being_hit(storage: Storage, catalogue: Catalogue) -> None:
    catalogue.close()
    overwrite(storage.path, 5 * 4096, 4096)
    with pytest.raises(CatalogueDamaged, match="rebuild"), Catalogue(storage.path) as opened:
        opened.check()


def test_a_row_that_was_not_put_before_the_loss_is_there_after(storage: Storage, catalogue: Catalogue) -> None:
    folder = storage.archive.folder(storage.events[0].id)
    changed = folder.update_record(lambda standing: replace(standing or storage.events[0], locked=False))
    rebuild(storage.archive, catalogue)
    assert catalogue.get(folder.id) == changed
