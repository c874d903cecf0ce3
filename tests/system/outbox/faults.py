"""Ways to break the order of docs/outbox.md, one at a time: the crash tests must find each."""

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from pi_sec_cam.offsite.departures import Departures
from pi_sec_cam.offsite.event_journal import EventJournals
from pi_sec_cam.offsite.journal import Line
from pi_sec_cam.offsite.outbox_files import OutboxFiles
from pi_sec_cam.offsite.waiting import WaitingEvent, WaitingFile
from tests.system.crash.faults import no_sync_of


def break_outbox(fault: str) -> None:
    """Leave out or swap what `FAULTS` says under that name, for the rest of this process."""
    FAULTS[fault]()


def _journal_not_synced() -> None:
    os.fdatasync = lambda fd: None


def _journal_comes_last() -> None:
    append, written = EventJournals.append, OutboxFiles.written
    late: list[tuple[EventJournals, WaitingEvent, Sequence[Line], bool]] = []

    def later(journals: EventJournals, event: WaitingEvent, lines: Sequence[Line], *, begin: bool) -> None:
        if begin:
            late.append((journals, event, lines, begin))
        else:
            append(journals, event, lines, begin=begin)

    def now(files: OutboxFiles, paths: Sequence[Path]) -> None:
        written(files, paths)
        while late:
            journals, event, lines, begin = late.pop()
            append(journals, event, lines, begin=begin)

    EventJournals.append = later  # type: ignore[method-assign]
    OutboxFiles.written = now  # type: ignore[method-assign]


def _unlinked_before_it_is_stored() -> None:
    place = Departures.place

    def early(departures: Departures, file: WaitingFile) -> str:
        (departures._directory / file.event.place(departures.key) / file.name).unlink(missing_ok=True)
        return place(departures, file)

    Departures.place = early  # type: ignore[method-assign]


FAULTS: dict[str, Callable[[], None]] = {
    "directories are not synced": lambda: no_sync_of(stat.S_ISDIR),
    "files are not synced": lambda: no_sync_of(stat.S_ISREG),
    "the journal is not synced": _journal_not_synced,
    "the journal comes last": _journal_comes_last,
    "a file is unlinked before it is stored": _unlinked_before_it_is_stored,
}
