"""Reads a live source in a thread of its own, because FFmpeg's waiting can't be interrupted."""

import threading
from collections import deque
from collections.abc import Callable

from pi_sec_cam.camera.demux import Received, Source
from pi_sec_cam.camera.reading_pace import ReadingPace
from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import SourceError
from pi_sec_cam.worker import Worker

# Some seconds of video: when more is waiting, reading pauses and TCP tells the camera.
_MOST_WAITING = 256


class Receiver(Worker):
    """One connection: opened, read and closed in this thread; its packets wait here for `read`, or go to `pass_to`.

    Looking up a host name, connecting and reading block, up to twice their time limit. Whoever wants to stop
    does not wait for that: after `stop` this thread ends by itself, as soon as FFmpeg lets go.
    """

    def __init__(self, url: str, name: str, clock: Clock) -> None:
        super().__init__(name, clock)
        self._url = url
        # Protects all below: written by this thread, read by the camera's.
        self._changed = threading.Condition()
        self._source: Source | None = None
        self._waiting: deque[Received] = deque()
        self._take: Callable[[Received], None] | None = None
        self._pace: ReadingPace | None = None
        self._hurry: Callable[[], bool] = lambda: False
        self._failure: BaseException | None = None

    def stop(self) -> None:
        """Ask the thread to end. What was given to `pass_to` is not called any more."""
        super().stop()
        with self._changed:
            self._take = None

    def work(self) -> None:
        try:
            self._receive()
        except SourceError as error:
            self._fail(error)
        except BaseException as error:
            self._fail(error)
            raise

    def opened(self, seconds: float) -> Source | None:
        """The source, once it is open; None if that takes longer than `seconds`.

        Raises:
            SourceAway, SourceUnusable: it could not be opened.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._source or self._failure, seconds)
            if self._source is None and self._failure is not None:
                raise self._failure
            return self._source

    def read(self, seconds: float) -> Received | None:
        """The next packet; None if none comes within `seconds`.

        Raises:
            SourceAway: all was read, and the source is lost.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._failure, seconds)
            if self._waiting:
                self._changed.notify_all()
                return self._waiting.popleft()
            if self._failure is not None:
                raise self._failure
            return None

    def pass_to(self, take: Callable[[Received], None], pace: ReadingPace | None, hurry: Callable[[], bool]) -> bool:
        """Give each further packet to `take`, in this worker's thread; whether all that waited had been read.

        If not, nothing changes. `take` must neither block nor raise. Waking another thread for each packet costs more
        than what most packets need. `pace` says when to read; None: as the packets come, as while `hurry` is true.
        """
        with self._changed:
            if not self._waiting:
                self._take, self._pace, self._hurry = take, pace, hurry
            return not self._waiting

    @property
    def waiting(self) -> int:
        """Packets that came and were not yet read."""
        with self._changed:
            return len(self._waiting)

    def _receive(self) -> None:
        with Source(self._url, self.clock) as source:
            with self._changed:
                self._source = source
                self._changed.notify_all()
            ready_us = self.clock.monotonic_us()
            for received in source.packets():
                self.advanced_us = received.arrival_us
                with self._changed:
                    if self._take is not None:
                        self._take(received)
                    else:
                        self._keep(received)
                if self.stopping.is_set():
                    return
                ready_us = self._rest(received, ready_us)

    def _rest(self, received: Received, ready_us: int) -> int:
        """Wait until it is worth while to read again; when that is, in monotonic time.

        `ready_us` is when the reading of what was received began.
        """
        if self._pace is None:
            return received.arrival_us
        waited_us = received.arrival_us - ready_us
        pause_us = self._pace.pause_us(received.dts_us, received.packet.size, waited_us, received.arrival_us)
        if pause_us and not self._hurry():
            self.stopping.wait(pause_us / 1e6)
            return self.clock.monotonic_us()
        return received.arrival_us

    def _keep(self, received: Received) -> None:
        """For `read`; the lock is held."""
        while len(self._waiting) >= _MOST_WAITING and not self.stopping.is_set():
            self._changed.wait(0.2)
        self._waiting.append(received)
        self._changed.notify_all()

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._failure = error
            self._changed.notify_all()
