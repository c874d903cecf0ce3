"""Judges a camera's own chain: whether each start is whole, and follows the one before it."""

from pi_sec_cam.evidence.judging.camera_chain import CameraChain, Segment
from pi_sec_cam.evidence.judging.findings import BEFORE_ALL, Findings, Spot, are, records_text
from pi_sec_cam.evidence.scope import Scope
from pi_sec_cam.evidence.verdict import Verdict


def judge_chain(camera: CameraChain, findings: Findings, scope: Scope, *, needed: set[str]) -> None:
    """Says what is wrong with it.

    Args:
        scope: what should be here.
        needed: segments that events which are here name.
    """
    for segment in sorted(camera.segments.values(), key=lambda each: each.order):
        _judge_records(camera, segment, findings)
        _judge_previous(camera, segment, findings, scope, needed)
    _judge_ordinals(camera, findings)
    for chain in camera.unknown_version:
        text = "these records are of a later version of the program; verify with that one"
        _found(camera, findings, Verdict.UNATTESTED, camera.segments[chain], text)


def _judge_records(camera: CameraChain, segment: Segment, findings: Findings) -> None:
    for begin, to in segment.links.gaps():
        _found(camera, findings, Verdict.MISSING, segment, f"{records_text(begin, to)} of this start {are(begin, to)}")
    if segment.contradicts:
        text = f"signed by the camera's key, but no camera makes such records: {segment.contradicts}"
        _found(camera, findings, Verdict.FORGED, segment, text)
    for n in segment.links.contradictions():
        _found(
            camera,
            findings,
            Verdict.FORGED,
            segment,
            f"there are two records in the place {n} of this chain, and both carry the camera's signature: "
            "somebody else has had its key",
        )


def _judge_previous(camera: CameraChain, segment: Segment, findings: Findings, scope: Scope, needed: set[str]) -> None:
    if segment.previous is None:
        return
    chain, tip = segment.previous
    before = camera.segments.get(chain)
    if before is None:
        first = min(each.order for each in camera.segments.values() if each.key == segment.key)
        before_here = segment.order == first and chain not in needed
        added = segment.stores_added
        if before_here and (added is None or not added.isdisjoint(scope.stores_here(camera.stores))):
            text = "what the camera said before this start is not here: it has sent to this store since then"
            _found(camera, findings, Verdict.OUTSIDE, segment, text)
        elif before_here and not (scope.complete or scope.asked):
            verdict = Verdict.OUTSIDE if scope.only_here else Verdict.ABSENT
            text = "what the camera said before this start is not here: it was not downloaded, or deleted"
            _found(camera, findings, verdict, segment, text)
        else:
            _found(
                camera,
                findings,
                Verdict.MISSING,
                segment,
                "the camera's records of the start before this one are not here, and with them the names of the "
                "events of that time",
            )
    elif not before.links.has(tip.n, tip.hash):
        if before.links.occupied(tip.n):
            text = f"this start names another record {tip.n} of the start before than is here"
            _found(camera, findings, Verdict.FORGED, segment, text)
        else:
            begin = before.links.last + 1
            text = f"{records_text(begin, tip.n)} of this start {are(begin, tip.n)}; the next start names the last"
            spot = Spot(before.order, begin, before.newest_us)
            findings.add(Verdict.MISSING, before.folder, text, camera=camera.camera, at_us=before.newest_us, spot=spot)


def _judge_ordinals(camera: CameraChain, findings: Findings) -> None:
    """No start may be left out between two of the same key."""
    by_key: dict[bytes, dict[int, Segment]] = {}
    for segment in camera.segments.values():
        if segment.ordinal is not None:
            by_key.setdefault(segment.key, {})[segment.ordinal] = segment
    for segments in by_key.values():
        for ordinal, segment in sorted(segments.items())[1:]:
            known = segment.previous is None or segment.previous[0] in camera.segments
            if ordinal - 1 not in segments and known:
                text = f"the camera's records of the starts before number {ordinal} are not here"
                _found(camera, findings, Verdict.MISSING, segment, text)


def _found(camera: CameraChain, findings: Findings, verdict: Verdict, segment: Segment, text: str) -> None:
    spot = Spot(segment.order, -1, _end_before(camera, segment)) if segment.order else BEFORE_ALL
    findings.add(verdict, segment.folder, text, camera=camera.camera, at_us=segment.at_us, spot=spot)


def _end_before(camera: CameraChain, segment: Segment) -> int:
    return max((each.newest_us for each in camera.segments.values() if each.order == segment.order - 1), default=-1)
