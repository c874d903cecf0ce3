"""How the records of one chain hang together: gaps, branches, contradictions, in 32 bytes for each record."""

from bisect import bisect_left
from hashlib import sha256

from pi_sec_cam.evidence.record import SignedRecord

_HASH_BYTES = 32
_NONE = bytes(_HASH_BYTES)
# A place further on than this is not held in the row of hashes: a record may name any number.
_FURTHEST = 1 << 20


class Links:
    """Takes records in whatever order they are found.

    Attributes:
        last: the furthest place of which there is a record; -1 without any.
    """

    def __init__(self) -> None:
        self.last = -1
        self._row = bytearray()  # by place: the hash of the record that was found there first
        self._beside: dict[int, dict[bytes, bytes]] = {}  # by place: other records of it, and what they follow
        self._follows: dict[tuple[int, bytes], bytes] = {}  # what those follow that do not follow the row
        self._resumed: set[tuple[int, bytes]] = set()

    def take(self, record: SignedRecord) -> bool:
        """One more record of this chain, signed by its camera; whether it is one that was not here yet."""
        n, digest = record.fields["n"], sha256(record.text).digest()
        if self._knows(n, digest):
            return False
        before = _raw(record.fields["prev"])
        if n and self._at(n - 1) != before:
            self._follows[n, digest] = before
        if n > _FURTHEST + len(self._row) // _HASH_BYTES or self._at(n) != _NONE:
            self._beside.setdefault(n, {})[digest] = before
        else:
            self._row.extend(bytes(max(0, (n + 1) * _HASH_BYTES - len(self._row))))
            self._row[n * _HASH_BYTES : (n + 1) * _HASH_BYTES] = digest
        if record.fields["kind"] == "resumed":
            self._resumed.add((n, digest))
        self.last = max(self.last, n)
        return True

    def has(self, n: int, digest: str) -> bool:
        """Whether this record is here."""
        return self._knows(n, _raw(digest))

    def occupied(self, n: int) -> bool:
        """Whether any record of this place is here."""
        return self._at(n) != _NONE or n in self._beside

    def gaps(self) -> list[tuple[int, int]]:
        """Places, from and to, of records that others follow and that are not here."""
        beside = sorted(self._beside)
        found = set()
        for (n, _), before in self._follows.items():
            if self._knows(n - 1, before):
                continue
            begin = n - 1
            if not self.occupied(begin):
                begin = min(begin, len(self._row) // _HASH_BYTES)
                while begin and self._at(begin - 1) == _NONE:
                    begin -= 1
                begin = max([begin, *(place + 1 for place in beside[: bisect_left(beside, n)][-1:])])
            found.add((begin, n - 1))
        return sorted(found)

    def contradictions(self) -> list[int]:
        """Places of which there are two records that follow the same one, and neither goes on after a start."""
        found = []
        for n, others in self._beside.items():
            row = self._at(n)
            befores = [before for digest, before in others.items() if (n, digest) not in self._resumed]
            if row != _NONE and (n, row) not in self._resumed:
                befores.append(self._follows.get((n, row)) or (self._at(n - 1) if n else b""))
            if len(set(befores)) < len(befores):
                found.append(n)
        return sorted(found)

    def _knows(self, n: int, digest: bytes) -> bool:
        return digest != _NONE and (self._at(n) == digest or digest in self._beside.get(n, ()))

    def _at(self, n: int) -> bytes:
        return bytes(self._row[n * _HASH_BYTES : (n + 1) * _HASH_BYTES]) or _NONE


def _raw(digest: str) -> bytes:
    try:
        return bytes.fromhex(digest) if len(digest) == 2 * _HASH_BYTES else b""
    except ValueError:
        return b""
