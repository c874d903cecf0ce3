"""Does what the disk may refuse: again and again, until it is done or there is no more time."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pi_sec_cam.clock import Clock
from pi_sec_cam.worker import Worker

log = logging.getLogger(__name__)

_RETRY_US = 500_000
_WAIT_S = 0.25
# A disk that has not answered for so long is worth a word in the status.
_SLOW_US = 2_000_000

_T = TypeVar("_T")


class Insistence:
    """Steps that need the disk, in a worker's thread; other threads may ask what is the matter, and for another try.

    Args:
        worker: it advances while the disk refuses; once it is stopped, there is one last try.
        whose: name of the camera, for the log.
        on_trouble: is told each time that the disk has refused something.

    Attributes:
        gave_up: the last try has failed; nothing is tried any more.
    """

    def __init__(self, worker: Worker, whose: str, on_trouble: Callable[[OSError], None] | None) -> None:
        self._worker = worker
        self._whose = whose
        self._on_trouble = on_trouble
        # Protects `_retry`, which any thread sets.
        self._changed = threading.Condition()
        self._retry = False
        self._waits_since_us: int | None = None
        self._trouble: str | None = None
        self.gave_up = False

    @property
    def trouble(self) -> str | None:
        """What the disk said when it last refused, or that it does not answer at all; None if it works."""
        since_us = self._waits_since_us
        waited_us = 0 if since_us is None else self._worker.clock.monotonic_us() - since_us
        slow = f"the disk has not answered for {waited_us / 1e6:.0f} s" if waited_us > _SLOW_US else None
        return self._trouble or slow

    @property
    def waits(self) -> bool:
        """Whether the disk is being waited for at this moment."""
        return self._waits_since_us is not None

    def retry(self) -> None:
        """Try again at once."""
        with self._changed:
            self._retry = True
            self._changed.notify_all()

    def wake(self) -> None:
        """The worker was stopped."""
        with self._changed:
            self._changed.notify_all()

    def until_done(self, step: Callable[[], _T], *, before_another_try: Callable[[], None]) -> _T:
        """The result of `step`, when it has not raised an OSError; `before_another_try` may raise such, too.

        Raises:
            GaveUp: the worker is stopped, and the disk has refused one last time.
        """
        failed = last = False
        while not self.gave_up:
            try:
                with self.waiting():
                    if failed:
                        before_another_try()
                    done = step()
            except OSError as error:
                self.report(str(error))
                if self._on_trouble is not None:
                    self._on_trouble(error)
                self.gave_up = last
                failed, last = True, self._pause()
            else:
                if failed:
                    self.works()
                return done
        raise GaveUp

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """What is done in the block may take as long as the disk likes."""
        self._waits_since_us = self._worker.clock.monotonic_us()
        try:
            yield
        finally:
            self._waits_since_us = None

    def report(self, trouble: str) -> None:
        """Something could not be written."""
        trouble = f"cannot record: {trouble}"
        if trouble != self._trouble:
            log.error("%s: %s", self._whose, trouble)
        self._trouble = trouble

    def works(self) -> None:
        """Something has reached the disk."""
        if self._trouble:
            log.info("%s: recording works again", self._whose)
            self._trouble = None

    def _pause(self) -> bool:
        """Wait until it is time to try again; whether that will be the last time."""
        worker = self._worker
        until_us = worker.clock.monotonic_us() + _RETRY_US
        with self._changed:
            while not (self._retry or worker.stopping.is_set() or worker.clock.monotonic_us() >= until_us):
                self._changed.wait(_WAIT_S)
                worker.advance()
            self._retry = False
        return worker.stopping.is_set()


class GaveUp(Exception):
    """The worker was stopped while the disk refused to take what it has."""


class InsistentWorker(Worker):
    """A worker that writes to a disk which may refuse or not answer.

    Args:
        whose: for the log.
        on_trouble: as Insistence has it.
    """

    def __init__(
        self, name: str, clock: Clock, *, whose: str, on_trouble: Callable[[OSError], None] | None = None
    ) -> None:
        super().__init__(name, clock)
        self._disk = Insistence(self, whose, on_trouble)

    @property
    def trouble(self) -> str | None:
        """What keeps it from recording, None if nothing does."""
        return self._disk.trouble

    def overdue(self) -> bool:
        """Not while it waits for the disk: to be started anew would only lose what waits in memory."""
        return not self._disk.waits and super().overdue()

    def retry(self) -> None:
        """Room was made, the disk is back: try again at once. From any thread."""
        self._disk.retry()

    def stop(self) -> None:
        super().stop()
        self._disk.wake()
