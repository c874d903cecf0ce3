"""What waits to leave: handed over, made durable, sent, settled, withdrawn."""

import os
from pathlib import Path

import pytest

from pi_sec_cam.clock import SimulatedClock
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
    home = bench.home(stands=False)
    name = bench.outbox.begin(EVENT, home)
    bench.outbox.add(name, chunk(0))
    bench.writer.round(0)
    bench.clock.advance(2.1)
    bench.outbox.finish(name)
    home.over = True
    bench.writer.round(0)
    bench.send("one")
    assert list((bench.storage / "outbox" / ".journals").rglob("*.jsonl"))
    bench.send("two")
    assert not (bench.storage / "outbox" / ".journals" / "Yard").exists()
    assert bench.offsite == []


def test_an_event_whose_folder_comes_after_all_has_left_is_not_forgotten(bench: Bench) -> None:
    """A full disk has room again, and who records it has not noticed yet."""
    home = bench.home(stands=False)
    name = bench.outbox.begin(EVENT, home)
    bench.outbox.add(name, chunk(0))
    bench.outbox.finish(name)
    bench.clock.advance(2.1)
    bench.writer.round(0)
    bench.clock.advance(2.1)
    bench.send()
    assert names(bench.stores["two"].files) == ["video0.h264"]
    assert 0 < bench.writer.round(0) < 0.5
    home.make()
    home.over = True
    assert bench.writer.round(0) == 0
    assert bench.journal().final
    assert set(bench.offsite) == {EVENT}
    assert not (bench.storage / "outbox" / ".journals" / "Yard").exists()


def test_a_store_that_has_all_does_not_make_the_others_wait_for_the_folder(bench: Bench) -> None:
    home = bench.home(stands=False)
    name = bench.outbox.begin(EVENT, home)
    bench.outbox.add(name, chunk(0))
    bench.outbox.finish(name)
    bench.writer.round(0)
    bench.clock.advance(2.1)
    bench.writer.round(0)
    bench.send("one")
    bench.stores["two"].files[f"{EVENT}/video0.h264"] = b"another camera's"
    for _ in range(3):
        bench.send("two")
    assert f"{EVENT}-2/video0.h264" in bench.stores["two"].files
    home.make()
    home.over = True
    assert bench.writer.round(0) == 0
    assert set(bench.offsite) == {EVENT}
    assert not (bench.storage / "outbox" / "two" / "Yard").exists()


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
