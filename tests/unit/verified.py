"""Verifies a made download in tests, and finds its way in what was found."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pi_sec_cam.evidence.footage import FolderFootage
from pi_sec_cam.evidence.scope import Scope
from pi_sec_cam.evidence.verdict import EventResult, Verdict, Verification
from pi_sec_cam.evidence.verify import verify
from tests.unit.camera_made import MadeCamera

COMPLETE = Scope(complete=True)


def verified(
    camera: MadeCamera | Sequence[MadeCamera], top: Path | None = None, *, scope: Scope = COMPLETE, **options: Any
) -> Verification:
    """What is found with the key of a camera, or of several, in what the (first) one has sent."""
    cameras = [camera] if isinstance(camera, MadeCamera) else list(camera)
    return verify(FolderFootage(top or cameras[0].top), [each.public_key for each in cameras], scope=scope, **options)


def verdicts(verification: Verification) -> set[tuple[Verdict, str]]:
    """All findings, by verdict and the last part of their place."""
    return {(finding.verdict, finding.place.rpartition("/")[2]) for finding in verification.findings}


def wrong(verification: Verification) -> set[tuple[Verdict, str]]:
    """Those that are wrong or open."""
    return {(verdict, place) for verdict, place in verdicts(verification) if verdict.wrong or verdict.open}


def texts(verification: Verification) -> str:
    return "\n".join(finding.text for finding in verification.findings)


def event_at(verification: Verification, folder: Path | str) -> EventResult:
    """The result of the event in this folder."""
    return next(event for event in verification.events if str(folder).endswith(event.folder))
