"""Lists what a place has of what was asked for, and in which order it comes."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from pi_sec_cam.evidence.footage import FoundFile
from pi_sec_cam.evidence.judging.listing import is_segment_folder
from pi_sec_cam.evidence.record import EVIDENCE_FOLDER
from pi_sec_cam.evidence.reporting.outcome import printable
from pi_sec_cam.home.protocol import NamesRefused, Place
from pi_sec_cam.home.selection import Selection, camera_of


class _Named(Protocol):
    @property
    def path(self) -> str: ...


Named = TypeVar("Named", bound=_Named)
Refused = Callable[[NamesRefused], object]


def listed(place: Place, selection: Selection, refused: Refused) -> dict[str, FoundFile]:
    """The files there may be need of, by path, with the chains of their cameras.

    Only the folders that were named are listed, if each of them is there: a place may have years of footage.

    Args:
        refused: is told of files that are passed over for their names.
    """
    found: dict[str, FoundFile] = {}
    for folder in selection.folders():
        here = well_named(place.files(folder), refused)
        if not here and folder:
            return _not_in_files({file.path: file for file in well_named(place.files(), refused)}, refused)
        found.update((file.path, file) for file in here)
    for camera in {camera_of(path) for path in found}:
        chain = well_named(place.files(f"{camera}/{EVIDENCE_FOLDER}"), refused)
        found.update((file.path, file) for file in chain)
    return _not_in_files(found, refused)


def where_cameras_are(where: str, paths: Iterable[str]) -> str | None:
    """In words, which folder should have been named, if the cameras' own chains lie at another level; None if not."""
    chains = {folder for path in paths if is_segment_folder(folder := path.rpartition("/")[0])}
    if not chains or any(folder.count("/") == 2 for folder in chains):
        return None
    above = min(chains).split("/")[:-3]
    if above:
        return f"the cameras' folders seem to be in {printable('/'.join(above))}: name that folder of {where}"
    return f"{where} seems to be a camera's own folder: name the one that it is in"


def well_named(files: Iterable[Named], refused: Refused) -> list[Named]:
    """The files that may be fetched; of the others is told."""
    kept: list[Named] = []
    try:
        kept.extend(files)
    except NamesRefused as refusal:
        refused(refusal)
    return kept


def _not_in_files(found: dict[str, FoundFile], refused: Refused) -> dict[str, FoundFile]:
    """A bucket can have `a/b` and `a/b/c`; no disk can, so one of them would stop every fetch."""
    strange = [path for path in found if any(above in found for above in _folders_of(path))]
    if strange:
        message = f"{printable(strange[0])}: what is a folder in this name is a file, too, so it stays where it is"
        more = f"; and so do {len(strange) - 1} more" if strange[1:] else ""
        refused(NamesRefused(message + more, tuple(strange), len(strange)))
    for path in strange:
        del found[path]
    return found


def _folders_of(path: str) -> Iterator[str]:
    """The folders that a file is in, the innermost first."""
    while path := path.rpartition("/")[0]:
        yield path


def in_order(path: str) -> tuple[bool, list[str | int]]:
    """By this files of a folder are sorted: the picture, then the others by their numbers."""
    name = path.rpartition("/")[2]
    parts = [int(term) if index % 2 else term for index, term in enumerate(re.split("([0-9]+)", path))]
    return not name.startswith("motion"), parts
