"""Judges the stamps that a camera's own chain names: whether they are here, are what it got, and what they prove."""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256

from pi_sec_cam.evidence.judging.camera_chain import TOMBSTONES, CameraChain, NamedStamp
from pi_sec_cam.evidence.judging.case import Case
from pi_sec_cam.evidence.judging.findings import Spot
from pi_sec_cam.evidence.judging.heads import Head, HeadMalformed, read_head, text_of
from pi_sec_cam.evidence.record import EVIDENCE_FOLDER
from pi_sec_cam.evidence.stamp_exchange import LARGEST_STAMP_BYTES
from pi_sec_cam.evidence.timestamp import AuthorityUnknown, Stamp, StampWrong
from pi_sec_cam.evidence.verdict import Stamped, Verdict

StampCheck = Callable[[bytes, str], Stamp]
"""Given a stamp and its head: what it proves; raises StampWrong or AuthorityUnknown (`check_stamp`)."""

_NAME = re.compile(r"stamp(0|[1-9][0-9]{0,8})\.tsr")


def is_stamp(name: str) -> bool:
    """Whether cameras give stamps such names."""
    return _NAME.fullmatch(name) is not None


def judge_stamps(case: Case, check: StampCheck | None) -> Mapping[str, Stamped]:
    """Says what is wrong with stamps, when all records have been read.

    Args:
        check: None: nobody is believed; then it is only looked whether they are those that the cameras got.

    Returns:
        By camera, what they prove; of cameras that got some.
    """
    judges = [_Judge(case, chain, check) for chain in case.cameras.values() if chain.stamps]
    return {judge.chain.camera: judge.judge() for judge in judges}


class _Judge:
    """Of one camera."""

    def __init__(self, case: Case, chain: CameraChain, check: StampCheck | None) -> None:
        self.chain = chain
        self._case = case
        self._check = check

    def judge(self) -> Stamped:
        here, furthest, proven = 0, (-1, -1), Stamped(0)
        for path, named in sorted(self.chain.stamps.items()):
            data = self._sound(path, named)
            if data is None:
                continue
            here += 1
            held = self._held(path, named, data)
            if held is not None:
                head, stamp = held
                place = (self.chain.segments[head.chain].order, head.n)
                if place > furthest:
                    furthest, proven = place, Stamped(0, text_of(head), stamp.at, stamp.authority)
        return Stamped(here, proven.head, proven.at, proven.authority)

    def _sound(self, path: str, named: NamedStamp) -> bytes | None:
        """Its bytes, if they are those that the camera got."""
        data = self._read(path)
        if data is None:
            self._absent(path, named)
        elif sha256(data).hexdigest() != named.sha256:
            self._found(Verdict.ALTERED, path, named, "this stamp is not the one that the camera got")
        else:
            return data
        return None

    def _read(self, path: str) -> bytes | None:
        """What of it could be a stamp; None if it is not here."""
        folder, _, name = path.rpartition("/")
        if name not in self._case.listing.names(folder):
            return None
        data = b""
        try:
            for piece in self._case.footage.read(path):
                data += piece
                if len(data) > LARGEST_STAMP_BYTES:
                    break
        except FileNotFoundError:
            return None
        return data

    def _absent(self, path: str, named: NamedStamp) -> None:
        folder, _, name = path.rpartition("/")
        itself = f"{self.chain.camera}/{EVIDENCE_FOLDER}/{folder.rpartition('/')[2]}"
        if how := self.chain.given_up(named.chain, itself).get(name):
            said = " and ".join(sorted({TOMBSTONES[kind] for kind in how.values()}))
            self._found(Verdict.DROPPED, path, named, f"the camera says that this stamp was {said}")
        else:
            self._found(Verdict.MISSING, path, named, "the camera got this stamp, and it is not here")

    def _held(self, path: str, named: NamedStamp, data: bytes) -> tuple[Head, Stamp] | None:
        """What it is about, and what it proves of that; None where that is nothing."""
        if self._check is None:
            return None
        try:
            head = read_head(named.head)
            stamp = self._check(data, text_of(head))
        except (HeadMalformed, StampWrong) as error:
            self._found(Verdict.FORGED, path, named, str(error))
        except AuthorityUnknown as error:
            self._found(Verdict.UNATTESTED, path, named, str(error))
        else:
            links = self.chain.segments[named.chain].links
            if head.chain == named.chain and links.has(head.n, head.hash):
                return head, stamp
            if head.chain != named.chain or links.occupied(head.n):
                text = "this stamp is about another record than the camera has signed at that place"
                self._found(Verdict.FORGED, path, named, text)
        return None

    def _found(self, verdict: Verdict, path: str, named: NamedStamp, text: str) -> None:
        spot = Spot(self.chain.segments[named.chain].order, named.n, named.until_us)
        self._case.findings.add(verdict, path, text, camera=self.chain.camera, at_us=named.at_us, spot=spot)
