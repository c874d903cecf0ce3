"""The outbox on a disk that refuses, goes, comes back, or was left by a crash."""

import os
from pathlib import Path

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.errors import StorageError
from pi_sec_cam.offsite import outbox_files
from pi_sec_cam.offsite.outgoing import EventHome, OutgoingFile
from pi_sec_cam.offsite.stores.memory import MemoryStore
from tests.unit.outbox_bench import EVENT, Bench, chunk, names, picture


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "storage", {"one": MemoryStore(), "two": MemoryStore()}, SimulatedClock())


def test_nothing_leaves_before_it_is_durable_but_a_disk_that_does_not_answer_is_not_waited_for(bench: Bench) -> None:
    name = bench.outbox.begin(EVENT, bench.home())
    bench.outbox.add(name, chunk(0))
    bench.send("one")
    bench.disk.there = False
    bench.outbox.add(name, chunk(1))
    assert names(bench.stores["one"].files) == []
    bench.clock.advance(0.6)
    bench.uploaders["one"].step(0)
    assert names(bench.stores["one"].files) == ["video1.h264"]
    bench.disk.there = True
    bench.writer.round(0)
    assert bench.waiting("one") == ["video0.h264"]
    assert bench.waiting("two") == ["video0.h264", "video1.h264"]
    assert list(bench.journal().files) == ["video0.h264", "video1.h264"]


def test_what_happens_now_can_leave_before_the_pre_roll_is_on_the_disk(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, waiting_then = outbox_files.write_new, {}

    def noted_write(path: Path, data: bytes) -> None:
        waiting_then[path.name] = bench.waiting("one")
        write(path, data)

    monkeypatch.setattr(outbox_files, "write_new", noted_write)
    name = bench.outbox.begin(EVENT, bench.home())
    for file in (picture(), chunk(2), chunk(1, "pre-roll"), chunk(0, "pre-roll")):
        bench.outbox.add(name, file)
    bench.writer.round(0)
    assert waiting_then["video1.h264"] == ["motion0.jpg", "video2.h264"]
    assert bench.waiting("one") == ["motion0.jpg", "video0.h264", "video1.h264", "video2.h264"]


def test_an_event_that_was_complete_just_before_a_crash_is_found_again(bench: Bench) -> None:
    bench.event(picture(), chunk(0))
    while bench.uploaders["one"].step(0) is None and bench.outbox.departures["one"].queue.files:
        pass
    for path in (bench.storage / "outbox" / "one" / EVENT).iterdir():
        path.unlink()  # all but the last step
    after = bench.restarted()
    after.writer.round(0)
    assert after.offsite == []
    after.writer.round(0)
    assert after.offsite == [EVENT]
    assert not (bench.storage / "outbox" / "one" / EVENT).exists()


def test_an_event_that_cannot_be_marked_now_is_marked_later(bench: Bench) -> None:
    refusals = [OSError(5, "refused")]

    def refuses_once(folder: Path) -> None:
        if refusals:
            raise refusals.pop()
        bench.offsite.append(folder.name)

    bench.outbox.on_offsite = refuses_once
    bench.event(chunk(0))
    bench.send("one")
    [problem] = bench.writer.problems()
    assert problem.startswith("the outbox on the disk is not up to date: ")
    bench.writer.round(0)
    assert bench.offsite == ["18.30.12"]
    assert bench.writer.trouble is None


def test_trouble_that_several_events_have_is_in_the_log_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    troubled = True

    def refuses(folder: Path) -> None:
        if troubled:
            raise StorageError(f"cannot write {folder.name}/event.json")

    bench.outbox.on_offsite = refuses
    bench.event(chunk(0))
    bench.event(chunk(0), event="Yard/2026-05-06/01.00.00")
    bench.send("one")
    for _ in range(3):
        bench.writer.round(0)
    errors = [message for message in caplog.messages if "is not up to date" in message]
    assert sorted(error[-22:] for error in errors) == ["te 01.00.00/event.json", "te 18.30.12/event.json"]
    troubled = False
    bench.writer.round(0)
    assert bench.writer.trouble is None


def test_what_waits_is_found_after_a_restart_and_sent_oldest_event_first(bench: Bench) -> None:
    for second, event in enumerate(("Yard/2026-05-05/01.00.00", EVENT, "Yard/2026-05-06/01.00.00")):
        bench.event(chunk(10), chunk(9), picture(), event=event)
        for path in (bench.storage / "outbox" / "one" / event).iterdir():
            os.utime(path, (1_800_000_000 + second, 1_800_000_000 + second))
    after = bench.restarted()
    after.writer.round(0)
    after.send("one")
    assert list(after.stores["one"].files) == [
        f"{event}/{name}"
        for event in ("Yard/2026-05-05/01.00.00", EVENT, "Yard/2026-05-06/01.00.00")
        for name in ("motion0.jpg", "video9.h264", "video10.h264")
    ]


def test_of_what_a_crash_left_half_done_the_journalled_is_sent_and_the_rest_removed(bench: Bench) -> None:
    bench.event(chunk(0), over=False)
    writing = bench.storage / "outbox" / ".writing" / EVENT
    for key in ("one", "two"):
        (bench.storage / "outbox" / key / EVENT / "video0.h264").rename(writing / "video0.h264")
    (writing / "video1.h264").write_bytes(b"nobody has seen it")
    after = bench.restarted()
    after.writer.round(0)
    assert after.waiting("one") == after.waiting("two") == ["video0.h264"]
    assert not writing.exists()
    assert after.offsite == []


def test_an_interrupted_event_goes_on_in_its_journal(bench: Bench) -> None:
    bench.event(chunk(0), over=False)
    after = bench.restarted()
    after.writer.round(0)
    after.send()
    assert after.offsite == []
    journal = after.journal()
    assert not journal.final
    assert journal.last_video is not None
    assert journal.last_video["file"] == "video0.h264"
    after.outbox.resumed(journal.event, after.home())
    after.outbox.add(journal.event, chunk(1))
    after.outbox.finish(journal.event)
    after.writer.round(0)
    after.send()
    assert list(after.journal().files) == ["video0.h264", "video1.h264"]
    assert after.journal().final
    assert after.offsite == [EVENT, EVENT]


def test_a_torn_line_of_the_journal_is_cut_off(bench: Bench) -> None:
    bench.event(chunk(0), over=False)
    path = bench.recordings / EVENT / "offsite.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"file": "video1.h2')
    after = bench.restarted()
    after.writer.round(0)
    after.outbox.resumed(EVENT, after.home())
    after.outbox.finish(EVENT)
    after.writer.round(0)
    assert path.read_bytes() == whole + b'{"final":true}\n'


def test_while_the_disk_is_away_what_is_on_it_is_not_lost(bench: Bench) -> None:
    bench.event(chunk(0), chunk(1))
    away = bench.storage.rename(bench.storage.with_name("away"))
    bench.send("one")
    bench.storage.mkdir()
    bench.disk.there = False
    bench.send("one")
    bench.storage.rmdir()
    away.rename(bench.storage)
    bench.disk.there = True
    bench.writer.round(0)
    assert bench.figures("one")["files_dropped"] == 0
    bench.send("one")
    assert names(bench.stores["one"].files) == ["video0.h264", "video1.h264"]


def test_files_that_somebody_removes_are_given_up_and_counted(bench: Bench) -> None:
    bench.event(chunk(0), chunk(1))
    (bench.storage / "outbox" / "one" / EVENT / "video0.h264").unlink()
    bench.send("one")
    bench.send("one")
    bench.writer.round(0)
    assert names(bench.stores["one"].files) == ["video1.h264"]
    assert bench.figures("one")["files_dropped"] == 1
    assert bench.offsite == []


def test_an_event_kept_under_another_name_is_known_again(bench: Bench) -> None:
    name = bench.outbox.begin(EVENT, bench.home(f"{EVENT}-2"))
    bench.outbox.add(name, chunk(0))
    bench.outbox.finish(name)
    bench.writer.round(0)
    after = bench.restarted()
    after.writer.round(0)
    after.send("one")
    assert names(after.stores["one"].files) == ["video0.h264"]
    assert after.offsite == [f"{EVENT}-2"]


def test_without_hard_links_files_are_copied(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    bench.event(chunk(0), over=False)
    assert bench.waiting("one") == bench.waiting("two") == ["video0.h264"]
    (bench.storage / "outbox" / "one" / EVENT / ".video1.h264.copy").write_bytes(b"half")
    after = bench.restarted()
    after.writer.round(0)
    assert after.waiting("one") == ["video0.h264"]


@pytest.mark.parametrize("call", ["fsync", "fdatasync", "link", "mkdir", "pwrite"])
def test_what_the_disk_refuses_is_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    bench.event(chunk(0), over=False)
    home = bench.home("Yard/2026-05-04/18.31.00")
    real = getattr(os, call)
    left = [3]

    def refuses_at_times(*arguments: object, **named: object) -> object:
        left[0] -= 1
        if left[0] in {0, 2}:
            raise OSError(28, "full")
        return real(*arguments, **named)

    monkeypatch.setattr(os, call, refuses_at_times)
    bench.outbox.add(EVENT, chunk(1))
    bench.outbox.begin("Yard/2026-05-04/18.31.00", home)
    bench.outbox.add("Yard/2026-05-04/18.31.00", chunk(2))
    for _ in range(4):
        bench.writer.round(0)
    assert bench.trouble
    assert bench.trouble[0].errno == 28
    assert bench.writer.trouble is None
    assert bench.waiting("one") == ["Yard/2026-05-04/18.31.00/video2.h264", "video0.h264", "video1.h264"]
    assert list(bench.journal().files) == ["video0.h264", "video1.h264"]
    bench.send("one")
    assert bench.stores["one"].files[f"{EVENT}/video1.h264"] == chunk(1).data


def test_in_sealed_mode_the_files_of_the_event_are_what_waits(tmp_path: Path) -> None:
    clock = SimulatedClock()

    def keep(event: str, file: OutgoingFile, home: EventHome) -> Path:
        folder = home.folder()
        assert folder is not None
        path = folder / file.name
        path.write_bytes(file.data)
        return path

    bench = Bench(tmp_path / "storage", {"one": MemoryStore()}, clock, store=keep)
    name = bench.outbox.begin(EVENT, bench.home())
    bench.disk.there = False
    bench.outbox.add(name, chunk(0))
    clock.advance(1)
    bench.uploaders["one"].step(0)
    assert names(bench.stores["one"].files) == ["video0.h264"]
    bench.disk.there = True
    bench.outbox.add(name, chunk(1))
    bench.outbox.finish(name)
    bench.writer.round(0)
    kept, waits = bench.recordings / EVENT, bench.storage / "outbox" / "one" / EVENT
    assert [(kept / f"video{n}.h264").read_bytes() for n in (0, 1)] == [chunk(0).data, chunk(1).data]
    assert os.path.samefile(kept / "video1.h264", waits / "video1.h264")
    bench.send()
    assert bench.offsite == [EVENT]


def test_foreign_files_in_the_outbox_are_left_alone(bench: Bench) -> None:
    bench.event(chunk(0))
    foreign = [bench.storage / "outbox" / "one" / EVENT / name for name in ("notes.txt", ".hidden")]
    for path in foreign:
        path.write_bytes(b"mine")
    after = bench.restarted()
    after.writer.round(0)
    after.send()
    assert names(after.stores["one"].files) == ["video0.h264"]
    assert all(path.exists() for path in foreign)


def test_a_disk_that_is_back_is_no_trouble_any_more_though_nothing_is_to_be_done(bench: Bench) -> None:
    bench.disk.there = False
    bench.writer.round(0)
    assert bench.writer.status()["trouble"] == "the disk is missing"
    assert bench.writer.problems() == ["the outbox on the disk is not up to date: the disk is missing"]
    bench.disk.there = True
    bench.writer.round(0)
    assert bench.writer.problems() == []


def test_an_event_that_is_left_open_waits_for_the_next_start(bench: Bench) -> None:
    name = bench.event(chunk(0), over=False)
    bench.outbox.leave_open(name)
    bench.send()
    assert bench.offsite == []
    after = bench.restarted()
    after.writer.round(0)
    after.outbox.resumed(EVENT, after.home())
    after.outbox.finish(EVENT)
    after.writer.round(0)
    assert after.offsite == [EVENT, EVENT]


def test_what_is_deleted_while_the_disk_is_away_goes_when_it_is_back(bench: Bench) -> None:
    bench.event(chunk(0))
    bench.disk.there = False
    bench.writer.round(0)
    bench.outbox.withdraw(EVENT)
    bench.disk.there = True
    bench.writer.round(0)
    bench.send()
    assert names(bench.stores["one"].files) == []
    assert not list((bench.storage / "outbox").rglob("*.h264"))
    assert bench.figures("one")["files_dropped"] == 0


def test_what_waits_for_a_store_that_is_not_configured_any_more_is_said_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.event(picture(), chunk(0))
    (bench.storage / "outbox" / "notes.txt").write_text("somebody's")
    after = bench.restarted(stores={"two": bench.stores["two"]})
    for _ in range(2):
        after.outbox.chores.disk_is_away()
        after.writer.round(0)
    [said] = [message for message in caplog.messages if "not configured" in message]
    assert said.startswith(f"2 files wait in {bench.storage / 'outbox' / 'one'} for a store that is not configured")
    assert after.waiting("one") == ["motion0.jpg", "video0.h264"]


def test_what_a_later_version_left_half_written_is_not_touched(bench: Bench) -> None:
    bench.event(chunk(0))
    writing = bench.storage / "outbox" / ".writing" / EVENT / "video1.h264"
    writing.parent.mkdir(parents=True)
    writing.write_bytes(b"later")
    (bench.recordings / EVENT / "offsite.jsonl").write_bytes(b'{"version":2}\n')
    after = bench.restarted()
    assert after.writer.round(0) == 0
    assert writing.exists()
    assert after.figures("one")["files_waiting"] == 1


def test_what_already_waits_under_a_name_is_never_replaced(bench: Bench) -> None:
    bench.event(chunk(0), over=False)
    there = bench.storage / "outbox" / "one" / EVENT / "video1.h264"
    there.write_bytes(b"another's")
    bench.outbox.add(EVENT, chunk(1))
    bench.writer.round(0)
    assert there.read_bytes() == b"another's"
    assert bench.figures("one")["files_dropped"] == 1
    assert bench.journal().missed_by("one") == ("video1.h264",)
    assert bench.waiting("two") == ["video0.h264", "video1.h264"]


def test_an_event_that_is_gone_on_with_before_it_was_looked_at_is_settled_in_the_end(bench: Bench) -> None:
    """At a start there may be thousands of events to be looked at, and the rest of this one is short."""
    bench.event(chunk(0), over=False)
    bench.send()
    after = bench.restarted()
    after.writer.round(0)  # has read the disk
    after.outbox.resumed(EVENT, after.home())
    after.outbox.add(EVENT, chunk(1))
    after.outbox.finish(EVENT)
    after.writer.round(0)
    after.send()
    assert after.offsite
    assert after.outbox.interrupted() == []
    assert after.writer.status()["events_unsettled"] == 0
