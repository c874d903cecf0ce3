"""Whether a folder is where an event belongs, and when an event was by its folder's name."""

import re
from datetime import UTC, datetime

_NUMBERED = re.compile(r"(.*[0-9])-([1-9][0-9]{0,3})")
_QUARTER_US = 900_000_000


def path_of(folder: str, name: str) -> str:
    """The path of a file in a folder, which may be the top."""
    return f"{folder}/{name}" if folder else name


def time_in_name(event: str) -> int | None:
    """When an event was by its folder's name, as if that were UTC, in microseconds since 1970.

    None where the formats of days and times are not those of the first generation.
    """
    try:
        found = datetime.strptime("/".join(event.split("/")[-2:])[:19], "%Y-%m-%d/%H.%M.%S").replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return round(found.timestamp()) * 1_000_000


def zone_us(event: str, started_us: int) -> int | None:
    """How far the clock that names folders is ahead of UTC, in whole quarter hours, by an event of a known time."""
    named_us = time_in_name(event)
    return None if named_us is None else round((named_us - started_us) / _QUARTER_US) * _QUARTER_US


def without_number(folder: str) -> str | None:
    """`…/12.00.00` of `…/12.00.00-2`; None where there is no number."""
    match = _NUMBERED.fullmatch(folder)
    return match[1] if match else None


def same_place(folder: str, event: str) -> bool:
    """Whether a folder is where this event belongs, at whatever level the download was begun."""
    if not folder:
        return True
    here, there = folder.split("/")[::-1], event.split("/")[::-1]
    return all(one == other for one, other in zip(here, there, strict=False))


def same_shape(folder: str, event: str) -> bool:
    """Whether a folder is named as the camera names events: that of another event, then, and no person's own name."""
    here, there = folder.split("/")[::-1], event.split("/")[:0:-1]
    if not here or not there:
        return False
    # Of an event's folder alone: a day may end in -10, too.
    here[0], there[0] = (without_number(name) or name for name in (here[0], there[0]))
    return all(_shape(one) == _shape(other) for one, other in zip(here, there, strict=False))


def _shape(name: str) -> str:
    return re.sub("[0-9]+", "0", name)
