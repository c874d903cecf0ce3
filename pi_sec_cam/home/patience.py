"""Asks a place again that could not answer just now, and goes on with downloads that broke off."""

from collections.abc import Callable, Iterator
from threading import Event
from typing import TypeVar

from pi_sec_cam.backoff import Backoff
from pi_sec_cam.errors import StoreRefuses, TemporaryError

TRIES = 5
LONGEST_WAIT_S = 300.0

Answer = TypeVar("Answer")


class Patience:
    """Somebody sits there and waits: five tries, and no waiting for longer than five minutes.

    Args:
        tell: is told, in a sentence, what the matter is and for how long is waited.
        wait: waits so many seconds.
    """

    def __init__(
        self, tell: Callable[[str], None] | None = None, wait: Callable[[float], object] | None = None
    ) -> None:
        self._tell = tell or (lambda _: None)
        self._wait = wait or Event().wait

    def asked(self, ask: Callable[[], Answer]) -> Answer:
        """What `ask` returns.

        Raises:
            TemporaryError: the last one that `ask` raised; StoreRefuses, which waiting does not mend, at once.
        """
        trouble = _Trouble(self._tell, self._wait)
        while True:
            try:
                return ask()
            except TemporaryError as error:
                trouble.wait_out(error)

    def read(self, opened: Callable[[int], Iterator[bytes]], begin: int) -> Iterator[bytes]:
        """A file's bytes from `begin` on.

        Args:
            opened: the bytes from an offset on.

        Raises:
            TemporaryError: as `asked`; each piece that comes is a new beginning.
        """
        at, trouble = begin, _Trouble(self._tell, self._wait)
        while True:
            try:
                for piece in opened(at):
                    yield piece
                    at += len(piece)
                    trouble = _Trouble(self._tell, self._wait)
            except TemporaryError as error:
                trouble.wait_out(error)
            else:
                return


class _Trouble:
    """Tries in a row that came to nothing."""

    def __init__(self, tell: Callable[[str], None], wait: Callable[[float], object]) -> None:
        self._tell = tell
        self._wait = wait
        self._backoff = Backoff(first=1.0, cap=LONGEST_WAIT_S)
        self._tries = 0

    def wait_out(self, error: TemporaryError) -> None:
        """Wait, or raise the error: it is of no use."""
        self._tries += 1
        seconds = max(self._backoff.wait(), error.retry_after_s or 0.0)
        if isinstance(error, StoreRefuses) or self._tries == TRIES or seconds > LONGEST_WAIT_S:
            raise error
        self._tell(f"{error}. Once more in {seconds:.0f} s")
        self._wait(seconds)
