"""What an unknown key was probably meant to be: the nearest known one, or the section where it belongs."""

import difflib
from collections.abc import Iterator

from pi_sec_cam.config.shape import WHOLE, Kind, Loc, keys, kind_at
from pi_sec_cam.config.wording import path_text, quoted

_NEAR_ENOUGH = 0.7


def nearest(word: str, known: list[str]) -> str | None:
    """The known word that is spelled most like `word`, if any is near; case, - and _ make no difference."""
    plain = {_plain(one): one for one in known}
    found = difflib.get_close_matches(_plain(word[:100]), plain, n=1, cutoff=_NEAR_ENOUGH)
    return plain[found[0]] if found else None


def _plain(word: str) -> str:
    return word.lower().replace("-", "_").replace(" ", "_")


def _sections(kind: Kind, loc: Loc) -> Iterator[tuple[Loc, list[str]]]:
    """All objects that a file can have, with their keys; lists are left out, as their elements have no fixed place."""
    for section in kind.sections:
        known = dict(keys(section))
        yield loc, list(known)
        for key, inner in known.items():
            yield from _sections(inner, (*loc, key))


def meant(loc: Loc, holder: object) -> tuple[str, Loc | None]:
    """What to say about an unknown key in the object `holder`, and the place that was probably meant."""
    *parents, word = loc
    section, word = tuple(parents), str(word)
    here = kind_at(section)
    known = [key for own in (here.alternatives(holder) if here else ()) for key, _ in keys(own)]
    near = nearest(word, known)
    elsewhere = _nearer(word, [place for place, inner in _sections(WHOLE, ()) if word in inner], section)
    if elsewhere and not (near and len(elsewhere) > 1):
        return f"unknown here: {quoted(word)} belongs {' or '.join(map(_under, elsewhere))}", None
    if near:
        return f"unknown key; did you mean {quoted(near)}?", (*section, near)
    for place, inner in _sections(WHOLE, ()):
        if near := nearest(word, inner):
            return f"unknown key; did you mean {quoted(near)}, which belongs {_under(place)}?", None
    return f"unknown key; known here: {', '.join(known)}", None


def _nearer(word: str, places: list[Loc], section: Loc) -> list[Loc]:
    """In one of several cameras, its own sections are meant where they have the key."""
    if section[:1] != ("cameras",):
        return places
    own: list[Loc] = [(*section[:2], *place) for place in places]
    return [place for place in own if kind_at((*place, word)) is not None] or places


def _under(place: Loc) -> str:
    return f"under {path_text(place)}" if place else "at the top level"
