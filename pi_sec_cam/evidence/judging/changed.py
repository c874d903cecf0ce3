"""Files whose bytes are not those of their record: where else these bytes belong."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pi_sec_cam.evidence.judging.absent import EventDraft
from pi_sec_cam.evidence.judging.event_chain import Claim
from pi_sec_cam.evidence.judging.findings import Findings, Spot
from pi_sec_cam.evidence.verdict import Verdict

_DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One of them.

    Attributes:
        claim: what the record under its name says; None where there is none.
        twin: the name under which the same event has these bytes; None if under none.
    """

    path: str
    size: int
    digest: bytes
    claim: Claim | None
    twin: str | None
    draft: EventDraft
    at_us: int | None
    spot: Spot


class Changed:
    """Gathers them, since only all records together tell where bytes come from."""

    def __init__(self) -> None:
        self._files: list[ChangedFile] = []

    def add(self, file: ChangedFile) -> None:
        self._files.append(file)

    @property
    def wanted(self) -> set[bytes]:
        """The SHA-256 of bytes that are to be looked for in other events."""
        return {file.digest for file in self._files if file.twin is None}

    def judge(self, findings: Findings, elsewhere: dict[bytes, str]) -> None:
        """Says of each what it is.

        Args:
            elsewhere: by SHA-256: the folder of the event that has such a file.
        """
        for file in self._files:
            draft = file.draft
            other = elsewhere.get(file.digest)
            verdict, text = _judged(file, other if other != draft.folder else None)
            found = findings.add(
                verdict, file.path, text, camera=draft.camera, event=draft.event, at_us=file.at_us, spot=file.spot
            )
            draft.verdicts.add(found)


def digests_in(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """All SHA-256 that evidence files name, in whatever way they are signed; in order."""
    rest = b""
    for piece in pieces:
        text = rest + piece
        for match in _DIGEST.finditer(text):
            yield bytes.fromhex(match[1].decode())
        rest = text[-100:]


def _judged(file: ChangedFile, other: str | None) -> tuple[Verdict, str]:
    """What it is, if `other` is the folder of another event that has these bytes."""
    if other is not None:
        none = "" if file.claim else "; no record of this event speaks of it"
        return Verdict.REPLAYED, f"under this name lies a file of another event, {other}{none}"
    if file.claim is None:
        same = f" (a copy of {file.twin})" if file.twin else ""
        return Verdict.FOREIGN, f"no record of the camera speaks of this file{same}"
    if file.twin is not None:
        return Verdict.SWAPPED, f"under this name lies another file of the same event, {file.twin}"
    if file.size < file.claim.size:
        return Verdict.CUT, f"shorter than the camera sent it: {file.size} bytes of {file.claim.size}"
    more = f": {file.size} bytes instead of {file.claim.size}" if file.size > file.claim.size else ""
    return Verdict.ALTERED, f"its bytes are not those that the camera sent{more}"
