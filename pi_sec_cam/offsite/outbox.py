"""What waits to leave, in memory and on the disk: handed over by chunkers, made durable by the writer, sent by uploaders."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from pi_sec_cam.clock import Clock
from pi_sec_cam.offsite.outgoing import EventHome, OutgoingFile


class Outbox:
    """What waits for each store. Any thread; no call waits for a disk or a store.

    Args:
        directory: where it is kept: `<storage.directory>/outbox`; need not be there.
        recordings: the folder of the recordings, beside which the journals are.
        stores: their keys, names of directories: "dropbox", "s3-1a2b3c4d", …
        max_bytes: the most that may wait for one store.
        max_age_s: how long a file may wait for one store, None for ever.
        memory_bytes: the most that chunkers should hand over while the disk takes nothing.
        on_offsite: told, in the writer's thread, the folder of an event that one store has whole; may raise OSError,
            and is then told again.
    """

    def __init__(
        self,
        directory: Path,
        recordings: Path,
        stores: Sequence[str],
        *,
        max_bytes: int,
        max_age_s: float | None,
        clock: Clock,
        on_offsite: Callable[[Path], None],
        memory_bytes: int = 32 << 20,
    ) -> None:
        self.directory = directory
        self.recordings = recordings
        self.stores = tuple(stores)
        self.clock = clock
        self.on_offsite = on_offsite
        self._changed = threading.Condition()

    def begin(self, event: str, home: EventHome) -> str:
        """An event starts.

        Args:
            event: the folder that it should get off-site, `<camera>/<day>/<time>`.
            home: where it is kept here.

        Returns:
            The name to use in the calls below: `event`, or with -2, -3, … where that is known already.
        """
        raise NotImplementedError

    def resumed(self, event: str, home: EventHome) -> None:
        """An event that was interrupted goes on: what is added gets into its journal (`event` is that of its header)."""
        raise NotImplementedError

    def add(self, event: str, file: OutgoingFile) -> None:
        """Hand over the next file of an event that has begun; ask `has_room` before. For every store."""
        raise NotImplementedError

    def finish(self, event: str) -> None:
        """Nothing more will be added to this event."""
        raise NotImplementedError

    def withdraw(self, folder: str) -> None:
        """The owner deleted the event with this folder below `recordings/`: what of it has not left is dropped."""
        raise NotImplementedError

    @property
    def has_room(self) -> bool:
        """Whether the memory for files that are not on the disk yet may take another."""
        raise NotImplementedError

    def wait_room(self, seconds: float) -> bool:
        """Wait until `has_room`; whether it has."""
        raise NotImplementedError

    def congested(self, event: str) -> bool:
        """Whether every store is still busy with, or backing off from, what this event has given it before."""
        raise NotImplementedError
