"""Validation errors as lines for people: the place, what was found there (never a secret), and what is allowed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic_core import ErrorDetails

from pi_sec_cam.config.shape import Kind, Loc, is_secret, kind_at
from pi_sec_cam.config.suggest import meant, nearest
from pi_sec_cam.config.wording import allowed_text, path_text, quoted, value_text

_HIDDEN = "the value (not shown)"
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        loc: where.
        text: what, and what is allowed.
        spoils: the places whose values are therefore not known; rules between keys leave them alone.
        unknown: whether nothing at all belongs there.
    """

    loc: Loc
    text: str
    spoils: tuple[Loc, ...]
    unknown: bool = False

    def __str__(self) -> str:
        return f"{path_text(self.loc)}: {self.text}"


def faults_of(errors: Sequence[ErrorDetails], tree: object) -> list[Fault]:
    """One fault for each error of pydantic, in its order."""
    locs = [_loc(error) for error in errors]
    found = [
        _fault(error, loc, tree)
        for error, loc in zip(errors, locs, strict=True)
        # A list that lost its faulty elements is short only for that.
        if not (error["type"] == "too_short" and any(loc == other[: len(loc)] != other for other in locs))
    ]
    return list(dict.fromkeys(found))  # of a list, each element that is missing is an error of its own


def _loc(error: ErrorDetails) -> Loc:
    """The place in the file that pydantic means."""
    loc = error["loc"]
    if loc[:1] == ("stores",):
        loc = loc[:2] + loc[3:]  # without the name of the alternative: (stores, 0, "s3", "bucket")
    if error["type"] == "missing" and isinstance(loc[-1], int):
        loc = loc[:-1]  # the list is at fault, not the element that it lacks
    return loc


def _fault(error: ErrorDetails, loc: Loc, tree: object) -> Fault:
    kind_of_error = error["type"]
    if kind_of_error == "extra_forbidden":
        text, instead = meant(loc, value_at(tree, loc[:-1]))
        return Fault(loc, text, (loc, instead) if instead else (loc,), unknown=True)
    spoils = (loc,)
    if kind_of_error.startswith("union_tag"):
        loc = (*loc, str(error["ctx"]["discriminator"]).strip("'"))
    kind = kind_at(loc)
    allowed = f"it must be {allowed_text(kind)}" if kind else "it is not known"
    found = value_at(tree, loc)
    if kind_of_error == "value_error":
        return Fault(loc, _subject(loc, found, kind) + str(error["ctx"]["error"]), spoils)
    if found is ABSENT:
        return Fault(loc, f"is missing; {allowed}", spoils)
    shown = _HIDDEN if _hidden(loc, found, kind) else value_text(found)
    return Fault(loc, f"{shown} is not allowed; {allowed}{_hint(found, kind)}", spoils)


def _subject(loc: Loc, found: object, kind: Kind | None) -> str:
    """What the words of a validator ("must not …") are said of."""
    if found is ABSENT:
        return "the default "
    if isinstance(found, list):
        return ""
    return f"{_HIDDEN if _hidden(loc, found, kind) else value_text(found)} "


def _hidden(loc: Loc, found: object, kind: Kind | None) -> bool:
    """Secrets, and text in the place of an object, which may be a secret that was put one level too high."""
    too_high = isinstance(found, str) and kind is not None and bool(kind.sections or kind.element(0))
    return too_high or is_secret(loc)


def _hint(found: object, kind: Kind | None) -> str:
    if kind is None or not isinstance(found, str):
        return ""
    if any(one in {int, float} for one in kind.types) and _NUMBER.fullmatch(found):
        return " (without quotes)"
    if bool in kind.types and found.lower() in {"true", "false"}:
        return " (without quotes)"
    options = [option for one in kind.types if get_origin(one) is Literal for option in get_args(one)]
    near = nearest(found, [option for option in options if isinstance(option, str)])
    return f"; did you mean {quoted(near)}?" if near else ""


ABSENT: Any = object()
"""What `value_at` finds where there is nothing."""


def value_at(tree: object, loc: Loc) -> Any:
    """What the file has at a place."""
    found: Any = tree
    for part in loc:
        try:
            found = found[part]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return found
