"""The outbox's life with signed records, as a program of its own: three starts, and all that can become of a file."""

import os
from collections.abc import Iterable
from pathlib import Path

from pi_sec_cam.durable import make_directories, sync_directory
from pi_sec_cam.offsite.event_files import end, hand_over
from pi_sec_cam.offsite.event_records import EventRecords
from pi_sec_cam.offsite.journal import read_journal
from pi_sec_cam.offsite.outgoing import OutgoingFile
from pi_sec_cam.offsite.withdrawal import withdraw
from tests.system.crash.serving import serve
from tests.system.outbox.program import STORES, TAKEN, Life
from tests.system.outbox.signed_faults import break_order
from tests.unit.outbox_bench import Home, chunk, picture

FIRST, ABANDONED, BOUND, REFUSED, DELETED, LAST = (f"Yard/2026-05-04/18.4{minute}.00" for minute in range(6))
FILES: dict[str, list[OutgoingFile]] = {
    FIRST: [picture(b"first"), chunk(2), chunk(0, "pre-roll"), chunk(1, "pre-roll"), chunk(3)],
    TAKEN: [picture(b"second"), chunk(10), chunk(11)],
    ABANDONED: [picture(b"third"), chunk(20)],
    BOUND: [picture(b"fourth"), chunk(30, size=15_000), chunk(31, size=15_000)],
    REFUSED: [picture(b"fifth"), chunk(40), chunk(41)],
    DELETED: [picture(b"sixth"), chunk(50)],
    LAST: [picture(b"last"), chunk(60), chunk(61), chunk(62)],
}
"""What each event has. The second store is away until the last start; each event's name says what becomes of it."""
_MAX_BYTES = 40_000
_NEVER = f"{REFUSED}/video41.h264"
"""What the first store will never take."""


class SignedLife(Life):
    """From one start of the program to its end; what is said of time is what the program's threads make of it."""

    def __init__(self, storage: Path, *, max_bytes: int) -> None:
        super().__init__(storage, max_bytes=max_bytes)
        self._storage = storage
        self._records: dict[str, EventRecords] = {}
        self.attest()

    def attest(self) -> None:
        """What is due of the camera's own chain."""
        self.attestor.look()
        self.tidy()

    def begin(self, event: str) -> str:
        name = super().begin(event)
        own = self.attestor.own("Yard")
        self._records[event] = EventRecords(name, own, self.clock, stamp=self.clock.stamp(0))
        return name

    def add(self, event: str, *files: OutgoingFile) -> None:
        for file in files:
            hand_over(self.outbox, event, file, self._records[event])
        self.attest()

    def finish(self, event: str) -> None:
        end(self.outbox, event, self._records[event])
        self.attest()

    def event(self, event: str) -> None:
        """All of it, in so little time that its records leave in its end."""
        self.begin(event)
        self.add(event, *FILES[event])
        self.finish(event)

    def go_on(self, files: dict[str, list[OutgoingFile]]) -> None:
        """As the resumer does with events that were interrupted."""
        for event, handed_over in files.items():
            folder = self.recordings / event
            journal = read_journal(folder)
            if not folder.is_dir() or (journal and journal.final):
                continue
            if journal is None:
                self.begin(event)
            else:
                self.outbox.resumed(event, Home(folder))
                own = self.attestor.own("Yard")
                self._records[event] = EventRecords(event, own, self.clock, journal=journal)
            self.add(event, *(file for file in handed_over if not journal or file.name not in journal.files))
            self.finish(event)

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.attest()

    def delete(self, event: str) -> None:
        """As the owner does while the program runs."""
        remove(self.recordings / event)
        self.outbox.withdraw(event)
        self.tidy()

    def stop(self) -> None:
        self.attestor.end()
        self.tidy()


def remove(folder: Path) -> None:
    """An event is deleted; what is in its folder does not matter any more."""
    os.rename(folder, folder.with_name(f".{folder.name}.deleted"))
    sync_directory(folder.parent)


def run(storage: Path) -> None:
    """The last event is not finished when the program is stopped, nor is all sent."""
    _first_start(storage)
    remove(storage / "recordings" / ABANDONED)
    withdraw(storage / "outbox", ABANDONED)
    _second_start(storage)
    life = SignedLife(storage, max_bytes=1 << 30)
    life.go_on(FILES)
    life.begin(LAST)
    life.add(LAST, *FILES[LAST][:2])
    life.wait(4)
    life.add(LAST, FILES[LAST][2])
    for key in STORES:
        life.send(key, 12)
    life.wait(3600)
    life.wait(4)
    life.add(LAST, FILES[LAST][3])
    for key in STORES:
        life.send(key, 6)


def _first_start(storage: Path) -> None:
    """To a stop."""
    life = SignedLife(storage, max_bytes=_MAX_BYTES)
    life.stores["far"].away = True
    first = FILES[FIRST]
    life.begin(FIRST)
    life.add(FIRST, *first[:2])
    life.send("near", 3)
    life.send("far", 1)
    life.wait(4)
    life.add(FIRST, *first[2:4])
    life.send("near", 5)
    life.add(FIRST, first[4])
    life.finish(FIRST)
    life.send("near", 3)
    life.clock.advance(4)  # what the camera's own chain has to say is due just when an event begins, …
    life.event(TAKEN)
    life.wait(4)
    life.send("near", 8)
    life.begin(ABANDONED)
    life.add(ABANDONED, *FILES[ABANDONED])
    life.clock.advance(4)  # … and just when one ends
    life.finish(ABANDONED)
    life.send("near", 2)
    life.stop()


def _second_start(storage: Path) -> None:
    """In which the program ends as it should not; the disk has all that it has written."""
    life = SignedLife(storage, max_bytes=_MAX_BYTES)
    life.stores["far"].away = True
    life.stores["near"].never = _NEVER
    life.event(BOUND)
    life.wait(40)
    life.send("near", 8)
    life.event(REFUSED)
    life.send("near", 5)
    life.event(DELETED)
    life.wait(4)
    life.send("near", 2)
    life.delete(DELETED)
    life.wait(4)


def drain(storage: Path) -> None:
    """The next two starts: events that were interrupted get what they lack, sealed anew, and all is sent."""
    make_directories(storage / "recordings", storage)
    for _ in range(2):
        life = SignedLife(storage, max_bytes=1 << 30)
        life.go_on({event: list(_sealed_anew(files)) for event, files in FILES.items()})
        for _ in range(2):
            life.wait(5)
            for key in STORES:
                life.send(key, 50)
        life.stop()
        for key in STORES:
            life.send(key, 5)


def _sealed_anew(files: Iterable[OutgoingFile]) -> Iterable[OutgoingFile]:
    for file in files:
        yield OutgoingFile(file.name, file.data + b"anew", file.urgency, file.video)


if __name__ == "__main__":
    serve({"run": run, "drain": drain}, break_order)
