"""An outbox's life as a program of its own, to be killed: events are handed over and sent, or what is left is.

All in one thread and by a simulated clock, so that each run makes the same calls. The stores are folders beside the
storage. What it has promised it says on standard output, a line of JSON each, right after the promise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.durable import make_directories, write_atomically
from pi_sec_cam.errors import PermanentError, TemporaryError
from pi_sec_cam.offsite.journal import read_journal
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outbox_writer import OutboxWriter
from pi_sec_cam.offsite.outgoing import OutgoingFile
from pi_sec_cam.offsite.stores.directory import DirectoryStore
from pi_sec_cam.offsite.uploader import Uploader
from pi_sec_cam.sending.attesting import Attestor
from tests.system.crash.serving import say, serve
from tests.system.outbox.faults import break_outbox
from tests.unit.outbox_bench import Home, Memory, chunk, picture

FIRST, TAKEN, BOUND, LAST = (f"Yard/2026-05-04/18.3{minute}.00" for minute in range(4))
FILES: dict[str, list[OutgoingFile]] = {
    FIRST: [picture(b"first"), chunk(2), chunk(0, "pre-roll"), chunk(1, "pre-roll"), chunk(3)],
    TAKEN: [picture(b"second"), chunk(10), chunk(11)],
    BOUND: [picture(b"third"), chunk(20, size=300), chunk(21, size=300)],
    LAST: [chunk(30), chunk(31)],
}
"""What each event has; the name of the second is taken in the first store, the second store is away until the third."""
STORES = ("near", "far")
FLAG = "offsite"
FOREIGN = b"another's"
_MAX_BYTES = 1150


def store_folder(storage: Path, key: str) -> Path:
    return storage.with_name(f"{storage.name}.{key}")


def make_stores(storage: Path) -> None:
    """The stores, as they are before the program's first start."""
    for key in STORES:
        store_folder(storage, key).mkdir()
    taken = store_folder(storage, "near") / TAKEN / "video10.h264"
    taken.parent.mkdir(parents=True)
    taken.write_bytes(FOREIGN)


@dataclass
class _Store:
    """A folder; whether it is away, which file it will never take, and what it says when something is stored."""

    key: str
    folder: DirectoryStore
    away: bool = False
    never: str | None = None
    kind: str = "directory"
    where: str = "beside the storage"

    def warm(self) -> None:
        pass

    def put(self, path: str, data: bytes, *, interrupted: Callable[[], bool]) -> None:
        if self.away:
            raise TemporaryError("away")
        if path == self.never:
            raise PermanentError("no such names here")
        self.folder.put(path, data, interrupted=lambda: False)
        say(store=self.key, stored=path)

    def close(self) -> None:
        pass


class Life:
    """From one start of the program to its end; nothing is signed unless `attestor.look()` is called."""

    def __init__(self, storage: Path, *, max_bytes: int) -> None:
        self.recordings = storage / "recordings"
        self.clock = SimulatedClock()
        self.stores = {
            key: _Store(key, DirectoryStore(store_folder(storage, key), known_id=lambda: None, remember=lambda _: None))
            for key in STORES
        }
        self.outbox = Outbox(
            storage / "outbox",
            self.recordings,
            STORES,
            max_bytes=max_bytes,
            max_age_s=None,
            clock=self.clock,
            on_offsite=self._offsite,
        )
        self.attestor = Attestor(
            storage,
            storage / "identity",
            self.outbox,
            cameras=["Yard"],
            remembered=Memory(),  # type: ignore[arg-type]
            guard=lambda: None,
            program="1.2",
            clock=self.clock,
        )
        self._writer = OutboxWriter(self.outbox, guard=lambda: None, clock=self.clock, witness=self.attestor)
        self._uploaders = {key: Uploader(store, key, self.outbox, self.clock) for key, store in self.stores.items()}
        self._writer.round(0)

    def begin(self, event: str) -> str:
        make_directories(self.recordings / event, self.recordings.parent)
        return self.outbox.begin(event, Home(self.recordings / event))

    def add(self, event: str, *files: OutgoingFile) -> None:
        """Hand over, and make durable."""
        for file in files:
            self.outbox.add(event, file)
        self.tidy()
        for file in files:
            say(event=event, durable=file.name)

    def finish(self, event: str) -> None:
        self.outbox.finish(event)
        self.tidy()
        say(event=event, final=True)

    def send(self, key: str, files: int) -> None:
        for _ in range(files):
            self._uploaders[key].step(0)
            self.tidy()

    def tidy(self) -> None:
        assert self._writer.round(0) == 0, self._writer.trouble

    def _offsite(self, folder: Path) -> None:
        write_atomically(folder / FLAG, b"")
        say(event=folder.relative_to(self.recordings).as_posix(), offsite=True)


def run(storage: Path) -> None:
    """Four events, the last of which is not finished when the program is stopped."""
    life = Life(storage, max_bytes=_MAX_BYTES)
    life.stores["far"].away = True
    first = FILES[FIRST]
    event = life.begin(FIRST)
    life.add(event, *first[:2])
    life.send("near", 1)
    life.send("far", 1)
    life.add(event, *first[2:4])
    life.send("near", 2)
    life.add(event, *first[4:])
    life.finish(event)
    life.send("near", 3)
    event = life.begin(TAKEN)
    life.add(event, *FILES[TAKEN])
    life.finish(event)
    life.send("near", 5)
    life.clock.advance(60)
    event = life.begin(BOUND)
    for file in FILES[BOUND]:
        life.add(event, file)
    life.finish(event)
    life.stores["far"].away = False
    life.send("far", 4)
    event = life.begin(LAST)
    life.add(event, FILES[LAST][0])
    life.send("near", 2)
    life.add(event, FILES[LAST][1])


def drain(storage: Path) -> None:
    """The next start: events that were interrupted get what they lack, and all is sent."""
    make_directories(storage / "recordings", storage)
    life = Life(storage, max_bytes=1 << 30)
    for event, files in FILES.items():
        folder = life.recordings / event
        journal = read_journal(folder)
        if folder.is_dir() and not (journal and journal.final):
            life.outbox.resumed(event, Home(folder))
            life.add(event, *(file for file in files if not journal or file.name not in journal.files))
            life.finish(event)
    for key in STORES:
        life.send(key, 30)


if __name__ == "__main__":
    serve({"run": run, "drain": drain}, break_outbox)
