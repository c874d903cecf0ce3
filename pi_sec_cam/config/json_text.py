"""JSON text → plain values, strictly: broken text is explained, doubled keys and what is no number are found."""

import json
import math
import re
from typing import Any, cast

from pi_sec_cam.config.shape import Loc
from pi_sec_cam.config.wording import NotANumber

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_DEEPEST = 30
_MOST_DIGITS = 18  # what fits into 64 bits for sure

Tree = dict[str, Any] | list[Any] | str | int | float | bool | NotANumber | None


class BrokenJson(ValueError):
    """Text that is not JSON; the message says where and what is probably meant."""


class _Object(list[tuple[str, Any]]):
    """A JSON object as it stands in the text, doubled keys and all."""


def parse_json(text: str) -> tuple[Tree, list[Loc]]:
    """The values, and the places of keys that stand more than once in one object (their last value is taken).

    Raises:
        BrokenJson: the text is not JSON, or nested absurdly deep.
    """
    try:
        raw = json.loads(
            text,
            object_pairs_hook=_Object,
            parse_constant=NotANumber,
            parse_float=_float,
            parse_int=_int,
        )
        doubled: list[Loc] = []
        return _plain(raw, (), doubled), doubled
    except json.JSONDecodeError as error:
        raise BrokenJson(explain(text, error)) from None
    except RecursionError:
        raise BrokenJson("lists or objects are nested too deeply") from None


def _float(written: str) -> float | NotANumber:
    number = float(written)
    return number if math.isfinite(number) else NotANumber(written)


def _int(written: str) -> int | NotANumber:
    return int(written) if len(written) <= _MOST_DIGITS else NotANumber(written)


def _plain(raw: Any, loc: Loc, doubled: list[Loc]) -> Tree:
    if len(loc) > _DEEPEST:
        raise RecursionError
    if isinstance(raw, _Object):
        tree: dict[str, Any] = {}
        for written, value in raw:
            key = _LONE_SURROGATE.sub("\ufffd", written)  # "\\ud800" is JSON, but no text: no known key has it
            if key in tree and (*loc, key) not in doubled:
                doubled.append((*loc, key))
            tree[key] = _plain(value, (*loc, key), doubled)
        return tree
    if isinstance(raw, list):
        return [_plain(value, (*loc, index), doubled) for index, value in enumerate(raw)]
    return cast("Tree", raw)


def explain(text: str, error: json.JSONDecodeError) -> str:
    """Where the text stops being JSON, and what is probably wrong there, without showing any of it (secrets)."""
    position, reason = _reason(text, error)
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return f"line {line}, column {column}: {reason}"


_WITHIN_A_TEXT = (
    ("Unterminated string", 'the text that begins here has no closing "'),
    ("Invalid control character", 'a text goes over the end of its line (a closing " is missing) or contains a tab'),
    ("Invalid \\", "a backslash within a text must be written twice (\\\\)"),
)


def _reason(text: str, error: json.JSONDecodeError) -> tuple[int, str]:
    position = min(error.pos, len(text))
    rest, before = text[position:].lstrip(), text[:position].rstrip()
    reason = next((reason for message, reason in _WITHIN_A_TEXT if error.msg.startswith(message)), "")
    if not text.strip():
        reason = "the file is empty; the least that it can hold is {}"
    elif not rest and not reason:
        reason = f"the file ends too early: {_unclosed(text)}"
    elif not reason:
        # Where a comma is one too many, Python 3.13 names the place of the comma, 3.12 that of the bracket.
        comma = position if rest[0] == "," else len(before) - 1
        following = text[comma + 1 :].lstrip()[:1]
        if text[comma] == "," and following in {"}", "]"}:
            return comma, f"there must be no comma before the closing {following}"
        reason = _expected(error.msg, rest)
    return position, reason


def _expected(message: str, rest: str) -> str:
    if message.startswith("Extra data"):
        return "something follows after the end of the configuration (is a bracket closed too early?)"
    if "',' delimiter" in message:
        if rest[0] in "}]":
            return f"{rest[0]} closes what was opened by another kind of bracket"
        return f"expected a comma or a closing bracket{_likely(rest) or ' (is a comma missing before this?)'}"
    if "':' delimiter" in message:
        return "expected : between key and value"
    if "property name" in message:
        return f'expected a key in double quotes ("…"){_likely(rest)}'
    return f"expected a value{_likely(rest)}"


_LIKELY = (
    (re.compile(r"#|//|/\*"), "JSON has no comments"),
    (re.compile("['`‘’]"), 'JSON has double quotes (") only, not single ones'),
    (re.compile("[“”„«»]"), 'the quotes are typographic ones; write plain ones (")'),
    (re.compile(r"True\b|False\b|None\b"), "it is written true, false, null"),
    (re.compile(r"(?i:yes|no|on|off)\b"), "write true or false"),
    (re.compile(r";"), "write a comma, not ;"),
    (
        re.compile(r"0[0-9xXbBoO]|[0-9]"),
        "a number has no needless 0 before it, and no spaces or commas in it",
    ),
    (re.compile(r"\+|\.[0-9]"), "a number has no + before it, and a digit before its point"),
    (re.compile(r","), "a value is missing before this comma, or the comma is one too many"),
    (re.compile(r"\ufeff"), "there is a byte order mark in the middle of the file"),
    (re.compile(r"[^\W\d]"), 'a text needs double quotes ("…") around it'),
)


def _likely(rest: str) -> str:
    return next((f" ({hint})" for pattern, hint in _LIKELY if pattern.match(rest)), "")


def _unclosed(text: str) -> str:
    """Names the innermost bracket that is still open at the end of a text."""
    opened: list[tuple[str, int]] = []
    for found in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{}\]]', text):
        if found[0] in "[{":
            opened.append((found[0], text.count("\n", 0, found.start()) + 1))
        elif found[0] in "]}" and opened:
            opened.pop()
    if not opened:
        return "a value is missing"
    bracket, line = opened[-1]
    return f"the {bracket} of line {line} is not closed"
