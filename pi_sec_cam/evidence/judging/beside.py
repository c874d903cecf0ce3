"""What lies beside an event's files without being one: of file managers, copies, unfinished downloads."""

import re

_PASSED_OVER = {"offsite.jsonl", "event.json", "thumbs.db", "desktop.ini"}
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp")
_COPY = re.compile(r"(?:Copy of )?(.+?)(?: ?\([0-9]+\)| - Copy(?: \([0-9]+\))?| copy(?: [0-9]+)?)?(\.[A-Za-z0-9]+)")


def passed_over(name: str) -> bool:
    """Whether it is something that this program or file managers put beside an event's files."""
    return name.startswith(".") or name.lower() in _PASSED_OVER


def unfinished(name: str) -> str:
    """`video3.h264` of `video3.h264.part`; empty where it is no unfinished download's name."""
    return next((name.removesuffix(end) for end in _UNFINISHED if name.endswith(end)), "")


def original(name: str) -> str:
    """`video3.h264` of `video3 (1).h264`; empty where it is no copy's name."""
    match = _COPY.fullmatch(name)
    whole = f"{match[1]}{match[2]}" if match else ""
    return whole if whole != name else ""
