"""Ways to break the order of docs/evidence.md, one at a time: the crash tests must find each."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pi_sec_cam.offsite import own_chain
from pi_sec_cam.offsite.chores import Chores
from pi_sec_cam.offsite.event_journal import EventJournals
from pi_sec_cam.offsite.journal import Line
from pi_sec_cam.offsite.outbox_files import OutboxFiles
from pi_sec_cam.offsite.own_chain import OwnChain
from pi_sec_cam.offsite.testimony import Testimony
from pi_sec_cam.offsite.waiting import Finish, GiveUp, Step, WaitingEvent, Withdraw
from pi_sec_cam.offsite.withdrawn_notes import forget_withdrawn
from pi_sec_cam.sending.attesting import Attestor


def break_order(fault: str) -> None:
    """Leave out or swap what `FAULTS` says under that name, for the rest of this process."""
    FAULTS[fault]()


def _record_after_the_link() -> None:
    append, written = EventJournals.append, OutboxFiles.written
    late: list[tuple[EventJournals, WaitingEvent, Sequence[Line]]] = []

    def files_only(journals: EventJournals, event: WaitingEvent, lines: Sequence[Line], *, begin: bool) -> None:
        records = [line for line in lines if "signed" in line and event.book is None]
        append(journals, event, [line for line in lines if line not in records], begin=begin)
        if records:
            late.append((journals, event, records))

    def then_records(files: OutboxFiles, paths: Sequence[Path]) -> None:
        written(files, paths)
        while late:
            journals, event, records = late.pop()
            append(journals, event, records, begin=True)

    EventJournals.append = files_only  # type: ignore[method-assign]
    OutboxFiles.written = then_records  # type: ignore[method-assign]


def _testimony_after(*kinds: type[Step]) -> None:
    before, done = Testimony.before, Testimony.done
    late: list[Sequence[Step]] = []

    def put_off(testimony: Testimony, event: WaitingEvent, steps: Sequence[Step], **named: Any) -> None:
        if isinstance(steps[0], kinds):
            late.append(steps)
        else:
            before(testimony, event, steps, **named)

    def afterwards(testimony: Testimony, event: WaitingEvent) -> None:
        while late:
            before(testimony, event, late.pop())
        done(testimony, event)

    Testimony.before = put_off  # type: ignore[method-assign]
    Testimony.done = afterwards  # type: ignore[method-assign]


def _own_chain_not_synced() -> None:
    fdatasync = os.fdatasync

    def others(descriptor: int) -> None:
        if "/storage/evidence/" not in os.readlink(f"/proc/self/fd/{descriptor}"):
            fdatasync(descriptor)

    os.fdatasync = others  # type: ignore[assignment]


def _own_chain_first() -> None:
    wait = Chores.wait
    Chores.wait = lambda chores, seconds: wait(chores, seconds)[::-1]  # type: ignore[method-assign]


def _named_at_once() -> None:
    own_chain._NAMED_AFTER_US = 0
    _own_chain_first()


def _notes_forgotten_unsigned() -> None:
    opened = Attestor._open

    def carelessly(attestor: Attestor, own: OwnChain, *more: Any, **named: Any) -> None:
        opened(attestor, own, *more, **named)
        forget_withdrawn(attestor._storage, own.camera)

    Attestor._open = carelessly  # type: ignore[method-assign]


FAULTS: dict[str, Callable[[], None]] = {
    "a record comes after the link": _record_after_the_link,
    "a tombstone comes after the unlink": lambda: _testimony_after(GiveUp, Withdraw),
    "ended comes after final": lambda: _testimony_after(Finish),
    "the camera's chain is not synced": _own_chain_not_synced,
    "the camera's chain comes before what it names": _own_chain_first,
    "an event is named at once": _named_at_once,
    "what was deleted is forgotten before it is signed": _notes_forgotten_unsigned,
}
