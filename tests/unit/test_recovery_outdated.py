"""What the owner said of a finished event is listed, also after a crash between event.json and its row."""

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.annotation import annotate
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.recovery import Recovered, recover
from tests.unit.events import NOON, record
from tests.unit.mp4_files import clip, write


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path, zone=UTC)
    made.prepare()
    return made


@pytest.fixture
def catalogue(archive: Archive) -> Iterator[Catalogue]:
    with Catalogue(archive.catalogue_path) as made:
        yield made


@pytest.fixture
def folder(archive: Archive, catalogue: Catalogue) -> EventFolder:
    """Of a finished event that is listed."""
    made = archive.begin("Yard", WallStamp(NOON, 0, synchronised=True))
    archive.running.discard(made.id)
    write(made.video_path(1), b"".join(clip()))
    catalogue.put(made.write_record(record(id=made.id)))
    return made


def crash(*_: object) -> None:
    raise StorageError("the power went")


def test_a_crash_before_the_row(
    archive: Archive, catalogue: Catalogue, folder: EventFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Catalogue, "put", crash)
        with pytest.raises(StorageError, match="power"):
            annotate(archive, catalogue, folder.id, locked=True, note="keep")
    assert not catalogue.get(folder.id).locked
    assert recover(archive, catalogue) == Recovered(updated=[folder.id])
    listed = catalogue.get(folder.id)
    assert (listed.locked, listed.note) == (True, "keep")
    assert folder.read_record() == listed
    assert recover(archive, catalogue) == Recovered()


def test_a_crash_before_the_file(
    archive: Archive, catalogue: Catalogue, folder: EventFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("pi_sec_cam.record.event_folder.write_atomically", crash)
        with pytest.raises(StorageError, match="power"):
            annotate(archive, catalogue, folder.id, locked=True)
    write(folder.path / ".event.json.new", b"{")
    assert recover(archive, catalogue) == Recovered(updated=[folder.id])
    assert not catalogue.get(folder.id).locked
    assert not (folder.path / ".event.json.new").exists()
    assert recover(archive, catalogue) == Recovered()


def test_what_was_said_in_order_leaves_nothing_to_do(
    archive: Archive, catalogue: Catalogue, folder: EventFolder
) -> None:
    annotate(archive, catalogue, folder.id, locked=True)
    annotate(archive, catalogue, folder.id, add_labels=["cat"])
    assert catalogue.outdated() == []
    assert recover(archive, catalogue) == Recovered()


def test_the_row_of_one_change_does_not_stand_for_another_that_has_begun(
    archive: Archive, catalogue: Catalogue, folder: EventFolder
) -> None:
    first = annotate(archive, catalogue, folder.id, locked=True)
    catalogue.announce(folder.id, first.revision + 1)
    catalogue.put(first)
    assert catalogue.outdated() == [folder.id]
