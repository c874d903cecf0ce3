"""The recorder while the disk refuses, stalls, goes away or is another one: what memory can hold is not lost."""

import errno
import os
import shutil
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from pi_sec_cam.motion.event import EventEnded, EventStarted
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.recovery import recover
from tests.unit.faulty_disk import FaultyDisk
from tests.unit.recorder_bench import SECOND, Bench, ended, started, until
from tests.unit.streams import BASE_US, decoded_pictures, packets, units


def files(bench: Bench) -> dict[str, bytes]:
    """All that is below the recordings, directories too."""
    top = bench.archive.recordings
    return {str(p.relative_to(top)): p.read_bytes() if p.is_file() else b"" for p in sorted(top.rglob("*"))}


def video(found: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in found.items() if not name.endswith(".json")}


def two_parts_of_an_event(bench: Bench) -> None:
    bench.feed(units(seconds=3))
    bench.feed(units(seconds=3, epoch=1, start_us=BASE_US + 5 * SECOND))
    bench.event(started(1.5, 1), ended(6, 1))


def undisturbed(folder: Path, script: Callable[[Bench], None]) -> dict[str, bytes]:
    """The videos and pictures of a recorder that has no trouble."""
    bench = Bench(folder)
    script(bench)
    assert bench.run()
    return video(files(bench))


def shown_us(bench: Bench, *records: EventRecord) -> list[int]:
    """Media time of each picture of all parts."""
    return [
        (part.first_pts_us or 0) + round(float(packet["pts_time"]) * SECOND)
        for record in records
        for number, part in enumerate(record.parts)
        for packet in packets(bench.file(record, number))
    ]


def caught_up(bench: Bench, disk: FaultyDisk) -> bool:
    """Whether the running event is listed, has its picture, and waits for what comes next."""
    pictured = any(bench.archive.recordings.rglob("motion.jpg")) and disk.calls[-1] == "fsync"
    return pictured and bool(bench.recorder.status()["event"]) and not bench.ring.held()["unread"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "storage")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FaultyDisk:
    return FaultyDisk(monkeypatch)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_whichever_call_fails_once_the_clip_is_whole(tmp_path: Path, disk: FaultyDisk, error: int) -> None:
    bench = Bench(tmp_path / "undisturbed")
    disk.calls.clear()
    two_parts_of_an_event(bench)
    (expected,) = bench.run()
    wanted, calls = files(bench), list(disk.calls)
    assert {"open", "pwrite", "fdatasync", "fsync", "mkdir", "replace"} <= set(calls)
    assert len(expected.parts) == 2
    for failing in range(len(calls)):
        bench = Bench(tmp_path / str(failing))
        disk.calls.clear()
        disk.refuse = lambda number, failing=failing: error if number == failing else None
        two_parts_of_an_event(bench)
        (record,) = bench.run()
        disk.well()
        assert len(bench.refused) == 1, f"call {failing}, {calls[failing]}, was not made"
        assert video(files(bench)) == video(wanted), f"after call {failing}, {calls[failing]}, had failed"
        assert files(bench).keys() == wanted.keys()
        assert (record.parts, record.dropped_pictures, record.bytes) == (expected.parts, 0, expected.bytes)
        assert bench.recorder.status()["trouble"] is None


def test_a_disk_that_refuses_for_long_gets_all_afterwards(tmp_path: Path, bench: Bench, disk: FaultyDisk) -> None:
    """Each refused try is followed by the next, until the disk is well again."""
    wanted = undisturbed(tmp_path / "undisturbed", two_parts_of_an_event)
    disk.calls.clear()
    disk.refuse = lambda number: errno.ENOSPC if number >= 8 else None
    bench.after_refusal = lambda: (disk.well() if len(bench.refused) == 50 else None) or bench.recorder.retry()
    with bench.running():
        two_parts_of_an_event(bench)
        until(lambda: bench.finished)
    assert len(bench.refused) == 50
    assert video(files(bench)) == wanted


def test_it_tries_again_by_itself_and_not_all_the_time(bench: Bench, disk: FaultyDisk) -> None:
    disk.full()
    with bench.running():
        two_parts_of_an_event(bench)
        until(lambda: len(bench.refused) == 1)
        bench.clock.advance(0.4)
        until(lambda: bench.recorder.advanced_us == bench.clock.monotonic_us())
        assert len(bench.refused) == 1
        bench.clock.advance(0.2)
        until(lambda: len(bench.refused) == 2)
        disk.well()
        bench.recorder.retry()
        until(lambda: bench.finished)


def test_what_waits_is_shown_and_nothing_is_lost_yet(bench: Bench, disk: FaultyDisk) -> None:
    found = units(seconds=20)
    bench.feed(found[:250])
    bench.event(started(4, 2))
    with bench.running():
        until(lambda: caught_up(bench, disk))
        disk.full()
        bench.feed(found[250:])
        bench.event(ended(18, 1))
        until(lambda: bench.refused)
        status = bench.recorder.status()
        assert "the disk is full" in str(status["trouble"])
        assert "video.mp4" in str(status["trouble"])
        assert status["pictures_dropped"] == 0
        waiting = sum(len(unit.data) for unit in found[250:])
        assert 0.7 * waiting < int(str(status["waiting_bytes"])) <= 1.1 * waiting
        assert 8 < float(str(status["waiting_seconds"])) <= 10
        disk.well()
        bench.recorder.retry()
        until(lambda: bench.finished)
        assert bench.recorder.status()["trouble"] is None
        assert bench.recorder.status()["waiting_bytes"] == 0
    (record,) = bench.finished
    assert decoded_pictures(bench.file(record)) == 25 * 17 + 1
    assert len(record.parts) == 1


def test_events_during_the_trouble_are_all_recorded_afterwards(bench: Bench, disk: FaultyDisk) -> None:
    found = units(seconds=40)
    cut_us = BASE_US + 12 * SECOND + 300_000
    script: list[EventStarted | EventEnded] = [
        started(4, 2),
        EventEnded(1, cut_us - 100_000, cut_us, "max_time"),
        EventStarted(2, cut_us + 700_000, cut_us, (), continues=1),
        ended(16, 2, number=2),
        started(30, 2, number=3),
        ended(32, 2, number=3),
    ]
    disk.full()
    with bench.running():
        for unit in found:
            bench.feed([unit])
            while script and unit.pts_us > moment_of(script[0]):
                bench.event(script.pop(0))
        until(lambda: bench.refused)
        assert bench.recorder.status()["events_waiting"] == 2
        disk.well()
        bench.recorder.retry()
        until(lambda: len(bench.finished) == 3)
    first, second, third = bench.finished
    assert second.continues == first.id
    assert shown_us(bench, first, second) == [BASE_US + 2 * SECOND + n * 40_000 for n in range(25 * 16 + 1)]
    assert shown_us(bench, third) == [BASE_US + 28 * SECOND + n * 40_000 for n in range(25 * 6 + 1)]
    assert [record.dropped_pictures for record in bench.finished] == [0, 0, 0]
    assert (third.start - first.start).total_seconds() == 26
    assert first.sequence < second.sequence < third.sequence


def moment_of(event: EventStarted | EventEnded) -> int:
    return event.trigger_pts_us if isinstance(event, EventStarted) else event.clip_to_pts_us


def test_of_a_quiet_day_in_trouble_the_events_are_kept_and_the_rest_is_not(tmp_path: Path, disk: FaultyDisk) -> None:
    """Five times as much video passes as the ring may hold; what is needed of it fits."""
    second = units(seconds=1)
    info, second_bytes = second[0].info, sum(len(unit.data) for unit in second)
    bench = Bench(tmp_path / "storage", seconds=8, max_bytes=24 * second_bytes)
    disk.full()
    with bench.running():
        for number, at_s in ((1, 1), (2, 61)):
            for index in range(60):
                shift_us = ((number - 1) * 60 + index) * SECOND - 2 * SECOND
                bench.feed(units(seconds=1, start_us=BASE_US + shift_us, info=info))
                if index == 5:
                    bench.event(started(at_s, 1, number), ended(at_s + 1, 1, number))
        disk.well()
        bench.recorder.retry()
        until(lambda: len(bench.finished) == 2)
    assert [record.dropped_pictures for record in bench.finished] == [0, 0]
    assert [sum(part.pictures for part in record.parts) for record in bench.finished] == [76, 76]
    assert bench.recorder.status()["pictures_dropped"] == 0


def test_what_memory_cannot_hold_is_counted_and_leaves_a_gap_between_parts(tmp_path: Path, disk: FaultyDisk) -> None:
    found = units(seconds=20)
    bench = Bench(tmp_path / "storage", seconds=2, max_bytes=sum(len(unit.data) for unit in found) // 3)
    bench.feed(found[:75])
    bench.event(started(2, 2))
    with bench.running():
        until(lambda: caught_up(bench, disk))
        disk.full()
        bench.feed(found[75:])
        bench.event(ended(18, 1))
        until(lambda: bench.refused)
        disk.well()
        bench.recorder.retry()
        until(lambda: bench.finished)
    (record,) = bench.finished
    assert len(record.parts) == 2
    shown = shown_us(bench, record)
    assert shown[0] == BASE_US
    assert shown[-1] == BASE_US + 19 * SECOND
    assert record.dropped_pictures == 25 * 19 + 1 - len(shown) > 0
    assert bench.recorder.status()["pictures_dropped"] == record.dropped_pictures
    within = [b - a for part in record.parts for a, b in pairwise([at for at in shown if in_part(at, part)])]
    assert set(within) == {40_000}, "in a part, no picture stands for longer than it did"
    assert len(shown) > 25 * 5, "the ring's bytes were used"


def in_part(at_us: int, part: object) -> bool:
    first_us, duration_s = part.first_pts_us, part.duration_s  # type: ignore[attr-defined]
    return bool(first_us <= at_us < first_us + round(duration_s * SECOND))


def test_a_stop_during_the_trouble_counts_what_is_lost_and_the_next_start_lists_the_rest(
    bench: Bench, disk: FaultyDisk, caplog: pytest.LogCaptureFixture
) -> None:
    found = units(seconds=20)
    bench.feed(found[:250])
    bench.event(started(4, 2))
    with bench.running():
        until(lambda: caught_up(bench, disk))
        disk.full()
        bench.feed(found[250:])
        until(lambda: bench.refused)
        bench.event(ended(16, 2), started(18, 1, number=2), ended(19, 1, number=2, reason="stopped"))
        tries = len(bench.refused)
    assert len(bench.refused) == tries + 1, "one last try, not one for each event"
    assert bench.finished == []
    lost = bench.recorder.status()["pictures_dropped"]
    assert f"{lost} pictures" in caplog.text
    assert "of 2 events" in caplog.text
    disk.well()
    archive = Archive(bench.archive.directory)
    with Catalogue(archive.catalogue_path) as catalogue:
        recover(archive, catalogue)
        (event,) = catalogue.find()
    assert event.state == "interrupted"
    kept = event.parts[0].pictures
    assert decoded_pictures(bench.file(event)) == kept
    assert lost == (25 * 16 + 1 - kept) + (25 * 3)


def test_a_stop_waits_for_one_last_try(bench: Bench, disk: FaultyDisk) -> None:
    disk.full()
    bench.after_refusal = disk.well
    two_parts_of_an_event(bench)
    (record,) = bench.run()
    assert record.dropped_pictures == 0


def test_a_disk_that_went_and_came_back_gets_the_rest_into_the_same_file(
    tmp_path: Path, bench: Bench, disk: FaultyDisk
) -> None:
    wanted = undisturbed(tmp_path / "undisturbed", two_parts_of_an_event)
    storage, away = bench.archive.directory, tmp_path / "away"
    disk.calls.clear()

    def go_and_come_back() -> None:
        if len(bench.refused) == 1:
            disk.well()
            storage.rename(away)
            storage.mkdir()  # a mount point with nothing mounted
        elif len(bench.refused) == 5:
            assert list(storage.iterdir()) == [], "something was made where the disk belongs"
            storage.rmdir()
            away.rename(storage)
        bench.recorder.retry()

    bench.after_refusal = go_and_come_back
    disk.refuse = lambda number: errno.EIO if disk.calls[number] == "fdatasync" and number > 15 else None
    with bench.running():
        two_parts_of_an_event(bench)
        until(lambda: bench.finished)
    assert len(bench.refused) == 5
    assert video(files(bench)) == wanted


def test_on_another_disk_the_rest_of_the_event_is_kept(tmp_path: Path, bench: Bench, disk: FaultyDisk) -> None:
    storage, away = bench.archive.directory, tmp_path / "away"
    disk.calls.clear()

    def change_disks() -> None:
        disk.well()
        storage.rename(away)
        bench.archive.prepare()
        bench.recorder.retry()

    bench.after_refusal = change_disks
    found = units(seconds=20)
    bench.feed(found[:260])
    bench.event(started(4, 2), ended(18, 1))
    with bench.running():
        until(lambda: caught_up(bench, disk))
        disk.full()
        bench.feed(found[260:])
        until(lambda: bench.finished)
    (record,) = bench.finished
    with Catalogue(away / "catalogue.sqlite3") as catalogue:  # as when it is used again
        recover(Archive(away), catalogue)
        (before,) = catalogue.find()
    there = decoded_pictures(away / before.path / "video.mp4")
    here = shown_us(bench, record)
    assert here == [here[0] + n * 40_000 for n in range(len(here))]
    assert here[-1] == BASE_US + 19 * SECOND
    assert (here[0] - BASE_US) % SECOND == 0, "it begins with a keyframe"
    assert there + record.dropped_pictures + len(here) == 25 * 17 + 1
    assert 0 < record.dropped_pictures < 50
    assert (bench.folder(record) / "motion.jpg").exists()
    assert [r.id for r in bench.records if r.state == "recording"] == [before.id, record.id]
    assert bench.archive.running == {record.id}


@pytest.mark.parametrize("shorter", ["gone", "cut", "grown"])
def test_a_file_that_is_not_what_it_was_is_not_gone_on_with(bench: Bench, disk: FaultyDisk, shorter: str) -> None:
    found = units(seconds=20)
    bench.feed(found[:250])
    bench.event(started(4, 2), ended(18, 1))

    def damage() -> None:
        disk.well()
        (file,) = bench.archive.recordings.rglob("video.mp4")
        if shorter == "gone":
            file.unlink()
        elif shorter == "cut":
            os.truncate(file, file.stat().st_size // 2)
        else:
            with file.open("ab") as torn:
                torn.write(b"half a fragment")
        bench.recorder.retry()

    bench.after_refusal = damage
    with bench.running():
        until(lambda: caught_up(bench, disk))
        disk.full()
        bench.feed(found[250:])
        until(lambda: bench.finished)
    (record,) = bench.finished
    assert len(record.parts) == {"gone": 1, "cut": 2, "grown": 1}[shorter]
    for number, part in enumerate(record.parts):
        assert decoded_pictures(bench.file(record, number)) == part.pictures
        assert bench.file(record, number).stat().st_size == part.bytes
    assert sum(part.pictures for part in record.parts) + record.dropped_pictures == 25 * 17 + 1
    assert (record.dropped_pictures == 0) == (shorter == "grown")


def test_a_file_that_may_not_grow_is_followed_by_another(bench: Bench, disk: FaultyDisk) -> None:
    disk.calls.clear()
    disk.refuse = lambda number: errno.EFBIG if number == 29 else None
    bench.feed(units(seconds=20))
    bench.event(started(4, 2), ended(18, 1))
    (record,) = bench.run()
    assert disk.calls[29] == "pwrite"
    assert [decoded_pictures(bench.file(record, n)) for n in range(2)] == [part.pictures for part in record.parts]
    assert 0 < record.dropped_pictures < 50
    assert bench.refused == []


def test_a_folder_that_somebody_deleted_costs_what_was_in_it(bench: Bench, disk: FaultyDisk) -> None:
    found = units(seconds=20)
    bench.feed(found[:250])
    bench.event(started(4, 2))
    with bench.running():
        until(lambda: caught_up(bench, disk))
        (file,) = bench.archive.recordings.rglob("video.mp4")
        shutil.rmtree(file.parent)
        bench.event(ended(9, 1))
        bench.feed(found[250:])
        until(lambda: bench.refused)
        bench.event(started(14, 1, number=2), ended(15, 1, number=2))
        bench.recorder.retry()
        until(lambda: bench.finished)
    (record,) = bench.finished
    assert record.trigger_pts_us == BASE_US + 14 * SECOND


def test_a_disk_that_does_not_answer_holds_nobody_else_up(
    bench: Bench, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As NFS does, and a card that is busy with itself."""
    answers = threading.Event()
    begun: list[int] = []
    real = os.pwrite

    def write(file: int, data: bytes, at: int) -> int:
        begun.append(file)
        assert answers.wait(20)
        return real(file, data, at)

    monkeypatch.setattr(os, "pwrite", write)
    found = units(seconds=20)
    bench.feed(found[:125])
    bench.event(started(4, 2))
    with bench.running():
        until(lambda: begun)
        bench.feed(found[125:])
        bench.event(ended(10, 2), started(15, 2, number=2), ended(16, 1, number=2))
        bench.clock.advance(20)
        assert not bench.recorder.overdue(), "it would be started anew, and lose all"
        assert bench.recorder.status()["trouble"] == "the disk has not answered for 20 s"
        answers.set()
        until(lambda: len(bench.finished) == 2)
    assert [decoded_pictures(bench.file(record)) for record in bench.finished] == [25 * 10 + 1, 25 * 4 + 1]
    assert bench.recorder.status()["trouble"] is None


def test_trouble_is_said_once_and_its_end_too(bench: Bench, disk: FaultyDisk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    disk.full()
    bench.after_refusal = lambda: (disk.well() if len(bench.refused) == 30 else None) or bench.recorder.retry()
    with bench.running():
        two_parts_of_an_event(bench)
        until(lambda: bench.finished)
    assert [r.levelname for r in caplog.records if "cannot record" in r.message] == ["ERROR"]
    assert caplog.text.count("recording works again") == 1
