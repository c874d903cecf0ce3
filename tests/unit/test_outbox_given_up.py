"""A file that is given up before the disk has it: no crash makes it look as if somebody had taken it away."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.errors import PermanentError
from pi_sec_cam.offsite.journal import JournalFile, read_journal
from pi_sec_cam.offsite.stores.memory import MemoryStore
from tests.unit.outbox_bench import EVENT, Bench, chunk, picture


class PowerCut(BaseException):
    """The program is no more."""


def too_much_waits(bench: Bench) -> None:
    name = bench.outbox.begin(EVENT, bench.home())
    for file in (picture(), chunk(0, size=20_000), chunk(1, size=20_000)):
        bench.outbox.add(name, file)


def refused_out_of_memory(bench: Bench) -> None:
    bench.outbox.add(bench.outbox.begin(EVENT, bench.home()), picture())
    bench.clock.advance(1)
    bench.uploaders["near"].step(0)


GIVEN_UP: dict[Callable[[Bench], None], tuple[str, str]] = {
    too_much_waits: ("dropped", "video0.h264"),
    refused_out_of_memory: ("refused", "motion0.jpg"),
}


@pytest.mark.parametrize("give_up", GIVEN_UP)
@pytest.mark.parametrize("stores", [["near"], ["near", "far"]])
@pytest.mark.parametrize("cut", range(1, 4))
def test_with_its_line_it_is_signed_and_noted(
    cut: int, stores: list[str], give_up: Callable[[Bench], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, name = GIVEN_UP[give_up]
    made = {key: MemoryStore(script=[PermanentError("no")] if key == "near" else []) for key in stores}
    bench = Bench(tmp_path / "storage", made, SimulatedClock(), max_bytes=30_000)
    bench.writer.round(0)
    bench.attestor.look()
    bench.writer.round(0)
    give_up(bench)
    cut_after_journal(cut, bench, monkeypatch)
    own = [
        line for path in bench.storage.glob("evidence/Yard/*") if (read := read_journal(path)) for line in read.records
    ]
    signed = {(said.fields["kind"], name) for said in own for name in said.fields.get("names", [])}
    journal = read_journal(bench.recordings / EVENT)
    if journal is not None and name in journal.files:
        assert (kind, name) in signed
        assert "near" in journal.files[name]["stores"]
        assert name in journal.missed_by("near")
        assert sum(kind in line for line in journal.lines if line.get("store") == "near") == 1


def cut_after_journal(count: int, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many times a journal is written yet."""
    left = [count]
    append = JournalFile.append

    def last(journal: JournalFile, *arguments: Any) -> None:
        append(journal, *arguments)
        left[0] -= 1
        if not left[0]:
            raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(JournalFile, "append", last)
        try:
            bench.writer.round(0)
        except PowerCut:
            return
    assert read_journal(bench.recordings / EVENT) is not None
