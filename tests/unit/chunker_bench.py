"""A chunker with all that it needs, for tests: a ring, an outbox and a disk that note what they are asked."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.evidence.record import SignedRecord
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.ring import Ring
from pi_sec_cam.motion.event import EventEnded, EventStarted
from pi_sec_cam.motion.event_reader import EventReaders
from pi_sec_cam.offsite.chunker import Chunker
from pi_sec_cam.offsite.outgoing import EventHome, OutgoingFile
from pi_sec_cam.offsite.own_chain import OwnChain


class ListedOutbox:
    """An outbox that keeps what it gets.

    Attributes:
        files, records: of each event, in the order in which they were added.
        finished, left_open: names of events.
        has_room, is_congested: as it should say.
    """

    def __init__(self) -> None:
        self.files: dict[str, list[OutgoingFile]] = {}
        self.records: dict[str, list[SignedRecord]] = {}
        self.homes: dict[str, EventHome] = {}
        self.finished: list[str] = []
        self.left_open: list[str] = []
        self.has_room = True
        self.is_congested = False

    def begin(self, event: str, home: EventHome) -> str:
        self.files[event], self.records[event], self.homes[event] = [], [], home
        return event

    def resumed(self, event: str, home: EventHome) -> None:
        assert event not in self.files
        self.begin(event, home)

    def add(self, event: str, *files: OutgoingFile, records: Sequence[SignedRecord] = ()) -> None:
        self.records[event] += records
        self.files[event] += files

    def finish(self, event: str) -> None:
        self.finished.append(event)

    def leave_open(self, event: str) -> None:
        self.left_open.append(event)

    def wait_room(self, seconds: float) -> bool:
        if not self.has_room and seconds:
            threading.Event().wait(0.005)
        return self.has_room

    def congested(self, event: str) -> bool:
        return self.is_congested

    def joined(self, event: str) -> bytes:
        """The chunks' bytes in the order of their numbers, which have no gap."""
        chunks = {int("".join(filter(str.isdigit, f.name.partition(".")[0]))): f.data for f in self.video(event)}
        assert sorted(chunks) == list(range(len(chunks)))
        return b"".join(chunks[number] for number in sorted(chunks))

    def video(self, event: str) -> list[OutgoingFile]:
        return [file for file in self.files.get(event, []) if file.video is not None]

    def names(self, event: str) -> list[str]:
        return [file.name for file in self.files[event]]


class Disk:
    """An event's progress on a disk that does at once what it is asked, unless it is told to be slow.

    Attributes:
        waits: (number, seconds) of each waiting.
    """

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.slow = False
        self.asked: list[int] = []
        self.waits: list[tuple[int, float]] = []

    def folder(self) -> Path | None:
        return None

    @property
    def over(self) -> bool:
        return True

    def wait_named(self, seconds: float) -> str | None:
        return self.name

    def bring(self, number: int) -> None:
        self.asked.append(number)

    def wait_kept(self, number: int, seconds: float) -> bool:
        self.waits.append((number, seconds))
        return not self.slow and number <= max(self.asked, default=0)


class Bench:
    """A chunker of the camera "Yard". The clock moves when it is told to; nothing is sealed."""

    def __init__(
        self,
        *,
        file_chunk_bytes: int = 3 << 20,
        file_chunk_secs: float = 1,
        grows: bool = True,
        ring_bytes: int = 50 << 20,
        readers: EventReaders | None = None,
    ) -> None:
        self.ring = Ring(seconds=3600, max_bytes=ring_bytes)
        self.outbox = ListedOutbox()
        self.clock = SimulatedClock(datetime(2026, 5, 4, 12, 0, tzinfo=UTC))
        self.own = OwnChain("Yard", self.clock, stores=["nas"], program="0")
        self.readers = readers or EventReaders(self.ring, self.clock)
        self.disks: dict[int, Disk] = {}
        self.disk_name: Callable[[int], str | None] = lambda number: f"Yard/day/{number}"
        self.asked_for: list[EventStarted] = []
        self.chunker = Chunker(
            camera="Yard",
            readers=self.readers,
            outbox=self.outbox,  # type: ignore[arg-type]
            own=self.own,
            seal=lambda plain: plain,
            picture=self._picture,
            wished=lambda stamp: f"Yard/{stamp.wall:%H.%M.%S}",
            progress=self._disk,
            file_chunk_bytes=file_chunk_bytes,
            file_chunk_secs=file_chunk_secs,
            grows=grows,
            clock=self.clock,
        )

    def feed(self, found: Sequence[AccessUnit]) -> None:
        for unit in found:
            self.ring.append(unit)

    def event(self, *events: EventStarted | EventEnded) -> None:
        for event in events:
            self.chunker.on_event(event)

    def run(self) -> None:
        """Send in this thread all that was given."""
        self.chunker.stop()
        self.chunker.work()

    @contextmanager
    def running(self) -> Iterator[None]:
        """The chunker in its own thread; stopped and joined after the block."""
        self.chunker.start()
        try:
            yield
        finally:
            self.chunker.stop()
            assert self.chunker.join(20)
            assert self.chunker.fault is None

    def _picture(self, started: EventStarted) -> bytes | None:
        self.asked_for.append(started)
        return b"picture"

    def _disk(self, number: int) -> Disk:
        self.disks[number] = Disk(self.disk_name(number))
        return self.disks[number]
