"""The start after a crash: nothing recorded is lost, everything kept is listed, and a healthy start opens no file."""

import logging
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import EventRecord, to_json
from pi_sec_cam.record.recovery import Recovered, recover, survey
from tests.unit.events import NOON, PART, record
from tests.unit.mp4_files import boxes, clip, write
from tests.unit.streams import decoded_pictures, format_duration, packets, stream_entry


class Storage:
    """A storage directory and what stands in it."""

    def __init__(self, directory: Path) -> None:
        self.archive = Archive(directory, zone=UTC)
        self.archive.prepare()
        self.catalogue = Catalogue(self.archive.catalogue_path)

    def finished(self, *, minute: int = 0, camera: str = "Yard", put: bool = True) -> EventRecord:
        start = NOON + timedelta(minutes=minute)
        folder = self.archive.begin(camera, WallStamp(start, 0, synchronised=True))
        event = record(start, id=folder.id, camera=camera)
        write(folder.video_path(1), b"".join(clip()))
        folder.write_record(event)
        if put:
            self.catalogue.put(event)
        return event

    def running(self, *videos: bytes, picture: bytes = b"", **other: object) -> EventFolder:
        """An event as the recorder leaves it when it is killed: begun 8 s before noon, its trigger."""
        folder = self.archive.begin("Yard", WallStamp(NOON, 0, synchronised=True))
        for number, data in enumerate(videos, 1):
            write(folder.video_path(number), data)
        if picture:
            folder.write_picture(picture)
        start = NOON - timedelta(seconds=8)
        nothing_yet = {
            "duration_s": 0.0,
            "end": NOON,
            "motion_start": NOON,
            "motion_end": NOON,
            "parts": (),
            "bytes": 0,
        }
        unfinished = {**nothing_yet, "state": "recording", "end_reason": None, **other}
        folder.write_record(record(start, id=folder.id, **unfinished))
        return folder

    def recover(self) -> Recovered:
        self.archive.running.clear()  # as in a new process
        return recover(self.archive, self.catalogue)

    def file(self, event: EventRecord, name: str = "video.mp4") -> Path:
        return self.archive.directory / event.path / name

    def snapshot(self) -> dict[str, bytes]:
        files = (path for path in self.archive.recordings.rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in files}


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    made = Storage(tmp_path)
    yield made
    made.catalogue.close()


def test_where_all_is_well_nothing_is_done_nor_opened(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    for minute in range(3):
        storage.finished(minute=minute)
    before = storage.snapshot()
    monkeypatch.setattr(EventFolder, "read_record", lambda _: pytest.fail("a finished event was opened"))
    assert storage.recover() == Recovered()
    assert storage.snapshot() == before


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_an_interrupted_event_is_cut_to_whole_fragments_and_listed(storage: Storage, codec: str) -> None:
    writes = clip(codec)
    whole = b"".join(writes[:3])
    folder = storage.running(whole + writes[3][:-1], picture=b"picture", labels=("cat",), continues="Yard/before")
    done = storage.recover()
    assert done == Recovered(interrupted=[folder.id])
    event = storage.catalogue.get(folder.id)
    assert folder.read_record() == event
    assert folder.video_path(1).read_bytes() == whole
    assert event.state == "interrupted"
    assert event.end_reason is None
    assert event.start == NOON - timedelta(seconds=8)
    assert event.duration_s == pytest.approx(format_duration(folder.video_path(1)))
    assert event.end == event.start + timedelta(seconds=event.duration_s)
    assert event.parts[0].pictures == decoded_pictures(folder.video_path(1)) == 75
    assert (event.parts[0].codec, event.parts[0].width, event.parts[0].height) == (codec, 160, 96)
    assert event.parts[0].bytes == len(whole)
    assert event.bytes == len(whole) + len(b"picture")
    assert (event.labels, event.continues) == (("cat",), "Yard/before")


def test_killed_anywhere_every_whole_fragment_is_kept(storage: Storage) -> None:
    data = b"".join(clip())
    edges = boxes(data)
    chance = random.Random(3)
    cuts = {end + by for _, end in edges for by in (-1, 0, 9)} | {chance.randrange(len(data)) for _ in range(30)} | {0}
    first = packets(write(storage.archive.directory / "whole.mp4", clip()[0]), shown="pos,size")
    picture_ends = [int(packet["pos"]) + int(packet["size"]) for packet in first]
    cuts |= {picture_ends[0] - 1, picture_ends[0], picture_ends[9] + 1, picture_ends[18]}
    for cut in sorted(cut for cut in cuts if cut <= len(data)):
        folder = storage.running(data[:cut])
        done = storage.recover()
        kept = max((end for kind, end in edges if kind in {b"mdat", b"mfra"} and end <= cut), default=0)
        if kept:
            assert done.interrupted == [folder.id], cut
            assert folder.video_path(1).read_bytes() == data[:kept], cut
            # The header comes with the first fragment; a fragment has 25 pictures.
            mdats = sum(kind == b"mdat" and end <= cut for kind, end in edges)
            assert storage.catalogue.get(folder.id).parts[0].pictures == 25 * mdats, cut
        elif whole := sum(end <= cut for end in picture_ends):  # some of the first fragment's pictures
            event = storage.catalogue.get(folder.id)
            assert (event.state, event.parts[0].pictures) == ("interrupted", whole), cut
            assert decoded_pictures(folder.video_path(1)) == whole, cut
            assert event.duration_s == pytest.approx(whole / 25), cut
        else:
            assert done.removed == [folder.id], cut
            assert not folder.path.exists(), cut
        assert storage.recover() == Recovered(), cut
        if folder.path.exists():
            shutil.rmtree(folder.path)
            storage.recover()


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_torn_beginning_with_b_frames_plays_up_to_its_last_whole_picture(storage: Storage, codec: str) -> None:
    data = clip(codec, b_frames=2)[0]  # type: ignore[arg-type]
    folder = storage.running(data[:-1])
    assert storage.recover() == Recovered(interrupted=[folder.id])
    (part,) = storage.catalogue.get(folder.id).parts
    file = folder.video_path(1)
    assert part.pictures == 24
    assert decoded_pictures(file) == part.pictures
    assert (stream_entry(file, "start_time"), stream_entry(file, "codec_tag_string")) == (
        "0.000000",
        "avc1" if codec == "h264" else "hvc1",
    )
    assert [path.name for path in sorted(folder.path.iterdir())] == ["event.json", "video.mp4"]
    assert storage.recover() == Recovered()


def test_an_event_in_parts(storage: Storage) -> None:
    first, second, third = b"".join(clip()), b"".join(clip(size=(128, 64))[:2]), clip()[0][:400]
    known = (PART, replace(PART, file="video-2.mp4", first_pts_us=(PART.first_pts_us or 0) + 10_000_000))
    folder = storage.running(first, second + b"\0" * 9, third, parts=known)
    storage.recover()
    event = storage.catalogue.get(folder.id)
    assert [(part.file, part.pictures, part.width) for part in event.parts] == [
        ("video.mp4", 100, 160),
        ("video-2.mp4", 50, 128),
    ]
    assert [part.first_pts_us for part in event.parts] == [part.first_pts_us for part in known]
    assert event.duration_s == pytest.approx(4 + 2)
    assert event.end == event.start + timedelta(seconds=10 + 2)
    assert not folder.video_path(3).exists()


def test_a_finished_event_that_the_catalogue_lacks_is_added(storage: Storage) -> None:
    event = storage.finished(put=False)
    before = storage.snapshot()
    assert storage.recover() == Recovered(added=[event.id])
    assert storage.catalogue.get(event.id) == event
    assert storage.snapshot() == before


def test_a_row_that_still_says_recording_is_brought_up_to_date(storage: Storage) -> None:
    event = storage.finished()
    storage.catalogue.put(record(id=event.id, state="recording"))
    assert storage.recover() == Recovered(added=[event.id])
    assert storage.catalogue.get(event.id) == event


def test_the_catalogue_is_rebuilt_from_the_files(storage: Storage) -> None:
    events = [storage.finished(minute=minute, camera=camera) for minute in range(150) for camera in ("Yard", "Door")]
    storage.catalogue.close()
    storage.archive.catalogue_path.unlink()
    storage.catalogue = Catalogue(storage.archive.catalogue_path)
    assert len(storage.recover().added) == 300
    assert sorted(storage.catalogue.find(), key=lambda e: e.id) == sorted(events, key=lambda e: e.id)


def test_a_moved_folder_is_the_same_event_at_another_place(storage: Storage) -> None:
    event = storage.finished()
    (storage.archive.recordings / "Yard").rename(storage.archive.recordings / "Garden")
    done = storage.recover()
    assert done.added == [event.id.replace("Yard", "Garden")]
    assert done.gone == [event.id]
    assert storage.catalogue.count() == 1


def test_rows_of_removed_folders_are_dropped(storage: Storage) -> None:
    kept, gone = storage.finished(minute=1), storage.finished(minute=2)
    shutil.rmtree(storage.archive.directory / gone.path)
    assert storage.recover() == Recovered(gone=[gone.id])
    assert storage.catalogue.states() == {kept.id: "complete"}


def test_a_new_event_that_gets_the_name_of_a_removed_one_meanwhile_stays_listed(storage: Storage) -> None:
    gone, removed = storage.finished(), storage.running()
    storage.catalogue.put(record(id=removed.id, state="recording", end_reason=None))
    shutil.rmtree(storage.archive.directory / gone.path)
    (removed.path / "event.json").unlink()
    storage.archive.running.clear()
    found = survey(storage.archive, storage.catalogue)
    assert (found.gone, found.bare) == ((gone.id,), (removed.id,))
    removed.path.rmdir()
    new = [record(id=event_id, sequence=gone.sequence + 1) for event_id in (gone.id, removed.id)]
    for event in new:
        storage.archive.folder(event.id).path.mkdir()
        storage.catalogue.put(event)
    recover(storage.archive, storage.catalogue, found)
    assert {event.id for event in storage.catalogue.find()} == {event.id for event in new}


def test_rows_of_what_cannot_be_looked_into_stay(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    event = storage.finished()
    scandir = os.scandir

    def broken(path: Path) -> object:
        if Path(path).name == "Yard":
            raise OSError(5, "Input/output error")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", broken)
    assert storage.recover() == Recovered()
    assert storage.catalogue.get(event.id) == event


def test_video_without_a_record_is_adopted(storage: Storage) -> None:
    folder = storage.archive.begin("Front door", WallStamp(NOON, 0, synchronised=True))
    file = write(folder.video_path(1), b"".join(clip()))
    written = (NOON + timedelta(seconds=3)).timestamp()
    os.utime(file, (written, written))
    assert storage.recover() == Recovered(interrupted=[folder.id])
    event = storage.catalogue.get(folder.id)
    assert event.camera == "Front door"
    assert event.motion_start == NOON
    assert (event.start, event.end) == (NOON - timedelta(seconds=1), NOON + timedelta(seconds=3))
    assert event.duration_s == 4.0
    assert not event.clock_synchronised
    assert folder.read_record() == event


def test_video_that_was_copied_later_is_of_the_time_that_its_folder_tells(storage: Storage) -> None:
    folder = storage.archive.begin("Yard", WallStamp(NOON, 0, synchronised=True))
    file = write(folder.video_path(1), b"".join(clip()))
    os.utime(file, (NOON.timestamp() + 1e6, NOON.timestamp() + 1e6))
    storage.recover()
    event = storage.catalogue.get(folder.id)
    assert (event.start, event.end) == (NOON, NOON + timedelta(seconds=4))


def test_video_in_a_folder_of_any_name_is_adopted(storage: Storage) -> None:
    file = write(storage.archive.recordings / "Yard/holiday/video.mp4", b"".join(clip()))
    os.utime(file, (NOON.timestamp(), NOON.timestamp()))
    assert storage.recover() == Recovered(interrupted=["Yard/holiday"])
    assert storage.catalogue.get("Yard/holiday").end == NOON


def test_a_motion_picture_alone_is_kept(storage: Storage) -> None:
    folder = storage.running(b"", picture=b"picture")
    assert storage.recover() == Recovered(interrupted=[folder.id])
    event = storage.catalogue.get(folder.id)
    assert (event.parts, event.duration_s, event.bytes) == ((), 0.0, 7)
    assert (folder.path / "motion.jpg").read_bytes() == b"picture"


def test_folders_in_which_nothing_arrived_are_removed(storage: Storage) -> None:
    begun = storage.archive.begin("Yard", WallStamp(NOON, 0, synchronised=True))
    recorded = storage.running()
    (recorded.path / ".motion.jpg.new").write_bytes(b"half a pict")
    storage.catalogue.put(record(id=recorded.id, state="recording"))
    done = storage.recover()
    assert sorted(done.removed) == sorted([begun.id, recorded.id])
    assert not begun.path.exists()
    assert not recorded.path.exists()
    assert storage.catalogue.count() == 0


def test_directories_that_are_not_ours_stay(storage: Storage) -> None:
    for other in ("lost+found", "Yard/2026-05-04", "Yard/2026-05-04/my own"):
        (storage.archive.recordings / other).mkdir(parents=True)
    mine = write(storage.archive.recordings / "Yard/notes/mine.txt", b"mine")
    folder = storage.running()
    (folder.path / "mine.txt").write_bytes(b"mine")
    storage.recover()
    assert mine.exists()
    assert os.listdir(folder.path) == ["mine.txt"]
    assert (storage.archive.recordings / "lost+found").exists()
    assert (storage.archive.recordings / "Yard/2026-05-04/my own").exists()
    assert storage.recover() == Recovered()


@pytest.mark.parametrize("damage", [b"{", b"\0" * 500, b'{"version": 1}'])
def test_a_damaged_record_is_set_aside_and_made_anew(storage: Storage, damage: bytes) -> None:
    event = storage.finished(put=False)
    storage.file(event, "event.json").write_bytes(damage)
    assert storage.recover() == Recovered(interrupted=[event.id])
    assert storage.file(event, "event.json.damaged").read_bytes() == damage
    assert storage.catalogue.get(event.id).parts[0].pictures == 100
    assert storage.recover() == Recovered()


def test_a_record_of_a_later_version_is_left_alone(storage: Storage) -> None:
    event = storage.finished(put=False)
    newer = to_json(event).replace(b'"version": 1', b'"version": 2')
    storage.file(event, "event.json").write_bytes(newer)
    assert storage.recover() == Recovered(failed=[event.id])
    assert storage.file(event, "event.json").read_bytes() == newer


def test_a_video_that_makes_no_sense_is_left_alone_and_the_others_counted(storage: Storage) -> None:
    rubbish = b"no film at all" * 100
    folder = storage.running(rubbish, b"".join(clip()))
    storage.recover()
    assert folder.video_path(1).read_bytes() == rubbish
    event = storage.catalogue.get(folder.id)
    assert [part.file for part in event.parts] == ["video-2.mp4"]
    assert event.bytes == len(rubbish) + folder.video_path(2).stat().st_size


def test_trouble_with_one_event_does_not_keep_the_others(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, good = storage.running(b"".join(clip())), storage.running(b"".join(clip()))
    write_record = EventFolder.write_record

    def full(folder: EventFolder, event: EventRecord) -> EventRecord:
        if folder == broken:
            raise OSError(28, "No space left on device")
        return write_record(folder, event)

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(EventFolder, "write_record", full)
        assert storage.recover() == Recovered(interrupted=[good.id], failed=[broken.id])
    assert str(broken.path) in caplog.text
    assert storage.recover() == Recovered(interrupted=[broken.id])


def test_what_begins_after_the_survey_is_not_touched(storage: Storage) -> None:
    interrupted = storage.running(b"".join(clip()[:2]))
    storage.archive.running.clear()
    found = survey(storage.archive, storage.catalogue)
    begun = storage.running(b"".join(clip()[:2]) + clip()[2][:50])
    before = begun.video_path(1).read_bytes()
    assert recover(storage.archive, storage.catalogue, found) == Recovered(interrupted=[interrupted.id])
    assert begun.video_path(1).read_bytes() == before
    read = begun.read_record()
    assert read is not None
    assert read.state == "recording"


def test_a_kill_during_recovery_does_no_harm(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = storage.running(b"".join(clip()[:2]) + clip()[2][:50])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for target, name in ((EventFolder, "write_record"), (Catalogue, "put_all")):
        with monkeypatch.context() as patched:
            patched.setattr(target, name, killed)
            with pytest.raises(KeyboardInterrupt):
                storage.recover()
    done = storage.recover()
    assert [*done.interrupted, *done.added] == [folder.id]
    assert storage.catalogue.get(folder.id).parts[0].pictures == 50
