"""What an uploader does with what a store says, step by step."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.errors import PermanentError, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.stores.memory import MemoryStore, ReplyLost
from pi_sec_cam.offsite.uploader import Uploader
from tests.unit.outbox_bench import EVENT, Bench, chunk, names, picture


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "storage", {"one": MemoryStore()}, SimulatedClock())


@pytest.fixture
def store(bench: Bench) -> MemoryStore:
    return bench.stores["one"]


@pytest.fixture
def uploader(bench: Bench) -> Uploader:
    return bench.uploaders["one"]


def rest(uploader: Uploader) -> float:
    """How long it wants to rest after its next step."""
    said = uploader.step(0)
    assert said is not None
    return said[0]


def test_pauses_grow_to_a_minute_are_shortened_by_chance_and_begin_anew_after_a_success(
    bench: Bench, store: MemoryStore, uploader: Uploader
) -> None:
    bench.event(chunk(0), chunk(1))
    store.script.extend([TemporaryError("no connection")] * 9)
    pauses = [rest(uploader) for _ in range(9)]
    for pause, most in zip(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60], strict=True):
        assert most / 2 <= pause <= most
    assert len({round(pause % 1, 6) for pause in pauses}) > 5
    assert uploader.step(0) is None
    store.script.append(TemporaryError("no connection"))
    assert rest(uploader) <= 1


def test_a_store_that_asks_to_be_left_alone_is(bench: Bench, store: MemoryStore, uploader: Uploader) -> None:
    bench.event(chunk(0))
    store.script.append(TemporaryError("too many", retry_after_s=90.0))
    assert uploader.step(0) == (90.0, False)
    store.script.append(TemporaryError("too many"))
    said = uploader.step(0)
    assert said is not None
    assert said[1]


def test_a_store_that_refuses_is_an_alarm_at_once_until_it_takes_something(
    bench: Bench, store: MemoryStore, uploader: Uploader
) -> None:
    bench.event(chunk(0))
    store.gone = StoreRefuses("the token was revoked: pi-sec-cam dropbox login")
    pauses = [rest(uploader) for _ in range(12)]
    assert 150 <= pauses[-1] <= 300
    assert uploader.status()["state"] == "refused"
    [problem] = uploader.problems()
    assert "the token was revoked" in problem
    assert "1 files wait here" in problem
    store.gone = None
    uploader.step(0)
    assert uploader.status()["state"] == "idle"
    assert uploader.problems() == []


def test_what_the_store_will_never_take_is_set_aside_and_the_next_goes_on(
    bench: Bench, store: MemoryStore, uploader: Uploader
) -> None:
    bench.event(chunk(0), chunk(1))
    store.script.append(PermanentError("the name is not allowed"))
    bench.send()
    aside = bench.storage / "outbox" / "one" / ".refused" / EVENT
    [refused] = [path.name for path in aside.iterdir()]
    assert {refused, *names(store.files)} == {"video0.h264", "video1.h264"}
    assert uploader.status()["files_refused"] == 1
    assert uploader.status()["refused"] == [f"{EVENT}/{refused}"]
    assert {"refused": refused, "store": "one", "why": "the name is not allowed"} in bench.journal().lines
    assert bench.offsite == []
    after = bench.restarted()
    after.writer.round(0)
    assert after.figures("one")["files_refused"] == 1
    assert after.figures("one")["files_waiting"] == 0


def test_where_the_name_is_taken_the_rest_of_the_event_goes_elsewhere(bench: Bench, store: MemoryStore) -> None:
    store.files[f"{EVENT}/video1.h264"] = store.files[f"{EVENT}-2/video1.h264"] = b"another's"
    bench.event(picture(), chunk(0), chunk(1))
    for _ in range(3):
        bench.send()
    assert {path: data for path, data in store.files.items() if data != b"another's"} == {
        f"{EVENT}/motion0.jpg": picture().data,
        f"{EVENT}-3/video1.h264": chunk(1).data,
        f"{EVENT}-3/video0.h264": chunk(0).data,
    }
    renamed = [line["renamed"] for line in bench.journal().lines if "renamed" in line]
    assert renamed == [f"{EVENT}-2", f"{EVENT}-3"]
    assert bench.offsite == [EVENT]
    assert not (bench.storage / "outbox" / "one" / "Yard").exists()


def test_a_name_that_was_taken_is_known_after_a_restart(bench: Bench, store: MemoryStore, uploader: Uploader) -> None:
    store.files[f"{EVENT}/video1.h264"] = b"another's"
    bench.event(chunk(0), chunk(1), over=False)
    uploader.step(0)
    bench.writer.round(0)
    assert bench.waiting("one") == [f"{EVENT}-2/{name}" for name in (".event", "video0.h264", "video1.h264")]
    after = bench.restarted()
    after.writer.round(0)
    after.outbox.resumed(EVENT, after.home())
    after.outbox.add(EVENT, chunk(2))
    after.outbox.finish(EVENT)
    after.writer.round(0)
    after.send()
    assert sorted(path for path, data in store.files.items() if data != b"another's") == [
        f"{EVENT}-2/video{number}.h264" for number in range(3)
    ]
    assert after.offsite == [EVENT]


def test_a_reply_that_was_lost_makes_no_second_copy(bench: Bench, store: MemoryStore) -> None:
    bench.event(chunk(0))
    store.script.append(ReplyLost("reset"))
    bench.send()
    bench.send()
    assert names(store.files) == ["video0.h264"]
    assert bench.figures("one")["files_sent"] == 1


def test_a_fault_in_a_store_is_reported_and_does_not_end_it(
    bench: Bench, store: MemoryStore, uploader: Uploader, caplog: pytest.LogCaptureFixture
) -> None:
    bench.event(chunk(0))
    store.script.append(KeyError("metadata"))
    assert rest(uploader) <= 1
    assert "please report it" in caplog.text
    assert uploader.status()["last_error"] == "KeyError: 'metadata'"
    uploader.step(0)
    assert names(store.files) == ["video0.h264"]


def test_a_new_event_breaks_off_a_backlog_upload_once_and_goes_first(
    bench: Bench, store: MemoryStore, uploader: Uploader
) -> None:
    bench.event(chunk(0, size=1 << 19), event="Yard/2026-05-04/10.00.00")
    bench.clock.advance(60)
    begun: list[str] = []

    def event_begins(_size: int) -> None:
        if not begun:
            begun.append(bench.event(chunk(7, "pre-roll"), chunk(8, "live", 1 << 19), picture(), over=False))
        assert uploader._interrupted() == (len(store.asked) == 1)

    store._travel = event_begins
    for _ in range(5):
        uploader.step(0)
    assert [path.removeprefix("Yard/2026-05-04/") for path in store.asked] == [
        "10.00.00/video0.h264",
        "18.30.12/motion0.jpg",
        "18.30.12/video8.h264",
        "18.30.12/video7.h264",
        "10.00.00/video0.h264",
    ]


def test_live_chunks_leave_newest_first_and_pre_roll_in_the_gaps(bench: Bench, store: MemoryStore) -> None:
    files = [picture(), chunk(3), *(chunk(number, "pre-roll") for number in range(3)), chunk(4), chunk(5)]
    bench.event(*files, over=False)
    bench.send()
    assert [path.rpartition("/")[2] for path in store.files] == [
        "motion0.jpg",
        *(f"video{number}.h264" for number in (5, 4, 3, 2, 1, 0)),
    ]


def test_half_a_minute_after_its_last_file_an_event_is_backlog(bench: Bench, store: MemoryStore) -> None:
    bench.event(chunk(1), event="Yard/2026-05-04/10.00.00")
    bench.clock.advance(10)
    bench.event(chunk(2), chunk(3))
    bench.clock.advance(25)
    bench.send()
    assert [path.rpartition("/")[2] for path in store.files] == ["video3.h264", "video2.h264", "video1.h264"]
    store.files.clear()
    bench.event(chunk(4), event="Yard/2026-05-04/20.00.00")
    bench.event(chunk(6), chunk(5), event="Yard/2026-05-04/21.00.00")
    bench.clock.advance(31)
    bench.send()
    assert [path.rpartition("/")[2] for path in store.files] == ["video4.h264", "video5.h264", "video6.h264"]


def test_what_is_deleted_while_it_is_on_its_way_is_broken_off(
    bench: Bench, store: MemoryStore, uploader: Uploader
) -> None:
    bench.event(chunk(0))
    asked: list[bool] = []

    def deleted(_size: int) -> None:
        bench.outbox.withdraw(EVENT)
        asked.append(uploader._interrupted())

    store._travel = deleted
    uploader.step(0)
    bench.writer.round(0)
    assert asked == [True]
    assert bench.figures("one")["files_waiting"] == 0
    assert not list((bench.storage / "outbox").rglob("*.h264"))


def test_a_file_that_cannot_be_read_is_set_aside_after_some_tries(
    bench: Bench, uploader: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.event(chunk(0), chunk(1))
    real = Path.read_bytes

    def read(path: Path) -> bytes:
        if path.name == "video1.h264":
            raise OSError(5, "Input/output error")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    for _ in range(2):
        assert uploader.step(0) == (1.0, True)
        bench.writer.round(0)  # looks whether the disk is there
    assert "Input/output error" in str(uploader.status()["last_error"])
    assert uploader.step(0) is None
    bench.writer.round(0)
    bench.send()
    assert names(bench.stores["one"].files) == ["video0.h264"]
    assert uploader.status()["files_refused"] == 1


def test_the_status_says_how_it_goes(bench: Bench, store: MemoryStore, uploader: Uploader) -> None:
    assert uploader.status() == {
        "kind": "memory",
        "where": "memory",
        "state": "idle",
        "files_waiting": 0,
        "bytes_waiting": 0,
        "oldest_unsent_s": None,
        "last_error": None,
        "failing_since": None,
        "last_stored": None,
        "files_sent": 0,
        "bytes_sent": 0,
        "files_dropped": 0,
        "bytes_dropped": 0,
        "files_refused": 0,
        "refused": [],
    }
    bench.event(chunk(0), chunk(1))
    store.gone = TemporaryError("no connection")
    uploader.step(0)
    bench.clock.advance(30)
    uploader.step(0)
    assert uploader.problems() == []
    bench.clock.advance(700)
    uploader.step(0)
    status: dict[str, Any] = uploader.status()
    assert (status["state"], status["files_waiting"], status["bytes_waiting"]) == ("waiting", 2, 200)
    assert status["oldest_unsent_s"] == 730.0
    failed = bench.clock.wall() - timedelta(seconds=730)
    assert datetime.fromisoformat(status["failing_since"]) == failed
    bench.clock.step_wall(3600)
    said = datetime.fromisoformat(str(uploader.status()["failing_since"]))
    assert said == failed + timedelta(hours=1), "the clock was wrong then"
    assert uploader.problems() == ["memory (memory) has taken nothing for 12 min: no connection; 2 files wait here"]


def test_a_wall_clock_that_jumps_changes_no_pause_and_no_age(
    bench: Bench, store: MemoryStore, uploader: Uploader
) -> None:
    bench.event(chunk(0))
    bench.clock.step_wall(-86400 * 365)
    store.script.append(TemporaryError("no connection"))
    assert rest(uploader) <= 1
    bench.clock.step_wall(86400 * 3650)
    assert uploader.status()["oldest_unsent_s"] == 0


def test_a_store_is_told_which_files_an_earlier_run_left(bench: Bench, store: MemoryStore) -> None:
    bench.event(picture(), chunk(0), over=False)
    again = bench.restarted()
    again.writer.round(0)
    again.event(chunk(0), event="Yard/2026-05-04/19.00.00")
    told: dict[str, bool] = {}
    [(key, departures)] = again.outbox.departures.items()
    assert not departures.waited_at_start(), "nothing is on its way"
    store.script.extend([lambda path: told.update({path: departures.waited_at_start()})] * 3)
    again.send(key)
    assert told == {
        f"{EVENT}/motion0.jpg": True,
        f"{EVENT}/video0.h264": True,
        "Yard/2026-05-04/19.00.00/video0.h264": False,
    }
