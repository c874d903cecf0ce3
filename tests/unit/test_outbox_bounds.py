"""What is given up when too much waits, or for too long."""

import os
from pathlib import Path

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.offsite.outgoing import OutgoingFile
from pi_sec_cam.offsite.stores.memory import MemoryStore
from tests.unit.outbox_bench import EVENT, Bench, chunk, names, picture


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "storage", {"one": MemoryStore(), "two": MemoryStore()}, SimulatedClock())


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


def test_records_are_never_too_old(tmp_path: Path) -> None:
    clock = SimulatedClock()
    bench = Bench(tmp_path / "storage", {"one": MemoryStore()}, clock, max_age_s=86400)
    bench.event(chunk(0), OutgoingFile("evidence0.jsonl", b"{}", "evidence", None))
    clock.advance(3 * 86400)
    bench.writer.round(0)
    bench.writer.round(0)
    assert bench.waiting("one") == ["evidence0.jsonl"]


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


def test_on_a_full_disk_the_oldest_is_given_up_where_the_most_waits(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "storage", {"dead": MemoryStore(), "slow": MemoryStore()}, SimulatedClock())
    for second in range(4):
        event = f"Yard/2026-05-04/18.30.{second:02}"
        bench.event(picture(b"p"), *(chunk(number, size=1000) for number in range(2)), event=event)
        if second == 1:
            bench.send("slow")
    bench.outbox.make_room(2500)
    bench.outbox.make_room(2500)  # the disk has not done it yet
    bench.writer.round(0)
    assert [bench.figures(key)["files_dropped"] for key in ("dead", "slow")] == [3, 0]
    left = [f"Yard/2026-05-04/18.30.{at}" for at in ("00/motion0.jpg", "01/motion0.jpg", "01/video1.h264")]
    assert bench.waiting("dead")[:3] == left
    assert bench.journal("Yard/2026-05-04/18.30.00").missed_by("dead") == ("video0.h264", "video1.h264")


def test_on_a_full_disk_nothing_is_given_up_that_takes_no_room_there(bench: Bench) -> None:
    """What only passes through leaves as long as a store takes it; `running` has its first chunk on the disk."""
    running = bench.event(chunk(0), over=False)
    bench.disk.there = False
    bench.event(chunk(0), event="Yard/2026-05-04/18.31.00")
    bench.outbox.add(running, chunk(1))
    bench.outbox.make_room(10**9)
    bench.disk.there = True
    bench.writer.round(0)
    bench.send()
    assert len(bench.stores["one"].files) == 3
