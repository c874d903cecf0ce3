"""What waits to leave: made durable in order, sent in order, bounded, found again after a restart."""

import os
from pathlib import Path

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.errors import StorageError
from pi_sec_cam.offsite.outgoing import EventHome, OutgoingFile
from pi_sec_cam.offsite.stores.memory import MemoryStore
from tests.unit.outbox_bench import EVENT, Bench, chunk, names, picture


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "storage", {"one": MemoryStore(), "two": MemoryStore()}, SimulatedClock())


def test_a_file_is_durable_and_journalled_before_it_leaves_and_gone_when_all_have_it(bench: Bench) -> None:
    bench.event(picture(), chunk(0), over=False)
    assert bench.waiting("one") == bench.waiting("two") == ["motion0.jpg", "video0.h264"]
    first, second = (bench.storage / "outbox" / key / EVENT / "video0.h264" for key in ("one", "two"))
    assert os.path.samefile(first, second)
    assert list((bench.storage / "outbox" / ".writing").rglob("*.h264")) == []
    lines = bench.journal().files
    assert list(lines) == ["motion0.jpg", "video0.h264"]
    assert lines["video0.h264"]["stores"] == ["one", "two"]
    bench.send("one")
    assert bench.waiting("one") == []
    assert bench.waiting("two") == ["motion0.jpg", "video0.h264"]
    assert bench.stores["one"].files[f"{EVENT}/video0.h264"] == chunk(0).data


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


def test_an_event_is_offsite_when_one_store_has_all_of_a_final_journal(bench: Bench) -> None:
    name = bench.event(picture(), chunk(0), over=False)
    bench.send("one")
    assert bench.offsite == []
    bench.outbox.add(name, chunk(1))
    bench.outbox.finish(name)
    bench.writer.round(0)
    assert bench.offsite == []
    bench.send("one")
    assert bench.offsite == [EVENT]
    assert bench.waiting("two") == ["motion0.jpg", "video0.h264", "video1.h264"]
    bench.send("two")
    assert [path for path in (bench.storage / "outbox").rglob("*") if not path.name.startswith(".")] == [
        bench.storage / "outbox" / "one",
        bench.storage / "outbox" / "two",
    ]


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
    assert bench.writer.trouble is not None
    bench.writer.round(0)
    assert bench.offsite == ["18.30.12"]
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


def test_what_its_owner_deletes_does_not_leave_any_more(bench: Bench) -> None:
    bench.event(chunk(0), chunk(1), event="Yard/2026-05-04/10.00.00")
    bench.event(chunk(2))
    bench.outbox.withdraw("Yard/2026-05-04/10.00.00")
    bench.send()
    assert names(bench.stores["one"].files) == ["video2.h264"]
    assert not (bench.storage / "outbox" / "two" / "Yard").exists()
    assert bench.offsite == [EVENT, EVENT]


def test_what_is_deleted_before_it_was_found_does_not_leave_either(bench: Bench) -> None:
    bench.event(chunk(0))
    after = bench.restarted()
    after.outbox.withdraw(EVENT)
    after.writer.round(0)
    after.writer.round(0)
    after.send()
    assert names(bench.stores["one"].files) == []
    assert not list((bench.storage / "outbox").rglob("*.h264"))


def test_the_bound_gives_up_the_oldest_video_then_pictures_and_one_stores_bound_is_not_anothers(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "storage", {"one": MemoryStore(), "two": MemoryStore()}, SimulatedClock(), max_bytes=1000)
    bench.event(picture(bytes(300)), chunk(0, size=300), chunk(1, size=300), event="Yard/2026-05-04/10.00.00")
    bench.send("two")
    bench.event(chunk(2, size=300), over=False)
    assert bench.waiting("one") == [
        "Yard/2026-05-04/10.00.00/motion0.jpg",
        "Yard/2026-05-04/10.00.00/video1.h264",
        "video2.h264",
    ]
    bench.outbox.add(EVENT, chunk(3, size=600))
    bench.writer.round(0)
    assert bench.waiting("one") == ["video2.h264", "video3.h264"]
    dropped = [line for line in bench.journal("Yard/2026-05-04/10.00.00").lines if "dropped" in line]
    assert [(line["dropped"], line["store"]) for line in dropped] == [
        ("video0.h264", "one"),
        ("video1.h264", "one"),
        ("motion0.jpg", "one"),
    ]
    assert bench.figures("one")["files_dropped"] == 3
    assert bench.figures("one")["bytes_dropped"] == 900
    assert bench.figures("two")["files_dropped"] == 0
    assert bench.offsite == ["Yard/2026-05-04/10.00.00"]
    bench.outbox.finish(EVENT)
    bench.send()
    assert bench.offsite == ["Yard/2026-05-04/10.00.00", EVENT, EVENT]
    assert "will not get 3 files" in " ".join(bench.uploaders["one"].problems())


def test_an_event_of_which_a_store_has_been_denied_something_is_not_offsite_there(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "storage", {"one": MemoryStore()}, SimulatedClock(), max_bytes=1000)
    bench.event(chunk(0, size=600), chunk(1, size=600))
    bench.send()
    assert names(bench.stores["one"].files) == ["video1.h264"]
    assert bench.offsite == []
    assert not (bench.storage / "outbox" / "one" / "Yard").exists()


def test_age_counts_only_while_the_clock_can_be_trusted(tmp_path: Path) -> None:
    clock = SimulatedClock(synchronised=False)
    bench = Bench(tmp_path / "storage", {"one": MemoryStore()}, clock, max_age_s=86400)
    bench.event(chunk(0))
    path = bench.storage / "outbox" / "one" / EVENT / "video0.h264"
    os.utime(path, (clock.wall().timestamp(),) * 2)
    clock.step_wall(10 * 86400)
    after = bench.restarted(max_age_s=86400)
    after.writer.round(0)
    assert after.figures("one")["files_waiting"] == 1
    clock.vouch()
    clock.advance(61)
    after.writer.round(0)
    after.writer.round(0)
    assert after.figures("one")["files_dropped"] == 1
    assert not path.exists()
    assert "days" in after.journal().lines[-1]["why"]


def test_a_time_of_a_clock_that_was_never_set_says_nothing_of_age(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "storage", {"one": MemoryStore()}, SimulatedClock(), max_age_s=86400)
    bench.event(chunk(0))
    os.utime(bench.storage / "outbox" / "one" / EVENT / "video0.h264", (1000, 1000))
    after = bench.restarted(max_age_s=86400)
    after.writer.round(0)
    assert after.figures("one")["files_waiting"] == 1
    bench.clock.advance(86401)
    after.writer.round(0)
    assert after.figures("one")["files_dropped"] == 1


def test_files_wait_in_memory_while_the_disk_refuses_up_to_the_bound(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "storage", {"one": MemoryStore()}, SimulatedClock(), memory_bytes=1000)
    bench.disk.there = False
    name = bench.outbox.begin(EVENT, bench.home())
    for number in range(4):
        assert bench.outbox.wait_room(0) == (number < 4)
        bench.outbox.add(name, chunk(number, size=250))
    assert not bench.outbox.has_room
    assert bench.writer.round(0) > 0
    assert str(bench.trouble[0]) == "the disk is missing"
    assert bench.writer.problems() == ["what waits to leave is in memory alone: the disk is missing"]
    bench.clock.advance(1)
    bench.uploaders["one"].step(0)
    assert bench.outbox.has_room
    bench.disk.there = True
    assert bench.writer.round(0) == 0
    assert bench.writer.problems() == []
    assert len(bench.waiting("one")) == 3
    assert len(bench.journal().files) == 4


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


def test_an_event_without_a_folder_keeps_its_journal_aside_until_it_has_one(bench: Bench) -> None:
    home = bench.home(stands=False)
    name = bench.outbox.begin(EVENT, home)
    bench.outbox.add(name, chunk(0))
    assert 0 < bench.writer.round(0) < 0.1
    assert bench.waiting("one") == []
    bench.clock.advance(2.1)
    bench.writer.round(0)
    assert bench.waiting("one") == ["video0.h264"]
    aside = bench.storage / "outbox" / ".journals" / EVENT / "offsite.jsonl"
    assert aside.exists()
    home.make()
    bench.outbox.add(name, chunk(1))
    bench.outbox.finish(name)
    bench.writer.round(0)
    assert not aside.exists()
    assert list(bench.journal().files) == ["video0.h264", "video1.h264"]
    bench.send("one")
    assert bench.offsite == [EVENT]


def test_the_journal_of_an_event_that_never_gets_a_folder_goes_with_its_last_file(bench: Bench) -> None:
    name = bench.outbox.begin(EVENT, bench.home(stands=False))
    bench.outbox.add(name, chunk(0))
    bench.writer.round(0)
    bench.clock.advance(2.1)
    bench.outbox.finish(name)
    bench.writer.round(0)
    bench.send("one")
    assert list((bench.storage / "outbox" / ".journals").rglob("*.jsonl"))
    bench.send("two")
    assert not (bench.storage / "outbox" / ".journals" / "Yard").exists()
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


def test_events_that_wish_for_the_same_name_get_different_ones(bench: Bench) -> None:
    taken = [bench.outbox.begin(EVENT, bench.home(f"{EVENT}{suffix}")) for suffix in ("", "-b", "-c")]
    assert taken == [EVENT, f"{EVENT}-2", f"{EVENT}-3"]


def test_the_same_file_twice_is_a_fault(bench: Bench) -> None:
    bench.event(chunk(0), over=False)
    with pytest.raises(ValueError, match=r"video0\.h264 was handed over before"):
        bench.outbox.add(EVENT, chunk(0))


def test_chunks_grow_only_while_every_store_has_live_ones_of_the_event(bench: Bench) -> None:
    name = bench.event(chunk(5, "pre-roll"), over=False)
    assert not bench.outbox.congested(name)
    bench.outbox.add(name, chunk(6))
    assert bench.outbox.congested(name)
    bench.writer.round(0)
    bench.send("two")
    assert not bench.outbox.congested(name)


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
def test_what_the_disk_refuses_is_tried_again_and_nothing_leaves_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
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


def test_lines_of_files_that_left_without_a_disk_are_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pi_sec_cam.offsite.chores._LINES", 5)
    bench.disk.there = False
    for second in range(4):
        event = f"Yard/2026-05-04/18.30.{second:02}"
        bench.event(*(chunk(number) for number in range(3)), event=event)
        bench.clock.advance(1)
        bench.send()
        bench.writer.round(0)
    bench.disk.there = True
    bench.writer.round(0)
    assert [(bench.recordings / f"Yard/2026-05-04/18.30.{n:02}" / "offsite.jsonl").exists() for n in range(4)] == [
        False,
        False,
        False,
        True,
    ]


def test_a_guard_that_speaks_is_heard_in_the_status(bench: Bench) -> None:
    def missing() -> None:
        raise StorageError("not mounted")

    bench.writer._guard = missing
    bench.writer.round(0)
    assert bench.writer.status()["trouble"] == "not mounted"


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
