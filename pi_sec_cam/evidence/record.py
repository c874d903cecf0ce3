"""One signed record: its canonical bytes, its signature, its line (docs/evidence.md)."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pi_sec_cam.errors import PiSecCamError

VERSION = 1
EVIDENCE_FOLDER = "evidence"
"""The folder of a camera's own chains, beside those of the days."""

MAX_LINE_BYTES = 1 << 20

_DOMAIN = b"pi_sec_cam evidence 1\n"
_SIGNATURE_CHARACTERS = 86
_SAFE = 1 << 53  # what a double holds exactly


class RecordMalformed(PiSecCamError, ValueError):
    """A line that is no record: torn, altered beyond reading, or something else altogether."""


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """One record.

    Attributes:
        fields: what it says.
        text: its canonical bytes, which are signed.
        signature: 64 bytes.
    """

    fields: Mapping[str, Any]
    text: bytes
    signature: bytes

    @property
    def hash(self) -> str:
        """SHA-256 of its bytes, in hexadecimal."""
        return sha256(self.text).hexdigest()

    @property
    def line(self) -> bytes:
        """As it stands in an evidence file, with the line's end."""
        return _text_of(self.signature) + b" " + self.text + b"\n"

    def signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether this key's owner has signed it."""
        try:
            key.verify(self.signature, _DOMAIN + self.text)
        except InvalidSignature:
            return False
        return True


def signed(fields: Mapping[str, Any], key: Ed25519PrivateKey) -> SignedRecord:
    """A record that says this.

    Raises:
        ValueError: as `canonical`; or it says too much.
    """
    text = canonical(fields)
    record = SignedRecord(dict(fields), text, key.sign(_DOMAIN + text))
    if len(record.line) > MAX_LINE_BYTES:
        raise ValueError("a record of more than 1 MiB")
    return record


def canonical(fields: Mapping[str, Any]) -> bytes:
    """The one form in which these fields are written.

    Raises:
        ValueError: other things than text, booleans, None, lists and objects of these, and integers that every reader
            of JSON knows (below 2**53).
    """
    if not _plain(fields):
        raise ValueError("a record holds text, integers below 2**53, booleans, null, lists and objects")
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")


def parse_line(line: bytes) -> SignedRecord:
    """The record in a line; who has signed it is not looked at.

    Args:
        line: with or without its end.

    Raises:
        RecordMalformed: it is none.
    """
    signature, space, text = line.removesuffix(b"\n").partition(b" ")
    if not space or len(signature) != _SIGNATURE_CHARACTERS or len(line) > MAX_LINE_BYTES:
        raise RecordMalformed("no record")
    try:
        raw = base64.b64decode(signature + b"==", altchars=b"-_", validate=True)
        fields = json.loads(text)
        known = isinstance(fields, dict) and canonical(fields) == text and _text_of(raw) == signature
    except (binascii.Error, ValueError, RecursionError):
        known = False
    if not known or not _has_place(fields):
        raise RecordMalformed("no record in canonical form")
    return SignedRecord(fields, text, raw)


def _has_place(fields: Mapping[str, Any]) -> bool:
    """What every record has."""
    n, at_us = fields.get("n"), fields.get("at_us")
    return (
        all(isinstance(fields.get(key), str) for key in ("kind", "chain", "prev"))
        and type(n) is int
        and type(at_us) is int
        and n >= 0
    )


def _text_of(signature: bytes) -> bytes:
    return base64.urlsafe_b64encode(signature).rstrip(b"=")


def _plain(value: object) -> bool:
    match value:
        case Mapping():
            return all(isinstance(key, str) and key.isascii() and _plain(each) for key, each in value.items())
        case list() | tuple():
            return all(map(_plain, value))
        case str():
            return not any("\ud800" <= character <= "\udfff" for character in value)
        case int():
            return abs(value) < _SAFE
        case _:
            return value is None
