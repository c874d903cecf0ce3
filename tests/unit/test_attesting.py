"""What leaves is signed: records are durable before their files leave, chains go from start to start."""

import errno
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pi_sec_cam.clock import SimulatedClock, WallStamp
from pi_sec_cam.evidence.camera_key import read_camera_key
from pi_sec_cam.evidence.record import SignedRecord, parse_line
from pi_sec_cam.offsite.event_files import end, hand_over
from pi_sec_cam.offsite.event_records import EventRecords
from pi_sec_cam.offsite.journal import Journal, JournalFile, Line, read_journal
from pi_sec_cam.offsite.resume import NoRoom, resume
from pi_sec_cam.offsite.stores.memory import MemoryStore
from pi_sec_cam.offsite.withdrawal import withdraw
from tests.unit.outbox_bench import EVENT, Bench, chunk, picture
from tests.unit.streams import units

OWN = "Yard/evidence/"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    clock = SimulatedClock(datetime(2026, 5, 4, 12, 0, tzinfo=UTC))
    bench = Bench(tmp_path / "storage", {"nas": MemoryStore(), "cloud": MemoryStore()}, clock)
    bench.writer.round(0)
    return bench


def records(store: MemoryStore, folder: str) -> list[SignedRecord]:
    """All that a store has of the chains in a folder, in the order of its evidence files."""
    files = [path for path in store.files if path.startswith(folder) and path.endswith(".jsonl")]
    files.sort(key=lambda path: (path.rpartition("/")[0], int("".join(filter(str.isdigit, path.rpartition("/")[2])))))
    return [parse_line(line) for path in files for line in store.files[path].splitlines(keepends=True)]


def kinds(found: Sequence[SignedRecord]) -> list[str]:
    """Without heads, which come in between when something waits to leave."""
    return [record.fields["kind"] for record in found if record.fields["kind"] != "head"]


def own_journals(bench: Bench) -> list[Journal]:
    """Of the camera's own chains."""
    found = [read_journal(folder) for folder in sorted((bench.storage / "evidence" / "Yard").iterdir())]
    return [journal for journal in found if journal is not None]


def check_chain(found: Sequence[SignedRecord], bench: Bench) -> None:
    key = read_camera_key(bench.storage / "identity")
    assert key is not None
    assert all(record.signed_by(key.public_key()) for record in found)
    assert [record.fields["n"] for record in found] == list(range(len(found)))
    assert [record.fields["prev"] for record in found] == ["", *(record.hash for record in found[:-1])]


def begun(bench: Bench) -> tuple[str, EventRecords]:
    """An event of the bench's camera, and what signs for it."""
    name = bench.outbox.begin(EVENT, bench.home())
    stamp = WallStamp(bench.clock.wall(), 5_000_000, synchronised=True)
    return name, EventRecords(name, bench.attestor.own("Yard"), bench.clock, stamp=stamp)


def test_an_event_leaves_with_its_records_and_the_cameras_chain_speaks_of_it(bench: Bench) -> None:
    bench.attestor.look()
    name, signs = begun(bench)
    for file in (picture(), chunk(0), chunk(1)):
        hand_over(bench.outbox, name, file, signs)
    bench.writer.round(0)
    signed = bench.journal().records
    assert kinds(signed) == ["event", "file", "file", "file"], "durable before anything has left"
    assert not bench.stores["nas"].files
    end(bench.outbox, name, signs)
    bench.writer.round(0)
    bench.clock.advance(5)
    bench.attestor.look()
    bench.writer.round(0)
    bench.send()
    for store in bench.stores.values():
        found = records(store, EVENT)
        check_chain(found, bench)
        assert kinds(found) == ["event", "file", "file", "file", "end"]
        assert found[0].fields["event"] == EVENT
        assert found[0].fields["media_us"] == 5_000_000
        for record in found[1:4]:
            data = store.files[f"{EVENT}/{record.fields['name']}"]
            assert record.fields["bytes"] == len(data)
        assert found[2].fields["pts_us"], "when its pictures were taken"
        own = records(store, OWN)
        check_chain(own, bench)
        assert kinds(own) == ["segment", "began", "ended"]
        assert own[2].fields["last"] == {"n": 4, "hash": found[-1].hash}
        assert own[2].fields["of"] == found[0].fields["chain"]
    assert bench.offsite == [EVENT] * 2, "only when the records have left too, and only the event"


def test_records_wait_for_five_seconds_at_most(bench: Bench) -> None:
    bench.attestor.look()
    name, signs = begun(bench)
    for second in range(12):
        hand_over(bench.outbox, name, chunk(second), signs)
        bench.clock.advance(1)
    evidence = [n for n in bench.outbox._state.events[name].steps if n.file.name.startswith("evidence")]  # type: ignore[union-attr]
    assert len(evidence) == 2
    bench.clock.advance(3)
    assert signs.batch(alone=True) is not None, "also when no chunk comes"


def test_without_its_key_files_leave_and_are_signed_when_it_is_there(bench: Bench) -> None:
    bench.disk.there = False
    bench.attestor.look()
    assert bench.attestor.problems()
    name, signs = begun(bench)
    hand_over(bench.outbox, name, chunk(0), signs)
    bench.disk.there = True
    bench.attestor.look()
    assert not bench.attestor.problems()
    hand_over(bench.outbox, name, chunk(1), signs)
    end(bench.outbox, name, signs)
    bench.writer.round(0)
    bench.send()
    found = records(bench.stores["nas"], EVENT)
    check_chain(found, bench)
    assert kinds(found) == ["event", "file", "file", "end"]


def test_an_event_that_is_over_before_the_key_is_there_is_signed_when_it_is(bench: Bench) -> None:
    name, signs = begun(bench)
    hand_over(bench.outbox, name, chunk(0), signs)
    end(bench.outbox, name, signs)
    bench.writer.round(0)
    assert not bench.journal().final, "somebody goes on with it"
    assert bench.outbox.interrupted() == [name]
    bench.attestor.look()
    bench.outbox.resumed(name, bench.home())
    end(bench.outbox, name, EventRecords(name, bench.attestor.own("Yard"), bench.clock, journal=bench.journal()))
    bench.attestor.end()
    bench.writer.round(0)
    bench.send()
    found = records(bench.stores["nas"], EVENT)
    check_chain(found, bench)
    assert kinds(found) == ["event", "file", "end"]
    assert "ended" in kinds(records(bench.stores["nas"], OWN))
    assert bench.journal().final


def test_with_an_event_that_waits_for_the_disk_nobody_goes_on(bench: Bench) -> None:
    """What is in memory alone is in no journal yet, and would be handed over twice."""
    name, signs = begun(bench)
    hand_over(bench.outbox, name, chunk(0), signs)
    end(bench.outbox, name, signs)
    assert not bench.outbox.interrupted()
    bench.writer.round(0)
    assert bench.outbox.interrupted() == [name]


def test_an_event_that_is_over_is_named_durably(bench: Bench) -> None:
    """Nobody would name it after a crash."""
    bench.attestor.look()
    name, signs = begun(bench)
    hand_over(bench.outbox, name, chunk(0), signs)
    end(bench.outbox, name, signs)
    bench.writer.round(0)
    assert bench.journal().final
    (folder,) = (bench.storage / "evidence" / "Yard").iterdir()
    journal = read_journal(folder)
    assert journal is not None
    assert kinds(journal.records) == ["segment", "began", "ended"]


def test_no_event_is_named_before_its_first_records_are_durable(bench: Bench) -> None:
    """Not by what is written for another either: after a crash, nobody would know what was named."""
    bench.attestor.look()
    name, signs = begun(bench)
    hand_over(bench.outbox, name, chunk(0), signs)
    bench.clock.advance(4)
    bench.writer.round(0)
    other = bench.outbox.begin(EVENT.replace("18", "19"), bench.home(EVENT.replace("18", "19")))
    EventRecords(other, bench.attestor.own("Yard"), bench.clock).of_file(chunk(0))
    end(bench.outbox, name, signs)
    bench.attestor.look()
    bench.writer.round(0)
    (folder,) = (bench.storage / "evidence" / "Yard").iterdir()
    journal = read_journal(folder)
    assert journal is not None
    assert kinds(journal.records) == ["segment", "began", "ended"]
    bench.clock.advance(5)
    bench.attestor.look()
    bench.writer.round(0)
    journal = read_journal(folder)
    assert journal is not None
    assert kinds(journal.records) == ["segment", "began", "ended", "began"]
    assert [record.fields["event"] for record in journal.records if record.fields["kind"] == "began"] == [name, other]


def test_what_the_cameras_chain_names_is_durable_first(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a crash in between it would be missing."""
    bench.attestor.look()
    bench.writer.round(0)
    bench.disk.there = False
    for folder in (EVENT, f"{EVENT}-2"):
        name = bench.outbox.begin(folder, bench.home(folder))
        signs = EventRecords(name, bench.attestor.own("Yard"), bench.clock)
        hand_over(bench.outbox, name, chunk(0), signs)
        end(bench.outbox, name, signs)
    bench.clock.advance(5)
    bench.attestor.look()
    order: list[str] = []
    append = JournalFile.append

    def noted(self: JournalFile, lines: Sequence[Line]) -> None:
        append(self, lines)
        order.extend(parse_line(line["signed"].encode()).fields["kind"] for line in lines if "signed" in line)

    monkeypatch.setattr(JournalFile, "append", noted)
    bench.disk.there = True
    bench.writer.round(0)
    assert order == ["event", "file", "end"] * 2 + ["began", "ended"] * 2 + ["head"]


def test_for_a_damaged_key_no_event_waits(bench: Bench) -> None:
    (bench.storage / "identity").mkdir()
    (bench.storage / "identity" / "camera_key.pem").write_text("rubbish")
    bench.attestor.look()
    name, signs = begun(bench)
    hand_over(bench.outbox, name, chunk(0), signs)
    end(bench.outbox, name, signs)
    bench.writer.round(0)
    assert bench.journal().final


def test_the_chain_of_a_start_names_the_last_durable_record_of_the_one_before(bench: Bench) -> None:
    bench.attestor.look()
    bench.clock.advance(5)
    bench.attestor.look()
    bench.writer.round(0)
    after_crash = bench.restarted()
    after_crash.writer.round(0)
    after_crash.attestor.look()
    after_crash.attestor.end()
    after_crash.writer.round(0)
    last = after_crash.restarted()
    last.writer.round(0)
    last.attestor.look()
    last.clock.advance(5)
    last.attestor.look()
    last.writer.round(0)
    last.send()
    own = records(bench.stores["nas"], OWN)
    assert kinds(own) == ["segment", "segment", "stop", "segment"]
    assert [own[n].fields["ordinal"] for n in (0, 1, 3)] == [1, 2, 3]
    for former, segment in ((own[0], own[1]), (own[2], own[3])):
        assert segment.fields["previous"] == {
            "chain": former.fields["chain"],
            "n": former.fields["n"],
            "hash": former.hash,
        }
    check_chain(own[1:3], bench)


def test_what_was_signed_before_a_crash_leaves_after_it_once(bench: Bench) -> None:
    bench.attestor.look()
    name, signs = begun(bench)
    hand_over(bench.outbox, name, chunk(0), signs)
    bench.clock.advance(5)
    bench.attestor.look()
    bench.writer.round(0)  # a crash now: the event's two records are in the journal alone

    later = bench.restarted()
    later.writer.round(0)
    later.attestor.look()
    journal = read_journal(later.recordings / EVENT)
    assert journal is not None
    later.outbox.resumed(EVENT, later.home())
    resumed = EventRecords(EVENT, later.attestor.own("Yard"), later.clock, journal=journal)
    hand_over(later.outbox, EVENT, chunk(1), resumed)
    end(later.outbox, EVENT, resumed)
    later.attestor.end()
    later.writer.round(0)
    later.send()
    found = records(bench.stores["nas"], EVENT)
    check_chain(found, bench)
    assert kinds(found) == ["event", "file", "resumed", "file", "end"]
    assert found[2].fields["event"] == EVENT
    own = records(bench.stores["nas"], OWN)
    assert kinds(own) == ["segment", "began", "segment", "began", "ended", "stop"]
    assert {record.fields["of"] for record in own if "of" in record.fields} == {found[0].fields["chain"]}


def test_what_was_signed_leaves_though_the_rest_of_an_interrupted_event_has_to_wait(bench: Bench) -> None:
    bench.attestor.look()
    room = [True]
    with pytest.raises(NoRoom):
        resume(
            EVENT,
            None,
            lambda: units(seconds=4),
            None,
            outbox=bench.outbox,
            home=bench.home(),
            own=bench.attestor.own("Yard"),
            clock=bench.clock,
            seal=bytes,
            room=lambda: bool(room) and room.pop(),
            file_chunk_bytes=1 << 20,
            file_chunk_secs=1,
        )
    bench.writer.round(0)
    bench.send()
    found = records(bench.stores["nas"], EVENT)
    check_chain(found, bench)
    assert kinds(found) == ["event", "file"]
    assert not bench.journal().final


def test_a_store_that_was_added_gets_the_whole_chain(bench: Bench) -> None:
    bench.attestor.look()
    name, signs = begun(bench)
    hand_over(bench.outbox, name, chunk(0), signs)
    bench.clock.advance(4)
    hand_over(bench.outbox, name, chunk(1), signs)
    bench.writer.round(0)
    bench.send()

    later = bench.restarted(stores=bench.stores | {"new": MemoryStore()})
    later.writer.round(0)
    later.attestor.look()
    journal = later.journal()
    later.outbox.resumed(EVENT, later.home())
    end(later.outbox, EVENT, EventRecords(EVENT, later.attestor.own("Yard"), later.clock, journal=journal))
    later.writer.round(0)
    later.send()
    opened = records(later.stores["new"], OWN)[0]
    assert opened.fields["since"] == {"nas": 1, "cloud": 1, "new": 2}, "what was before, the new one cannot have"
    found = records(later.stores["new"], EVENT)
    check_chain(found, bench)
    assert kinds(found) == ["event", "file", "file", "resumed", "end"]
    assert "new" in found[3].fields["stores"]


def test_an_event_that_had_all_but_its_last_mark_is_not_ended_twice(bench: Bench) -> None:
    bench.attestor.look()
    name, signs = begun(bench)
    hand_over(bench.outbox, name, chunk(0), signs)
    batch = signs.batch(at_once=True)
    ended = signs.end(0)
    last = signs.batch(at_once=True)
    assert batch is not None
    assert last is not None
    bench.outbox.add(name, batch, last, records=ended)
    bench.writer.round(0)
    later = bench.restarted()
    later.writer.round(0)
    later.attestor.look()
    later.outbox.resumed(EVENT, later.home())
    end(later.outbox, EVENT, EventRecords(EVENT, later.attestor.own("Yard"), later.clock, journal=later.journal()))
    later.attestor.end()
    later.writer.round(0)
    later.send()
    assert kinds(records(bench.stores["nas"], EVENT)) == ["event", "file", "end"]
    assert "ended" in kinds(records(bench.stores["nas"], OWN))
    assert read_journal(later.recordings / EVENT).final  # type: ignore[union-attr]


def test_a_tombstone_is_durable_before_its_file_goes(bench: Bench) -> None:
    bench = bench.restarted(max_bytes=20_000)
    bench.writer.round(0)
    bench.attestor.look()
    name, signs = begun(bench)
    for number in range(6):
        hand_over(bench.outbox, name, chunk(number, size=5_000), signs)
    end(bench.outbox, name, signs)
    bench.writer.round(0)
    dropped = {line["dropped"] for line in bench.journal().lines if "dropped" in line}
    assert dropped
    (folder,) = (bench.storage / "evidence" / "Yard").iterdir()
    journal = read_journal(folder)
    assert journal is not None
    tombstones = [record for record in journal.records if record.fields["kind"] == "dropped"]
    assert {name for record in tombstones for name in record.fields["names"]} == dropped
    assert {record.fields["store"] for record in tombstones} == {"nas", "cloud"}
    assert {record.fields["of"] for record in tombstones} == {bench.journal().records[0].fields["chain"]}


def test_an_event_that_its_owner_deletes_is_a_tombstone_with_what_had_not_left(bench: Bench) -> None:
    bench.attestor.look()
    name, signs = begun(bench)
    for number in range(3):
        hand_over(bench.outbox, name, chunk(number), signs)
    end(bench.outbox, name, signs)
    bench.writer.round(0)
    bench.send("nas")
    bench.outbox.withdraw(EVENT)
    bench.writer.round(0)
    bench.attestor.end()
    bench.writer.round(0)
    bench.send()
    (tombstone,) = [r for r in records(bench.stores["cloud"], OWN) if r.fields["kind"] == "withdrawn"]
    assert tombstone.fields["store"] == "cloud"
    assert sorted(tombstone.fields["names"]) == ["evidence0.jsonl", "video0.h264", "video1.h264", "video2.h264"]


def test_what_is_withdrawn_while_the_program_stops_is_said_after_the_next_start(bench: Bench) -> None:
    bench.attestor.look()
    name, signs = begun(bench)
    hand_over(bench.outbox, name, chunk(0), signs)
    end(bench.outbox, name, signs)
    bench.writer.round(0)
    bench.outbox.withdraw(EVENT)
    bench.attestor.end()
    bench.writer.round(0)
    bench.send()
    later = bench.restarted()
    later.writer.round(0)
    later.attestor.look()
    later.writer.round(0)
    later.send()
    own = records(bench.stores["nas"], OWN)
    check_chain(own[:6], bench)
    assert kinds(own) == ["segment", "began", "ended", "stop", "withdrawn", "withdrawn", "segment"]


def test_what_its_owner_deletes_without_a_daemon_is_a_tombstone_after_the_next_start(bench: Bench) -> None:
    bench.attestor.look()
    name, signs = begun(bench)
    hand_over(bench.outbox, name, chunk(0), signs)
    end(bench.outbox, name, signs)
    bench.attestor.end()
    bench.writer.round(0)
    bench.send("nas")
    withdraw(bench.storage / "outbox", EVENT)
    for _ in range(2):  # at the second start there is nothing more to say
        bench = bench.restarted()
        bench.writer.round(0)
        bench.attestor.look()
        bench.writer.round(0)
        bench.attestor.look()
        bench.send()
    (tombstone,) = [r for r in records(bench.stores["cloud"], OWN) if r.fields["kind"] == "withdrawn"]
    assert (tombstone.fields["store"], tombstone.fields["event"]) == ("cloud", EVENT)
    assert tombstone.fields["names"] == ["evidence0.jsonl", "video0.h264"]


def test_an_event_deleted_while_the_disk_is_away_is_said_for_each_store(bench: Bench) -> None:
    bench.attestor.look()
    name, signs = begun(bench)
    hand_over(bench.outbox, name, chunk(0), signs)
    end(bench.outbox, name, signs)
    bench.writer.round(0)
    later = bench.restarted()
    later.outbox.withdraw(EVENT)
    later.writer.round(0)
    later.attestor.look()
    later.writer.round(0)
    later.writer.round(0)
    (journal,) = (j for j in own_journals(later) if "withdrawn" in kinds(j.records))
    tombstones = [record.fields for record in journal.records if record.fields["kind"] == "withdrawn"]
    assert {said["store"]: sorted(said["names"]) for said in tombstones} == {
        store: ["evidence0.jsonl", "video0.h264"] for store in bench.stores
    }


def test_what_the_disk_refuses_again_and_again_is_said_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.attestor.look()
    for folder in (EVENT, f"{EVENT}-2"):
        name = bench.outbox.begin(folder, bench.home(folder))
        signs = EventRecords(name, bench.attestor.own("Yard"), bench.clock)
        hand_over(bench.outbox, name, chunk(0), signs)
        end(bench.outbox, name, signs)
    bench.writer.round(0)
    append = JournalFile.append

    def refused(self: JournalFile, lines: Sequence[Line]) -> None:
        raise OSError(errno.EIO, "bad sector")

    monkeypatch.setattr(JournalFile, "append", refused)
    for folder in (EVENT, f"{EVENT}-2"):
        bench.outbox.withdraw(folder)
    for _ in range(5):
        bench.writer.round(0)
    monkeypatch.setattr(JournalFile, "append", append)
    bench.writer.round(0)
    (journal,) = own_journals(bench)
    assert kinds(journal.records).count("withdrawn") == 4


def test_whatever_a_store_says_can_be_signed(bench: Bench) -> None:
    bench.attestor.look()
    bench.attestor.given_up("refused", EVENT, "", "nas", ["video0.h264"], "\ud800" + "x" * 2_000_000)
    bench.attestor.look()
    bench.attestor.end()
    bench.writer.round(0)
    (journal,) = own_journals(bench)
    (refused,) = (record.fields for record in journal.records if record.fields["kind"] == "refused")
    assert refused["why"].startswith("?xx")


def test_heads_are_signed_every_hour_and_name_what_runs(bench: Bench) -> None:
    bench.attestor.look()
    name, signs = begun(bench)
    _, last = signs.of_file(chunk(0))
    bench.clock.advance(3601)
    bench.attestor.look()
    bench.clock.advance(10)
    bench.attestor.look()
    bench.writer.round(0)
    bench.send()
    own = records(bench.stores["nas"], OWN)
    assert [record.fields["kind"] for record in own] == ["segment", "began", "head"]
    assert own[2].fields["open"] == [
        {"event": name, "of": last.fields["chain"], "n": last.fields["n"], "hash": last.hash}
    ]
    assert bench.attestor.heads()["Yard"] == f"{own[2].fields['chain']}:2:{own[2].hash}"


def test_a_head_says_what_waits_and_when_nothing_does_any_more(bench: Bench) -> None:
    bench.attestor.look()
    name, signs = begun(bench)
    hand_over(bench.outbox, name, chunk(0), signs)
    bench.writer.round(0)
    bench.send("nas")
    bench.clock.advance(5)
    bench.attestor.look()
    bench.writer.round(0)
    bench.send("cloud", "nas")
    end(bench.outbox, name, signs)
    bench.writer.round(0)
    bench.send()
    bench.clock.advance(5)
    bench.attestor.look()
    bench.writer.round(0)
    bench.send()
    own = records(bench.stores["nas"], OWN)
    waiting = [record.fields["waiting"] for record in own if record.fields["kind"] == "head"]
    assert waiting == [{"cloud": EVENT}, {}]


def test_while_the_disk_takes_nothing_records_leave_out_of_memory(bench: Bench) -> None:
    bench.attestor.look()
    bench.writer.round(0)
    bench.disk.there = False
    name, signs = begun(bench)
    hand_over(bench.outbox, name, chunk(0), signs)
    end(bench.outbox, name, signs)
    bench.writer.round(0)
    bench.clock.advance(1)
    bench.send("nas")
    found = records(bench.stores["nas"], EVENT)
    check_chain(found, bench)
    assert kinds(found) == ["event", "file", "end"]
    bench.disk.there = True
    bench.writer.round(0)
    assert [record.hash for record in bench.journal().records] == [record.hash for record in found]


def test_on_a_disk_that_can_only_be_read_what_leaves_is_signed(bench: Bench) -> None:
    bench.attestor.look()
    bench.attestor.end()
    bench.writer.round(0)
    bench.send()
    dying = bench.restarted()
    dying.disk.read_only = True
    dying.writer.round(0)
    dying.attestor.look()
    assert not dying.attestor.problems()
    name, signs = begun(dying)
    hand_over(dying.outbox, name, chunk(0), signs)
    end(dying.outbox, name, signs)
    dying.clock.advance(5)
    dying.attestor.look()
    dying.clock.advance(1)
    dying.send("nas")
    found = records(dying.stores["nas"], EVENT)
    check_chain(found, bench)
    assert kinds(found) == ["event", "file", "end"]
    dying.disk.read_only = False
    dying.attestor.look()
    dying.writer.round(0)
    assert len(own_journals(dying)) == 2, "when the disk takes it, the next start finds what this one has signed"


def test_a_damaged_key_is_said_and_never_replaced(bench: Bench) -> None:
    (bench.storage / "identity").mkdir()
    (bench.storage / "identity" / "camera_key.pem").write_text("rubbish")
    bench.attestor.look()
    (problem,) = bench.attestor.problems()
    assert "camera_key.pem" in problem
    assert (bench.storage / "identity" / "camera_key.pem").read_text() == "rubbish"


def test_a_new_key_in_place_of_a_known_one_is_said(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.remembered.camera_key = "another"
    bench.attestor.look()
    assert "another key than before" in caplog.text
    assert bench.remembered.camera_key != "another"


def test_chains_that_are_off_site_do_not_pile_up_on_the_disk(bench: Bench) -> None:
    for _ in range(5):
        bench.attestor.look()
        bench.attestor.end()
        bench.writer.round(0)
        bench.send()
        bench.writer.round(0)
        bench = bench.restarted()
        bench.writer.round(0)
    assert len(list((bench.storage / "evidence" / "Yard").iterdir())) <= 2
    assert kinds(records(bench.stores["nas"], OWN)) == ["segment", "stop"] * 5
