"""What the chain of one event says: its files, its end, where it belongs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pi_sec_cam.evidence.judging.links import Links
from pi_sec_cam.evidence.record import VERSION, SignedRecord


@dataclass(frozen=True, slots=True)
class Claim:
    """A file, as its record has it.

    Attributes:
        size: bytes.
        digest: its SHA-256.
        n, at_us: of the record.
        pictures, duration_us: of the video in it.
    """

    size: int
    digest: bytes
    n: int
    at_us: int
    pictures: int
    duration_us: int


class EventChain:
    """Takes an event's records in whatever order they are found.

    Attributes:
        id: of the chain.
        key: that has signed it.
        folders: where its records were found, in order.
        event, camera: as its openings have them; empty where no record here says so.
        claims: by file's name. Several only where the camera went on anew.
        ended: its last record says that nothing more comes.
        resumed: the camera was cut short in mid-event, and may have forgotten what had left last.
        opening: what the first record says.
        resumptions: by the openings' places: the start of the program (a camera's chain) that they name.
        contradicts: why it cannot have been made by a camera; empty if it can.
    """

    def __init__(self, chain: str, key: bytes) -> None:
        self.id = chain
        self.key = key
        self.links = Links()
        self.folders: dict[str, None] = {}
        self.event = self.camera = ""
        self.claims: dict[str, tuple[Claim, ...]] = {}
        self.ended = False
        self.pictures_lost = 0
        self.opening: Mapping[str, Any] | None = None
        self.resumptions: dict[int, str] = {}
        self.contradicts = ""
        self.known_version = True
        self.last_us = 0
        self._stores: dict[int, frozenset[str]] = {}  # by the opening's place: who gets what comes after it
        self._ends: set[str] = set()
        self.resumed = False

    def take(self, record: SignedRecord, folder: str) -> None:
        """One record, signed by a key that is believed, in this folder."""
        self.folders[folder] = None
        if not self.links.take(record):
            return
        fields = record.fields
        if fields["n"] == self.links.last:
            self.last_us = fields["at_us"]
        if (fields["n"] == 0) != (fields["kind"] == "event"):
            self.contradicts = "an opening stands in the middle of it, or it has none"
        if fields["n"] == 0 and fields["prev"]:
            self.contradicts = "its beginning comes after something"
        if fields["prev"] in self._ends:
            self.contradicts = "a record comes after its end"
        match fields["kind"]:
            case "event" | "resumed":
                self.resumed = self.resumed or fields["kind"] == "resumed"
                self._opened(fields)
            case "file":
                self._file(fields)
            case "end":
                self.ended = True
                self._ends.add(record.hash)
                lost = fields.get("pictures_lost")
                self.pictures_lost = lost if type(lost) is int and lost > 0 else 0
            case _:
                pass

    def stores_without(self, n: int) -> frozenset[str]:
        """The stores that the event did not go to at the record in place `n`: its file need not be there."""
        before = [place for place in self._stores if place < n]
        had = self._stores[max(before)] if before else frozenset[str]()
        return frozenset[str]().union(*self._stores.values()) - had

    def _opened(self, fields: Mapping[str, Any]) -> None:
        camera, event, segment = fields.get("camera"), fields.get("event"), fields.get("segment")
        if not isinstance(camera, str) or not isinstance(event, str) or not event.startswith(f"{camera}/"):
            self.contradicts = "it belongs to no place"
            return
        if (self.event and self.event != event) or fields.get("key") != self.key.hex():
            self.contradicts = "its records speak of two events, or of another key than they are signed by"
        self.event, self.camera = event, camera
        if isinstance(segment, str) and segment:
            self.resumptions[fields["n"]] = segment
        stores = fields.get("stores")
        if isinstance(stores, list):
            self._stores[fields["n"]] = frozenset(each for each in stores if isinstance(each, str))
        if fields["kind"] == "event":
            self.opening = {key: fields.get(key) for key in ("at_us", "started_us", "synchronised")}
            self.known_version = fields.get("version") == VERSION

    def _file(self, fields: Mapping[str, Any]) -> None:
        name, size, digest = fields.get("name"), fields.get("bytes"), fields.get("sha256")
        try:
            digest = bytes.fromhex(digest) if isinstance(digest, str) else None
        except ValueError:
            digest = None
        if not isinstance(name, str) or type(size) is not int or digest is None:
            return
        times, duration_us = fields.get("pts_us"), fields.get("duration_us")
        claim = Claim(
            size,
            digest,
            fields["n"],
            fields["at_us"],
            len(times) if isinstance(times, list) else 0,
            duration_us if type(duration_us) is int and duration_us > 0 else 0,
        )
        self.claims[name] = (*self.claims.get(name, ()), claim)
