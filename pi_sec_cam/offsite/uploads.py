"""How sending to one store goes: for the status, and in words. No I/O."""

import logging
import threading
from collections import deque
from collections.abc import Mapping
from typing import Literal

from pi_sec_cam.clock import Clock

log = logging.getLogger(__name__)

State = Literal["idle", "sending", "waiting", "refused"]

# Shorter failures are everyday, and mend themselves.
_WORTH_SAYING_S = 60.0
_SILENT_S = 120.0
_NAMED = 5


class Uploads:
    """Told by the uploader's thread, asked by any.

    Args:
        key, kind, where: of the store.
    """

    def __init__(self, key: str, kind: str, where: str, clock: Clock) -> None:
        self._key = key
        self._kind = kind
        self._where = where
        self._clock = clock
        self._told = threading.Lock()  # protects all below
        self._state: State = "idle"
        self._refuses = False  # since the last failure, until something is stored
        self._since_us = clock.monotonic_us()  # of the last sign of life of what is being sent
        self._last_error: str | None = None
        self._failing_us: int | None = None
        self._stored_us: int | None = None
        self._refused: deque[str] = deque(maxlen=_NAMED)

    def began(self, place: str) -> None:
        """A file is on its way."""
        with self._told:
            self._state = "sending"
            self._since_us = self._clock.monotonic_us()

    def goes_on(self) -> None:
        """The store works at it."""
        with self._told:
            self._since_us = self._clock.monotonic_us()

    def idle(self) -> None:
        """Given up for something more urgent."""
        with self._told:
            self._state = "idle"

    def stored(self) -> None:
        """It has arrived."""
        with self._told:
            self._state = "idle"
            self._stored_us = self._clock.monotonic_us()
            mended, self._failing_us, self._refuses = self._failing_us is not None, None, False
        if mended:
            log.info("%s takes files again", self._key)

    def failed(self, error: str, *, refused: bool) -> None:
        """It did not; `refused`: somebody has to do something before it will."""
        with self._told:
            new = self._failing_us is None or error != self._last_error
            self._state, self._refuses = "refused" if refused else "waiting", refused
            self._last_error = error
            if self._failing_us is None:
                self._failing_us = self._clock.monotonic_us()
        if new:
            log.log(logging.ERROR if refused else logging.WARNING, "%s: %s", self._key, error)

    def refused(self, place: str, error: str) -> None:
        """It never will."""
        with self._told:
            self._state = "idle"
            self._last_error = error
            self._refused.append(place)
        log.error("%s will never take %s, which is set aside: %s", self._key, place, error)

    def status(self) -> dict[str, object]:
        """See `Uploader.status`."""
        with self._told:
            return {
                "kind": self._kind,
                "where": self._where,
                "state": self._state,
                "last_error": self._last_error,
                "failing_since": self._date(self._failing_us),
                "last_stored": self._date(self._stored_us),
                "refused": list(self._refused),
            }

    def problems(self, figures: Mapping[str, object]) -> list[str]:
        """What somebody should know; `figures` as those of the store's departures."""
        with self._told:
            now_us = self._clock.monotonic_us()
            failing_s = 0.0 if self._failing_us is None else (now_us - self._failing_us) / 1e6
            silent_s = (now_us - self._since_us) / 1e6 if self._state == "sending" else 0.0
            error, refuses = self._last_error, self._refuses
        name = f"{self._kind} ({self._where})"
        waiting = f"{figures['files_waiting']} files wait here"
        said = []
        if refuses:
            said.append(f"{name} takes nothing: {error}; {waiting}")
        elif failing_s > _WORTH_SAYING_S:
            said.append(f"{name} has taken nothing for {_spoken(failing_s)}: {error}; {waiting}")
        elif silent_s > _SILENT_S:
            said.append(f"{name} has not answered for {_spoken(silent_s)}; {waiting}")
        if figures["files_dropped"]:
            said.append(f"{name} will not get {figures['files_dropped']} files: too many waited, or for too long")
        if figures["files_refused"]:
            said.append(f"{name} will never take {figures['files_refused']} files, which are set aside")
        return said

    def _date(self, monotonic_us: int | None) -> str | None:
        """By the clock as it is now: it may have been wrong then."""
        if monotonic_us is None:
            return None
        return self._clock.stamp(monotonic_us).wall.astimezone().isoformat(timespec="seconds")


def _spoken(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
