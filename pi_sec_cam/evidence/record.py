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
        return base64.urlsafe_b64encode(self.signature).rstrip(b"=") + b" " + self.text + b"\n"

    def signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether this key's owner has signed it."""
        try:
            key.verify(self.signature, _DOMAIN + self.text)
        except InvalidSignature:
            return False
        return True


def signed(fields: Mapping[str, Any], key: Ed25519PrivateKey) -> SignedRecord:
    """A record that says this. Values are strings, integers, booleans, None, lists and objects of these."""
    text = canonical(fields)
    return SignedRecord(dict(fields), text, key.sign(_DOMAIN + text))


def canonical(fields: Mapping[str, Any]) -> bytes:
    """The one form in which these fields are written.

    Raises:
        ValueError: a number is not an integer.
    """
    if not _plain(fields):
        raise ValueError("a record holds strings, integers, booleans, null, lists and objects")
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
        known = isinstance(fields, dict) and canonical(fields) == text
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


def _plain(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _plain(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    return value is None or isinstance(value, str | int)
