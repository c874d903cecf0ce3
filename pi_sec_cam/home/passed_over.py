"""Footage of a place in which somebody has put files with hostile names: the others are verified, and it is said."""

from collections.abc import Iterator
from dataclasses import replace

from pi_sec_cam.evidence.footage import FoundFile
from pi_sec_cam.evidence.verdict import Finding, Verdict, Verification
from pi_sec_cam.home.protocol import NamesRefused, Place


class WellNamedFootage:
    """The files of a place that have a name which any folder may have."""

    def __init__(self, place: Place) -> None:
        self.where = place.where
        self._place = place
        self._refusal = ""

    def files(self, under: str = "") -> Iterator[FoundFile]:
        try:
            yield from self._place.files(under)
        except NamesRefused as refusal:  # comes when all others have been given
            self._refusal = str(refusal)

    def read(self, path: str, begin: int = 0) -> Iterator[bytes]:
        return self._place.read(path, begin)

    def said_in(self, verification: Verification) -> Verification:
        """With a finding more, if there were such files."""
        if not self._refusal:
            return verification
        finding = Finding(Verdict.FOREIGN, self.where, self._refusal)
        return replace(verification, findings=(*verification.findings, finding))
