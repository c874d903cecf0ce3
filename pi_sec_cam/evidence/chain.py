"""The signing end of a chain: each record names the one before it."""

import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pi_sec_cam.clock import Clock
from pi_sec_cam.evidence.record import SignedRecord, signed


class Chain:
    """Signs one record after the other. One thread at a time.

    Args:
        after: the record to go on from; None begins a chain.

    Attributes:
        id: of the chain.
        last: the record that was signed last; None before the first.
    """

    def __init__(self, key: Ed25519PrivateKey, clock: Clock, after: SignedRecord | None = None) -> None:
        self._key = key
        self._clock = clock
        self.id: str = after.fields["chain"] if after else secrets.token_hex(16)
        self.last: SignedRecord | None = after

    def sign(self, kind: str, **fields: Any) -> SignedRecord:
        """The next record.

        Raises:
            ValueError: as `signed`; or a field has the name of one that every record has.
        """
        last = self.last
        place = {
            "kind": kind,
            "chain": self.id,
            "n": last.fields["n"] + 1 if last else 0,
            "prev": last.hash if last else "",
            "at_us": round(self._clock.wall().timestamp() * 1e6),
        }
        if taken := fields.keys() & place:
            raise ValueError(f"every record has {', '.join(sorted(taken))} of its own")
        self.last = signed({**fields, **place}, self._key)
        return self.last
