"""What can happen to a camera that sends, by chance: events, crashes at any step on the disk, outages, deletions."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from pi_sec_cam.clock import SimulatedClock, WallStamp
from pi_sec_cam.errors import TemporaryError
from pi_sec_cam.offsite.event_files import end, hand_over
from pi_sec_cam.offsite.event_records import EventRecords
from pi_sec_cam.offsite.journal import read_journal
from pi_sec_cam.offsite.outgoing import OutgoingFile
from pi_sec_cam.offsite.own_chain import is_own_chain
from pi_sec_cam.offsite.stores.memory import MemoryStore
from tests.unit.outbox_bench import Bench, Disk, Home, chunk, picture
from tests.unit.power_cuts import DiskTrouble, PowerCut

BEGAN = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@dataclass
class Recorded:
    """An event on the camera: what the recording has, and who signs while it runs."""

    folder: str
    home: Home
    chunks: int = 0
    name: str | None = None
    records: EventRecords | None = None


class History:
    """A camera with an outbox, from its first start on; `happens` is the next thing, by chance.

    Args:
        without: methods that are never chosen.
    """

    def __init__(
        self, storage: Path, seed: int, monkeypatch: pytest.MonkeyPatch, *, without: Collection[str] = ()
    ) -> None:
        self.chance = Random(seed)
        self.without = without
        self.trouble = DiskTrouble()
        self.trouble.install(monkeypatch)
        self.disk = Disk()
        self.clock = SimulatedClock(BEGAN)
        stores = {"nas": MemoryStore(where="nas"), "cloud": MemoryStore(where="cloud")}
        most_bytes = self.chance.choice([1 << 30, 1 << 30, 300_000])
        self.bench = Bench(storage, stores, self.clock, disk=self.disk, max_bytes=most_bytes)
        self.bench.writer.round(0)
        self.bench.attestor.look()
        self.running: list[Recorded] = []
        self.over: list[Recorded] = []
        self.interrupted: list[Recorded] = []
        self.seen: set[str] = set()
        self.count = 0
        self.log: list[str] = []

    def happens(self) -> None:
        acts = {
            self.begin: 3, self.go_on: 12, self.finish: 3, self.write: 8, self.attest: 6, self.send: 6, self.wait: 6,
            self.resume: 4, self.hang_disk: 0.5, self.lose_disk: 0.7, self.fill_disk: 0.7, self.mend_disk: 3,
            self.lose_store: 1, self.mend_store: 3, self.delete: 0.5, self.make_room: 0.3,
            self.crash: 0.7, self.stop: 0.4, self.cut_soon: 0.7,
        }  # fmt: skip
        acts = {act: weight for act, weight in acts.items() if act.__name__ not in self.without}
        (act,) = self.chance.choices(list(acts), list(acts.values()))
        self.log.append(act.__name__)
        try:
            if act in {self.wait, self.send, self.attest, self.delete, self.resume}:
                self.keep_up()
            act()
        except PowerCut:
            self.crash()

    def begin(self) -> None:
        if len(self.running) < 3:
            self.count += 1
            at = BEGAN + timedelta(seconds=self.count)
            folder = f"Yard/{at:%Y-%m-%d/%H.%M.%S}"
            self.running.append(Recorded(folder, self.bench.home(folder)))
            self._add(self.running[-1], picture(self.chance.randbytes(90)))

    def go_on(self) -> None:
        if self.running:
            event = self.chance.choice(self.running)
            self._add(event, self._chunk(event.chunks))
            event.chunks += 1

    def finish(self) -> None:
        if self.running:
            event = self.running.pop(self.chance.randrange(len(self.running)))
            self._finish(event)

    def write(self) -> None:
        self.bench.writer.round(0)

    def attest(self) -> None:
        self.bench.attestor.look()

    def send(self) -> None:
        uploader = self.bench.uploaders[self.chance.choice(list(self.bench.stores))]
        for _ in range(self.chance.randrange(1, 8)):
            uploader.step(0)

    def hang_disk(self) -> None:
        """It takes what it is given, some time."""
        self.trouble.slow = True

    def keep_up(self) -> None:
        """The writer does what it has to do at once, unless the disk hangs."""
        if not self.trouble.slow:
            self.write()

    def wait(self) -> None:
        self.clock.advance(self.chance.choice([0.1, 0.6, 2, 5, 700]))

    def lose_disk(self) -> None:
        self.disk.there = False

    def fill_disk(self) -> None:
        self.trouble.full = True

    def mend_disk(self) -> None:
        self.disk.there, self.trouble.full, self.trouble.slow = True, False, False

    def lose_store(self) -> None:
        self.chance.choice(list(self.bench.stores.values())).gone = TemporaryError("no line")

    def mend_store(self) -> None:
        for store in self.bench.stores.values():
            store.gone = None

    def delete(self) -> None:
        if event := self._settled():
            self._remove(event)
            self.bench.outbox.withdraw(event.folder)

    def make_room(self) -> None:
        """Retention takes an event's recording, journal and all; what waits goes on waiting."""
        if event := self._settled():
            self._remove(event)

    def cut_soon(self) -> None:
        self.trouble.cut_in = self.chance.randrange(1, 40)

    def crash(self) -> None:
        self.log.append("---")
        self._restart()

    def stop(self) -> None:
        """As the daemon stops."""
        for event in self.running:
            self._finish(event)
        self.running.clear()
        self.bench.attestor.end()
        self.bench.writer.round(0)
        for key in self.bench.stores:
            if self.chance.random() < 0.5:
                self.bench.uploaders[key].step(0)
        self.bench.writer._journals.wait_for_folders = False
        self.bench.writer.round(0)
        self._restart()

    def resume(self) -> None:
        """As the resumer goes on with what was interrupted."""
        bench = self.bench
        if not (bench.attestor.tried and bench.outbox.chores.known and self.disk.there) or self.trouble.full:
            return
        names = [name for name in bench.outbox.interrupted() if not is_own_chain(name)]
        self.over += self.interrupted
        first = {event.folder for event in self.interrupted}
        known = {event.folder: event for event in self.over}
        self.interrupted.clear()
        for folder in [*first, *names]:
            event = known.get(folder)
            if event is None or folder in self.seen or not event.home.path.is_dir():
                continue
            if bench.attestor.own("Yard").key is None and folder not in first:
                continue
            self._go_on(event)
            if folder not in bench.outbox.interrupted():
                self.seen.add(folder)

    def settle(self) -> None:
        """All trouble is over, the program runs for a while and is stopped, and all leaves."""
        self.trouble.cut_in = None
        self.mend_disk()
        self.mend_store()
        for _ in range(3):
            for _ in range(8):
                self.clock.advance(3)
                for act in (self.write, self.attest, self.resume, self.write):
                    act()
                while self.running:
                    self.finish()
                self.write()
                self.bench.send()
            self.stop()
        self.write()
        self.bench.send()
        self.bench.send()

    def _go_on(self, event: Recorded) -> None:
        bench = self.bench
        journal = read_journal(event.home.path)
        if journal is not None and journal.final:
            return
        own = bench.attestor.own("Yard")
        if journal is None:
            name = bench.outbox.begin(event.folder, event.home)
        else:
            name = journal.event
            bench.outbox.resumed(name, event.home)
        records = EventRecords(name, own, self.clock, journal=journal)
        files = {} if journal is None else journal.files
        for number in range(event.chunks):
            if f"video{number}.h264" not in files:
                hand_over(bench.outbox, name, self._chunk(number), records)
        end(bench.outbox, name, records)

    def _add(self, event: Recorded, file: OutgoingFile) -> None:
        bench = self.bench
        if event.name is None or event.records is None:
            event.name = bench.outbox.begin(event.folder, event.home)
            stamp = WallStamp(self.clock.wall(), 0, synchronised=True)
            event.records = EventRecords(event.name, bench.attestor.own("Yard"), self.clock, stamp=stamp)
        hand_over(bench.outbox, event.name, file, event.records)

    def _finish(self, event: Recorded) -> None:
        assert event.name is not None
        assert event.records is not None
        end(self.bench.outbox, event.name, event.records)
        self.over.append(event)

    def _chunk(self, number: int) -> OutgoingFile:
        """Sealed anew: the bytes differ each time."""
        file = chunk(number, self.chance.choice(["live", "pre-roll"]))
        assert file.video is not None
        data = self.chance.randbytes(self.chance.choice([100, 20_000]))
        return OutgoingFile(file.name, data, file.urgency, replace(file.video, last_unit=sha256(data).hexdigest()))

    def _settled(self) -> Recorded | None:
        """An event that nobody has to go on with."""
        for event in self.over:
            journal = read_journal(event.home.path)
            if journal is not None and journal.final:
                self.over.remove(event)
                return event
        return None

    def _remove(self, event: Recorded) -> None:
        if event.home.path.is_dir():
            for path in event.home.path.iterdir():
                path.unlink()
            event.home.path.rmdir()
        event.home.stands = False

    def _restart(self) -> None:
        self.trouble.cut_in = None
        self.interrupted += self.running
        for event in (*self.running, *self.over):
            event.name = event.records = None
        self.running.clear()
        self.seen.clear()
        self.bench = self.bench.restarted(disk=self.disk, max_bytes=self.bench.max_bytes)
        self.keep_up()
        self.bench.attestor.look()
        self.keep_up()
