"""What verification says: verdicts, findings, and what they come to (docs/evidence.md, Verdicts)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """In order of weight, the lightest first."""

    WHOLE = "whole"
    DROPPED = "dropped"
    PRUNED = "pruned"
    OUTSIDE = "outside"
    ABSENT = "absent"
    UNATTESTED = "unattested"
    MISSING = "missing"
    CUT = "cut"
    SWAPPED = "swapped"
    REPLAYED = "replayed"
    ALTERED = "altered"
    FORGED = "forged"
    FOREIGN = "foreign"

    @property
    def open(self) -> bool:
        """Nothing contradicts it, and nothing settles it either."""
        return self in {Verdict.ABSENT, Verdict.UNATTESTED}

    @property
    def wrong(self) -> bool:
        """It contradicts what the camera has signed."""
        return list(Verdict).index(self) > list(Verdict).index(Verdict.UNATTESTED)


def heaviest(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that counts for all of them; WHOLE for none."""
    order = list(Verdict)
    return max(verdicts, key=order.index, default=Verdict.WHOLE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, or that has to be known.

    Attributes:
        verdict: never WHOLE.
        place: what it is about: a file's or folder's path below what was verified, or an event's name.
        text: a sentence for people, complete without the place.
        event: the event's folder, `<camera>/<day>/<time>`; None where it is about a camera or about no event.
        camera: None where it belongs to none.
        at: when, as far as is known.
    """

    verdict: Verdict
    place: str
    text: str
    event: str | None = None
    camera: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventResult:
    """One event.

    Attributes:
        event: its folder, as its first record has it.
        folder: where its files are, below what was verified.
        camera: its name.
        chain: the id of its chain; None without records.
        verdict: the heaviest of its findings; WHOLE without any.
        began: by the camera's clock, None where no record says it.
        synchronised: whether that clock could be trusted; None where no record says it.
        files, bytes: those here that are as recorded.
        pictures: how many pictures these hold.
        duration_s: of their video.
        picture: path of the event's motion picture, if it is here.
    """

    event: str
    folder: str
    camera: str
    chain: str | None
    verdict: Verdict
    began: datetime | None = None
    synchronised: bool | None = None
    files: int = 0
    bytes: int = 0
    pictures: int = 0
    duration_s: float = 0.0
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class Stamped:
    """What a time-stamp authority says of a camera's records.

    Attributes:
        stamps: how many of the stamps that the camera got are here.
        head: the furthest record that one of them proves, as `<chain>:<n>:<hash>`; None where none holds, or nobody was
            named who is to be believed.
        at, authority: it existed then, by whose word; None likewise.
    """

    stamps: int
    head: str | None = None
    at: datetime | None = None
    authority: str | None = None


@dataclass(frozen=True, slots=True)
class CameraResult:
    """One camera.

    Attributes:
        whole_until: the time of its last record before anything wrong or open; None if nothing is attested.
        head: its newest record here, as `<chain>:<n>:<hash>`; None without any.
        key: the fingerprint of the key that signed; None without any.
        stamped: None where none of its records speaks of a stamp.
    """

    camera: str
    verdict: Verdict
    whole_until: datetime | None
    head: str | None
    key: str | None
    stamped: Stamped | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    Attributes:
        where: what was verified, for people.
        key_given: whether the camera's key was given; False: that of the records themselves was taken on trust.
        cameras, events, findings: sorted by name, by folder, and as they were found.
    """

    where: str
    key_given: bool
    cameras: tuple[CameraResult, ...]
    events: tuple[EventResult, ...]
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The heaviest of all."""
        return heaviest(finding.verdict for finding in self.findings)
