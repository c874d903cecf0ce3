"""Looks now and then what has become of the owner's key, in a thread of its own: the disk may not answer."""

import math
from pathlib import Path

from pi_sec_cam.clock import Clock
from pi_sec_cam.offsite.rehearsal import rehearsed
from pi_sec_cam.offsite.sealing_key import SealingKey
from pi_sec_cam.worker import Worker

_LOOK_S = 1.0


class KeyWatch(Worker):
    """Knows what status and service manager ask for, who must not wait for a disk.

    Args:
        identity: the directory of that name below the storage directory.

    Attributes:
        patience_s: endless: nobody needs it to get on.
        trouble: in words what has become of the key's file since the start; None if it still holds the key.
        rehearsed: somebody has opened something that was sealed for this key.
    """

    patience_s = math.inf

    def __init__(self, key: SealingKey, identity: Path, clock: Clock) -> None:
        super().__init__("watch of the owner's key", clock)
        self._key = key
        self._identity = identity
        self.trouble: str | None = None
        self.rehearsed = False

    def look(self) -> None:
        """What is so now; waits for the disk."""
        self.trouble = self._key.trouble()
        self.rehearsed = rehearsed(self._identity, self._key.public_key)

    def work(self) -> None:
        while not self.stopping.is_set():
            self.advance()
            self.look()
            self.stopping.wait(_LOOK_S)
