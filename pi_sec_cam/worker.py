"""One stoppable thread: the only kind of thread that the core uses."""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence

from pi_sec_cam.clock import Clock, SystemClock
from pi_sec_cam.errors import WorkerStuck

log = logging.getLogger(__name__)


class Worker(ABC):
    """A named thread that runs `work` until it returns or `stopping` is set.

    `work` waits only with time limits (half a second at most) so that a stop is quick, and calls
    `advance()` whenever it got something done: health is judged by progress, not by being alive.
    An exception that leaves `work` is a bug of ours: it is logged whole and kept in `fault`.

    Attributes:
        patience_s: seconds without progress after which it counts as stuck.
    """

    patience_s = 30.0

    def __init__(self, name: str, clock: Clock | None = None) -> None:
        self.name = name
        self.clock: Clock = clock or SystemClock()
        self.stopping = threading.Event()
        self.fault: BaseException | None = None
        self.advanced_us = self.clock.monotonic_us()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def work(self) -> None:
        """The thread's whole life."""

    def advance(self) -> None:
        """Say that something got done."""
        self.advanced_us = self.clock.monotonic_us()

    def start(self) -> None:
        """Start the thread; once only."""
        self.advance()
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; does not wait. May be called often and from any thread."""
        self.stopping.set()

    def join(self, seconds: float) -> bool:
        """Wait for the end; whether it came."""
        if self.started:
            self._thread.join(max(0.0, seconds))
        return not self._thread.is_alive()

    @property
    def started(self) -> bool:
        """Whether `start` was called."""
        return self._thread.ident is not None

    def overdue(self) -> bool:
        """Whether the thread runs and has not got on for longer than its patience."""
        return self.alive and self.clock.monotonic_us() - self.advanced_us > self.patience_s * 1e6

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.work()
        except BaseException as error:
            self.fault = error
            log.critical("%s died of an unexpected error; please report it", self.name, exc_info=True)


def stop_all(workers: Sequence[Worker], seconds: float) -> None:
    """Signal all, then join all with one deadline.

    Raises:
        WorkerStuck: naming each worker that did not end.
    """
    for worker in workers:
        worker.stop()
    clock = SystemClock()
    deadline_us = clock.monotonic_us() + round(seconds * 1e6)
    stuck = [w.name for w in workers if not w.join((deadline_us - clock.monotonic_us()) / 1e6)]
    if stuck:
        raise WorkerStuck(f"did not end within {seconds:g} s: {', '.join(stuck)}")
