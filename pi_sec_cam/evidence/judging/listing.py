"""What lies where in footage, folder by folder, in little memory: a million files are no trouble."""

import re
from collections.abc import Iterable, Iterator

from pi_sec_cam.evidence.footage import FoundFile
from pi_sec_cam.evidence.record import EVIDENCE_FOLDER

PICTURE = "motion0.jpg"

_EVIDENCE = re.compile(r"evidence(0|[1-9][0-9]{0,8})\.jsonl")
_FOOTAGE = re.compile(r"(video|motion)(0|[1-9][0-9]{0,8})\.(h264|h265|jpg)")
_SEGMENT = re.compile(r"[0-9]{6,}-([0-9a-f]{6,32})(?:-[1-9][0-9]*)?")  # with a number: other files had its name
_REHEARSALS = "rehearsal"


class Listing:
    """Files by their folders.

    Attributes:
        bytes: of all files together.
    """

    def __init__(self, files: Iterable[FoundFile]) -> None:
        # A name never has a slash in it, so name/length/name/length/ can be taken apart again.
        self._folders: dict[str, bytearray] = {}
        self.bytes = 0
        for file in files:
            folder, _, name = file.path.rpartition("/")
            if any(part.startswith(".") or part == "__MACOSX" for part in folder.split("/")):
                continue  # of file managers and sync programs
            entry = f"{name}/{file.bytes}/".encode("utf-8", "surrogatepass")
            self._folders.setdefault(folder, bytearray()).extend(entry)
            self.bytes += file.bytes

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._folders))

    def __contains__(self, folder: str) -> bool:
        return folder in self._folders

    def names(self, folder: str) -> dict[str, int]:
        """The files in a folder, with their lengths."""
        parts = bytes(self._folders.get(folder, b"")).decode("utf-8", "surrogatepass").split("/")
        return {name: int(size) for name, size in zip(parts[:-1:2], parts[1::2], strict=True)}


def evidence_names(names: Iterable[str]) -> list[str]:
    """The evidence files among these, in their order."""
    found = [(int(match[1]), match[0]) for match in map(_EVIDENCE.fullmatch, names) if match]
    return [name for _, name in sorted(found)]


def is_footage(name: str) -> bool:
    """Whether cameras give files such names."""
    return _FOOTAGE.fullmatch(name) is not None


def kind_and_number(name: str) -> tuple[str, int] | None:
    """`("video", 3)` of `video3.h264`; None for what cameras do not send."""
    match = _FOOTAGE.fullmatch(name)
    return (match[1], int(match[2])) if match else None


def is_segment_folder(folder: str) -> bool:
    """Whether a camera's own chain has such a place."""
    parts = folder.split("/")
    return _SEGMENT.fullmatch(parts[-1]) is not None and (len(parts) == 1 or parts[-2] == EVIDENCE_FOLDER)


def may_hold(folder: str, chain: str) -> bool:
    """Whether the folder of a camera's own chain, by its name, can be that of this one."""
    match = _SEGMENT.fullmatch(folder.rpartition("/")[2])
    return match is None or chain.startswith(match[1])


def is_rehearsal(folder: str, names: Iterable[str]) -> bool:
    """Whether it is one of the rehearsals of the owner's key, which are not footage: `<camera>/rehearsal/<time>`.

    These have a picture alone. Whatever else somebody puts into a folder of this name is footage that nobody vouches
    for.
    """
    hold = [name for name in names if is_footage(name) or _EVIDENCE.fullmatch(name)]
    return folder.split("/")[-2:-1] == [_REHEARSALS] and hold == [PICTURE]
