"""How far an event has come on the disk, and the wish of others that it come further at once."""

import threading
from collections.abc import Callable
from pathlib import Path

from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import folder_of_id


class EventProgress:
    """Between the recorder, which tells, and those who must not be ahead of the disk, who ask from any thread.

    Places in the stream are those of the ring: the number of the next unit, as readers of the ring count them
    (`EventReader.next_number`). What the recorder leaves out (leading pictures at a cut, what was lost) counts as kept
    with what comes after it: nobody need wait for that.

    Args:
        wake: makes the recorder look whether it is `asked`; called in the asker's thread.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        # Protects all below; written by the recorder's thread, but for `_wanted`, which any may.
        self._changed = threading.Condition()
        self._folder: EventFolder | None = None
        self._wanted = 0
        self._kept_to = 0
        self._over = False

    def folder(self) -> Path | None:
        """Where the event's files are; None while they are nowhere, or their disk is away."""
        with self._changed:
            path = self._folder.path if self._folder else None
        return path if path is not None and path.is_dir() else None

    def wait_named(self, seconds: float) -> str | None:
        """The event's folder, relative to `recordings/`; None if it has none in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._folder or self._over, seconds)
            return folder_of_id(self._folder.id) if self._folder else None

    def bring(self, number: int) -> None:
        """Ask for everything before unit `number` to be on the disk as soon as possible; does not wait."""
        with self._changed:
            if self._over or number <= max(self._wanted, self._kept_to):
                return
            self._wanted = number
        self._wake()

    def wait_kept(self, number: int, seconds: float) -> bool:
        """Wait until everything before unit `number` is on the disk; whether it is."""
        with self._changed:
            self._changed.wait_for(lambda: self._kept_to >= number or self._over, seconds)
            return self._kept_to >= number

    @property
    def kept_to(self) -> int:
        """Everything before this unit is on the disk."""
        with self._changed:
            return self._kept_to

    @property
    def over(self) -> bool:
        """Nothing more will come to the disk: the event is recorded to its end, or was given up."""
        with self._changed:
            return self._over

    def asked(self, reached: int) -> bool:
        """For the recorder, which has taken all units before `reached`: whether they are to be on the disk now."""
        with self._changed:
            return not self._over and self._kept_to < self._wanted <= reached

    def stands(self, folder: EventFolder) -> None:
        """For the recorder: this is the event's folder (from now on: a lost one gets a successor)."""
        with self._changed:
            self._folder = folder
            self._changed.notify_all()

    def kept(self, number: int) -> None:
        """For the recorder: everything before unit `number` is on the disk."""
        with self._changed:
            self._kept_to = max(self._kept_to, number)
            self._changed.notify_all()

    def end(self) -> None:
        """For the recorder: that was all of it."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
