"""What one verification works on: what lies there, who may sign, what was found so far."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from pi_sec_cam.evidence.footage import Footage
from pi_sec_cam.evidence.judging.absent import Absences, EventDraft
from pi_sec_cam.evidence.judging.camera_chain import CameraChain
from pi_sec_cam.evidence.judging.changed import Changed
from pi_sec_cam.evidence.judging.findings import BEFORE_ALL, Findings, Spot
from pi_sec_cam.evidence.judging.listing import Listing
from pi_sec_cam.evidence.judging.signed_lines import Fault, Signers, signed_lines
from pi_sec_cam.evidence.judging.strangers import Strangers
from pi_sec_cam.evidence.progress import Progress
from pi_sec_cam.evidence.record import SignedRecord
from pi_sec_cam.evidence.verdict import Verdict


@dataclass(frozen=True, slots=True)
class LineFault:
    """What is wrong with lines of one evidence file."""

    path: str
    verdict: Verdict
    text: str


@dataclass(slots=True)
class Case:
    """One verification.

    Attributes:
        cameras: by name, those whose own chain is here.
        seen: chains of events of which records are here.
        needed: by camera: the segments that its events name.
        zones_us: by camera: how far the names of its events are ahead of UTC.
    """

    footage: Footage
    listing: Listing
    signers: Signers
    pruned: Callable[[str], bool]
    on_progress: Callable[[Progress], None]
    findings: Findings = field(default_factory=Findings)
    absences: Absences = field(default_factory=Absences)
    changed: Changed = field(default_factory=Changed)
    strangers: Strangers = field(default_factory=Strangers)
    cameras: dict[str, CameraChain] = field(default_factory=dict)
    drafts: list[EventDraft] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    needed: dict[str, set[str]] = field(default_factory=dict)
    zones_us: dict[str, int] = field(default_factory=dict)
    newest_us: dict[str, int] = field(default_factory=dict)
    keys: dict[str, bytes] = field(default_factory=dict)
    read: int = 0

    def read_lines(self, path: str, take: Callable[[SignedRecord, bytes], str]) -> list[LineFault]:
        """Reads an evidence file, and gives its records, signed by keys that are believed, to `take`.

        Args:
            take: returns why the record does not belong there; empty if it does.

        Returns:
            What is wrong with the file.
        """
        faults: dict[Fault, int] = {}
        misplaced: dict[str, None] = {}
        lines = 0
        try:
            for line in signed_lines(self._pieces(path), self.signers):
                lines += 1
                if line.record is None or line.key is None:
                    faults[line.fault or Fault.NO_RECORD] = faults.get(line.fault or Fault.NO_RECORD, 0) + 1
                elif line.key not in self.signers.trusted:
                    self.strangers.take(path.rpartition("/")[0], line.record, line.key)
                elif reason := take(line.record, line.key):
                    misplaced[reason] = None
        except FileNotFoundError:
            return []
        found = [_fault(path, fault, count) for fault, count in faults.items()]
        found += [LineFault(path, Verdict.REPLAYED, reason) for reason in list(misplaced)[:3]]
        if not lines:
            found.append(LineFault(path, Verdict.CUT, "this evidence file is empty"))
        return found

    def digest(self, path: str, size: int) -> bytes | None:
        """The SHA-256 of a file; None if it is gone.

        Of one that goes on behind its listed size, it is that of a beginning, and so of none that was recorded: who
        keeps a store could let a file go on for ever.
        """
        state, read = sha256(), 0
        try:
            for piece in self._pieces(path):
                state.update(piece)
                read += len(piece)
                if read > size:
                    break
        except FileNotFoundError:
            return None
        return state.digest()

    def spot_by_name(self, camera: str, folder: str) -> Spot:
        """About where an event stands of which only the folder's name is known."""
        chain = self.cameras.get(camera)
        return chain.spot_by_name(folder) if chain else BEFORE_ALL

    def camera_of(self, folder: str) -> str:
        """The camera whose folder this is in, as far as its path says so."""
        parts = folder.split("/")
        known = next((part for part in parts if part in self.cameras), None)
        if known is None and len(self.cameras) == 1 and len(parts) < 3:
            return next(iter(self.cameras))
        return known or parts[0] or self.footage.where.rstrip("/").rpartition("/")[2]

    def _pieces(self, path: str) -> Iterator[bytes]:
        for piece in self.footage.read(path):
            self.read += len(piece)
            self.on_progress(Progress(path, self.read, self.listing.bytes))
            yield piece


def _fault(path: str, fault: Fault, count: int) -> LineFault:
    verdict = Verdict.CUT if fault is Fault.TORN else Verdict.FORGED
    more = f", {count} times" if count > 1 else ""
    return LineFault(path, verdict, f"this evidence file was changed: {fault.value}{more}")
