"""Points in time and lengths as people type them on the command line."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time, timedelta

import click

from pi_sec_cam.clock import SystemClock

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_LENGTH = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:min|[smhdw]))+")
_TERM = re.compile(r"([0-9.]+)(min|[smhdw])")
_CLOCK = re.compile(r"[0-9]{1,2}:")
_DAYS = {"TODAY": timedelta(0), "YESTERDAY": timedelta(days=1)}


def parse_moment(text: str, now: datetime, *, end_of_day: bool = False) -> datetime:
    """The moment that `text` means, aware.

    Args:
        text: "2026-05-04", "2026-05-04 18:30[:15]" (with an offset or in local time), "18:30" (today), "today",
            "yesterday", "yesterday 18:30", "now", or a time before now: "90s", "30m", "1h30m", "3d", "2w".
        now: aware, in local time.
        end_of_day: whether a day stands for its end; else for its beginning.

    Raises:
        ValueError: it means none.
    """
    text = " ".join(text.lower().split())
    if text == "now":
        return now
    if _LENGTH.fullmatch(text):
        return now - timedelta(seconds=parse_length(text))
    day, _, clock = text.upper().partition(" ")
    if _CLOCK.match(day):
        day, clock = now.date().isoformat(), day + clock
    elif day in _DAYS:
        day = (now.date() - _DAYS[day]).isoformat()
    if not clock:
        with suppress(ValueError):  # more than a day: looked at below
            first = date.fromisoformat(day) + timedelta(days=1 if end_of_day else 0)
            return datetime.combine(first, time.min).astimezone()
    if clock[1:2] == ":":
        clock = f"0{clock}"
    found = datetime.fromisoformat(f"{day}T{clock}" if clock else day)
    return found if found.tzinfo else found.astimezone()


def parse_length(text: str) -> float:
    """Seconds: "20", "1.5", "90s", "2m", "1h30m".

    Raises:
        ValueError: it is no length.
    """
    text = text.strip().lower()
    if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]+)?", text):
        return float(text)
    if not _LENGTH.fullmatch(text) or len(text) > 30:
        raise ValueError(text)
    return sum(float(number) * _UNITS[unit] for number, unit in _TERM.findall(text))


def moment(*, end_of_day: bool) -> Callable[[click.Context, click.Parameter, str | None], datetime | None]:
    """Callback of an option that takes a point in time."""

    def convert(context: click.Context, option: click.Parameter, text: str | None) -> datetime | None:
        try:
            now = SystemClock().wall().astimezone()
            return None if text is None else parse_moment(text, now, end_of_day=end_of_day)
        except (ValueError, OverflowError):
            raise click.BadParameter(
                f'{text!r} is no time; write "2026-05-04", "2026-05-04 18:30", "18:30", "today", "yesterday", or how '
                'long ago: "90s", "30m", "2h", "3d"',
                context,
                option,
            ) from None

    return convert


def length(context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    """Callback of an option that takes a length."""
    try:
        return None if text is None else parse_length(text)
    except ValueError:
        raise click.BadParameter(
            f'{text!r} is no length; write seconds ("20", "1.5") or "90s", "2m", "1h30m"', context, option
        ) from None
