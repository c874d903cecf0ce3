"""Reads evidence files line by line, and says of each line who has signed it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pi_sec_cam.evidence.camera_key import raw
from pi_sec_cam.evidence.record import MAX_LINE_BYTES, RecordMalformed, SignedRecord, parse_line

_MOST_STRANGERS = 16


class Fault(Enum):
    """What is wrong with a line."""

    TORN = "it breaks off in the middle of a line"
    NO_RECORD = "a line is no record"
    FORGED = "a line was not signed by the camera"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a record and the key that has signed it (its 32 bytes), or a fault."""

    record: SignedRecord | None = None
    key: bytes | None = None
    fault: Fault | None = None


class Signers:
    """Who signs here: the keys that are believed, and those that others name in their openings.

    Attributes:
        given: whether keys were given; else those that the openings name are taken on trust.
        trusted: by their 32 bytes.
        strangers: the same of keys that are not believed. What they sign was not forged in the camera's name.
    """

    def __init__(self, keys: Sequence[Ed25519PublicKey]) -> None:
        self.given = bool(keys)
        self.trusted: dict[bytes, Ed25519PublicKey] = {raw(key): key for key in keys}
        self.strangers: dict[bytes, Ed25519PublicKey] = {}

    def who(self, record: SignedRecord) -> bytes | None:
        """The key that has signed a record; None if it is none that is known here."""
        for known in (self.trusted, self.strangers):
            for name, key in known.items():
                if record.signed_by(key):
                    return name
        return self._introduced(record)

    def _introduced(self, record: SignedRecord) -> bytes | None:
        """The key that a record itself names and was signed by."""
        named = record.fields.get("key")
        try:
            name = bytes.fromhex(named) if isinstance(named, str) and len(named) == 64 else b""
            key = Ed25519PublicKey.from_public_bytes(name)
        except ValueError:
            return None
        if not record.signed_by(key):
            return None
        known = self.strangers if self.given else self.trusted
        if len(known) < _MOST_STRANGERS:
            known[name] = key
        elif not self.given:
            return None
        return name


def signed_lines(pieces: Iterable[bytes], signers: Signers) -> Iterator[Line]:
    """The lines of an evidence file.

    Args:
        pieces: its bytes.
    """
    for text in _lines(pieces):
        if text is None:
            yield Line(fault=Fault.NO_RECORD)
            continue
        if not text.endswith(b"\n"):
            yield Line(fault=Fault.TORN)
            continue
        try:
            record = parse_line(text)
        except RecordMalformed:
            yield Line(fault=Fault.NO_RECORD)
            continue
        key = signers.who(record)
        yield Line(record, key) if key else Line(fault=Fault.FORGED)


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes | None]:
    """Lines with their ends, but for the last, which may have none; None for one that is too long to be a record."""
    rest, too_long = b"", False
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield None if too_long or len(line) > MAX_LINE_BYTES else line + b"\n"
            too_long = False
        if len(rest) > MAX_LINE_BYTES:
            rest, too_long = b"", True
    if too_long:
        yield None
    elif rest:
        yield rest
