"""Verifies footage: whether it is what the camera sent, all of it, and until when (docs/evidence.md)."""

from collections.abc import Callable, Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.evidence.camera_key import fingerprint
from pi_sec_cam.evidence.footage import Footage
from pi_sec_cam.evidence.judging.absent import EventDraft
from pi_sec_cam.evidence.judging.case import Case
from pi_sec_cam.evidence.judging.chain_judge import judge_chain
from pi_sec_cam.evidence.judging.changed import digests_in
from pi_sec_cam.evidence.judging.event_folders import judge_folders
from pi_sec_cam.evidence.judging.expected import judge_expected
from pi_sec_cam.evidence.judging.findings import moment
from pi_sec_cam.evidence.judging.heads import judge_heads, read_head
from pi_sec_cam.evidence.judging.listing import Listing, evidence_names, is_footage, is_rehearsal, is_segment_folder
from pi_sec_cam.evidence.judging.place import without_number
from pi_sec_cam.evidence.judging.segments import begins_segment, read_segments
from pi_sec_cam.evidence.judging.signed_lines import Signers
from pi_sec_cam.evidence.judging.stamps import StampCheck, judge_stamps
from pi_sec_cam.evidence.progress import Progress
from pi_sec_cam.evidence.scope import Scope
from pi_sec_cam.evidence.verdict import CameraResult, EventResult, Stamped, Verdict, Verification, heaviest


class NothingToVerify(PiSecCamError, LookupError):
    """A place where nothing of a camera lies."""


def _ignore(_: Progress) -> None:
    """Nobody wants to know how far it is."""


def verify(
    footage: Footage,
    keys: Sequence[Ed25519PublicKey],
    *,
    heads: Sequence[str] = (),
    scope: Scope | None = None,
    pruned: Callable[[str], bool] = lambda _: False,
    check_stamp: StampCheck | None = None,
    on_progress: Callable[[Progress], None] = _ignore,
) -> Verification:
    """What is to be said of footage.

    Each file is read once, those with records before all others. Memory holds what one event's records say, and some
    hundred bytes for each event.

    Args:
        keys: the camera's public keys, got from the camera itself beforehand. Without any, those that the records name
            are taken on trust, and everything stays open.
        heads: `<chain>:<n>:<hash>`, kept elsewhere.
        scope: what should be here; unless given, whatever somebody has downloaded by hand.
        pruned: whether the owner has deleted this event (`<camera>/<day>/<time>`).
        check_stamp: what stamps prove; None: that is not looked at.

    Raises:
        HeadMalformed: one of `heads` is none.
        NothingToVerify: nothing of a camera lies there.
        StorageError, TemporaryError, StoreRefuses: it cannot be read.
    """
    known = [read_head(head) for head in heads]
    expected = scope or Scope()
    listing = Listing(footage.files())
    case = Case(footage, listing, Signers(keys), pruned, on_progress)
    segments, events = _sorted_out(case)
    read_segments(case, segments)
    stamped = judge_stamps(case, check_stamp)
    left = [folder for family in _families(events) for folder in judge_folders(case, family)]
    case.on_progress(Progress("", listing.bytes, listing.bytes))
    judge_expected(case, expected, left)
    for camera in case.cameras.values():
        judge_chain(camera, case.findings, expected, needed=case.needed.get(camera.camera, set()))
    judge_heads(known, case.cameras, case.findings)
    case.absences.judge(case.findings, expected, {name: camera.stores for name, camera in case.cameras.items()})
    case.changed.judge(case.findings, _elsewhere(case, events))
    case.strangers.judge(case.findings, set(case.keys))
    return _result(case, stamped)


def _sorted_out(case: Case) -> tuple[list[str], list[str]]:
    """The folders of cameras' own chains, and those of events."""
    segments, events = [], []
    for folder in case.listing:
        names = case.listing.names(folder)
        evidence = evidence_names(names)
        if is_rehearsal(folder, names):
            continue
        if is_segment_folder(folder) and not any(map(is_footage, names)):
            segments.append(folder)
        elif any(map(is_footage, names)):
            events.append(folder)
        elif evidence:
            path = f"{folder}/{evidence[0]}" if folder else evidence[0]
            (segments if begins_segment(case, path) else events).append(folder)
    if not segments and not events:
        raise NothingToVerify(
            f"nothing of a camera lies in {case.footage.where}: neither events (folders with video0.h264 or "
            "motion0.jpg) nor records (evidence0.jsonl). Name the folder that the cameras' folders are in"
        )
    return segments, events


def _families(folders: Sequence[str]) -> list[list[str]]:
    """Folders together with those of the same name with a number."""
    families: dict[str, list[str]] = {}
    present = set(folders)
    for folder in sorted(folders, key=lambda each: (len(each), each)):
        base = without_number(folder)
        families.setdefault(base if base in present else folder, []).append(folder)
    return sorted(families.values())


def _elsewhere(case: Case, events: Sequence[str]) -> dict[bytes, str]:
    """By SHA-256, of bytes that are wrong where they lie: the folder of the event whose records have them."""
    wanted = case.changed.wanted
    found: dict[bytes, str] = {}
    if not wanted:
        return found
    for folder in events:
        for name in evidence_names(case.listing.names(folder)):
            try:
                for digest in digests_in(case.footage.read(f"{folder}/{name}" if folder else name)):
                    if digest in wanted:
                        found.setdefault(digest, folder)
            except FileNotFoundError:
                continue
    return found


def _result(case: Case, stamped: Mapping[str, Stamped]) -> Verification:
    findings = case.findings
    names = {draft.camera for draft in case.drafts} | set(case.cameras)
    names |= {finding.camera for finding in findings.all if finding.camera is not None}
    if not case.signers.given:
        for name in sorted(names):
            key = case.keys.get(name)
            text = "the camera's key was not given, so nobody vouches for any of this"
            if key is not None:
                text += f"; the key that the records themselves name has the fingerprint {_fingerprint(key)}"
            findings.add(Verdict.UNATTESTED, name, text, camera=name)
    return Verification(
        case.footage.where,
        case.signers.given,
        tuple(_camera(case, name, stamped.get(name)) for name in sorted(names)),
        tuple(_event(draft) for draft in sorted(case.drafts, key=lambda draft: draft.folder)),
        tuple(findings.all),
    )


def _camera(case: Case, name: str, stamped: Stamped | None) -> CameraResult:
    chain, key = case.cameras.get(name), case.keys.get(name)
    newest = chain.newest if chain else None
    head = f"{newest.chain}:{newest.newest.n}:{newest.newest.hash}" if newest else None
    last_us = newest.newest_us if newest else case.newest_us.get(name)
    verdict, until = case.findings.camera_verdict(name), case.findings.whole_until(name, last_us)
    return CameraResult(name, verdict, until, head, _fingerprint(key) if key else None, stamped)


def _event(draft: EventDraft) -> EventResult:
    return EventResult(
        draft.event,
        draft.folder,
        draft.camera,
        draft.chain,
        heaviest(draft.verdicts),
        moment(draft.began_us),
        draft.synchronised,
        draft.files,
        draft.bytes,
        draft.pictures,
        draft.duration_us / 1e6,
        draft.picture,
    )


def _fingerprint(key: bytes) -> str:
    return fingerprint(Ed25519PublicKey.from_public_bytes(key))
