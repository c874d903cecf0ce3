"""Keeps what leaves from being ahead of the disk, as long as the disk keeps up."""

from typing import Protocol

from pi_sec_cam.offsite.outgoing import EventHome

_PATIENCE_S = 0.25


class EventProgress(EventHome, Protocol):
    """How far an event is on the disk. Any thread may ask; places are numbers of the ring's units."""

    def wait_named(self, seconds: float) -> str | None:
        """The event's folder, relative to `recordings/`; None if it has none in time."""
        ...

    def bring(self, number: int) -> None:
        """Ask for everything before unit `number` to be on the disk as soon as possible; does not wait."""
        ...

    def wait_kept(self, number: int, seconds: float) -> bool:
        """Wait until everything before unit `number` is on the disk; whether it is."""
        ...


class DiskFirst:
    """One event's way to the disk, as seen by what leaves: asked early, waited for shortly before the hand-over.

    A disk that does not answer in time is not waited for again until it has caught up: what leaves is then ahead of it,
    rather than late.
    """

    def __init__(self, progress: EventProgress) -> None:
        self._progress = progress
        self._behind_to: int | None = None  # what it did not have in time

    def ask(self, number: int) -> None:
        """Everything before this unit will be waited for."""
        self._progress.bring(number)

    def wait(self, number: int) -> None:
        """Wait, a quarter of a second at most, for everything before this unit to be on the disk."""
        if self._behind_to is not None and self._progress.wait_kept(self._behind_to, 0):
            self._behind_to = None
        patience_s = _PATIENCE_S if self._behind_to is None else 0
        if not self._progress.wait_kept(number, patience_s):
            self._behind_to = max(number, self._behind_to or 0)
