"""Which events go when room is made in a place from home, and what is noted of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.errors import PermanentError, StorageError, TemporaryError
from pi_sec_cam.evidence.footage import FoundFile
from pi_sec_cam.home.folder import FolderPlace
from pi_sec_cam.home.manifest import Manifest
from pi_sec_cam.home.prune import Choice, choose, prune, stored_events
from pi_sec_cam.home.pruned import PrunedNote, pruned_of
from pi_sec_cam.home.selection import Selection
from tests.unit.camera_made import MadeCamera

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _own_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def event(days_ago: float, camera: str = "Yard", modified: datetime | None = NOW - 400 * DAY) -> list[FoundFile]:
    """100 bytes of records, 1,000 of a picture, 9,000 of video."""
    began = (NOW - timedelta(days=days_ago)).astimezone()
    folder = f"{camera}/{began:%Y-%m-%d}/{began:%H.%M.%S}"
    files = {"evidence0.jsonl": 100, "motion0.jpg": 1000, "video0.h264": 4000, "video1.h264": 5000}
    return [FoundFile(f"{folder}/{name}", size, modified) for name, size in files.items()]


def chosen(
    files: list[FoundFile], *cameras: str, older_than: timedelta | None = None, most: int | None = None
) -> Choice:
    events, total = stored_events(files, cameras)
    return choose(events, total, NOW, older_than=older_than, most_bytes=most)


def ages(choice: Choice) -> list[int]:
    return [round((NOW - each.last) / DAY) for each in choice.events if each.last]


def test_by_age_all_that_is_older_goes_and_nothing_else() -> None:
    files = [file for days in (1.5, 30, 89, 91, 200) for file in event(days)]
    choice = chosen(files, older_than=90 * DAY)
    assert ages(choice) == [200, 91]
    assert choice.bytes == 20_000
    assert choice.total_bytes == 5 * 10_100


def test_by_size_the_oldest_go_until_it_fits() -> None:
    files = [file for days in (10, 40, 20, 30) for file in event(days)]
    assert ages(chosen(files, most=25_000)) == [40, 30]  # of 40,400
    assert ages(chosen(files, most=40_400)) == []


def test_records_and_strangers_files_stay() -> None:
    files = event(100) + event(2)
    folder = files[0].path.rpartition("/")[0]
    files += [FoundFile(f"{folder}/letter.doc", 5), FoundFile("Yard/evidence/000001-aa/evidence0.jsonl", 9)]
    files += [FoundFile("Yard/rehearsal/18.30.12/motion0.jpg", 9)]
    (gone,) = chosen(files, most=0).events
    assert sorted(path.rpartition("/")[2] for path in gone.paths) == ["motion0.jpg", "video0.h264", "video1.h264"]
    assert gone.paths[-1].endswith("motion0.jpg")  # as long as anything is there, one sees what it was


def test_a_file_that_the_store_got_late_does_not_go_for_its_folders_name() -> None:
    behind = event(20_000, modified=NOW - 2 * DAY)  # a camera that boots in 1970
    assert chosen(behind + event(1), older_than=90 * DAY).events == ()


def test_what_nobody_knows_the_age_of_stays() -> None:
    files = [FoundFile("Yard/Monday/noon/video0.h264", 1000), *event(2)]
    choice = chosen(files + event(9), older_than=DAY, most=0)
    assert ages(choice) == [9]
    assert choice.spared == 2  # and the newest event


def test_the_newest_day_of_each_camera_stays_whatever_the_clock_at_home_says() -> None:
    files = [file for days in (500, 500.5, 502) for file in event(days, modified=None)] + event(0.5, "Door")
    choice = chosen(files, most=0)
    assert ages(choice) == [502]
    assert choice.spared == 3


def test_an_event_of_the_future_takes_nothing_from_that() -> None:
    files = [file for days in (-9000, 0.5, 2) for file in event(days, modified=None)]
    assert ages(chosen(files, most=0)) == [2]


def test_only_the_cameras_that_were_named() -> None:
    files = event(100) + event(50) + event(100, "Door") + event(50, "Door")
    choice = chosen(files, "Door", older_than=60 * DAY)
    assert [each.event.split("/")[0] for each in choice.events] == ["Door"]
    assert choice.total_bytes == 2 * 10_100


def store(tmp_path: Path) -> tuple[FolderPlace, MadeCamera]:
    top = tmp_path / "store"
    camera = MadeCamera(top)
    camera.event()
    camera.clock.advance(3 * 86400)
    camera.event()
    return FolderPlace(top), camera


def test_it_deletes_footage_and_notes_it_first(tmp_path: Path) -> None:
    place, _camera = store(tmp_path)
    events, _ = stored_events(place.files(), [])
    oldest = events[0]
    clock = SimulatedClock(NOW)

    class Dying:
        where = place.where

        def delete(self, path: str) -> None:
            raise TemporaryError("the network is gone")

    with pytest.raises(TemporaryError):
        list(prune(Dying(), [oldest], clock, failed=pytest.fail))  # type: ignore[arg-type]
    assert pruned_of(place.where)(oldest.event), "noted before the first file goes"
    assert list(prune(place, [oldest], clock, failed=pytest.fail)) == [oldest.bytes]
    left = [file.path for file in place.files(oldest.event)]
    assert left
    assert all("evidence" in path for path in left)
    assert [each.event for each in stored_events(place.files(), [])[0]] == [events[1].event]
    assert not pruned_of(place.where)(events[1].event)


def test_a_file_that_stays_is_told_and_the_others_go(tmp_path: Path) -> None:
    place, _camera = store(tmp_path)
    events, _ = stored_events(place.files(), [])
    blocked = events[0].paths[0]
    delete = place.delete

    def refusing(path: str) -> None:
        if path == blocked:
            raise PermanentError(f"{path} is locked")
        delete(path)

    place.delete = refusing  # type: ignore[method-assign]
    failures: list[str] = []
    list(prune(place, events[:1], SimulatedClock(NOW), failures.append))
    assert failures == [f"{blocked} is locked"]
    assert [each.paths for each in stored_events(place.files(), [])[0] if each.event == events[0].event] == [(blocked,)]


def test_nothing_goes_that_cannot_be_noted(tmp_path: Path) -> None:
    place, _camera = store(tmp_path)
    (tmp_path / "state").write_text("in the way")
    before = list(place.files())
    with pytest.raises(StorageError):
        list(prune(place, stored_events(place.files(), [])[0], SimulatedClock(NOW), failed=pytest.fail))
    assert list(place.files()) == before


def test_the_note_outlives_a_torn_line() -> None:
    note = PrunedNote("dropbox:")
    note.add("Yard/a/b", 3, 10, NOW)
    with note.path.open("ab") as file:
        file.write(b'{"event": "Yard/a')
    note.add("Yard/a/c", 3, 10, NOW)
    assert note.events() == {"Yard/a/b", "Yard/a/c"}
    assert note.path.stat().st_mode & 0o777 == 0o600
    assert json.loads(note.path.read_bytes().splitlines()[0])["place"] == "dropbox:"


def test_who_has_no_home_has_no_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    assert not pruned_of("dropbox:")("Yard/a/b")
    with pytest.raises(StorageError, match="XDG_STATE_HOME"):
        PrunedNote("dropbox:")


def test_notes_are_of_one_place_and_hold_for_what_was_fetched_from_it(tmp_path: Path) -> None:
    PrunedNote("dropbox:").add("Yard/a/b", 3, 10, NOW)
    assert not pruned_of("s3://footage")("Yard/a/b")
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    assert not pruned_of(str(fetched))("Yard/a/b")
    Manifest().with_fetch("dropbox:", Selection(), ["Yard/a/b"], NOW).write(fetched)
    assert pruned_of(str(fetched))("Yard/a/b")
