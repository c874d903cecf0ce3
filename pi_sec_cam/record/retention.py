"""Decides which events to delete so that the limits are kept: by age, total bytes, free space, inodes. No I/O.

"Oldest" is by `sequence`, never by a clock. For space, what is off-site goes first, the oldest before the newer; then,
in the same order, what is only here. See docs/storage.md.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, Literal, Protocol, TypeVar

LEAST_FREE_BYTES = 4_000_000
"""A disk with less free is full: a second of video is written at once, and that of a 4K camera has 2 to 3 MB."""
LEAST_FREE_INODES = 16
"""The same for inodes: an event needs up to three folders, its files and one beside each file that is replaced."""
RESERVE_BYTES = 64_000_000
"""What is made free, or kept of the events, where a limit cannot be reached."""

# Twice what a full disk has left: with the owner wanting no more, room is made before the disk is full.
_WANTED_BYTES = 2 * LEAST_FREE_BYTES
_WANTED_INODES = 256
_INODES_AN_EVENT = 3  # its folder, video.mp4, event.json: at least these come free
_SILENCE = timedelta(days=366)
_PROVEN = timedelta(hours=24)

Why = Literal["age", "total", "free space", "inodes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the owner wants; the keys of `storage` in the configuration."""

    max_bytes: int | None = None
    min_free_bytes: int
    max_age_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What is on the disk.

    free_bytes, free_inodes: for the user that the daemon runs as; inodes None: there is no limit.
    events_bytes: of all events, the locked and the running ones too.
    refused: it has just taken no more, whatever these figures say: there may be a quota.
    """

    free_bytes: int
    free_inodes: int | None
    events_bytes: int
    refused: bool = False


def left_bytes(limits: Limits, usage: Usage) -> int:
    """What may still be recorded before the oldest events have to go, for space alone; not below 0."""
    left = usage.free_bytes - limits.min_free_bytes
    if limits.max_bytes is not None:
        left = min(left, limits.max_bytes - usage.events_bytes)
    return max(0, left)


class Candidate(Protocol):
    """An event that may be deleted: finished and unlocked (an `EventRecord`)."""

    @property
    def id(self) -> str: ...
    @property
    def sequence(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def offsite(self) -> bool: ...
    @property
    def end(self) -> datetime: ...
    @property
    def clock_synchronised(self) -> bool: ...


C = TypeVar("C", bound=Candidate)


@dataclass(frozen=True, slots=True)
class Deletion(Generic[C]):
    """An event to delete now, and which limit wants it."""

    event: C
    why: Why


@dataclass(frozen=True, slots=True)
class Plan(Generic[C]):
    """What to delete, in this order, and in words why a limit cannot be kept (empty if all are)."""

    deletions: tuple[Deletion[C], ...]
    obstacles: tuple[str, ...]


def is_due(limits: Limits, usage: Usage) -> bool:
    """Whether a limit of space is crossed; cheap, so that the events need not be read while all is well.

    Ages are another matter: ask the catalogue for one event that ended before now − max_age_days.
    """
    return (
        usage.refused
        or (limits.max_bytes is not None and usage.events_bytes > limits.max_bytes)
        or usage.free_bytes < _wanted_free(limits)
        or (usage.free_inodes is not None and usage.free_inodes < _WANTED_INODES)
    )


def plan(limits: Limits, usage: Usage, candidates: Sequence[C], *, now: datetime | None, watched_s: float) -> Plan[C]:
    """Which events to delete now.

    Args:
        candidates: all events that may be deleted, by rising sequence.
        now: None while the clock is not believed: nothing is then too old.
        watched_s: for how long this process has seen a clock that is believed (`_believable`).
    """
    oldest_end = _oldest_end(limits, candidates, now, watched_s)
    deletions = [
        Deletion(event, "age")
        for event in candidates
        if oldest_end is not None and event.clock_synchronised and event.end < oldest_end
    ]
    gone = {deletion.event.id for deletion in deletions}
    left = [event for event in candidates if event.id not in gone]
    freed = sum(deletion.event.bytes for deletion in deletions)
    after = replace(
        usage,
        free_bytes=usage.free_bytes + freed,
        free_inodes=None if usage.free_inodes is None else usage.free_inodes + _INODES_AN_EVENT * len(gone),
        events_bytes=usage.events_bytes - freed,
    )
    wants, obstacles = _wants(limits, after, left)
    deletions += _make_room(wants, sorted(left, key=lambda event: (event.offsite, -event.sequence), reverse=True))
    return Plan(tuple(deletions), tuple(obstacles))


@dataclass(slots=True)
class _Want:
    """How much has to come free for one limit: bytes, or inodes."""

    why: Why
    amount: int


def _make_room(wants: list[_Want], ordered: Iterable[C]) -> Iterator[Deletion[C]]:
    remaining = list(wants)
    for event in ordered:
        remaining = [want for want in remaining if want.amount > 0]
        if not remaining:
            return
        yield Deletion(event, remaining[0].why)
        for want in remaining:
            want.amount -= _INODES_AN_EVENT if want.why == "inodes" else event.bytes


def _wants(limits: Limits, usage: Usage, candidates: Sequence[Candidate]) -> tuple[list[_Want], list[str]]:
    """What has to come free for each limit that is crossed, and what stands in the way of it.

    Where deleting everything would not do, everything is not deleted: that would cost all footage and help nobody.
    """
    deletable = sum(event.bytes for event in candidates)
    one_event = deletable // len(candidates) if candidates else 0
    wants, obstacles = [], []
    if limits.max_bytes is not None and usage.events_bytes > limits.max_bytes:
        kept = usage.events_bytes - deletable
        if kept <= limits.max_bytes:
            most = limits.max_bytes - _a_little_more(limits.max_bytes, one_event)
            wants.append(_Want("total", usage.events_bytes - (most if kept <= most else limits.max_bytes)))
        else:
            spared = min(RESERVE_BYTES, limits.max_bytes)
            wants.append(_Want("total", deletable - spared))
            obstacles.append(
                f"storage.max_bytes is {_size(limits.max_bytes)}, and events that are locked, running or undeletable "
                f"take {_size(kept)}: of all others only the newest {_size(spared)} are kept. Unlock some or raise the "
                "limit"
            )
    wanted = _wanted_free(limits)
    if usage.free_bytes < wanted:
        reachable = usage.free_bytes + deletable
        if reachable >= wanted:
            more = wanted + _a_little_more(wanted, one_event)
            wants.append(_Want("free space", (more if reachable >= more else wanted) - usage.free_bytes))
        else:
            # Half at most: where next to nothing is left, what is there is shared between old events and new ones.
            wants.append(_Want("free space", min(wanted, RESERVE_BYTES, reachable // 2) - usage.free_bytes))
            held = usage.events_bytes - deletable
            culprit = (
                f"all that is left is locked, running or undeletable ({_size(held)}): unlock some events"
                if usage.free_bytes + usage.events_bytes >= wanted
                else "something else fills the disk: make room on it, or use a larger one"
            )
            obstacles.append(
                f"storage.min_free_bytes ({_size(wanted)}) cannot be kept free, there are {_size(usage.free_bytes)}; "
                f"{culprit}"
            )
    elif usage.refused:
        # Who knows whether deleting helps: a file system can be full in other ways (Btrfs of metadata).
        wants.append(_Want("free space", min(RESERVE_BYTES, deletable // 2)))
    if usage.free_inodes is not None and usage.free_inodes < _WANTED_INODES:
        reachable = usage.free_inodes + _INODES_AN_EVENT * len(candidates)
        if reachable >= _WANTED_INODES:
            wants.append(_Want("inodes", _WANTED_INODES - usage.free_inodes))
        else:
            wants.append(_Want("inodes", min(2 * LEAST_FREE_INODES, reachable // 2) - usage.free_inodes))
            obstacles.append(
                f"the disk can take only {usage.free_inodes} more files (inodes), and most of them are not ours: "
                "delete other small files on it"
            )
    return [want for want in wants if want.amount > 0], obstacles


def _wanted_free(limits: Limits) -> int:
    return max(limits.min_free_bytes, _WANTED_BYTES)


def _a_little_more(limit: int, one_event: int) -> int:
    """So that not each event that follows makes it necessary to delete one; little enough to leave some."""
    return min(max(limit // 100, one_event), limit // 10)


def _oldest_end(
    limits: Limits, candidates: Iterable[Candidate], now: datetime | None, watched_s: float
) -> datetime | None:
    """What ended earlier is too old; None where ages do not matter or cannot be told."""
    if now is None or limits.max_age_days is None:
        return None
    ends = (event.end for event in candidates if event.clock_synchronised)
    return now - timedelta(days=limits.max_age_days) if _believable(now, watched_s, ends) else None


def _believable(now: datetime, watched_s: float, ends: Iterable[datetime]) -> bool:
    """Whether events may be called too old at this time.

    A clock can be wrong though somebody vouches for it, and one that is years ahead would make everything too old at
    once. So after a silence of more than 366 days the time must have proven itself for a day: this process has watched
    it for so long, or an event bears witness to it. (A camera that was off for a year waits a day longer.)
    """
    since = now
    for end in sorted((end for end in ends if end <= now), reverse=True):
        if since - end > _SILENCE:
            return now - since >= _PROVEN or watched_s >= _PROVEN.total_seconds()
        since = end
    return True


def _size(number: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number} bytes"
