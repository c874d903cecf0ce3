"""After a start the rest of interrupted events is handed over, once the disk is in order, and once each."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from pi_sec_cam.offsite.own_chain import OwnChain
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.stored_units import stored_units
from pi_sec_cam.sending.resuming import Resumer
from tests.unit import recorder_bench
from tests.unit.chunker_bench import ListedOutbox
from tests.unit.recorder_bench import ended, started, until
from tests.unit.streams import units


class FoundOutbox(ListedOutbox):
    """An outbox that has read the disk."""

    def __init__(self) -> None:
        super().__init__()
        self.chores = SimpleNamespace(known=True)
        self.found: list[str] = []

    def interrupted(self) -> list[str]:
        return self.found


class Crashed:
    """A storage with one event that was recorded and not sent."""

    def __init__(self, storage: Path) -> None:
        bench = recorder_bench.Bench(storage)
        bench.feed(units(seconds=6))
        bench.event(started(3, 1), ended(4, 1))
        (self.record,) = bench.run()
        self.folder = EventFolder(self.record.id, bench.folder(self.record))
        self.outbox = FoundOutbox()
        self.ready = True
        self.resumer = Resumer(
            bench.archive,
            self.outbox,  # type: ignore[arg-type]
            own=lambda camera: OwnChain(camera, bench.clock, stores=["nas"], program="0"),
            ready=lambda: self.ready,
            seal=lambda plain: plain,
            file_chunk_bytes=3 << 20,
            file_chunk_secs=1,
            clock=bench.clock,
        )

    @property
    def name(self) -> str:
        return self.record.path.partition("/")[2]

    def journal(self, *lines: dict[str, object]) -> None:
        header = {"version": 1, "event": self.name, "camera": "Yard"}
        text = "".join(json.dumps(line) + "\n" for line in (header, *lines))
        (self.folder.path / "offsite.jsonl").write_text(text)

    @contextmanager
    def running(self) -> Iterator[None]:
        self.resumer.start()
        try:
            yield
        finally:
            self.resumer.stop()
            assert self.resumer.join(10)
            assert self.resumer.fault is None


def test_an_event_that_was_cut_short_leaves_when_the_disk_is_in_order(tmp_path: Path) -> None:
    crashed = Crashed(tmp_path)
    crashed.ready = False
    with crashed.running():
        crashed.resumer.interrupted([crashed.record.id])
        assert not crashed.outbox.files
        crashed.ready = True
        until(lambda: crashed.outbox.finished)
        crashed.resumer.interrupted([crashed.record.id])
        until(lambda: not crashed.resumer._folders)
    recorded = b"".join(unit.data for unit in stored_units(crashed.folder, crashed.record))
    assert crashed.outbox.joined(crashed.name) == recorded
    assert crashed.outbox.names(crashed.name)[0] == "motion0.jpg"
    assert crashed.outbox.finished == [crashed.name], "once"
    assert crashed.outbox.homes[crashed.name].folder() == crashed.folder.path


def test_what_the_outbox_knows_to_be_open_leaves_too(tmp_path: Path) -> None:
    crashed = Crashed(tmp_path)
    crashed.outbox.found = [crashed.name]
    with crashed.running():
        until(lambda: crashed.outbox.finished)


def test_an_event_whose_journal_is_final_is_left_alone(tmp_path: Path) -> None:
    crashed = Crashed(tmp_path)
    crashed.journal({"final": True})
    with crashed.running():
        crashed.resumer.interrupted([crashed.record.id])
        until(lambda: crashed.resumer._seen | crashed.resumer._unsigned)
    assert not crashed.outbox.files


def test_of_an_event_that_is_kept_sealed_only_the_journal_is_closed(tmp_path: Path) -> None:
    crashed = Crashed(tmp_path)
    crashed.journal()
    (crashed.folder.path / "video.mp4").rename(crashed.folder.path / "video0.h264")
    with crashed.running():
        crashed.resumer.interrupted([crashed.record.id])
        until(lambda: crashed.outbox.finished)
    assert crashed.outbox.files == {crashed.name: []}


def test_one_that_cannot_be_read_does_not_keep_the_others(tmp_path: Path) -> None:
    crashed = Crashed(tmp_path)
    gone: EventRecord = replace(crashed.record, id="Yard/2026-01-01/00.00.00")
    broken = EventFolder("Yard/x/y", crashed.folder.path.parents[1] / "x" / "y")
    broken.path.mkdir(parents=True)
    (broken.path / "event.json").write_text("{")
    with crashed.running():
        crashed.resumer.interrupted([gone.id, "../..", broken.id, crashed.record.id])
        until(lambda: crashed.outbox.finished)


def test_a_stop_while_the_outbox_is_full_leaves_the_rest_for_the_next_start(tmp_path: Path) -> None:
    crashed = Crashed(tmp_path)
    crashed.outbox.has_room = False
    with crashed.running():
        crashed.resumer.interrupted([crashed.record.id])
        until(lambda: crashed.outbox.files)
    assert not crashed.outbox.finished
