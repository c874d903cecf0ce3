"""What waits to leave: an event, its files, what was found of it, the steps still to be taken for it on the disk."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pi_sec_cam.evidence.record import SignedRecord
from pi_sec_cam.offsite.journal import Line
from pi_sec_cam.offsite.outgoing import EventHome, OutgoingFile, Urgency


@dataclass(slots=True, eq=False)
class WaitingEvent:
    """An event of which something waits, or that is not settled yet. The outbox's lock protects it.

    A camera's own chain of records, from one start to the next, is treated as an event without video that runs as long.

    Attributes:
        name: its folder off-site, `<camera>/<day>/<time>`, as the header of its journal has it.
        home: where it is kept; None if it was found in the outbox after a restart.
        folder: its folder below `recordings/`, in words; None while it is not known or there is none.
        running: more may be added.
        added_us: when the last file was added, in monotonic time; None if none was since the program's start.
        begun_in: the stores that have begun to take its files.
        places: by store, where it is sent, if that is not `name`.
        steps: what is to be done on the disk, in this order.
        moving: the stores in which its directory is still to be renamed.
        interrupted: its journal is not final, and nobody goes on with it yet.
        book: of a camera's own chain: the records that are not in the journal yet.
    """

    name: str
    home: EventHome | None = None
    folder: str | None = None
    running: bool = False
    added_us: int | None = None
    interrupted: bool = False
    book: "RecordBook | None" = None
    moving: set[str] = field(default_factory=set)
    begun_in: set[str] = field(default_factory=set)
    places: dict[str, str] = field(default_factory=dict)
    steps: "deque[Step]" = field(default_factory=deque)

    def place(self, store: str) -> str:
        """Its folder in this store."""
        return self.places.get(store, self.name)


class RecordBook(Protocol):
    """Signed records that are to be in the journal before anybody relies on them. Any thread."""

    def unwritten(self) -> Sequence[SignedRecord]:
        """Those that are not, in the order of their chain."""
        ...

    def written(self, count: int) -> None:
        """The first of them are, durably."""
        ...


@dataclass(slots=True, eq=False)
class WaitingFile:
    """One file, for all stores that it waits for. The outbox's lock protects what changes.

    Attributes:
        sequence: larger for files that were handed over later; below 0 for those found after a restart.
        seen_us: when it was handed over or found, in monotonic time.
        written_s: the time of the file on the disk, seconds since 1970, for those found there.
        waits_for: how many stores do not have it.
        outgoing: its bytes and what they are, while they are not on the disk.
        held: the bytes count towards the memory's bound.
    """

    event: WaitingEvent
    name: str
    bytes: int
    urgency: Urgency
    sequence: int
    seen_us: int
    waits_for: int
    written_s: float | None = None
    outgoing: OutgoingFile | None = None
    held: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """An event's directory in the outbox, of one store.

    Attributes:
        place: the directory, below that of the store.
        event: the event's name.
        folder: its folder below `recordings/`, where that is not its name.
        files: name, bytes, and time of writing in seconds since 1970.
    """

    store: str
    place: str
    event: str
    folder: str | None
    files: tuple[tuple[str, int, float], ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """Make a file durable, with the lines of the journal that speak of it."""

    file: WaitingFile
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A store has the file: its link goes."""

    store: str
    file: WaitingFile


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The file will not get to a store: the journal says why, then its link goes, or is set aside.

    Attributes:
        linked: False: the link under its name is another file's.
    """

    store: str
    file: WaitingFile
    why: str
    set_aside: bool
    linked: bool = True


@dataclass(frozen=True, slots=True)
class Rename:
    """In a store, the event goes on in another folder."""

    store: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The journal is final."""


@dataclass(frozen=True, slots=True)
class Settle:
    """A store has nothing of the event left to wait for: say so in event.json if it has all."""

    store: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """All that waits of the event goes: these files, by store."""

    names: Mapping[str, Sequence[str]]


Step = Keep | Sent | GiveUp | Rename | Finish | Settle | Withdraw
