"""Places, values and what is allowed, in words for people."""

import json
import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pi_sec_cam.config.shape import Kind, Loc

_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_-]*")
_LONGEST_SHOWN = 60


class NotANumber:
    """Stands for a number in the file that JSON or the program cannot hold: NaN, Infinity, 1e999."""

    def __init__(self, written: str) -> None:
        self.written = written


def path_text(loc: Loc) -> str:
    """A place as people write it: `motion.zones[0][2]`; an unusual key is quoted."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part) and len(part) <= _LONGEST_SHOWN:
            text += f".{part}" if text else part
        else:
            text += f"[{quoted(part)}]"
    return text


def quoted(text: str) -> str:
    """A text as JSON has it, shortened, and safe to print anywhere."""
    short = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
    shown = json.dumps(short, ensure_ascii=False)
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in shown)


def value_text(value: object) -> str:
    """A value that was found, as JSON has it; of lists and objects only that they are such."""
    if isinstance(value, NotANumber):
        return value.written[:_LONGEST_SHOWN]
    if isinstance(value, str):
        return "an address (not shown)" if "://" in value and "@" in value else quoted(value)
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, dict) else json.dumps(value)


def allowed_text(kind: Kind) -> str:
    """What may stand at a place, continuing "must be …"."""
    text = kind.allowed or " or ".join(dict.fromkeys(_type_text(one, kind) for one in kind.types))
    return f"{text}, or null" if kind.nullable else text


def _type_text(one: Any, kind: Kind) -> str:
    if get_origin(one) is Literal:
        options = [json.dumps(option) for option in get_args(one)]
        return " or ".join(filter(None, [", ".join(options[:-1]), options[-1]]))
    if get_origin(one) is tuple:
        element = kind.element(0)
        plural = "objects" if element is not None and element.sections else "values"
        return f"a list of {plural}{_length_text(kind, '')}"
    if kind.sections:
        return "an object { … }"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}
    return words[one] + (_length_text(kind, " characters") if one is str else _range_text(kind))


def _length_text(kind: Kind, unit: str) -> str:
    longest = kind.bound("max_length")
    return f" ({longest}{unit} at most)" if longest is not None else ""


def _range_text(kind: Kind) -> str:
    least, above, most = kind.bound("ge"), kind.bound("gt"), kind.bound("le")
    even = " and even" if kind.bound("multiple_of") == 2 else ""
    if least is not None and most is not None:
        return f" from {least} to {most}{even}"
    if above is not None and most is not None:
        return f" above {above} and up to {most}{even}"
    return ""
