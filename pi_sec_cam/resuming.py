"""After a start: sends the rest of the events that the last run could not send to their end."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import EventNotFound
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.offsite.journal import Journal, read_journal
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outgoing import EventHome
from pi_sec_cam.offsite.resume import NoRoom
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_folder import PICTURE_NAME, EventFolder
from pi_sec_cam.record.event_record import folder_of_id, id_of_folder
from pi_sec_cam.record.stored_units import stored_units
from pi_sec_cam.worker import Worker

log = logging.getLogger(__name__)

_READY_S = 0.25
_LOOK_S = 30.0  # for events of which all that was known has left; nobody waits for that
_ROOM_S = 0.25


class Resume(Protocol):
    """`offsite.resume.resume`, with what it needs of the configuration."""

    def __call__(
        self,
        event: str,
        journal: Journal | None,
        stored: Callable[[], Iterable[AccessUnit]],
        picture: bytes | None,
        *,
        home: EventHome,
        room: Callable[[], bool],
    ) -> int: ...


class Resumer(Worker):
    """Goes on with interrupted events, one after the other, beside recording.

    Args:
        resume: hands over the rest of an event.
        interrupted: the ids of the events that were found cut short; None while they are still being looked for.
    """

    patience_s = 900.0  # it reads from a disk that may hang

    def __init__(
        self,
        archive: Archive,
        outbox: Outbox,
        resume: Resume,
        interrupted: Callable[[], Iterable[str] | None],
        clock: Clock,
    ) -> None:
        super().__init__("resumer", clock)
        self._archive = archive
        self._outbox = outbox
        self._resume = resume
        self._interrupted = interrupted
        self._woken = threading.Event()
        self._seen: set[str] = set()  # folders of events that were dealt with

    def stop(self) -> None:
        super().stop()
        self._woken.set()

    def work(self) -> None:
        while not self.stopping.is_set():
            found = self._interrupted()
            ready = found is not None and self._outbox.chores.known
            if ready:
                folders = [*(folder_of_id(each) for each in found or ()), *self._outbox.interrupted()]
                for folder in folders:
                    self._go_on(folder)
            self.advance()
            self._woken.wait(_LOOK_S if ready else _READY_S)

    def _go_on(self, folder: str) -> None:
        if folder in self._seen or self.stopping.is_set():
            return
        self._seen.add(folder)
        self.advance()
        try:
            count = self._rest_of(self._archive.folder(id_of_folder(folder)))
        except NoRoom:
            log.info("%s: the rest of it is sent after the next start", folder)
        except EventNotFound:
            log.warning("%s has no folder here; what was sent of it is all", folder)
        except OSError as error:
            log.warning("the rest of %s cannot be sent: %s; the next start tries again", folder, error)
        else:
            log.info("%s was interrupted; the rest of it, %d files, leaves now", folder, count)

    def _rest_of(self, folder: EventFolder) -> int:
        """How many files were handed over."""
        journal = read_journal(folder.path)
        record = folder.read_record()
        if (journal is not None and journal.final) or record is None:
            return 0
        picture = folder.path / PICTURE_NAME

        def stored() -> Iterator[AccessUnit]:
            return stored_units(folder, record)

        return self._resume(
            folder_of_id(folder.id),
            journal,
            stored,
            picture.read_bytes() if picture.exists() else None,
            home=_Home(folder.path),
            room=self._room,
        )

    def _room(self) -> bool:
        while not self._outbox.wait_room(0 if self.stopping.is_set() else _ROOM_S):
            self.advance()
            if self.stopping.is_set():
                return False
        return True


class _Home:
    """Where an interrupted event is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def folder(self) -> Path | None:
        return self._path if self._path.is_dir() else None
