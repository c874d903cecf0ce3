"""How the records of one chain hang together: gaps, branches, contradictions, in 40 bytes for each record."""

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import sha256

from pi_sec_cam.evidence.record import SignedRecord

_HASH_BYTES = 32
_NONE = bytes(_HASH_BYTES)
# So many places are held together: a record may name any number, and takes no more than this.
_PAGE = 32


class Links:
    """Takes records in whatever order they are found.

    Attributes:
        last: the furthest place of which there is a record; -1 without any.
    """

    def __init__(self) -> None:
        self.last = -1
        # The row, in pages: by place, the hash of the record that was found there first.
        self._pages: dict[int, bytearray] = {}
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
        if self._at(n) != _NONE:
            self._beside.setdefault(n, {})[digest] = before
        else:
            page = self._pages.setdefault(n // _PAGE, bytearray(_PAGE * _HASH_BYTES))
            page[n % _PAGE * _HASH_BYTES : (n % _PAGE + 1) * _HASH_BYTES] = digest
        if record.fields["kind"] == "resumed":
            self._resumed.add((n, digest))
        self.last = max(self.last, n)
        return True

    def has(self, n: int, digest: str) -> bool:
        """Whether this record is here."""
        return self._knows(n, _raw(digest))

    def occupied(self, n: int) -> bool:
        """Whether any record of this place is here."""
        return self._at(n) != _NONE

    def gaps(self) -> list[tuple[int, int]]:
        """Places, from and to, of records that others follow and that are not here."""
        pages = sorted(self._pages)
        begins: dict[int, int] = {}
        for (n, _), before in self._follows.items():
            if n not in begins and not self._knows(n - 1, before):
                begins[n] = n - 1 if self.occupied(n - 1) else self._last_before(n - 1, pages) + 1
        return sorted((begin, n - 1) for n, begin in begins.items())

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

    def _last_before(self, n: int, pages: Sequence[int]) -> int:
        """The furthest place before this one of which there is a record; -1 without any.

        Where there is one beside the row, there is one in it.
        """
        after = bisect_right(pages, n // _PAGE)
        for page in reversed(pages[max(0, after - 2) : after]):  # each has one; those of the last may all be after n
            for place in range(min(n, (page + 1) * _PAGE) - 1, page * _PAGE - 1, -1):
                if self._at(place) != _NONE:
                    return place
        return -1

    def _at(self, n: int) -> bytes:
        page = self._pages.get(n // _PAGE)
        return _NONE if page is None else bytes(page[n % _PAGE * _HASH_BYTES : (n % _PAGE + 1) * _HASH_BYTES])


def _raw(digest: str) -> bytes:
    try:
        return bytes.fromhex(digest) if len(digest) == 2 * _HASH_BYTES else b""
    except ValueError:
        return b""
