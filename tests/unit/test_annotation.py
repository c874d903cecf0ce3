"""The owner's words: in event.json before the row, kept whatever the recorder writes, refused where they cannot be."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.errors import AnnotationRefused, EventNotFound, StorageError
from pi_sec_cam.record.annotation import annotate, mark_offsite
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import EventRecord
from tests.unit.events import NOON, record

STAMP = WallStamp(NOON, 0, synchronised=True)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path, zone=UTC)
    made.prepare()
    return made


@pytest.fixture
def catalogue(archive: Archive) -> Iterator[Catalogue]:
    with Catalogue(archive.catalogue_path) as opened:
        yield opened


@pytest.fixture
def folder(archive: Archive, catalogue: Catalogue) -> EventFolder:
    made = archive.begin("Yard", STAMP)
    catalogue.put(made.write_record(record(id=made.id, state="recording", newer={"weather": "rain"})))
    return made


def test_what_is_said_stands_in_file_and_catalogue(archive: Archive, catalogue: Catalogue, folder: EventFolder) -> None:
    said = annotate(archive, catalogue, folder.id, locked=True, add_labels=("cat", "person"), note="two\nlines")
    assert (said.locked, said.labels, said.note) == (True, ("cat", "person"), "two\nlines")
    assert folder.read_record() == said
    assert catalogue.get(folder.id) == replace(said, newer={})
    said = annotate(archive, catalogue, folder.id, add_labels=("dog", "cat"), remove_labels=("person", "horse"))
    assert (said.locked, said.labels, said.note) == (True, ("cat", "dog"), "two\nlines")
    said = annotate(archive, catalogue, folder.id, locked=False, note="")
    assert (said.locked, said.labels, said.note, said.newer) == (False, ("cat", "dog"), "", {"weather": "rain"})


def test_what_is_said_while_the_event_runs_survives_the_recorder(
    archive: Archive, catalogue: Catalogue, folder: EventFolder
) -> None:
    annotate(archive, catalogue, folder.id, locked=True, add_labels=("cat",), note="look")
    folder.update_record(lambda standing: replace(standing or record(), offsite=True))
    written = folder.write_record(record(id=folder.id, duration_s=60.0))
    catalogue.put(written)
    assert (written.state, written.duration_s) == ("complete", 60.0)
    assert (written.locked, written.labels, written.note, written.offsite) == (True, ("cat",), "look", True)
    assert written.newer == {"weather": "rain"}
    assert folder.read_record() == written
    assert catalogue.get(folder.id) == replace(written, newer={})


def test_a_row_never_goes_back_to_an_older_state(archive: Archive, catalogue: Catalogue, folder: EventFolder) -> None:
    written = folder.write_record(record(id=folder.id))
    said = annotate(archive, catalogue, folder.id, locked=True)
    catalogue.put(written)  # the recorder, which wrote the file before and comes to the catalogue after
    assert catalogue.get(folder.id) == replace(said, newer={})


def test_threads_do_not_undo_each_others_words(archive: Archive, catalogue: Catalogue, folder: EventFolder) -> None:
    ready = threading.Barrier(4)

    def label(number: int) -> None:
        ready.wait()
        for count in range(5):
            annotate(archive, catalogue, folder.id, add_labels=(f"{number} {count}",))
            folder.write_record(record(id=folder.id))

    threads = [threading.Thread(target=label, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = folder.read_record()
    assert written is not None
    assert len(written.labels) == 20
    assert set(catalogue.get(folder.id).labels) == set(written.labels)


def test_the_file_is_written_before_the_row(
    archive: Archive, catalogue: Catalogue, folder: EventFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(Catalogue, "put", full)
    with pytest.raises(StorageError, match="full"):
        annotate(archive, catalogue, folder.id, locked=True)
    read = folder.read_record()
    assert read is not None
    assert read.locked


@pytest.mark.parametrize("label", ["", " cat", "cat\t", "two\nlines", "x" * 101, "nul\0", "\ud800"])
def test_a_label_that_cannot_be_is_refused(
    archive: Archive, catalogue: Catalogue, folder: EventFolder, label: str
) -> None:
    before = folder.read_record()
    with pytest.raises(AnnotationRefused, match="cannot be a label"):
        annotate(archive, catalogue, folder.id, add_labels=("cat", label))
    assert folder.read_record() == before


@pytest.mark.parametrize("note", ["x" * 10_001, "nul\0", "\ud800", "\x1b[2J"])
def test_a_note_that_cannot_be_is_refused(
    archive: Archive, catalogue: Catalogue, folder: EventFolder, note: str
) -> None:
    with pytest.raises(AnnotationRefused, match="note"):
        annotate(archive, catalogue, folder.id, note=note)


def test_the_bounds_themselves_are_allowed(archive: Archive, catalogue: Catalogue, folder: EventFolder) -> None:
    labels = [f"{number:0100}" for number in range(100)]
    said = annotate(archive, catalogue, folder.id, add_labels=labels, note="ö" * 10_000)
    assert said.labels == tuple(labels)
    with pytest.raises(AnnotationRefused, match="101 labels"):
        annotate(archive, catalogue, folder.id, add_labels=("one more",))
    assert annotate(archive, catalogue, folder.id, add_labels=("one more",), remove_labels=labels[:1])


def test_more_labels_than_allowed_that_are_there_can_be_taken_away(
    archive: Archive, catalogue: Catalogue, folder: EventFolder
) -> None:
    many = tuple(str(number) for number in range(150))
    folder.update_record(lambda standing: replace(standing or record(), labels=many))
    assert len(annotate(archive, catalogue, folder.id, remove_labels=("7",)).labels) == 149


@pytest.mark.parametrize("event_id", ["Yard/never", "..", "a\0b"])
def test_no_event_is_said(archive: Archive, catalogue: Catalogue, event_id: str) -> None:
    with pytest.raises(EventNotFound):
        annotate(archive, catalogue, event_id, locked=True)
    assert catalogue.count() == 0


def test_an_event_that_was_deleted_meanwhile_gets_no_row(
    archive: Archive, catalogue: Catalogue, folder: EventFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    update_record = EventFolder.update_record

    def deleted_after(self: EventFolder, change: object) -> EventRecord:
        written = update_record(self, change)  # type: ignore[arg-type]
        self.path.rename(self.hidden_path)
        catalogue.delete({self.id: written.sequence})
        return written

    monkeypatch.setattr(EventFolder, "update_record", deleted_after)
    with pytest.raises(EventNotFound):
        annotate(archive, catalogue, folder.id, locked=True)
    assert catalogue.count() == 0


def test_a_damaged_record_does_not_stop_the_recorder(folder: EventFolder) -> None:
    (folder.path / "event.json").write_bytes(b"{")
    written = folder.write_record(record(id=folder.id))
    assert folder.read_record() == written
    assert (folder.path / "event.json.damaged").read_bytes() == b"{"


@pytest.mark.parametrize("said", [{"locked": 1}, {"locked": "yes"}, {"add_labels": [7]}, {"note": 7}])
def test_what_a_socket_may_bring_is_looked_at(
    archive: Archive, catalogue: Catalogue, folder: EventFolder, said: dict[str, Any]
) -> None:
    before = folder.read_record()
    with pytest.raises(AnnotationRefused):
        annotate(archive, catalogue, folder.id, **said)
    assert folder.read_record() == before


def test_what_a_store_has_is_said_in_the_file_and_in_the_list(
    archive: Archive, catalogue: Catalogue, folder: EventFolder
) -> None:
    before = folder.read_record()
    assert before is not None
    said = mark_offsite(archive, catalogue, folder.id)
    assert said == replace(before, offsite=True, revision=before.revision + 1) == folder.read_record()
    assert catalogue.get(folder.id) == replace(said, newer={})
    assert catalogue.outdated() == []
