"""Sends the rest of an event that was interrupted: what the disk has of it and its journal has not."""

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from pi_sec_cam.clock import Clock
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.offsite.cut import Chunk, Cutter, hash_of
from pi_sec_cam.offsite.event_files import PICTURE_NAME, Seal, end, hand_over, leave_open
from pi_sec_cam.offsite.event_records import EventRecords
from pi_sec_cam.offsite.journal import Journal, Line, number_of
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outgoing import EventHome, OutgoingFile
from pi_sec_cam.offsite.own_chain import OwnChain

log = logging.getLogger(__name__)

_ANY = 1 << 62


class NoRoom(Exception):
    """The outbox takes no more, and whoever waited for it was told to stop."""


def resume(
    event: str,
    journal: Journal | None,
    stored: Callable[[], Iterable[AccessUnit]],
    picture: bytes | None,
    *,
    outbox: Outbox,
    home: EventHome,
    own: OwnChain,
    clock: Clock,
    seal: Seal,
    room: Callable[[], bool],
    file_chunk_bytes: int,
    file_chunk_secs: float,
) -> int:
    """Hand over what is missing, and say that this was all; how many files that were.

    Afterwards, disk and off-site end at the same picture. Where the disk has less than has left (it was in trouble),
    nothing is added. Nothing of this is urgent: it leaves after what running events have to send.

    Args:
        event: its folder below `recordings/`.
        journal: of this event, not final; None if there is none.
        stored: reads the recorded event from its beginning, each time it is called: the units that the chunker had.
        picture: the motion picture, if there is one.
        home: of the event.
        own: the camera's own chain of records.
        room: waits until the outbox takes another file; False: give up.
        file_chunk_bytes, file_chunk_secs: as the chunker has them.

    Raises:
        NoRoom: given up; what was handed over is in order, the next start does the rest.
        OSError: the disk's.
    """
    if journal is None:
        name = outbox.begin(event, home)
    else:
        name = journal.event
        outbox.resumed(name, home)
    records = EventRecords(name, own, clock, journal=journal)
    count = 0
    try:
        for file_name, data, chunk in _missing(name, journal, stored, picture, file_chunk_bytes, file_chunk_secs):
            _wait_for(room)
            file = OutgoingFile(file_name, seal(data), "pre-roll", chunk.video if chunk else None)
            hand_over(outbox, name, file, records)
            count += 1
    except BaseException:
        leave_open(outbox, name, records)
        raise
    end(outbox, name, records)
    return count


def _wait_for(room: Callable[[], bool]) -> None:
    if not room():
        raise NoRoom


def _missing(
    event: str,
    journal: Journal | None,
    stored: Callable[[], Iterable[AccessUnit]],
    picture: bytes | None,
    max_bytes: int,
    file_chunk_secs: float,
) -> Iterator[tuple[str, bytes, Chunk | None]]:
    """Name, bytes, and what is in it if it is video, of each file that is not in the journal."""
    if picture is not None and (journal is None or PICTURE_NAME not in journal.files):
        yield PICTURE_NAME, picture, None
    known = [] if journal is None else sorted(journal.video, key=lambda line: number_of(line["file"]))
    clip = _Clip(stored, max_bytes)
    for gap in _gaps(event, clip, known):
        for number, chunk in _filled(clip, gap, max_bytes, round(file_chunk_secs * 1e6)):
            yield chunk.name(number), chunk.data, chunk


class _Place(NamedTuple):
    """A place in the clip: so many units have begun, and of the last of them so many bytes come after it."""

    begun: int
    after: int = 0


class _Gap(NamedTuple):
    """Video that is in no chunk: from, to (None: the end of the clip), and the numbers for it (to: None for any)."""

    begin: _Place
    end: _Place | None
    number: int
    to_number: int | None


class _Clip:
    """The recorded event: what is known of each unit, and the units themselves when they are asked for."""

    def __init__(self, stored: Callable[[], Iterable[AccessUnit]], max_bytes: int) -> None:
        self._stored = stored
        self._max_bytes = max_bytes
        self._pts_us: list[int] = []
        self._sizes: list[int] = []
        self._places: dict[str, list[_Place]] = {}  # by the hash of what ends there
        self._shift_us = 0
        for number, unit in enumerate(stored(), 1):
            self._pts_us.append(unit.pts_us)
            size = len(unit.data)
            self._sizes.append(size)
            for cut in [*range(max_bytes, size, max_bytes), size]:  # where `Cutter` splits it, and its end
                self._places.setdefault(hash_of(unit.data[:cut]), []).append(_Place(number, size - cut))

    def end_of(self, line: Line, expected: _Place | None, least: int) -> _Place | None:
        """Where the chunk of a journal's line ends; None if the clip does not hold it.

        Pictures in which nothing moves can be equal: then the expected place counts, or else the time.

        Args:
            least: so many pictures, at least, have begun by then.
        """
        pts_us = line["pts_us"]
        found = [place for place in self._places.get(line["last_unit"], []) if place.begun >= least]
        if not found:
            return None
        shown_us = pts_us[-1] if pts_us else 0
        place = expected if expected in found else min(found, key=lambda p: abs(self._pts_us[p.begun - 1] - shown_us))
        if pts_us:
            self._shift_us = shown_us - self._pts_us[place.begun - 1]  # the clip may not know what time it was
        return place

    def begin_of(self, line: Line, end: _Place) -> _Place:
        """Where the chunk of a line begins that ends there: one without pictures is a part of one."""
        if line["pictures"]:
            return _Place(end.begun - line["pictures"])
        size = self._sizes[end.begun - 1]
        return _Place(end.begun, size - (size - end.after - 1) // self._max_bytes * self._max_bytes)

    def units(self, begin: _Place, end: _Place | None) -> Iterator[tuple[AccessUnit, int]]:
        """From one place to the other, on the time of the journal; with how much of each is before the first place."""
        shift_us = self._shift_us
        for number, unit in enumerate(self._stored(), 1):
            if end is not None and number > end.begun:
                return
            moved = replace(unit, pts_us=unit.pts_us + shift_us, dts_us=unit.dts_us + shift_us)
            if end is not None and number == end.begun and end.after:
                moved = replace(moved, data=unit.data[: -end.after])
            if number > begin.begun:
                yield moved, 0
            elif number == begin.begun and begin.after:
                yield moved, len(unit.data) - begin.after


def _gaps(event: str, clip: _Clip, known: Sequence[Line]) -> list[_Gap]:
    """What is missing between the chunks that the journal has, in the order of their numbers, and after them."""
    gaps: list[_Gap] = []
    end: _Place | None = _Place(0)  # of the chunk before
    number = begun = 0
    for line in known:
        found, pictures = number_of(line["file"]), line["pictures"]
        begun += pictures
        follows = _Place(end.begun + pictures) if end is not None and found == number else None
        former, end = end, clip.end_of(line, follows, begun)
        if end is not None and former is not None and found > number:
            gaps.append(_Gap(former, clip.begin_of(line, end), number, found))
        number = found + 1
    if end is None:
        log.warning("%s: the recording ends before what has left; nothing more of it can be sent", event)
    else:
        gaps.append(_Gap(end, None, number, None))
    return gaps


def _filled(clip: _Clip, gap: _Gap, max_bytes: int, age_us: int) -> Iterator[tuple[int, Chunk]]:
    """A gap's chunks with their numbers."""
    units = clip.units(gap.begin, gap.end)
    if gap.to_number is None:
        yield from enumerate(_cut(units, max_bytes, age_us), gap.number)
        return
    held = list(units)  # some seconds from before the trigger
    numbers = range(gap.number, gap.to_number)
    chunks = list(_cut(held, max_bytes, age_us))
    # A number that is missing would look like a loss, and what gets none is one: rather a chunk that is too large.
    # Where units are split, the first part of the last one belongs here, and the others are in the chunk that follows.
    split = any(len(unit.data) > max_bytes for unit, _ in held)
    for most_bytes in (max_bytes,) if split else (max_bytes, _ANY):
        if len(chunks) == len(numbers):
            break
        ends = [len(held) * (n + 1) // len(numbers) for n in range(len(numbers))]
        parts = (held[begin:end] for begin, end in itertools.pairwise([0, *ends]))
        chunks = [chunk for part in parts for chunk in _cut(part, most_bytes, _ANY)]
    yield from zip(numbers, chunks, strict=False)


def _cut(units: Iterable[tuple[AccessUnit, int]], max_bytes: int, most_us: int) -> Iterator[Chunk]:
    cutter = Cutter(max_bytes)
    for unit, sent in units:
        yield from cutter.add(unit, 0, most_us, sent=sent)
    yield from cutter.rest()
