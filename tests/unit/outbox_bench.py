"""An outbox with its writer and uploaders on a real directory, moved step by step in one thread."""

import errno
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.errors import StorageError
from pi_sec_cam.offsite.journal import Journal, read_journal
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outbox_writer import Archive, OutboxWriter
from pi_sec_cam.offsite.outgoing import OutgoingFile, Urgency, Video
from pi_sec_cam.offsite.stores.memory import MemoryStore
from pi_sec_cam.offsite.uploader import Uploader
from pi_sec_cam.sending.attesting import Attestor

EVENT = "Yard/2026-05-04/18.30.12"


@dataclass
class Home:
    """An event's folder, which may come later, until it is `over`."""

    path: Path
    stands: bool = True
    over: bool = True

    def __post_init__(self) -> None:
        if self.stands:
            self.make()

    def make(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self.stands = True

    def folder(self) -> Path | None:
        return self.path if self.stands and self.path.is_dir() else None


@dataclass
class Disk:
    """Whether the right disk is there."""

    there: bool = True
    read_only: bool = False

    def guard(self) -> None:
        if not self.there:
            raise StorageError("the disk is missing")
        if self.read_only:
            error = StorageError("the disk can only be read")
            error.errno = errno.EROFS
            raise error


def picture(data: bytes = b"picture") -> OutgoingFile:
    return OutgoingFile("motion0.jpg", data, "picture", None)


def chunk(number: int, urgency: Urgency = "live", size: int = 100) -> OutgoingFile:
    data = Random(number).randbytes(size)
    pts = tuple(range(number * 1_000_000, (number + 1) * 1_000_000, 50_000))
    video = Video("h264", 1280, 720, len(pts), pts, 1.0, sha256(data).hexdigest(), size, True)
    return OutgoingFile(f"video{number}.h264", data, urgency, video)


@dataclass
class Memory:
    """What the machine remembers beside the storage."""

    camera_key: str | None = None


@dataclass
class Bench:
    """One life of the program; `restarted` is the next, on the same directory and stores.

    Nothing is signed unless `attestor.look()` is called.
    """

    storage: Path
    stores: dict[str, MemoryStore]
    clock: SimulatedClock
    max_bytes: int = 1 << 30
    max_age_s: float | None = None
    memory_bytes: int = 32 << 20
    store: Archive | None = None
    disk: Disk = field(default_factory=Disk)
    offsite: list[str] = field(default_factory=list)
    trouble: list[OSError] = field(default_factory=list)
    remembered: Memory = field(default_factory=Memory)

    def __post_init__(self) -> None:
        self.storage.mkdir(exist_ok=True)
        self.recordings = self.storage / "recordings"
        self.outbox = Outbox(
            self.storage / "outbox",
            self.recordings,
            tuple(self.stores),
            max_bytes=self.max_bytes,
            max_age_s=self.max_age_s,
            memory_bytes=self.memory_bytes,
            clock=self.clock,
            on_offsite=lambda folder: self.offsite.append(folder.relative_to(self.recordings).as_posix()),
            archive=self.store is not None,
        )
        self.attestor = Attestor(
            self.storage,
            self.storage / "identity",
            self.outbox,
            cameras=["Yard"],
            remembered=self.remembered,  # type: ignore[arg-type]
            guard=self.disk.guard,
            program="1.2",
            clock=self.clock,
        )
        self.writer = OutboxWriter(
            self.outbox,
            guard=self.disk.guard,
            clock=self.clock,
            store=self.store,
            witness=self.attestor,
            on_trouble=self.trouble.append,
        )
        self.uploaders = {
            key: Uploader(store, key, self.outbox, self.clock, chance=Random(1)) for key, store in self.stores.items()
        }

    def restarted(self, **changed: object) -> "Bench":
        values = {
            "storage": self.storage,
            "stores": self.stores,
            "clock": self.clock,
            "store": self.store,
            "remembered": self.remembered,
        } | changed
        return Bench(**values)  # type: ignore[arg-type]

    def home(self, event: str = EVENT, *, stands: bool = True) -> Home:
        return Home(self.recordings / event, stands, over=stands)

    def event(self, *files: OutgoingFile, event: str = EVENT, over: bool = True) -> str:
        """An event with these files, made durable."""
        name = self.outbox.begin(event, self.home(event))
        for file in files:
            self.outbox.add(name, file)
        if over:
            self.outbox.finish(name)
        self.writer.round(0)
        return name

    def send(self, *keys: str) -> None:
        """Each of these stores (all) gets what it takes without a rest; then the disk is brought up to date."""
        for key in keys or self.uploaders:
            before = -1
            while len(self.stores[key].asked) != before:
                before = len(self.stores[key].asked)
                if self.uploaders[key].step(0) is not None:
                    break
        self.writer.round(0)

    def waiting(self, key: str) -> list[str]:
        """The files that are on the disk for a store, without the event where there is only one."""
        root = self.storage / "outbox" / key
        return names(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())

    def journal(self, event: str = EVENT) -> Journal:
        found = read_journal(self.recordings / event)
        assert found is not None
        return found

    def figures(self, key: str) -> dict[str, object]:
        return self.outbox.departures[key].figures()


def names(paths: Iterable[str]) -> list[str]:
    return sorted(path.removeprefix(f"{EVENT}/") for path in paths)
