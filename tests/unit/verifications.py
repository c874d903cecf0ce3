"""Verifications as the engine returns them, for tests of what is made of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pi_sec_cam.evidence.verdict import CameraResult, EventResult, Finding, Verdict, Verification, heaviest

BEGAN = datetime(2026, 5, 4, 16, 30, 12, tzinfo=UTC)
KEY = "1f3b" * 16
HEAD = f"{'0c' * 16}:412:{'9f' * 32}"


def event(number: int = 0, verdict: Verdict = Verdict.WHOLE, folder: str = "") -> EventResult:
    """One of an event every minute."""
    began = BEGAN + timedelta(minutes=number)
    folder = folder or f"Yard/{began:%Y-%m-%d/%H.%M.%S}"
    return EventResult(
        event=folder,
        folder=folder,
        camera="Yard",
        chain="ab" * 16,
        verdict=verdict,
        began=began,
        synchronised=True,
        files=58,
        bytes=45_700_000,
        pictures=900,
        duration_s=45.2,
        picture=f"{folder}/motion0.jpg",
    )


def finding(
    verdict: Verdict, of: EventResult, name: str = "video3.h264", text: str = "The camera has signed it so."
) -> Finding:
    """About a file of this event."""
    return Finding(verdict, f"{of.folder}/{name}", text, of.event, of.camera, of.began)


def verification(
    events: Sequence[EventResult] = (), findings: Sequence[Finding] = (), *, key_given: bool = True
) -> Verification:
    """Of the camera Yard."""
    verdict = heaviest(each.verdict for each in findings)
    camera = CameraResult("Yard", verdict, BEGAN + timedelta(hours=1), HEAD, KEY)
    return Verification("/home/ann/footage", key_given, (camera,), tuple(events), tuple(findings))
