"""The public key that a running daemon seals for: read once, and watched for being exchanged meanwhile."""

import logging
import os
from pathlib import Path

from pi_sec_cam.errors import KeyUnusable
from pi_sec_cam.offsite.owner_key import fingerprint, read_public_key

log = logging.getLogger(__name__)


class SealingKey:
    """The key as it was at the start; it stays the same, so that no event is sealed half for another key.

    Args:
        path: of the public key.

    Attributes:
        public_key: for `Envelope`.
        fingerprint: what it is called, in hex.

    Raises:
        KeyUnusable: no key is there that can be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        began_with = _state(path)  # before it is read: what changes meanwhile is then noticed
        self.public_key = read_public_key(path)
        self.fingerprint = fingerprint(self.public_key)
        # What the file was like when it was looked into last, and what was found. One value: any thread may ask.
        self._looked: tuple[object, str | None] = (began_with, None)

    def trouble(self) -> str | None:
        """In words what has become of the file since the start; None if it still holds this key.

        Cheap while nothing changes (one stat), so it may be asked with every status.
        """
        state = _state(self._path)
        if state != self._looked[0]:
            self._looked = (state, self._look())
            if self._looked[1]:
                log.warning("%s", self._looked[1])
        return self._looked[1]

    def _look(self) -> str | None:
        goes_on = (
            f"sealing goes on for the key of the start ({self.fingerprint[:16]}…) until the daemon is started anew"
        )
        try:
            found = fingerprint(read_public_key(self._path))
        except KeyUnusable as error:
            return f"{error}; {goes_on}"
        if found != self.fingerprint:
            return f"{self._path} is another key now ({found[:16]}…); {goes_on}"
        return None


def _state(path: Path) -> object:
    """Changes when the file does; None if it cannot be looked at."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
