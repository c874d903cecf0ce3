"""A verification as one HTML page that needs nothing else: for the owner, and for whoever has to rely on it."""

import base64
import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pi_sec_cam.evidence.reporting.outcome import (
    Outcome,
    answer,
    count,
    groups,
    headline,
    in_zone,
    moment_text,
    outcome,
    place_text,
    printable,
    size_text,
    stamped_text,
    totals,
    weight,
)
from pi_sec_cam.evidence.reporting.wording import DOES_NOT_PROVE, EXPLANATIONS, PROVES
from pi_sec_cam.evidence.verdict import EventResult, Finding, Verdict, Verification

_TEMPLATES = Path(__file__).with_name("templates")
_MOST_FINDINGS = 100  # of one verdict; who wants all takes JSON
_MOST_EVENTS = 10_000
_SYMBOLS = {Outcome.WHOLE: "✓", Outcome.EXPLAINED: "i", Outcome.OPEN: "?", Outcome.WRONG: "✗"}


@dataclass(frozen=True, slots=True)
class ReportedCheck:
    """How it was verified, so that somebody else can do it again.

    Attributes:
        at: when; aware.
        program: name and version.
        keys: fingerprints of the camera's keys that were given.
        heads: those that were given.
        command: what to type to do it again.
    """

    at: datetime
    program: str
    keys: Sequence[str]
    heads: Sequence[str]
    command: str


def html_report(
    verification: Verification, check: ReportedCheck, pictures: Mapping[str, bytes], zone: tzinfo | None
) -> bytes:
    """The page, in UTF-8: no script, nothing from elsewhere, all that was found escaped.

    Args:
        pictures: small JPEGs, by the event's folder; as many as are to be shown.
        zone: that times are given in; None is this machine's.
    """
    environment = _environment()
    css = environment.get_template("report.css").render()
    shown, left_out = _events(verification.events)
    return (
        environment.get_template("report.html")
        .render(
            css_hash=base64.b64encode(hashlib.sha256(css.encode()).digest()).decode("ascii"),
            found=outcome(verification),
            headline=headline(verification),
            answer=answer(verification, zone),
            verification=verification,
            check=check,
            sections=_sections(verification.findings),
            folders={event.event: event.folder for event in verification.events},
            events=shown,
            events_left_out=left_out,
            verdicts=_verdicts(verification.findings),
            pictures={folder: base64.b64encode(jpeg).decode("ascii") for folder, jpeg in pictures.items()},
            moment=lambda at: moment_text(at, zone),
            stamped=lambda stamps: stamped_text(stamps, zone),
            offset=lambda at: in_zone(at, zone).isoformat()[-6:],
        )
        .encode()
    )


@dataclass(frozen=True, slots=True)
class _Section:
    """All findings of one verdict."""

    verdict: Verdict
    number: int
    findings: Sequence[Finding]


def _sections(findings: Sequence[Finding]) -> list[_Section]:
    """By verdict, the most serious first; in each by event."""
    numbers = Counter(finding.verdict for finding in findings)
    sections = []
    for verdict in sorted(numbers, key=list(Verdict).index, reverse=True):
        of_verdict = [finding for finding in findings if finding.verdict is verdict]
        ordered = [finding for group in groups(of_verdict, weight(verdict)) for finding in group.findings]
        sections.append(_Section(verdict, numbers[verdict], ordered[:_MOST_FINDINGS]))
    return sections


def _verdicts(findings: Sequence[Finding]) -> dict[str, Counter[Verdict]]:
    """How often each verdict was given, by event; the most serious first."""
    found: dict[str, Counter[Verdict]] = defaultdict(Counter)
    for finding in sorted(findings, key=lambda each: list(Verdict).index(each.verdict), reverse=True):
        if finding.event is not None:
            found[finding.event][finding.verdict] += 1
    return found


def _events(events: Sequence[EventResult]) -> tuple[Sequence[EventResult], int]:
    """Those in the table, and how many are not: first of all those of which nothing is to be said."""
    if len(events) <= _MOST_EVENTS:
        return events, 0
    by_need = sorted(enumerate(events), key=lambda each: (each[1].verdict is Verdict.WHOLE, -each[0]))
    kept = sorted(by_need[:_MOST_EVENTS])
    return [event for _, event in kept], len(events) - _MOST_EVENTS


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=_finalised,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(size=size_text, duration=_duration)
    environment.globals.update(
        count=count,
        explanations=EXPLANATIONS,
        place_text=place_text,
        proves=PROVES,
        does_not_prove=DOES_NOT_PROVE,
        symbols=_SYMBOLS,
        totals=totals,
        weight=weight,
    )
    return environment


def _finalised(value: object) -> object:
    """Whatever comes into the page: names may hold what a reader does not see. What the template made is left alone."""
    return value if not isinstance(value, str) or hasattr(value, "__html__") else printable(value)


def _duration(seconds: float) -> str:
    """m:ss, or h:mm:ss."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
