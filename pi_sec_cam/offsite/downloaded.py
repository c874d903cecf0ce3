"""Finds the events among files that came back from off-site, and says which of their chunks are not there."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast

from pi_sec_cam.durable import storage_error
from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.media.access_unit import Codec
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
        pts_us: by the chunk's number: when its pictures were taken, in media time; of chunks in the journal.
        expected: how many chunks there are known to be: those of the journal, or as many as the numbers say.
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
        if (PICTURE_NAME in names and not rehearsal) or any(_CHUNK_NAME.fullmatch(name) for name in names):
            yield os.path.relpath(folder, top)


def stored_event(folder: Path) -> StoredEvent:
    """The event whose files are in this folder.

    Raises:
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
    pts_us = {number_of(line["file"]): tuple(line["pts_us"]) for line in journal.video} if journal else {}
    return StoredEvent(
        folder,
        tuple(chunks),
        folder / PICTURE_NAME if PICTURE_NAME in names else None,
        tuple(sorted(strange)),
        pts_us,
        max([*pts_us, *(chunk.number for chunk in chunks)], default=-1) + 1,
    )
