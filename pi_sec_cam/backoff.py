"""How long to wait before another attempt."""

from random import Random


class Backoff:
    """Waiting times that double from `first` to `cap`, each shortened by up to half at random.

    Chance keeps many from asking one that comes back (a camera, a store) all at the same instant.
    """

    def __init__(self, *, first: float = 0.5, cap: float = 30.0, chance: Random | None = None) -> None:
        self._first = self._next = first
        self._cap = cap
        self._chance = chance or Random()  # noqa: S311 - nothing to guess here

    def wait(self) -> float:
        """Seconds before the next attempt."""
        seconds = self._next
        self._next = min(2 * seconds, self._cap)
        return seconds * self._chance.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin with the first waiting time again."""
        self._next = self._first
