"""A verification as lines of text: the answer, then what is wrong, what is open, and what is explained."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from pi_sec_cam.evidence.reporting.outcome import (
    FindingGroup,
    Outcome,
    answer,
    groups,
    moment_text,
    outcome,
    place_text,
    printable,
    stamped_text,
)
from pi_sec_cam.evidence.verdict import CameraResult, Verification

_HEADINGS = {Outcome.WRONG: "Wrong", Outcome.OPEN: "Open", Outcome.EXPLAINED: "Explained"}
# (groups, findings a group) that are shown; who wants all takes JSON.
_SHOWN = {Outcome.WRONG: (30, 8), Outcome.OPEN: (15, 4), Outcome.EXPLAINED: (10, 3)}


@dataclass(frozen=True, slots=True)
class Line:
    """One line, and in which colour it may be shown; None for none."""

    text: str
    tone: Outcome | None = None


def report_lines(verification: Verification, zone: tzinfo | None) -> Iterator[Line]:
    """What was found, for people.

    Args:
        zone: that times are given in; None is this machine's.
    """
    yield Line(answer(verification, zone), outcome(verification))
    folders = {result.event: result.folder for result in verification.events}
    for weight, heading in _HEADINGS.items():
        found = groups(verification.findings, weight)
        if found:
            yield Line("")
            yield Line(f"{heading}:", weight)
            yield from _section(found, *_SHOWN[weight], folders=folders)
    yield Line("")
    for camera in verification.cameras:
        yield from _camera(camera, verification.key_given, zone)


def _section(found: Sequence[FindingGroup], most: int, most_each: int, *, folders: dict[str, str]) -> Iterator[Line]:
    for group in found[:most]:
        if group.title:
            yield Line(f"  {printable(group.title)}")
        for finding in group.findings[:most_each]:
            place = place_text(finding, folders.get(finding.event or ""))
            place = "" if place == printable(group.title) else f"{place}: "
            yield Line(f"    {finding.verdict:<10}  {place}{printable(finding.text)}")
        if len(group.findings) > most_each:
            yield Line(f"    … and {len(group.findings) - most_each:,} more (--json has all)")
    if len(found) > most:
        number = sum(len(group.findings) for group in found[most:])
        yield Line(f"  … and {number:,} more, in {len(found) - most:,} other places (--json has all)")


def _camera(camera: CameraResult, key_given: bool, zone: tzinfo | None) -> Iterator[Line]:
    name = printable(camera.camera)
    if camera.key is None:
        yield Line(f"{name}: nothing here is signed")
        return
    until = f"whole until {moment_text(camera.whole_until, zone)}; " if camera.whole_until else ""
    key = "key" if key_given else "key (taken on trust)"
    yield Line(f"{name}: {until}{key} {printable(camera.key)}")
    if camera.head is not None:
        yield Line(f"  newest head: {printable(camera.head)}")
    if camera.stamped is not None:
        yield Line(f"  {printable(stamped_text(camera.stamped, zone))}")
