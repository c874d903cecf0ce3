"""Finds the events among files that came back from off-site, and says which of their chunks are not there."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast

from pi_sec_cam.durable import storage_error
from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.evidence.camera_key import PublicKey
from pi_sec_cam.media.access_unit import Codec
from pi_sec_cam.offsite.attested import NotAsRecorded, read_attested
from pi_sec_cam.offsite.journal import number_of, read_journal

PICTURE_NAME = "motion0.jpg"
# The folder that has a camera's rehearsals: `<cam>/rehearsal/<time>/motion0.jpg`, sent as an event's picture is.
REHEARSALS = "rehearsal"
_CHUNK_NAME = re.compile(r"video(0|[1-9][0-9]{0,8})\.(h264|h265)")


class ChunksMissing(PiSecCamError, LookupError):
    """An event of which not all chunks are there, or one of them twice."""


@dataclass(frozen=True, slots=True)
class ChunkFile:
    """One chunk of an event's video, sealed or not."""

    number: int
    codec: Codec
    path: Path


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event's files as they left the camera, in one folder.

    Attributes:
        folder: where they are.
        chunks: in the order of their numbers.
        picture: the motion picture, if it is there.
        strange: names of files that look like chunks, and are none.
        pts_us: by the chunk's number: when its pictures were taken, media time, where a record or the journal says it.
        expected: how many chunks there are known to be: by the records, the journal, and the numbers of those here.
    """

    folder: Path
    chunks: tuple[ChunkFile, ...]
    picture: Path | None
    strange: tuple[str, ...]
    pts_us: dict[int, tuple[int, ...]]
    expected: int

    def missing(self) -> str:
        """Which numbers are not there, in words; empty if none is missing.

        Raises:
            ChunksMissing: a number is there twice.
        """
        numbers = [chunk.number for chunk in self.chunks]
        twice = [number for number, following in pairwise(numbers) if number == following]
        if twice:
            raise ChunksMissing(f"video{twice[0]} is there twice, as .h264 and .h265")
        if not self.expected:
            return "all of them"
        gaps = [(last + 1, following - 1) for last, following in pairwise([-1, *numbers, self.expected])]
        return ", ".join(f"{first} to {last}" if first < last else f"{first}" for first, last in gaps if first <= last)

    def runs(self) -> Iterator[list[ChunkFile]]:
        """The chunks, those together that follow one another and have the same codec."""
        run: list[ChunkFile] = []
        for chunk in self.chunks:
            if run and (chunk.number != run[-1].number + 1 or chunk.codec != run[-1].codec):
                yield run
                run = []
            run.append(chunk)
        if run:
            yield run


def event_folders_below(top: Path, leave_out: Path) -> Iterator[str]:
    """The folder of every event in a folder and all folders in it, relative to `top` (`.` for itself); no rehearsals.

    Args:
        leave_out: a folder that is not looked into.

    Raises:
        StorageError: something cannot be read.
    """

    def fail(error: OSError) -> None:
        raise storage_error(f"cannot read {error.filename}", error) from error

    for folder, below, names in os.walk(top, onerror=fail):
        below[:] = sorted(name for name in below if Path(folder, name).resolve() != leave_out.resolve())
        rehearsal = Path(folder).resolve().parent.name == REHEARSALS
        here = (PICTURE_NAME in names and not rehearsal) or any(map(_CHUNK_NAME.fullmatch, names))
        if here or _was_event(Path(folder)):
            yield os.path.relpath(folder, top)


def _was_event(folder: Path) -> bool:
    """Whether there are records of an event's files here, be they gone. (The camera's own chain speaks of none.)"""
    attested = read_attested(folder)
    return attested is not None and bool(attested.files)


def stored_event(folder: Path, keys: Sequence[PublicKey] = ()) -> StoredEvent:
    """The event whose files are in this folder.

    Args:
        keys: the camera's; where there are some, everything must be recorded and signed with one of them.

    Raises:
        NotAsRecorded: a file is not the one in its record.
        JournalTooNew: a later version has written it.
        StorageError: it cannot be read.
    """
    try:
        names = os.listdir(folder)
        journal = read_journal(folder)
    except OSError as error:
        raise storage_error(f"cannot read {folder}", error) from error
    chunks, strange = [], []
    for name in names:
        if found := _CHUNK_NAME.fullmatch(name):
            chunks.append(ChunkFile(int(found[1]), cast(Codec, found[2]), folder / name))
        elif name.startswith("video") and name.endswith((".h264", ".h265")):
            strange.append(name)
    chunks.sort(key=lambda chunk: chunk.number)
    picture = folder / PICTURE_NAME if PICTURE_NAME in names else None
    pts_us = {number_of(line["file"]): tuple(line["pts_us"]) for line in journal.video} if journal else {}
    numbers = {*pts_us, *(chunk.number for chunk in chunks)}
    unknown = 0
    attested = read_attested(folder, keys)
    if attested is not None:
        for path in [*(chunk.path for chunk in chunks), *([picture] if picture else [])]:
            recorded = attested.record_of(path)
            if recorded is None and keys:
                raise NotAsRecorded(f"no record signed with this key speaks of {path.name}")
            if recorded is not None and recorded.pts_us is not None:
                pts_us[number_of(path.name)] = recorded.pts_us
        numbers |= {int(found[1]) for found in map(_CHUNK_NAME.fullmatch, attested.files) if found}
        unknown = attested.unknown - sum(chunk.path.name not in attested.files for chunk in chunks)
        unknown -= PICTURE_NAME not in attested.files
    elif keys:
        raise NotAsRecorded("there are no records of the camera here (evidence0.jsonl and so on); fetch them too")
    # What is unknown may be where numbers are missing, or come after the last one.
    expected = max(max(numbers, default=-1) + 1, len(numbers) + unknown)
    return StoredEvent(folder, tuple(chunks), picture, tuple(sorted(strange)), pts_us, expected)
