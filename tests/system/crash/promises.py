"""What the program had promised at a point of its life, from what it had said until then."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Promise:
    """Of one event.

    Attributes:
        pictures: at least so many are kept.
        complete: it has ended, and all of it is kept.
        words: what the owner said of it: the values of those fields of its record.
        changing: fields of which the owner is just saying something else.
        deleting: it may be gone.
        deleted: it is gone.
    """

    pictures: int = 0
    complete: bool = False
    words: dict[str, Any] = field(default_factory=dict)
    changing: list[str] = field(default_factory=list)
    deleting: bool = False
    deleted: bool = False


def promises(said: bytes) -> dict[str, Promise]:
    """By the events' ids; a line that was cut short was not said."""
    found: dict[str, Promise] = {}
    for line in said.split(b"\n")[:-1]:
        values = json.loads(line)
        promise = found.setdefault(values.pop("event"), Promise())
        if "words" in values:
            promise.words |= values.pop("words")
            promise.changing = []
        for name, value in values.items():
            setattr(promise, name, value)
    return found
