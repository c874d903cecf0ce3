"""Makes room in a place, from home: decides which old events go, and deletes their footage; their records stay."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import PermanentError
from pi_sec_cam.evidence.footage import FoundFile
from pi_sec_cam.evidence.judging.listing import is_footage
from pi_sec_cam.home.protocol import Place
from pi_sec_cam.home.pruned import PrunedNote
from pi_sec_cam.home.selection import camera_of, event_of, span_in_name

NEVER_YOUNGER = timedelta(hours=24)
"""What is younger stays, and as much before each camera's newest event: a clock at home that is wrong costs not all."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event's footage in a place.

    Attributes:
        event: its folder.
        paths: of its pictures and video, in the order in which they go: the picture last. Its records, and files that
            no camera has sent, are not among them.
        bytes: of these.
        last: its time: the latest that its folder's name or the place's own clock says of any of its files. A camera's
            clock that was behind does not make it old. None where neither says anything.
    """

    event: str
    paths: tuple[str, ...]
    bytes: int
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Choice:
    """What goes.

    Attributes:
        events: the oldest first.
        bytes: of these.
        total_bytes: of all files of these cameras, before.
        spared: how many more would have to go, and stay because they are too young, or of unknown age.
    """

    events: tuple[StoredEvent, ...]
    bytes: int
    total_bytes: int
    spared: int


def stored_events(files: Iterable[FoundFile], cameras: Sequence[str]) -> tuple[list[StoredEvent], int]:
    """The events that have footage in a place, the oldest first; and the bytes of all files there.

    Args:
        cameras: only theirs; all if empty.
    """
    found: dict[str, list[FoundFile]] = defaultdict(list)
    total = 0
    for file in files:
        if cameras and camera_of(file.path) not in cameras:
            continue
        total += file.bytes
        event = event_of(file.path)
        if event is not None and is_footage(file.path.rpartition("/")[2]):
            found[event].append(file)
    events = [_stored(event, each) for event, each in found.items()]
    return sorted(events, key=lambda event: (event.last is None, event.last, event.event)), total


def choose(
    events: Sequence[StoredEvent],
    total_bytes: int,
    now: datetime,
    *,
    older_than: timedelta | None = None,
    most_bytes: int | None = None,
) -> Choice:
    """Which events go.

    Args:
        events: the oldest first.
        total_bytes: of all files there.
        older_than: all events that are older.
        most_bytes: the oldest of the others, until no more than this is there.
    """
    newest: dict[str, datetime] = {}
    for event in events:
        if event.last is not None:
            newest[camera_of(event.event)] = event.last
    chosen, freed, spared = [], 0, 0
    for event in events:
        too_old = older_than is not None and (event.last is None or event.last < now - older_than)
        too_much = most_bytes is not None and total_bytes - freed > most_bytes
        if not too_old and not too_much:
            continue
        if event.last is None or event.last > min(now, newest[camera_of(event.event)]) - NEVER_YOUNGER:
            spared += 1
            continue
        chosen.append(event)
        freed += event.bytes
    return Choice(tuple(chosen), freed, total_bytes, spared)


def prune(place: Place, events: Iterable[StoredEvent], clock: Clock, failed: Callable[[str], None]) -> Iterator[int]:
    """Delete these events' footage; yields the bytes of each that is gone.

    Each is noted first (PrunedNote), so that it counts as pruned whatever happens next. What an interruption leaves of
    one is still found, as old as it is, and goes the next time.

    Args:
        failed: is told of files that cannot be deleted.

    Raises:
        StorageError: the note's, or the disk's.
        TemporaryError, StoreRefuses: the place's.
    """
    note = PrunedNote(place.where)
    for event in events:
        note.add(event.event, len(event.paths), event.bytes, clock.wall())
        for path in event.paths:
            try:
                place.delete(path)
            except PermanentError as error:
                failed(str(error))
        yield event.bytes


def _stored(event: str, files: Sequence[FoundFile]) -> StoredEvent:
    said = [file.modified for file in files if file.modified is not None]
    named = span_in_name(event)
    if named is not None:
        said.append(named.ended)
    names = sorted((file.path for file in files), key=lambda path: (path.rpartition("/")[2].startswith("motion"), path))
    return StoredEvent(event, tuple(names), sum(file.bytes for file in files), max(said, default=None))
