"""Sealed mode: files that leave are the recording; folders, records and an end for each event, also after a crash."""

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.errors import StorageError
from pi_sec_cam.motion.event import Area, EventEnded, EventStarted
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outbox_writer import OutboxWriter
from pi_sec_cam.offsite.outgoing import OutgoingFile, Video
from pi_sec_cam.offsite.sealed_archive import keep_sealed
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.deletion import delete_event
from pi_sec_cam.record.event_folder import holds_event
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.recovery import recover
from pi_sec_cam.record.sealed_recorder import SealedRecorder
from tests.unit.events import NOON

TRIGGER_US = 1_008_000_000
STARTED = EventStarted(1, TRIGGER_US, TRIGGER_US - 8_000_000, (Area(0.1, 0.2, 0.3, 0.4),))
ENDED = EventEnded(1, TRIGGER_US + 3_000_000, TRIGGER_US + 11_000_000, "rest")
EVENT = "Yard/2026-05-04/12.00.00"


def chunk(number: int, *, from_s: float, seconds: float = 1.0, codec: str = "h264") -> OutgoingFile:
    """Twenty-five pictures from so many seconds after the trigger on, with B-frames."""
    times = [TRIGGER_US + round((from_s + picture * seconds / 25) * 1e6) for picture in range(25)]
    pts_us = tuple(times[::2] + times[1::2])
    video = Video(codec, 160, 96, 25, pts_us, seconds, f"{number:064x}", 900, begins_with_keyframe=True)  # type: ignore[arg-type]
    return OutgoingFile(f"video{number}.{codec}", b"sealed %d" % number * 10, "live", video)


PICTURE = OutgoingFile("motion0.jpg", b"a sealed picture", "picture", None)


class Bench:
    """A storage in sealed mode: the recorder, the outbox and its writer, each moved on by hand."""

    def __init__(self, directory: Path, stores: Sequence[str] = ("nas",)) -> None:
        self.clock = SimulatedClock(NOON - timedelta(seconds=8))
        self.clock.advance(8)
        self.archive = Archive(directory, zone=UTC, guard=lambda: self.guard())  # noqa: PLW0108
        self.disk_error: OSError | None = None
        self.archive.prepare()
        self.catalogue = Catalogue(self.archive.catalogue_path)
        self.pending = True
        self.kept: list[EventRecord] = []
        self.recorder = SealedRecorder(
            camera="Yard", archive=self.archive, keep=self.keep, pending=lambda: self.pending, clock=self.clock
        )
        self.outbox = Outbox(
            directory / "outbox",
            self.archive.recordings,
            stores,
            max_bytes=1 << 30,
            max_age_s=None,
            clock=self.clock,
            on_offsite=lambda _: None,
            archive=True,
        )
        self.writer = OutboxWriter(self.outbox, guard=self.guard, clock=self.clock, store=keep_sealed)

    def keep(self, record: EventRecord) -> None:
        """As the storage's keeper does it."""
        self.kept.append(record)
        self.catalogue.put(record)
        if record.state != "recording":
            self.archive.running.discard(record.id)

    def guard(self) -> None:
        if self.disk_error is not None:
            raise self.disk_error

    def begin(self, started: EventStarted = STARTED) -> str:
        self.recorder.on_event(started)
        self.recorder.round(0)
        progress = self.recorder.progress(started.number)
        assert progress is not None
        name = progress.wait_named(0)
        assert name is not None
        return self.outbox.begin(name, progress)

    def add(self, name: str, *files: OutgoingFile) -> None:
        for file in files:
            self.outbox.add(name, file)
        self.writer.round(0)
        self.recorder.round(0)

    def end(self, name: str, ended: EventEnded = ENDED) -> None:
        self.recorder.on_event(ended)
        self.recorder.round(0)
        self.outbox.finish(name)
        self.writer.round(0)
        self.recorder.round(0)

    def folder(self, name: str = EVENT) -> Path:
        return self.archive.recordings / name

    def files(self, name: str = EVENT) -> list[str]:
        return sorted(os.listdir(self.folder(name)))

    def says(self, name: str = EVENT) -> dict[str, object]:
        return dict(json.loads((self.folder(name) / "event.json").read_bytes()))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.catalogue.close()


def test_the_sealed_files_are_the_recording(bench: Bench) -> None:
    name = bench.begin()
    assert name == EVENT
    assert bench.files() == ["event.json"]
    assert bench.kept == [], "an event is listed once something of it is on the disk"
    bench.add(name, PICTURE, chunk(8, from_s=0), chunk(7, from_s=-1), chunk(9, from_s=1, seconds=2))
    assert [record.state for record in bench.kept] == ["recording"]
    assert bench.recorder.busy
    bench.end(name)
    assert not bench.recorder.busy
    assert bench.files() == ["event.json", "motion0.jpg", "offsite.jsonl", "video7.h264", "video8.h264", "video9.h264"]
    waits = bench.archive.directory / "outbox/nas" / EVENT
    for file in (PICTURE, chunk(8, from_s=0)):
        assert (bench.folder() / file.name).read_bytes() == file.data
        assert (waits / file.name).samefile(bench.folder() / file.name), "the same bytes, once on the disk"
    record = bench.kept[-1]
    assert record == bench.catalogue.get(record.id)
    assert (record.state, record.end_reason) == ("complete", "rest")
    assert [(part.file, part.pictures) for part in record.parts] == [
        ("video7.h264", 25),
        ("video8.h264", 25),
        ("video9.h264", 25),
    ]
    assert record.start == NOON - timedelta(seconds=1)
    assert record.motion_start == NOON
    assert record.motion_end == NOON + timedelta(seconds=3)
    assert record.end == NOON + timedelta(seconds=3)
    assert record.duration_s == 4
    sealed = [file for file in bench.files() if file not in {"event.json", "offsite.jsonl"}]
    assert record.bytes == sum((bench.folder() / file).stat().st_size for file in sealed)
    assert record.areas == STARTED.areas
    assert bench.archive.running == set()


def test_without_any_store_the_archive_is_kept_all_the_same(tmp_path: Path) -> None:
    bench = Bench(tmp_path, stores=())
    name = bench.begin()
    bench.add(name, PICTURE, chunk(0, from_s=0))
    bench.end(name)
    assert bench.kept[-1].state == "complete"
    assert bench.files() == ["event.json", "motion0.jpg", "offsite.jsonl", "video0.h264"]
    bench.catalogue.close()


def test_a_disk_that_refuses_gets_the_files_when_it_takes_them_again(bench: Bench) -> None:
    name = bench.begin()
    bench.disk_error = StorageError("the disk is missing")
    bench.add(name, PICTURE, chunk(0, from_s=0))
    bench.recorder.on_event(ENDED)
    bench.outbox.finish(name)
    bench.writer.round(0)
    bench.recorder.round(0)
    assert bench.files() == ["event.json"]
    assert bench.recorder.busy, "what is in memory may still come"
    bench.disk_error = None
    bench.writer.round(0)
    bench.recorder.round(0)
    assert bench.kept[-1].state == "complete"
    assert (bench.folder() / "video0.h264").read_bytes() == chunk(0, from_s=0).data


def test_a_disk_that_is_away_when_the_event_begins(bench: Bench) -> None:
    bench.disk_error = StorageError("the disk is missing")
    bench.recorder.on_event(STARTED)
    progress = bench.recorder.progress(1)
    assert progress is not None
    bench.recorder.start()
    try:
        assert progress.wait_named(0.05) is None
        name = bench.outbox.begin("Yard/wished/name", progress)
        bench.outbox.add(name, chunk(0, from_s=0))
        bench.writer.round(0)
        assert "missing" in (bench.recorder.trouble or "")
        assert not bench.recorder.overdue()
        bench.disk_error = None
        bench.recorder.retry()
        assert progress.wait_named(10) == EVENT
        bench.writer.round(0)
    finally:
        bench.recorder.on_event(ENDED)
        bench.outbox.finish(name)
        bench.writer.round(0)
        bench.recorder.stop()
        assert bench.recorder.join(10)
    assert bench.kept[-1].state == "complete"
    assert bench.kept[-1].path == f"recordings/{EVENT}"
    assert '"event":"Yard/wished/name"' in (bench.folder() / "offsite.jsonl").read_text()


def test_a_step_that_fails_later_does_not_make_another_file(bench: Bench) -> None:
    name = bench.begin()
    in_the_way = bench.folder() / "offsite.jsonl"
    in_the_way.mkdir()
    bench.add(name, chunk(0, from_s=0))
    stored = (bench.folder() / "video0.h264").stat().st_ino
    in_the_way.rmdir()
    bench.writer.round(0)
    assert (bench.folder() / "video0.h264").stat().st_ino == stored
    assert (bench.archive.directory / "outbox/nas" / EVENT / "video0.h264").stat().st_ino == stored


def test_two_events_at_the_same_moment_and_a_continuation(bench: Bench) -> None:
    first = bench.begin()
    second = bench.begin(EventStarted(2, TRIGGER_US + 500_000, TRIGGER_US, continues=1))
    assert second == "Yard/2026-05-04/12.00.00-2"
    bench.add(second, chunk(0, from_s=4))
    bench.add(first, chunk(0, from_s=0))
    bench.end(second, EventEnded(2, TRIGGER_US + 4_000_000, TRIGGER_US + 5_000_000, "stopped"))
    bench.end(first, EventEnded(1, TRIGGER_US, TRIGGER_US + 1_000_000, "max_time"))
    done = {record.id: record for record in bench.kept if record.state == "complete"}
    assert done[second].continues == first
    assert done[second].motion_start == done[second].start == NOON + timedelta(seconds=4)
    assert done[first].end_reason == "max_time"


def test_an_event_of_which_nothing_came_leaves_no_folder(bench: Bench) -> None:
    bench.recorder.on_event(STARTED)
    bench.recorder.round(0)
    bench.recorder.on_event(ENDED)
    bench.recorder.round(0)
    assert bench.recorder.busy
    bench.pending = False
    bench.recorder.round(0)
    assert not bench.recorder.busy
    assert not bench.folder().exists()
    assert bench.recorder.status()["events_lost"] == 1
    assert bench.archive.running == set()


def test_an_event_that_was_not_handed_over_to_its_end_counts_as_interrupted(bench: Bench) -> None:
    name = bench.begin()
    bench.add(name, chunk(0, from_s=0))
    bench.recorder.on_event(ENDED)
    bench.pending = False
    bench.recorder.round(0)
    assert bench.kept[-1].state == "interrupted"
    assert bench.kept[-1].duration_s == 1
    assert bench.archive.running == set()


def restarted(bench: Bench) -> EventRecord | None:
    """What the next start finds of the event."""
    bench.archive.running.clear()
    recover(bench.archive, bench.catalogue)
    found = bench.catalogue.find()
    return found[0] if found else None


def lose_record(bench: Bench) -> None:
    (bench.folder() / "event.json").unlink()
    bench.catalogue.delete({record.id: record.sequence for record in bench.catalogue.find()})


def test_after_a_crash_the_journal_says_what_there_is(bench: Bench) -> None:
    name = bench.begin()
    bench.add(name, PICTURE, chunk(2, from_s=0), chunk(0, from_s=-2), chunk(3, from_s=1))
    # Killed between the file and its line: nobody has seen it, and what comes next could not be told.
    (bench.folder() / "video4.h264").write_bytes(b"sealed, not noted")
    (bench.folder() / ".video5.h264.new").write_bytes(b"half")
    record = restarted(bench)
    assert record is not None
    assert bench.files() == [
        "event.json",
        "motion0.jpg",
        "offsite.jsonl",
        "video0.h264",
        "video2.h264",
        "video3.h264",
    ]
    assert [part.file for part in record.parts] == ["video0.h264", "video2.h264", "video3.h264"]
    assert (record.state, record.end_reason) == ("interrupted", None)
    assert record.start == NOON - timedelta(seconds=2)
    assert record.end == NOON + timedelta(seconds=2)
    assert record.duration_s == 3, "a chunk of the pre-roll is missing"
    assert bench.says()["state"] == "interrupted"
    assert restarted(bench) == record, "once is enough"


def test_a_crash_before_the_first_line_leaves_nothing(bench: Bench) -> None:
    bench.begin()
    (bench.folder() / "video8.h264").write_bytes(b"sealed, not noted")
    assert restarted(bench) is None
    assert not bench.folder().exists()


def test_a_lost_record_is_made_anew_and_no_file_is_removed_for_that(bench: Bench) -> None:
    name = bench.begin()
    bench.add(name, PICTURE, chunk(0, from_s=0))
    bench.end(name)
    lose_record(bench)
    (bench.folder() / "video1.h264").write_bytes(b"sealed, from elsewhere")
    record = restarted(bench)
    assert record is not None
    assert [(part.file, part.pictures) for part in record.parts] == [("video0.h264", 25), ("video1.h264", 0)]
    assert (record.camera, record.duration_s, record.state) == ("Yard", 1, "interrupted")


def test_a_journal_that_somebody_has_spoilt_takes_no_file_away(bench: Bench) -> None:
    name = bench.begin()
    bench.add(name, chunk(0, from_s=0))
    bench.end(name)
    journal = bench.folder() / "offsite.jsonl"
    journal.write_text(journal.read_text().replace("25", '"many"'))
    lose_record(bench)
    record = restarted(bench)
    assert record is not None
    assert record.parts[0].pictures == 0


def test_a_sealed_event_is_deleted_with_all_its_files(bench: Bench) -> None:
    name = bench.begin()
    bench.add(name, PICTURE, chunk(0, from_s=0), chunk(1, from_s=1, codec="h265"))
    bench.end(name)
    delete_event(bench.archive, bench.catalogue, bench.kept[-1].id)
    assert not bench.folder().parent.exists()
    assert holds_event(["video12.h265"])
    assert not holds_event(["video.h264", "video01.h264", "offsite.json"])


def test_a_stop_waits_for_the_last_word_and_not_for_ever(bench: Bench) -> None:
    name = bench.begin()
    bench.add(name, chunk(0, from_s=0))
    bench.recorder.on_event(ENDED)
    bench.outbox.finish(name)
    bench.writer.round(0)
    bench.recorder.stop()
    bench.recorder.work()
    assert bench.kept[-1].state == "complete"


def test_a_stop_does_not_wait_for_ever(bench: Bench) -> None:
    name = bench.begin()
    bench.add(name, chunk(0, from_s=0))
    bench.recorder.on_event(ENDED)
    asked = []

    def writer_hangs() -> bool:
        asked.append(bench.clock.monotonic_us())
        bench.clock.advance(0.1)
        return True

    bench.recorder._pending = writer_hangs
    bench.recorder.stop()
    bench.recorder.work()
    assert len(asked) > 5
    assert bench.says()["state"] == "recording", "the next start finds it"
