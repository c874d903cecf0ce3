"""What of a place is asked for: events, days, cameras, a span of time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.evidence.judging.place import without_number
from pi_sec_cam.evidence.record import EVIDENCE_FOLDER
from pi_sec_cam.offsite.downloaded import REHEARSALS

_NO_EVENTS = {EVIDENCE_FOLDER, REHEARSALS}


class NothingFits(PiSecCamError, LookupError):
    """Something was asked for that is not in the place."""


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when an event was, as far as is known; both aware."""

    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for; everything, if nothing was.

    Attributes:
        what: an event (`Yard/2026-05-04/18.30.12`), a day (`Yard/2026-05-04`, or of all cameras `2026-05-04`), a
            camera. Days may be folders in folders (`formats.day_directory_format`).
        cameras: only theirs, if any is named.
        begin: only what ended then or later.
        until: only what began before.
    """

    what: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    begin: datetime | None = None
    until: datetime | None = None

    def has(self, event: str, span: Span | None) -> bool:
        """Whether this event is asked for. What nobody knows the time of is, whatever the span: better too much."""
        if self.cameras and camera_of(event) not in self.cameras:
            return False
        if self.what and not any(names(what, event) for what in self.what):
            return False
        if span is None:
            return True
        return (self.begin is None or span.ended >= self.begin) and (self.until is None or span.began < self.until)

    def cameras_among(self, known: Iterable[str]) -> list[str]:
        """The cameras that events may be asked of: their own chains are needed."""
        known = sorted({*known, *self.cameras})
        of = {what.partition("/")[0] for what in self.what}
        if of and of <= set(known):
            known = sorted(of)
        return [camera for camera in known if not self.cameras or camera in self.cameras]

    def folders(self) -> tuple[str, ...]:
        """Where to look first; `""` stands for all. For an event it is its day: a part of it may be beside it."""
        days = (what.rpartition("/")[0] if what.count("/") > 1 else what for what in self.what)
        return tuple(dict.fromkeys(days)) or self.cameras or ("",)

    def unmatched(self, events: Iterable[str]) -> list[str]:
        """What was asked for by name, and none of these events is meant."""
        events = list(events)
        named = [what for what in self.what if not any(names(what, event) for event in events)]
        return named + [camera for camera in self.cameras if not any(camera_of(event) == camera for event in events)]


def names(what: str, event: str) -> bool:
    """Whether this text means this event, or folders that it is in."""
    wanted, parts = what.split("/"), event.split("/")
    for begin in (0, 1):  # with the camera, or of all cameras
        found = parts[begin : begin + len(wanted)]
        if len(found) == len(wanted) and found[:-1] == wanted[:-1]:
            whole = begin + len(wanted) == len(parts)  # then also what lies beside it: docs/evidence.md, `renamed`
            if wanted[-1] == found[-1] or (whole and wanted[-1] == without_number(found[-1])):
                return True
    return False


def camera_of(path: str) -> str:
    """The camera that a file or an event is of."""
    return path.partition("/")[0]


def event_of(path: str) -> str | None:
    """The event's folder that a file is in; None for others: the camera's own chain, rehearsals, strangers' files."""
    parts = path.split("/")
    if len(parts) < 4 or parts[1] in _NO_EVENTS or any(part.startswith(".") for part in parts):
        return None
    return "/".join(parts[:-1])


def in_chain(path: str) -> bool:
    """Whether a file belongs to a camera's own chain."""
    parts = path.split("/")
    return len(parts) == 4 and parts[1] == EVIDENCE_FOLDER and not any(part.startswith(".") for part in parts)


def span_in_name(event: str) -> Span | None:
    """The time that an event's folder is named for, in this machine's time zone and with the formats' defaults."""
    try:
        found = datetime.strptime("/".join(event.split("/")[1:])[:19], "%Y-%m-%d/%H.%M.%S").astimezone()
    except (ValueError, OverflowError):
        return None
    return Span(found, found)


def span_of(event: str, recorded: Mapping[str, Span]) -> Span | None:
    """When an event was: as the camera has signed it, else by its folder's name; None where neither says it."""
    return recorded.get(event) or span_in_name(event)
