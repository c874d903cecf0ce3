"""Remembers which events could not be deleted just now, so that others go in their place."""

import logging

from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import EventStays

log = logging.getLogger(__name__)

_PAUSE_US = 15 * 60_000_000


class LeftOut:
    """Events by id, each for a quarter of an hour; `event_id in left_out` asks. For one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_us: dict[str, int] = {}
        self._troubles: dict[str, str] = {}
        self._said: set[str] = set()

    def add(self, event_id: str, error: EventStays | None) -> None:
        """That event is not to be chosen for a while; `error` is None where nothing is wrong with its files."""
        self._until_us[event_id] = self._clock.monotonic_us() + _PAUSE_US
        if error is None:
            return
        self._troubles[event_id] = str(error)
        # Most often it is all of a day, which a daemon has begun that was once run as root: one line does.
        day = event_id.rpartition("/")[0]
        if day not in self._said:
            log.error("%s; others are deleted in its place", error)
            self._said.add(day)

    def forget_old(self) -> None:
        """Let those be chosen again whose time is over."""
        now_us = self._clock.monotonic_us()
        for event_id in [event_id for event_id, until_us in self._until_us.items() if until_us <= now_us]:
            del self._until_us[event_id]
            self._troubles.pop(event_id, None)

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._until_us

    @property
    def obstacles(self) -> tuple[str, ...]:
        """In words, what is the matter; empty if nothing is."""
        if not self._troubles:
            return ()
        others = f" (and {len(self._troubles) - 1} more)" if len(self._troubles) > 1 else ""
        first = next(iter(self._troubles.values()))
        return (f"an old event{others} stays, and newer ones go in its place: {first}",)
