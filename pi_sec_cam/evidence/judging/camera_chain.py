"""What a camera's own chain says: its starts, its events, what it gave up; and whether the chain is whole."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pi_sec_cam.evidence.judging.findings import BEFORE_ALL, Spot
from pi_sec_cam.evidence.judging.links import Links
from pi_sec_cam.evidence.record import VERSION, SignedRecord

ON_ITS_WAY = "on its way"
TOMBSTONES = {"dropped": "dropped", "refused": "refused by the store", "withdrawn": "deleted on the camera"}


@dataclass(frozen=True, slots=True)
class Tip:
    """A record that another one names."""

    n: int
    hash: str


@dataclass(slots=True)
class Segment:
    """One start of the program.

    Attributes:
        folder: where it lies.
        links: its records.
        contradicts: why it cannot have been made by a camera; empty if it can.
        stores_added: the stores that began to get what this camera sends with this start; None: nobody knows.
        order: its place among the camera's segments, from 0; set when all are known.
        newest: its last record; with when that was signed.
        waiting: what its last head, in this place, says: by store, the oldest event of which footage waits.
    """

    chain: str
    folder: str
    key: bytes
    links: Links = field(default_factory=Links)
    ordinal: int | None = None
    previous: tuple[str, Tip] | None = None
    stores_added: frozenset[str] | None = None
    at_us: int = 0
    contradicts: str = ""
    order: int = 0
    newest: Tip = Tip(-1, "")
    newest_us: int = 0
    waiting: tuple[int, Mapping[str, str]] = (-1, MappingProxyType({}))

    def heard(self, n: int, waiting: object) -> None:
        """A head says what waits."""
        if n > self.waiting[0] and isinstance(waiting, Mapping):
            self.waiting = n, {store: str(event) for store, event in waiting.items()}


@dataclass(frozen=True, slots=True)
class NamedStamp:
    """A stamp that the camera's chain names.

    Attributes:
        head: what it is about.
        sha256: of the file.
        at_us: when it was named, in `chain` at `n`; and after which record, signed at `until_us`.
    """

    head: str
    sha256: str
    chain: str
    n: int
    at_us: int
    until_us: int


@dataclass(slots=True)
class Named:
    """An event that the camera's chain names.

    Attributes:
        at_us: when it was named first; and after which record, in `segment` at `n`, that was signed at `until_us`.
        ended: whether its last record is named.
        tips: by segment: the newest of its records that is named there.
    """

    event: str
    at_us: int
    segment: str
    n: int
    until_us: int
    ended: bool = False
    tips: dict[str, Tip] = field(default_factory=dict)


class CameraChain:
    """One camera's segments. Records are given with `take`; when all are, `arrange` is called once.

    Attributes:
        segments: by their chains' ids.
        named: events by their chains' ids.
        by_name: the same, ordered by the events' names.
        stamps: by path.
        stores: that it has ever sent to.
    """

    def __init__(self, camera: str) -> None:
        self.camera = camera
        self.segments: dict[str, Segment] = {}
        self.named: dict[str, Named] = {}
        self.by_name: list[Named] = []
        self.stamps: dict[str, NamedStamp] = {}
        self.stores: set[str] = set()
        self.unknown_version: set[str] = set()
        # By the event's chain, or its name where the camera does not know that: file names, and the stores by kind.
        self._given_up: dict[str, dict[str, dict[str, str]]] = {}
        self._renamed: dict[str, set[str]] = {}

    def take(self, record: SignedRecord, folder: str, key: bytes) -> None:
        """A record of one of its segments, signed by a key that is believed, in this folder."""
        fields = record.fields
        segment = self.segments.setdefault(fields["chain"], Segment(fields["chain"], folder, key))
        if not segment.links.take(record):
            return
        until_us = segment.newest_us if segment.newest.n >= 0 else -1
        if fields["n"] > segment.newest.n:
            segment.newest, segment.newest_us = Tip(fields["n"], record.hash), fields["at_us"]
        if (fields["n"] == 0) != (fields["kind"] == "segment") or (fields["n"] == 0 and fields["prev"]):
            segment.contradicts = "its beginning is not where it should be"
        match fields["kind"]:
            case "segment":
                self._opened(segment, fields)
            case "began":
                self._about(segment, fields, until_us, fields)
            case "ended":
                self._about(segment, fields, until_us, fields, fields.get("last"))
            case "head":
                for place in _objects(fields.get("open")):
                    self._about(segment, fields, until_us, place, place)
                segment.heard(fields["n"], fields.get("waiting"))
            case "dropped" | "refused" | "withdrawn":
                self._gave_up(fields)
            case "renamed":
                self._renamed.setdefault(_text(fields, "of"), set()).add(_text(fields, "to"))
            case "stamped":
                file = _text(fields, "file").rpartition("/")[2]
                head, digest = _text(fields, "head"), _text(fields, "sha256")
                named_stamp = NamedStamp(head, digest, segment.chain, fields["n"], fields["at_us"], until_us)
                self.stamps[f"{folder}/{file}" if folder else file] = named_stamp
            case _:
                pass

    def arrange(self) -> None:
        """Puts the segments in order, and events by their names. Of two keys, the one that signed first comes first."""
        self.by_name = sorted(self.named.values(), key=lambda named: named.event)
        began_us: dict[bytes, int] = {}
        for segment in self.segments.values():
            began_us[segment.key] = min(segment.at_us, began_us.get(segment.key, segment.at_us))
        ordered = sorted(
            self.segments.values(),
            key=lambda each: (began_us[each.key], each.key, each.ordinal or 0, each.at_us, each.chain),
        )
        for order, segment in enumerate(ordered):
            segment.order = order

    def given_up(self, chain: str, event: str) -> Mapping[str, Mapping[str, str]]:
        """By file's name: for which stores it was given up, and how."""
        return {**self._given_up.get(event, {}), **self._given_up.get(chain, {})}

    def on_its_way(self, chain: str, event: str) -> Mapping[str, str]:
        """The stores to which footage of this event may still be on its way: it runs, or waits on the camera."""
        newest, named = self.newest, self.named.get(chain)
        if newest is None:
            return {}
        runs = named is None or (not named.ended and newest.chain in named.tips.keys() | {named.segment})
        spot = self._spot_of(named) if named else None
        stores = set(self.stores) if runs else set()
        for store, oldest in newest.waiting[1].items():
            place = bisect_left(self.by_name, oldest, key=lambda each: each.event)
            first = self.by_name[place] if place < len(self.by_name) else None
            if spot is None or first is None or first.event != oldest:
                after = event >= oldest
            else:
                after = spot >= self._spot_of(first)
            if after:
                stores.add(store)
        return dict.fromkeys(stores, ON_ITS_WAY)

    def _spot_of(self, named: Named) -> Spot:
        return Spot(self.segments[named.segment].order, named.n, named.until_us)

    def renamed(self, chain: str) -> set[str]:
        """The other folders that the rest of this event went to."""
        return self._renamed.get(chain, set())

    def spot(self, chain: str, segment: str, at_us: int) -> Spot:
        """Where an event stands: right before it was named; else after all of the segment that it names itself."""
        if named := self.named.get(chain):
            return self._spot_of(named)
        if found := self.segments.get(segment):
            return Spot(found.order, 1 << 53, found.newest_us)
        return Spot(1 << 53, at_us, -1)

    def spot_by_name(self, folder: str) -> Spot:
        """About where an event stands of which only the folder's name is known."""
        place = bisect_right(self.by_name, folder, key=lambda named: named.event)
        if not place:
            return BEFORE_ALL
        last = self.by_name[place - 1]
        return Spot(self.segments[last.segment].order, last.n, last.until_us)

    @property
    def newest(self) -> Segment | None:
        """The last start."""
        return max(self.segments.values(), key=lambda each: each.order, default=None)

    def _opened(self, segment: Segment, fields: Mapping[str, Any]) -> None:
        segment.at_us = fields["at_us"]
        if fields.get("version") != VERSION:
            self.unknown_version.add(segment.chain)
        ordinal = fields.get("ordinal")
        segment.ordinal = ordinal if type(ordinal) is int else None
        since = fields.get("since")
        if isinstance(since, Mapping):
            self.stores.update(since)
            segment.stores_added = frozenset(store for store, first in since.items() if first == ordinal)
        previous = fields.get("previous")
        tip = _tip(previous)
        if isinstance(previous, Mapping) and tip:
            segment.previous = (_text(previous, "chain"), tip)

    def _gave_up(self, fields: Mapping[str, Any]) -> None:
        names = self._given_up.setdefault(_text(fields, "of") or _text(fields, "event"), {})
        for name in _texts(fields.get("names")):
            names.setdefault(name, {})[_text(fields, "store")] = fields["kind"]

    def _about(
        self,
        segment: Segment,
        fields: Mapping[str, Any],
        until_us: int,
        about: Mapping[str, Any],
        last: object = None,
    ) -> None:
        """A record of this segment names an event, and perhaps the `last` record of that."""
        event, of, tip = _text(about, "event"), _text(about, "of"), _tip(last)
        if not event or not of:
            return
        if of not in self.named:
            self.named[of] = Named(event, fields["at_us"], segment.chain, fields["n"], until_us)
        named = self.named[of]
        named.ended |= fields["kind"] == "ended"
        known = named.tips.get(segment.chain)
        if tip and (known is None or tip.n >= known.n):
            named.tips[segment.chain] = tip


def _tip(place: object) -> Tip | None:
    if not isinstance(place, Mapping):
        return None
    n, digest = place.get("n"), place.get("hash")
    return Tip(n, digest) if type(n) is int and n >= 0 and isinstance(digest, str) else None


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""


def _texts(value: object) -> Iterator[str]:
    return (each for each in value if isinstance(each, str)) if isinstance(value, list) else iter(())


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    return (each for each in value if isinstance(each, Mapping)) if isinstance(value, list) else iter(())
