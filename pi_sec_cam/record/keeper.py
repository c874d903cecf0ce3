"""Looks after one storage directory while the daemon runs: its disk, its list of events, and room for new ones."""

import errno
import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.disk import Disk, DiskState
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.listing import EventListing
from pi_sec_cam.record.room import RoomMaker
from pi_sec_cam.worker import Worker

if TYPE_CHECKING:
    from pi_sec_cam.record.catalogue import Catalogue

log = logging.getLogger(__name__)

_LOOK_S = 1.0
_SLOW_S = 10.0
_FULL = {errno.ENOSPC, errno.EDQUOT}


class StorageKeeper(Worker):
    """Looks at the disk every second, and acts when something is to be done; else it writes nothing.

    - The right disk has come, at the start or later: its lock is taken, the catalogue is opened, and what was left
      unfinished is finished, beside recording. While it is not there, `guard` refuses new events.
    - The catalogue fails: recording goes on, and what was recorded is listed when it works again.
    - A limit is crossed, or a recorder finds the disk full: room is made.

    What a disk says to any of this, as StorageError or a bare OSError, goes to the status, and the step is tried again.

    Args:
        archive: of the storage directory; its formats do not matter here.
        lock_storage: takes the directory's lock when the disk has come; StorageError if another daemon has it.
        unlock_storage: lets go of it when the disk has gone: a file system that is in use can neither be repaired nor
            be mounted anew.
        on_room: told when room was made or the disk has come back; must not block.
        on_interrupted: told the ids of events that a crash had interrupted, once their files are in order; the same.

    Attributes:
        patience_s: a quarter of an hour. That a disk hangs is no reason to start anew, which would lose what waits in
            memory; after so long that has overflowed anyhow, and it may as well be we who hang.
    """

    patience_s = 900.0

    def __init__(
        self,
        archive: Archive,
        disk: Disk,
        room: RoomMaker,
        *,
        clock: Clock,
        lock_storage: Callable[[], None],
        unlock_storage: Callable[[], None],
        on_room: Callable[[], None],
        on_interrupted: Callable[[Sequence[str]], None] = lambda _ids: None,
    ) -> None:
        super().__init__("storage", clock)
        self._archive = archive
        self._disk = disk
        self._room = room
        self._lock_storage = lock_storage
        self._unlock_storage = unlock_storage
        self._on_room = on_room
        self._listing = EventListing(archive, clock, self.stopping, self.advance, on_interrupted)
        self._wake = threading.Event()
        self._rebuild_asked = threading.Event()  # set by any thread, cleared by this one when it is done
        # All below: written by this thread (by `open` before it runs), read by any; each is replaced as a whole.
        self._state = DiskState(kind="missing")
        self._ours = False  # the disk that is there is locked
        self._lacks_room = False  # for the files that are needed to lock it
        self._device: int | None = None  # of the disk that was taken up; None while there is none
        self._disk_trouble: str | None = None

    def claim(self) -> None:
        """See that this is where recordings are kept, and that nobody else keeps theirs there.

        A disk that is missing, the wrong one or full is no error here: the cameras watch, and that may change.

        Raises:
            StorageError: nobody can ever record there (no permission, say), or another daemon does.
        """
        state = self._state = self._disk.claim()
        if state.kind == "unusable":
            raise StorageError(state.detail)
        trouble = state.detail
        if state.writable:
            try:
                self._make_ours()
            except StorageError as error:
                if not self._lacks_room:
                    raise
                trouble = str(error)
        self._report(trouble)

    def open(self) -> None:
        """Open the catalogue of the disk that was claimed, before anything is recorded; `start` sees to the rest."""
        if self._ours:
            self._listing.open()
            self._device = self._state.device

    @property
    def catalogue(self) -> "Catalogue":
        """The list of events.

        Raises:
            StorageError: there is none now; says why.
        """
        catalogue = self._listing.catalogue
        if catalogue is None:
            raise StorageError(self._disk_trouble or self._listing.trouble or "the list of events is being opened")
        return catalogue

    def guard(self) -> None:
        """Asked by recorders before they make a folder.

        Raises:
            StorageError: the right disk is not there, or has not been taken up yet.
        """
        self._disk.guard()
        if self._device is None:
            raise StorageError(self._disk_trouble or f"{self._archive.directory} has come back and is being looked at")
        if not self._archive.recordings.is_dir():  # somebody has deleted all of it
            self._archive.prepare()

    def keep(self, record: EventRecord) -> None:
        """List an event; called by recorders. What cannot be listed now is listed later."""
        try:
            self.catalogue.put(record)
        except OSError as error:
            self._listing.fails(error)
        if record.state != "recording":
            self._archive.running.discard(record.id)
        self._room.written()  # an event is listed once a part of it is on the disk
        self.changed()

    def changed(self) -> None:
        """An event has begun, ended or been deleted."""
        self._room.changed()
        self._wake.set()

    def disk_refuses(self, error: OSError) -> None:
        """A recorder could not write: if the disk is full, room is made at once."""
        if error.errno in _FULL:
            self._room.refused()
        self._wake.set()

    def rebuild(self) -> None:
        """Have the list of events made anew from the files; `status` says when that is done, and with what end.

        Called by other threads. While it is being done already, whoever asks gets the same end.
        """
        self._rebuild_asked.set()
        self._wake.set()

    def stop(self) -> None:
        super().stop()
        self._wake.set()

    def work(self) -> None:
        while not self.stopping.is_set():
            self.advance()
            self._look()
            if self._device is not None and self._listing.tidy():
                self._room.changed()
            if self._device is not None or self._lacks_room:
                self._make_room()
            self._rebuild_if_asked()
            self._wake.wait(_LOOK_S)
            self._wake.clear()

    def close(self) -> None:
        """Let go of the catalogue; after the recorders have ended, which still use it."""
        self._listing.close()

    @property
    def tidying(self) -> bool:
        """Whether what a crash has left is still to be dealt with."""
        return self._listing.to_tidy

    @property
    def settled(self) -> bool:
        """Whether the disk is there and what a crash has left on it has been dealt with."""
        return self._device is not None and not self.tidying

    def problems(self) -> list[str]:
        """What does not work, in words."""
        silent_s = (self.clock.monotonic_us() - self.advanced_us) / 1e6 if self.alive else 0.0
        slow = f"{self._archive.directory} has not answered for {silent_s:.0f} s" if silent_s > _SLOW_S else None
        return [text for text in (slow, self._disk_trouble, self._listing.trouble, *self._room.obstacles) if text]

    def status(self) -> dict[str, object]:
        """Plain JSON values; the disk is not asked for them, because it may not answer."""
        state = self._state
        events = None if self._listing.catalogue is None else self._room.events
        return {
            "directory": str(self._archive.directory),
            "disk": state.kind,
            "disk_id": state.storage_id,
            "free_bytes": state.free_bytes,
            "total_bytes": state.total_bytes,
            "events": events,
            "events_bytes": None if events is None else self._room.events_bytes,
            "events_deleted": self._room.deleted,
            "lasts_days": self._room.lasts_days(state),
            "tidying": self.tidying,
            "rebuilding": self._rebuild_asked.is_set(),
            "rebuilt": self._listing.rebuilt,
            "note": self._listing.note,
        }

    def _look(self) -> None:
        before = self._state
        # A disk that was full when it was taken up has no id yet.
        unclaimed = self._device is None or before.storage_id is None
        state = self._state = self._disk.claim() if unclaimed else self._disk.check()
        trouble = state.detail
        # Two directories of one file system, bound to the same place in turn, have the same device.
        is_another = state.device != self._device or before.storage_id not in {None, state.storage_id}
        if self._device is not None and is_another:
            log.error("%s; the cameras watch on", trouble or f"the disk of {self._archive.directory} was changed")
            self._ours, self._device, self._disk_trouble = False, None, trouble or None
            self.close()
            self._unlock_storage()
        if self._device is None and state.writable:
            try:
                self._make_ours()
            except OSError as error:  # another daemon was quicker, say
                trouble = str(error)
            else:
                self.open()
        self._report(trouble)
        if self._device is not None and state.kind == "ready" and before.kind != "ready":
            self._on_room()

    def _make_ours(self) -> None:
        """A disk may be new and empty, also one that comes while the daemon runs."""
        self._lacks_room = False
        try:
            self._archive.prepare()
            self._lock_storage()
        except StorageError as error:
            # Where a file to lock cannot even be made, nobody holds it: room may be made.
            self._lacks_room = error.errno in _FULL
            raise
        self._ours = True

    def _report(self, trouble: str) -> None:
        if trouble and not self._disk_trouble:
            log.error("%s; the cameras watch on", trouble)
        elif self._disk_trouble and not trouble:
            log.info("%s can be written to again", self._archive.directory)
        self._disk_trouble = trouble or None

    def _make_room(self) -> None:
        catalogue = self._listing.catalogue
        try:
            if catalogue is None:
                made = self._room.make_without_list(self._state, self.stopping, self.advance)
            else:
                made = self._room.make(self._state, catalogue, self.stopping, self.advance)
        except OSError as error:
            self._listing.fails(error)
            return
        if made:
            if catalogue is None:
                self._listing.open_soon()
            self._on_room()

    def _rebuild_if_asked(self) -> None:
        if self._rebuild_asked.is_set():
            self._listing.rebuild(self.guard)
            self._room.changed()
            if not self.stopping.is_set():
                self._rebuild_asked.clear()
