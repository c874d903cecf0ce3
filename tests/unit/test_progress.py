"""How far an event is on the disk, as the recorder tells it, and what it does when asked for more."""

import threading
from pathlib import Path

import pytest

from pi_sec_cam.record import recorder
from pi_sec_cam.record.clip_file import contents
from pi_sec_cam.record.progress import EventProgress
from tests.unit.faulty_disk import FaultyDisk
from tests.unit.recorder_bench import Bench, ended, started, until
from tests.unit.streams import decoded_pictures, units

PATIENCE_S = 10


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "storage")


def progress_of(bench: Bench, number: int = 1) -> EventProgress:
    found = bench.recorder.progress(number)
    assert found is not None
    return found


def video(bench: Bench) -> Path:
    (file,) = bench.archive.recordings.rglob("video.mp4")
    return file


def test_it_is_named_as_soon_as_its_folder_stands(bench: Bench) -> None:
    bench.event(started(4, 2))
    progress = progress_of(bench)
    assert (progress.wait_named(0), progress.folder(), progress.over) == (None, None, False)
    found = units(seconds=5)
    with bench.running():
        bench.feed(found[:120])
        name = progress.wait_named(PATIENCE_S)
        assert name is not None
        folder = progress.folder()
        assert folder == bench.archive.recordings / name
        bench.event(ended(4.5, 0))
        bench.feed(found[120:])
        until(lambda: progress.over)
    assert [record.path for record in bench.finished] == [f"recordings/{name}"]
    folder.rename(folder.with_name("away"))  # not while it is written to
    assert progress.folder() is None
    folder.with_name("away").rename(folder)
    assert progress.folder() == folder


@pytest.mark.parametrize("asked", [1, 51, 87, 100])
def test_what_is_asked_for_is_on_the_disk_without_another_picture(bench: Bench, asked: int) -> None:
    bench.feed(units(seconds=4))
    bench.event(started(1, 1))
    progress = progress_of(bench)
    with bench.running():
        progress.bring(asked)
        assert progress.wait_kept(asked, PATIENCE_S)
        assert progress.kept_to >= asked
        assert decoded_pictures(video(bench)) == contents(video(bench)).pictures >= asked


@pytest.fixture
def only_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits does not look up by himself, or too late."""
    monkeypatch.setattr(recorder, "_WAIT_S", 60)


@pytest.mark.usefixtures("only_woken")
def test_what_the_recorder_has_read_long_ago_is_brought_at_once(bench: Bench) -> None:
    """It waits for the next picture, and that does not come."""
    found = units(seconds=4)
    bench.feed(found[:40])
    bench.event(started(1, 1))
    progress = progress_of(bench)
    with bench.running():
        until(lambda: not bench.ring.held()["unread"])
        assert progress.kept_to == 25, "a second is complete, the rest waits for more"
        progress.bring(40)
        assert progress.wait_kept(40, PATIENCE_S)
        assert contents(video(bench)).pictures == 40
        bench.feed(found[40:60])
        until(lambda: not bench.ring.held()["unread"])
        assert progress.kept_to == 40, "nobody asked for more"
        bench.event(ended(2, 0.5))
        bench.feed(found[60:])
        until(lambda: bench.finished)
    (record,) = bench.finished
    assert decoded_pictures(bench.file(record)) == record.parts[0].pictures == 63
    assert progress.kept_to == 63


@pytest.mark.usefixtures("only_woken")
def test_a_source_that_has_come_to_its_end_is_brought_too(bench: Bench) -> None:
    bench.feed(units(seconds=2)[:30])
    bench.event(started(1, 1))
    progress = progress_of(bench)
    with bench.running():
        until(lambda: not bench.ring.held()["unread"])
        bench.clock.advance(1)
        bench.ring.finish()
        until(lambda: bench.recorder.advanced_us == bench.clock.monotonic_us())
        progress.bring(30)
        assert progress.wait_kept(30, PATIENCE_S)


def test_what_comes_later_is_brought_when_it_has_come(bench: Bench) -> None:
    found = units(seconds=4)
    bench.feed(found[:40])
    bench.event(started(1, 1))
    progress = progress_of(bench)
    with bench.running():
        progress.bring(55)
        until(lambda: not bench.ring.held()["unread"])
        assert not progress.wait_kept(55, 0)
        bench.feed(found[40:55])
        assert progress.wait_kept(55, PATIENCE_S)
        assert contents(video(bench)).pictures == 55


def test_a_disk_that_refuses_keeps_nobody_waiting_for_ever(bench: Bench, disk: FaultyDisk) -> None:
    disk.full()
    bench.feed(units(seconds=4))
    bench.event(started(1, 1))
    progress = progress_of(bench)
    with bench.running():
        progress.bring(50)
        until(lambda: bench.refused)
        assert not progress.wait_kept(50, 0.01)
        assert progress.wait_named(0.01) is None
        disk.well()
        bench.recorder.retry()
        assert progress.wait_kept(50, PATIENCE_S)


def test_what_is_given_up_is_over_and_was_not_kept(bench: Bench, disk: FaultyDisk) -> None:
    disk.full()
    bench.feed(units(seconds=4))
    bench.event(started(1, 1), ended(2, 1))
    assert bench.run() == []
    progress = progress_of(bench)
    assert progress.over
    assert (progress.wait_named(PATIENCE_S), progress.wait_kept(1, PATIENCE_S)) == (None, False)


def test_leading_pictures_that_are_left_out_are_not_waited_for(bench: Bench) -> None:
    found = units(seconds=4, gop=26, b_frames=2, open_gop=True)
    entry = next(number for number, unit in enumerate(found[1:], 1) if unit.keyframe)
    shown = [unit for unit in found[entry : entry + 4] if unit.pts_us >= found[entry].pts_us]
    assert 0 < len(shown) < 4
    bench.feed(found[: entry + 4])
    bench.event(started((found[entry].pts_us - found[0].pts_us) / 1e6, 0))
    progress = progress_of(bench)
    with bench.running():
        progress.bring(entry + 4)
        assert progress.wait_kept(entry + 4, PATIENCE_S)
        assert contents(video(bench)).pictures == len(shown)


def test_a_wish_wakes_who_waits_and_is_forgotten_once_granted() -> None:
    woken = threading.Event()
    progress = EventProgress(woken.set)
    progress.bring(10)
    assert woken.is_set()
    assert (progress.asked(9), progress.asked(10)) == (False, True)
    woken.clear()
    progress.kept(10)
    progress.bring(10)
    assert not woken.is_set()
    assert not progress.asked(12)
    progress.end()
    progress.bring(12)
    assert not progress.asked(12)


def test_of_many_events_the_last_can_be_asked_about(bench: Bench) -> None:
    bench.feed(units(seconds=4))
    for number in range(1, 61):
        bench.event(started(1, 1, number), ended(1.2, 0.1, number))
    bench.run()
    bench.event(started(1, 1, 61))
    assert bench.recorder.progress(1) is None
    assert progress_of(bench, 60).over
    assert not progress_of(bench, 61).over


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FaultyDisk:
    return FaultyDisk(monkeypatch)
