"""Holds the files of one event against its records."""

from collections.abc import Sequence

from pi_sec_cam.evidence.judging.beside import original, passed_over, unfinished
from pi_sec_cam.evidence.judging.case import Case
from pi_sec_cam.evidence.judging.changed import ChangedFile
from pi_sec_cam.evidence.judging.event_chain import Claim, EventChain
from pi_sec_cam.evidence.judging.event_words import EventWords
from pi_sec_cam.evidence.judging.findings import and_more
from pi_sec_cam.evidence.judging.listing import PICTURE, evidence_names, kind_and_number
from pi_sec_cam.evidence.judging.place import path_of
from pi_sec_cam.evidence.verdict import Verdict


class EventFiles:
    """The files in the folders of one event."""

    def __init__(self, case: Case, words: EventWords, chains: Sequence[EventChain]) -> None:
        self._case = case
        self._words = words
        self._draft = words.draft
        self._chains = chains
        self._twins: dict[bytes, str] | None = None  # by SHA-256, made when needed
        self._right: dict[str, set[bytes]] = {}  # by name: the SHA-256 of its files that are as recorded
        self._mismatched: dict[str, list[ChangedFile]] = {}

    def judge(self, folders: Sequence[str]) -> None:
        open_ended = not all(chain.ended and not chain.links.gaps() and not chain.resumed for chain in self._chains)
        for folder in folders:
            again = []
            names = self._case.listing.names(folder)
            for name in sorted(names, key=lambda each: (kind_and_number(each) or ("", 0), each)):
                if name in evidence_names([name]) or passed_over(name):
                    continue
                claims = [claim for chain in self._chains for claim in chain.claims.get(name, ())]
                if not claims:
                    self._judge_unclaimed(folder, name, names, open_ended=open_ended)
                elif self._judge_claimed(path_of(folder, name), name, names[name], claims):
                    again.append(name)
            if again:
                text = f"here a second time, and the same: {and_more(again)}"
                self._words.add(Verdict.OUTSIDE, folder, text)
        self._judge_mismatched()

    def lacks(self, name: str, claim: Claim) -> bool:
        """Whether this file is not here, and nothing that is to be called altered lies in its place."""
        right = self._right.get(name, set())
        return claim.digest not in right and (bool(right) or name not in self._mismatched)

    def _judge_mismatched(self) -> None:
        """Those not as recorded. A name may be in two branches: that which the camera forgot has no record."""
        resumed = any(chain.resumed for chain in self._chains)
        for changed in (each for all_of_name in self._mismatched.values() for each in all_of_name):
            if resumed and changed.path.rpartition("/")[2] in self._right:
                text = "no record here speaks of this file; the one of its name that is signed lies beside it"
                self._words.add(Verdict.UNATTESTED, changed.path, text)
            else:
                self._case.changed.add(changed)

    def _judge_claimed(self, path: str, name: str, size: int, claims: list[Claim]) -> bool:
        """Whether it is as recorded, but has been found before."""
        digest = self._case.digest(path, size)
        if digest is None:
            return False
        matching = next((claim for claim in claims if claim.digest == digest and claim.size == size), None)
        if matching is None:
            self._mismatched.setdefault(name, []).append(self._as_changed(path, size, digest, claims[0]))
            return False
        right = self._right.setdefault(name, set())
        known = digest in right
        right.add(digest)
        if not known:
            draft = self._draft
            draft.files += 1
            draft.bytes += size
            draft.pictures += matching.pictures
            draft.duration_us += matching.duration_us
            if name == PICTURE:
                draft.picture = path
        return known

    def _judge_unclaimed(self, folder: str, name: str, names: dict[str, int], *, open_ended: bool) -> None:
        path = path_of(folder, name)
        known = kind_and_number(name)
        if known and open_ended:
            text = "no record here speaks of this file, and not all records of the event are here"
            last = max(self._chains, key=lambda chain: chain.links.last)
            self._words.add(Verdict.UNATTESTED, path, text, n=last.links.last + 1, until_us=last.last_us)
            if name == PICTURE and self._draft.picture is None:
                self._draft.picture = path
            return
        if (wanted := unfinished(name)) and (self._claimed(wanted) or evidence_names([wanted])):
            self._words.add(Verdict.OUTSIDE, path, f"left over of a download of {wanted} that was not finished")
            return
        digest = self._case.digest(path, names[name])
        if digest is None:
            return
        copied, twin = original(name), self._twin(digest)
        if copied and twin:
            self._words.add(Verdict.OUTSIDE, path, f"a copy of {twin} under another name")
        elif self._same_evidence(folder, copied, names, digest):
            self._words.add(Verdict.OUTSIDE, path, f"a copy of {copied} under another name")
        else:
            self._case.changed.add(self._as_changed(path, names[name], digest, None))

    def _same_evidence(self, folder: str, name: str, names: dict[str, int], digest: bytes) -> bool:
        """Whether this is an evidence file with these bytes."""
        known = name in names and bool(evidence_names([name]))
        return known and digest == self._case.digest(path_of(folder, name), names[name])

    def _claimed(self, name: str) -> bool:
        return any(name in chain.claims for chain in self._chains)

    def _twin(self, digest: bytes) -> str | None:
        """The name under which a record of this event has these bytes."""
        if self._twins is None:
            self._twins = {
                claim.digest: name
                for chain in self._chains
                for name, claims in chain.claims.items()
                for claim in claims
            }
        return self._twins.get(digest)

    def _as_changed(self, path: str, size: int, digest: bytes, claim: Claim | None) -> ChangedFile:
        words = self._words
        at_us, spot = (claim.at_us, words.spot_at(claim.n)) if claim else (None, words.spot)
        return ChangedFile(path, size, digest, claim, self._twin(digest), self._draft, at_us, spot)
