"""The disk of the outbox: whether it is there, and what is found on it when it has come."""

import errno
import logging
import os
from collections.abc import Callable

from pi_sec_cam.offsite.event_journal import EventJournals
from pi_sec_cam.offsite.journal import JournalTooNew
from pi_sec_cam.offsite.left_behind import LeftBehind
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outbox_files import OutboxFiles

log = logging.getLogger(__name__)


class OutboxDisk:
    """One thread, the writer's.

    Args:
        guard: as OutboxWriter has it.
        on_progress: told that reading goes on.
    """

    def __init__(
        self,
        outbox: Outbox,
        files: OutboxFiles,
        journals: EventJournals,
        *,
        guard: Callable[[], None],
        on_progress: Callable[[], None],
    ) -> None:
        self._outbox = outbox
        self._chores = outbox.chores
        self._files = files
        self._journals = journals
        self._guard = guard
        self._on_progress = on_progress
        self._left_behind = LeftBehind(outbox.directory, outbox.departures)
        self._in_order: tuple[int, int] | None = None  # device and inode of the storage directory that is

    def look(self) -> None:
        """On return the disk is there, and what waits on it is known.

        Raises:
            OSError: it is not, or takes nothing; from one that can be read, what waits leaves all the same.
        """
        try:
            self._guard()
            status = os.stat(self._outbox.directory.parent)
            if self._in_order != (status.st_dev, status.st_ino) or not self._chores.known:
                self._journals.forget()
                self._finish_half_written()
                self._find()
                self._in_order = (status.st_dev, status.st_ino)
        except OSError as error:
            if error.errno == errno.EROFS and self._can_be_read():
                self._chores.disk_is_back()
            else:
                self._in_order = None
                self._chores.disk_is_away()
            raise

    def _can_be_read(self) -> bool:
        """Whether what waits on a disk that takes nothing is known."""
        if self._in_order is None and not self._chores.known:
            try:
                self._find()
            except OSError:
                return False
        return True

    def _finish_half_written(self) -> None:
        """What a crash has left in .writing."""
        half_written = list(self._files.half_written())
        found = self._files.waiting(self._on_progress) if half_written else []
        places = {(each.store, each.event): each.place for each in found}
        for event, paths in half_written:
            try:
                journal = self._journals.read(event)
            except JournalTooNew as error:
                log.error("%s: %s; what was half written waits for that", event.name, error)
                continue
            lines = journal.files if journal else {}
            for store in self._outbox.departures:
                known = [path for path in paths if path.name in lines and store in lines[path.name]["stores"]]
                if known:
                    self._files.link(event, store, places.get((store, event.name), event.name), known)
            self._files.written(paths)
            self._files.done_writing(event)

    def _find(self) -> None:
        refused = {store: self._files.refused(store) for store in self._outbox.departures}
        self._chores.found(self._files.waiting(self._on_progress), refused=refused)
        self._left_behind.warn()
