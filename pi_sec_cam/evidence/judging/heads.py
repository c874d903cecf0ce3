"""Heads that somebody has kept elsewhere: what they name must be here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.evidence.judging.camera_chain import CameraChain, Segment
from pi_sec_cam.evidence.judging.findings import BEFORE_ALL, Findings, Spot
from pi_sec_cam.evidence.verdict import Verdict

_HEAD = re.compile(r"([0-9a-f]{32}):(0|[1-9][0-9]{0,15}):([0-9a-f]{64})")


class HeadMalformed(PiSecCamError, ValueError):
    """A text that is no head."""


@dataclass(frozen=True, slots=True)
class Head:
    """A record of a camera's own chain, as it was noted."""

    chain: str
    n: int
    hash: str


def read_head(text: str) -> Head:
    """What `status` shows, and a person has kept.

    Raises:
        HeadMalformed: it is none.
    """
    match = _HEAD.fullmatch("".join(text.split()).lower())
    if match is None:
        raise HeadMalformed(
            f"{text!a} is no head. A head is three parts with colons between them, 32 characters, a number, and 64 "
            "characters, as `pi-sec-cam status` shows it; copy all of it"
        )
    return Head(match[1], int(match[2]), match[3])


def text_of(head: Head) -> str:
    """As it is written, and stamped."""
    return f"{head.chain}:{head.n}:{head.hash}"


def judge_heads(heads: Sequence[Head], cameras: dict[str, CameraChain], findings: Findings) -> None:
    """Says which of these are not reached, or contradicted."""
    for head in heads:
        found = [(camera, camera.segments[head.chain]) for camera in cameras.values() if head.chain in camera.segments]
        if not found:
            only = next(iter(cameras.values())) if len(cameras) == 1 else None
            newest = only.newest if only else None
            spot = Spot(newest.order, 1 << 53, newest.newest_us) if newest else BEFORE_ALL
            text = (
                f"nothing here belongs to the chain {head.chain} of the known head: a whole start, or more, is missing"
            )
            findings.add(Verdict.MISSING, head.chain, text, camera=only.camera if only else None, spot=spot)
        for camera, segment in found:
            _judge(head, camera, segment, findings)


def _judge(head: Head, camera: CameraChain, segment: Segment, findings: Findings) -> None:
    if segment.links.has(head.n, head.hash):
        return
    spot = Spot(segment.order, 1 << 53, segment.newest_us)
    if segment.links.occupied(head.n):
        spot = Spot(segment.order, -1, -1)
        verdict, text = Verdict.FORGED, f"record {head.n} of this start is another one than the known head names"
    else:
        verdict = Verdict.MISSING
        text = f"the known head is record {head.n} of this start, and the last one here is {segment.links.last}"
    findings.add(verdict, segment.folder, text, camera=camera.camera, at_us=segment.newest_us, spot=spot)
