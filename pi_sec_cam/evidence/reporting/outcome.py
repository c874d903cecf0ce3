"""What a verification comes to, in the order in which people want to know it: answer, totals, findings by event."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from pi_sec_cam.evidence.verdict import EventResult, Finding, Stamped, Verdict, Verification

_ORDER = list(Verdict)


class Outcome(StrEnum):
    """The answer in one word. Also what a single verdict weighs: EXPLAINED stands for all that is no fault."""

    WHOLE = "whole"
    EXPLAINED = "explained"
    OPEN = "open"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings about the same thing, the most serious first.

    Attributes:
        title: an event, a camera, or "" for those that are about neither.
    """

    title: str
    findings: tuple[Finding, ...]


def weight(verdict: Verdict) -> Outcome:
    """What one verdict weighs."""
    if verdict is Verdict.WHOLE:
        return Outcome.WHOLE
    return Outcome.WRONG if verdict.wrong else Outcome.OPEN if verdict.open else Outcome.EXPLAINED


def outcome(verification: Verification) -> Outcome:
    """WRONG, OPEN or WHOLE: what is explained takes nothing from the whole. Without a key nothing is more than open."""
    weighed = weight(verification.verdict)
    if weighed is Outcome.WRONG:
        return weighed
    return Outcome.OPEN if weighed is Outcome.OPEN or not verification.key_given else Outcome.WHOLE


def answer(verification: Verification, zone: tzinfo | None) -> str:
    """One or two sentences: whether it is whole, until when, and how much was looked at.

    Args:
        zone: that times are given in; None is this machine's.
    """
    found = outcome(verification)
    cameras = verification.cameras
    whose = printable(cameras[0].camera) if len(cameras) == 1 else count(len(cameras), "camera")
    number = sum(weight(finding.verdict) is found for finding in verification.findings)
    until = _until(verification, zone)
    if found is Outcome.WRONG:
        said = f"NOT whole: {'1 thing is' if number == 1 else f'{number:,} things are'} wrong"
        said += f" (whole until {until})" if until else ""
    elif not verification.key_given:
        said = "nothing is wrong, but nobody vouches for it: the camera's key was not given"
    elif verification.verdict is Verdict.ABSENT:
        said = f"what is here is whole{f', until {until}' if until else ''}; not everything is here"
    elif found is Outcome.OPEN:
        said = f"nothing is wrong, but {'1 thing is' if number == 1 else f'{number:,} things are'} open"
        said += f" (whole until {until})" if until else ""
    elif _partial(verification):
        said = f"what is here is whole{f', until {until}' if until else ''}; not everything is here"
    else:
        said = f"whole until {until}" if until else "whole"
        said += ", but for what was given up" if verification.findings else ""
    return f"{whose}: {said}. {totals(verification.events)}."


def headline(verification: Verification) -> str:
    """The answer in a few words."""
    found = outcome(verification)
    if found is Outcome.WHOLE:
        return "What is here is whole" if _partial(verification) else "Whole"
    if found is Outcome.OPEN and verification.key_given and verification.verdict is Verdict.ABSENT:
        return "What is here is whole, not everything is here"
    return "Not whole" if found is Outcome.WRONG else "Nothing wrong, something open"


def totals(events: Iterable[EventResult]) -> str:
    """How many events, files and bytes are here as they were recorded."""
    number = files = size = 0
    for event in events:
        number, files, size = number + 1, files + event.files, size + event.bytes
    return f"{count(number, 'event')}, {count(files, 'file')}, {size_text(size)}"


def groups(findings: Iterable[Finding], of: Outcome) -> list[FindingGroup]:
    """The findings of this weight, by event (else by camera): the most serious groups first, then by name."""
    by_title: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if weight(finding.verdict) is of:
            by_title[finding.event or finding.camera or ""].append(finding)
    found = [
        FindingGroup(title, tuple(sorted(each, key=_gravity, reverse=True)))  # sorting keeps the order of equals
        for title, each in by_title.items()
    ]
    return sorted(found, key=lambda group: (-_gravity(group.findings[0]), group.title))


def place_text(finding: Finding, event_folder: str | None) -> str:
    """What a finding is about, shortened to the name where its event is known to the reader."""
    for folder in (event_folder, finding.event):
        if folder and finding.place.startswith(f"{folder}/"):
            return printable(finding.place[len(folder) + 1 :])
    return printable(finding.place)


def printable(text: str) -> str:
    """Safe to print and to read: what could control a terminal, or turn the line round, stands there escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)


def moment_text(moment: datetime, zone: tzinfo | None) -> str:
    """A time as people write it, without its zone."""
    return f"{in_zone(moment, zone):%Y-%m-%d %H:%M:%S}"


def in_zone(moment: datetime, zone: tzinfo | None) -> datetime:
    """The same moment there (None: where this machine is); as it is, where the calendar ends before that."""
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError, OSError):  # signed records may name any time
        return moment


def stamped_text(stamped: Stamped, zone: tzinfo | None) -> str:
    """What the stamps prove."""
    here = count(stamped.stamps, "time stamp")
    if stamped.head is None or stamped.at is None:
        return f"{here}, of which none is known to hold: name the authority's certificates (--tsa-ca FILE)"
    chain, place, _ = stamped.head.split(":")
    at = moment_text(stamped.at, zone)
    return f"{here}: all records up to {chain[:8]}…:{place} existed by {at} (authority: {stamped.authority})"


def size_text(number: int) -> str:
    """Bytes, in words."""
    for unit, of in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= unit:
            return f"{number / unit:.1f} {of}"
    return count(number, "byte")


def count(number: int, what: str) -> str:
    """So many of something."""
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def _partial(verification: Verification) -> bool:
    """Whether the camera tells of more than what was looked at."""
    return any(finding.verdict is Verdict.OUTSIDE for finding in verification.findings)


def _gravity(finding: Finding) -> int:
    return _ORDER.index(finding.verdict)


def _until(verification: Verification, zone: tzinfo | None) -> str:
    """Until when all cameras are whole; "" where one of them says nothing."""
    moments = [camera.whole_until for camera in verification.cameras]
    known = [moment for moment in moments if moment is not None]
    return moment_text(min(known), zone) if known and len(known) == len(moments) else ""
