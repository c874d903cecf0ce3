"""Sends what waits for one store, one file at a time, for ever."""

import logging
import math
from random import Random

from pi_sec_cam.backoff import Backoff
from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import Interrupted, NameTaken, PermanentError, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.departures import Departures
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.stores.protocol import Store
from pi_sec_cam.offsite.uploads import Uploads
from pi_sec_cam.offsite.waiting import WaitingFile
from pi_sec_cam.worker import Worker

log = logging.getLogger(__name__)

_IDLE_S = 5.0
_FIRST_S, _LONGEST_S, _REFUSED_S = 1.0, 60.0, 300.0
_READS = 3


class Uploader(Worker):
    """One store's thread. What a store says is answered as docs/outbox.md has it; nothing that it does ends the thread.

    Args:
        key: of the store, as the outbox knows it.

    Attributes:
        patience_s: endless: a store that never answers holds up nobody else, and to start anew would not help.
    """

    patience_s = math.inf

    def __init__(self, store: Store, key: str, outbox: Outbox, clock: Clock, *, chance: Random | None = None) -> None:
        super().__init__(f"uploader to {key}", clock)
        self._store = store
        self._departures: Departures = outbox.departures[key]
        self._uploads = Uploads(key, store.kind, store.where, clock)
        self._busy = Backoff(first=_FIRST_S, cap=_LONGEST_S, chance=chance)
        self._refusing = Backoff(first=_FIRST_S, cap=_REFUSED_S, chance=chance)
        self._unreadable: tuple[WaitingFile, int] | None = None

    def stop(self) -> None:
        super().stop()
        self._departures.wake()

    def work(self) -> None:
        try:
            self._store.warm()
            while not self.stopping.is_set():
                self.advance()
                rest = self.step(_IDLE_S)
                if rest is not None:
                    seconds, unless_new = rest
                    self._departures.rest(seconds, self.stopping, unless_new=unless_new)
        finally:
            self._store.close()
            if waiting := self._departures.figures()["files_waiting"]:
                said = "%s: %s files have not left; those that are on the disk will after the next start"
                log.info(said, self._departures.key, waiting)

    def step(self, seconds: float) -> tuple[float, bool] | None:
        """Send the next file, after waiting for one at most so long.

        Returns:
            How long to rest after a failure, and whether a new event may end that; None if there is no reason to.
        """
        file = self._departures.take(seconds, self.stopping)
        if file is None:
            return None
        data = self._read(file)
        if data is None:
            return (_FIRST_S, True) if self._unreadable else None
        place = self._departures.place(file)
        self._uploads.began(place)
        try:
            self._store.put(place, data, interrupted=self._interrupted)
        except Exception as error:  # noqa: BLE001 - a fault of a store must not end this; reported below
            return self._failed(file, place, error)
        self._departures.stored(file)
        self._uploads.stored()
        self._busy.reset()
        self._refusing.reset()
        return None

    def status(self) -> dict[str, object]:
        """Plain JSON values.

        kind and where: of the store; state: "idle", "sending", "waiting" (for its turn after a failure) or "refused"
        (somebody has to do something); files_waiting, bytes_waiting; oldest_unsent_s: age of what waits longest;
        last_error, failing_since and last_stored (ISO 8601), each null if there is none; files_sent, bytes_sent,
        files_dropped, bytes_dropped since the start; files_refused: set aside; refused: the last of them.
        """
        return self._uploads.status() | self._departures.figures()

    def problems(self) -> list[str]:
        """What somebody should know, in words."""
        return self._uploads.problems(self._departures.figures())

    def _interrupted(self) -> bool:
        self._uploads.goes_on()
        return self.stopping.is_set() or self._departures.gives_way()

    def _read(self, file: WaitingFile) -> bytes | None:
        try:
            data = self._departures.read(file)
        except OSError as error:
            tries = 1 + (self._unreadable[1] if self._unreadable and self._unreadable[0] is file else 0)
            self._unreadable = (file, tries)
            self._uploads.failed(f"cannot read what waits: {error}", refused=False)
            if tries < _READS:
                self._departures.put_back()
                return None
            self._departures.refuse(file, f"cannot be read: {error.strerror}")
            self._uploads.refused(file.name, str(error))
            data = None
        self._unreadable = None
        return data

    def _failed(self, file: WaitingFile, place: str, error: Exception) -> tuple[float, bool] | None:
        """What to do after a put that did not succeed; as `step` returns it."""
        match error:
            case Interrupted():
                self._departures.put_back()
                self._uploads.idle()
                return None
            case NameTaken():
                new = self._departures.rename(file)
                log.warning("%s; what is left of this event goes to %s", error, new)
                self._uploads.idle()
                return _FIRST_S, True
            case PermanentError():
                self._departures.refuse(file, str(error))
                self._uploads.refused(place, str(error))
                return None
            case StoreRefuses():
                pause, refused = self._refusing, True
            case TemporaryError():
                pause, refused = self._busy, False
            case _:
                log.error("a fault in %s; please report it", self.name, exc_info=error)
                pause, refused = self._busy, False
        self._departures.put_back()
        known = isinstance(error, TemporaryError)
        self._uploads.failed(str(error) if known else f"{type(error).__name__}: {error}", refused=refused)
        asked_s = error.retry_after_s if isinstance(error, TemporaryError) else None
        return max(pause.wait(), asked_s or 0.0), not asked_s
