"""Decides how often deleting is tried as an answer to a disk that takes no more though it shows free space."""

import logging
import threading

from pi_sec_cam.clock import Clock

log = logging.getLogger(__name__)

_MOST_ROUNDS = 2
_PAUSE_US = 30_000_000
_OBSTACLE = (
    "the disk takes no more though it shows free space, and deleting old events has not helped: no more are deleted "
    "for it until something can be written again. Is a quota used up by other files (`quota`), or the file system full "
    "in another way (Btrfs: `btrfs filesystem usage`, then `btrfs balance`)? Make room there, or raise the quota"
)


class Refusals:
    """A disk may refuse for a quota, which does not show in its figures.

    Deleting helps if it is us who fill it. If others do, or the file system is full in another way (Btrfs of metadata),
    it would only cost all footage. So it is tried twice, and again when something was written in between.

    `refused` and `written` may be called by any thread, the rest by one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refused = threading.Event()
        self._written = threading.Event()
        self._rounds = 0
        self._pause_until_us = 0
        self.obstacles: tuple[str, ...] = ()

    def refused(self) -> None:
        """The disk took no more."""
        self._refused.set()

    def written(self) -> None:
        """The disk has taken a part of a clip."""
        self._written.set()

    def to_answer(self, *, space_shows: bool) -> bool:
        """Whether to delete a little now, which counts as one try.

        Args:
            space_shows: by the figures there is room. Where there is none, the reason to delete is another.
        """
        if self._written.is_set():
            self._written.clear()
            self._rounds = 0
            self.obstacles = ()
        if not self._refused.is_set():
            return False
        self._refused.clear()
        if not space_shows or self._clock.monotonic_us() < self._pause_until_us:
            return False
        if self._rounds == _MOST_ROUNDS:
            if not self.obstacles:
                log.error("%s", _OBSTACLE)
            self.obstacles = (_OBSTACLE,)
            return False
        self._rounds += 1
        self._pause_until_us = self._clock.monotonic_us() + _PAUSE_US
        return True
