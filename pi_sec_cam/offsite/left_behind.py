"""What waits in the outbox for stores that are not configured any more: nobody sends it, and somebody should know."""

import logging
import os
from collections.abc import Collection
from pathlib import Path

from pi_sec_cam.offsite.outbox_files import OutboxFiles

log = logging.getLogger(__name__)


def stores_in(outbox: Path) -> list[str]:
    """The keys of all stores that have a directory in the outbox, which need not be there.

    Raises:
        OSError: from the disk.
    """
    try:
        names = os.listdir(outbox)
    except FileNotFoundError:
        return []
    return sorted(name for name in names if not name.startswith(".") and (outbox / name).is_dir())


class LeftBehind:
    """Any thread may use it: nobody else changes these directories.

    Args:
        outbox: the directory; need not be there.
        stores: those that are configured.
    """

    def __init__(self, outbox: Path, stores: Collection[str]) -> None:
        self._outbox = outbox
        self._stores = stores
        self._said: set[str] = set()

    def warn(self) -> None:
        """Say in the log what nobody sends, each directory once; what cannot be read now is passed by."""
        try:
            for store in self._others():
                waiting = sum(len(found.files) for found in OutboxFiles(self._outbox, [store]).waiting(lambda: None))
                if waiting and store not in self._said:
                    self._said.add(store)
                    log.warning(
                        "%d files wait in %s for a store that is not configured any more: configure it again, or "
                        "delete the directory",
                        waiting,
                        self._outbox / store,
                    )
        except OSError as error:
            log.debug("what was left behind cannot be read: %s", error)

    def withdraw(self, folder: str) -> None:
        """Remove what waits there of an event; durable on return.

        Args:
            folder: of the event, below `recordings/`.

        Raises:
            OSError: from the disk; the same call may be made again.
        """
        files = OutboxFiles(self._outbox, self._others())
        for found in files.waiting(lambda: None):
            if (found.folder or found.event) == folder:
                files.clear(found.store, found.place)

    def _others(self) -> list[str]:
        return [store for store in stores_in(self._outbox) if store not in self._stores]
