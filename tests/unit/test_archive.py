"""Event folders: named in local time, never twice the same, durable in the right order."""

import os
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.errors import EventNotFound, StorageError
from pi_sec_cam.record.archive import Archive, Place
from pi_sec_cam.record.event_record import RecordDamaged
from tests.unit.events import NOON, record

STAMP = WallStamp(NOON, 1_008_000_000, synchronised=True)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path / "storage", zone=ZoneInfo("Asia/Kathmandu"))
    made.prepare()
    return made


@pytest.fixture
def not_ours() -> Iterator[Path]:
    """A directory that this process may read but not write."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o555)
        if os.geteuid() == 0:
            os.seteuid(65534)
            try:
                yield path
            finally:
                os.seteuid(0)
        else:
            yield path
        path.chmod(0o755)


def test_a_folder_is_named_after_camera_and_local_time(archive: Archive) -> None:
    folder = archive.begin("Front door", STAMP)
    assert folder.path == archive.directory / "recordings/Front door/2026-05-04/17.45.00"
    assert folder.path.is_dir()
    assert folder.id == "Front%20door/2026-05-04/17.45.00"
    assert archive.folder(folder.id) == folder


def test_the_machines_zone_is_used_where_none_is_given(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.prepare()
    assert archive.begin("Yard", STAMP).path.name == f"{NOON.astimezone():%H.%M.%S}"


def test_a_folder_that_exists_gets_the_next_number(archive: Archive) -> None:
    names = [archive.begin("Yard", STAMP).path.name for _ in range(3)]
    assert names == ["17.45.00", "17.45.00-2", "17.45.00-3"]


def test_threads_never_get_the_same_folder(archive: Archive) -> None:
    ready = threading.Barrier(8)
    ids: list[str] = []

    def begin() -> None:
        ready.wait()
        ids.extend(archive.begin("Yard", STAMP).id for _ in range(25))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 200


def test_formats_with_slashes_make_more_levels(tmp_path: Path) -> None:
    archive = Archive(tmp_path, day_directory_format="%Y/%m/", time_directory_format="/%d at %H-%M", zone=UTC)
    archive.prepare()
    first, second = archive.begin("Yard", STAMP), archive.begin("Yard", STAMP)
    assert first.path == tmp_path / "recordings/Yard/2026/05/04 at 12-00"
    assert second.path.name == "04 at 12-00-2"
    for folder in (first, second):
        assert archive.trigger_wall(folder.id) == NOON


def test_the_folders_name_tells_the_time_of_the_trigger(archive: Archive) -> None:
    archive.begin("Yard", STAMP)
    assert archive.trigger_wall(archive.begin("Yard", STAMP).id) == NOON
    assert archive.trigger_wall("Yard/2026-05-04/holiday") is None
    assert archive.trigger_wall("Yard") is None


@pytest.mark.parametrize("camera", ["", ".", "..", "../Yard", "a/b", ".hidden", "two\nlines", "nul\0"])
def test_a_camera_that_cannot_name_a_folder_is_refused(archive: Archive, camera: str) -> None:
    with pytest.raises(StorageError, match="cannot name a folder after camera"):
        archive.begin(camera, STAMP)
    assert os.listdir(archive.recordings) == []


@pytest.mark.parametrize("event_id", ["", "..", "Yard/../../x", "/etc", "Yard//x", "Yard/", "%2e%2e/x", "a%ff", "a b"])
def test_an_id_cannot_lead_out_of_the_recordings(archive: Archive, event_id: str) -> None:
    with pytest.raises(EventNotFound):
        archive.folder(event_id)


def test_a_name_that_is_too_long_is_explained(archive: Archive) -> None:
    with pytest.raises(StorageError, match="too long"):
        archive.begin("x" * 300, STAMP)


def test_a_file_where_a_folder_should_be_is_explained(archive: Archive) -> None:
    (archive.recordings / "Yard").write_text("no folder")
    with pytest.raises(StorageError, match=r"Yard/2026-05-04/17\.45\.00: something on the way .* not a directory"):
        archive.begin("Yard", STAMP)


def test_nothing_is_created_in_place_of_a_disk_that_has_gone(archive: Archive) -> None:
    archive.recordings.rename(archive.directory / "gone")
    with pytest.raises(StorageError, match="cannot create"):
        archive.begin("Yard", STAMP)
    assert not archive.recordings.exists()


def test_prepare_makes_the_directory_and_leaves_no_trace(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "a/b")
    archive.prepare()
    archive.prepare()
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == ["a", "a/b", "a/b/recordings"]


def test_prepare_explains_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "storage").write_text("no folder")
    with pytest.raises(StorageError, match=r"storage \(storage\.directory\): something on the way to it is a file"):
        Archive(tmp_path / "storage").prepare()


@pytest.mark.parametrize("inside", ["", "deeper/storage"])
def test_prepare_explains_a_directory_of_someone_else(not_ours: Path, inside: str) -> None:
    with pytest.raises(StorageError, match=r"storage\.directory\): user \w+ may not"):
        Archive(not_ours / inside).prepare()


def test_prepare_finds_out_by_writing(tmp_path: Path, not_ours: Path) -> None:
    recordings = not_ours / "recordings"
    os.seteuid(os.getuid())
    not_ours.chmod(0o755)
    recordings.mkdir()
    recordings.chmod(0o555)
    if os.getuid() == 0:
        os.seteuid(65534)
    with pytest.raises(StorageError, match="may not"):
        Archive(not_ours).prepare()


def test_event_json_is_synced_before_it_is_in_place_and_its_name_after(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = archive.begin("Yard", STAMP)
    steps: list[tuple[str, str]] = []
    sync, replace = os.fsync, os.replace

    def traced_sync(descriptor: int) -> None:
        steps.append(("sync", Path(os.readlink(f"/proc/self/fd/{descriptor}")).name))
        sync(descriptor)

    def traced_replace(path: Path, target: Path) -> None:
        steps.append(("rename", target.name))
        replace(path, target)

    monkeypatch.setattr(os, "fsync", traced_sync)
    monkeypatch.setattr(os, "replace", traced_replace)
    folder.write_record(record())
    assert steps == [("sync", ".event.json.new"), ("rename", "event.json"), ("sync", "17.45.00")]


def test_every_new_directory_is_synced_into_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(tmp_path / "storage", zone=UTC)
    archive.prepare()
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(Path(os.readlink(f"/proc/self/fd/{fd}")).name))
    archive.begin("Yard", STAMP)
    assert synced == ["recordings", "Yard", "2026-05-04"]


def test_a_record_that_cannot_be_written_leaves_the_old_one(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = archive.begin("Yard", STAMP)
    folder.write_record(record())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"cannot write .*event\.json: the disk is full") as caught:
        folder.write_record(record(note="new"))
    assert caught.value.errno == 28
    assert os.listdir(folder.path) == ["event.json"]
    read = folder.read_record()
    assert read is not None
    assert read.note == ""


def test_the_id_is_that_of_the_place(archive: Archive) -> None:
    folder = archive.begin("Yard", STAMP)
    folder.write_record(record(id="Yard/elsewhere"))
    read = folder.read_record()
    assert read is not None
    assert read.id == folder.id
    assert archive.directory / read.path == folder.path


def test_video_files_are_in_the_order_of_their_numbers(archive: Archive) -> None:
    folder = archive.begin("Yard", STAMP)
    for number in (10, 2, 1, 3):
        folder.video_path(number).write_bytes(b"1234")
    for other in ("video-0.mp4", "video-02.mp4", "video-x.mp4", "myvideo.mp4", "video.mp4.bak"):
        (folder.path / other).write_bytes(b"other")
    folder.write_picture(b"picture")
    assert [path.name for path in folder.video_files()] == ["video.mp4", "video-2.mp4", "video-3.mp4", "video-10.mp4"]
    assert folder.media_bytes() == 4 * 4 + 7


def test_places_are_found_whatever_the_formats_were(archive: Archive) -> None:
    for path, name in (("Yard/2026-05-04/1", "event.json"), ("Yard/x", "video.mp4"), ("Öl lager/a/b/c", "motion.jpg")):
        (archive.recordings / path).mkdir(parents=True)
        (archive.recordings / path / name).touch()
    (archive.recordings / "Yard/2026-05-04/2").mkdir()
    (archive.recordings / "Yard/2026-05-04/notes").mkdir()
    (archive.recordings / "Yard/2026-05-04/notes/mine.txt").touch()
    (archive.recordings / ".Trash/x").mkdir(parents=True)
    (archive.recordings / ".Trash/x/event.json").touch()
    (archive.recordings / "loop").symlink_to(archive.recordings)
    assert set(archive.places(known={"Yard/x"})) == {
        Place("event", "Yard/2026-05-04/1"),
        Place("known", "Yard/x"),
        Place("event", "%C3%96l%20lager/a/b/c"),
        Place("bare", "Yard/2026-05-04/2"),
    }


def test_scan_reads_all_records_from_the_files(archive: Archive) -> None:
    written = []
    for second in range(5):
        folder = archive.begin("Yard", WallStamp(NOON + timedelta(seconds=second), 0, synchronised=True))
        written.append(record(id=folder.id, start=NOON + timedelta(seconds=second)))
        folder.write_record(written[-1])
    (archive.begin("Yard", STAMP).path / "event.json").write_bytes(b"{")
    (archive.begin("Yard", STAMP).path / "video.mp4").touch()
    assert sorted(archive.scan(), key=lambda event: event.start) == written


def test_a_damaged_record_is_named(archive: Archive) -> None:
    folder = archive.begin("Yard", STAMP)
    assert folder.read_record() is None
    (folder.path / "event.json").write_bytes(b"{")
    with pytest.raises(RecordDamaged, match=str(folder.path)):
        folder.read_record()


def test_a_missing_archive_is_an_error_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot list"):
        list(Archive(tmp_path / "nothing").places())


def test_a_day_that_repeats_an_hour_gets_other_folders(tmp_path: Path) -> None:
    archive = Archive(tmp_path, zone=ZoneInfo("Europe/Berlin"))
    archive.prepare()
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02.30 twice: summer time ends at 03.00
    folders = [archive.begin("Yard", WallStamp(first + timedelta(hours=h), 0, synchronised=True)) for h in (0, 1)]
    assert [folder.path.name for folder in folders] == ["02.30.00", "02.30.00-2"]
