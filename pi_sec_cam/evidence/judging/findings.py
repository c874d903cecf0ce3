"""Collects what verification finds, and what that comes to for each event and camera."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pi_sec_cam.evidence.reporting.outcome import printable
from pi_sec_cam.evidence.verdict import Finding, Verdict, heaviest

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """Where in a camera's records something is wrong or open.

    Attributes:
        segment, n: the place in the camera's own chain that it comes after; segments are counted from 0.
        until_us: when the last record before it was signed, in microseconds since 1970; -1 if there is none.
    """

    segment: int
    n: int
    until_us: int


BEFORE_ALL = Spot(-1, -1, -1)


class Findings:
    """In the order in which they were found."""

    def __init__(self) -> None:
        self.all: list[Finding] = []
        self._trouble: dict[str, Spot] = {}
        self._cameras: dict[str, set[Verdict]] = defaultdict(set)

    def add(
        self,
        verdict: Verdict,
        place: str,
        text: str,
        *,
        camera: str | None,
        event: str | None = None,
        at_us: int | None = None,
        spot: Spot = BEFORE_ALL,
    ) -> Verdict:
        """One more; its verdict.

        Args:
            at_us: when, in microseconds since 1970.
            spot: where, for what is wrong or unattested: nothing is whole after it.
        """
        self.all.append(Finding(verdict, place, printable(text), event, camera, moment(at_us)))
        if camera is not None:
            self._cameras[camera].add(verdict)
            if verdict.wrong or verdict is Verdict.UNATTESTED:
                self._trouble[camera] = min(self._trouble.get(camera, spot), spot)
        return verdict

    def camera_verdict(self, camera: str) -> Verdict:
        """The heaviest of all that is about this camera or its events."""
        return heaviest(self._cameras[camera])

    def whole_until(self, camera: str, newest_us: int | None) -> datetime | None:
        """When the last record was signed before anything that is wrong or unattested.

        Args:
            newest_us: when the camera's newest record was signed; None without any.
        """
        trouble = self._trouble.get(camera)
        if trouble is None:
            return moment(newest_us)
        return moment(trouble.until_us) if trouble.until_us >= 0 else None


def moment(at_us: int | None) -> datetime | None:
    """Microseconds since 1970 as a time; None where that is none."""
    try:
        return None if at_us is None else _BEGIN + timedelta(microseconds=at_us)
    except OverflowError:
        return None


def and_more(names: Iterable[str], shown: int = 5) -> str:
    """Names in a sentence: the first of them, and how many more."""
    listed = list(names)
    more = f" and {len(listed) - shown} more" if len(listed) > shown else ""
    return ", ".join(listed[:shown]) + more


def records_text(begin: int, to: int) -> str:
    """Places in a chain, in words."""
    return f"record {begin}" if begin == to else f"records {begin} to {to}"


def are(begin: int, to: int) -> str:
    """The end of a sentence about them."""
    return "is not here" if begin == to else "are not here"
