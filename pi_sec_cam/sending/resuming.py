"""After a start: sends the rest of the events that the last run could not send to their end."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence

from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import EventNotFound
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.offsite.event_files import Seal, end
from pi_sec_cam.offsite.event_records import EventRecords
from pi_sec_cam.offsite.journal import read_journal
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outgoing import StandingHome
from pi_sec_cam.offsite.own_chain import OwnChain, is_own_chain
from pi_sec_cam.offsite.resume import NoRoom, resume
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_folder import PICTURE_NAME, EventFolder
from pi_sec_cam.record.event_record import folder_of_id, id_of_folder
from pi_sec_cam.record.stored_units import stored_units
from pi_sec_cam.worker import Worker

log = logging.getLogger(__name__)

_READY_S = 0.25
_LOOK_S = 5.0  # for events of which all that was known has left by now
_ROOM_S = 0.25


class Resumer(Worker):
    """Goes on with interrupted events, one after the other, beside recording.

    Args:
        own: a camera's own chain of records, by its name.
        ready: whether the disk is there, what a crash has left on it has been put in order, and somebody has looked for
            the camera's key.
        seal, file_chunk_bytes, file_chunk_secs: as the chunkers have them.
    """

    patience_s = 900.0  # it reads from a disk that may hang

    def __init__(
        self,
        archive: Archive,
        outbox: Outbox,
        *,
        own: Callable[[str], OwnChain],
        ready: Callable[[], bool],
        seal: Seal,
        file_chunk_bytes: int,
        file_chunk_secs: float,
        clock: Clock,
    ) -> None:
        super().__init__("resumer", clock)
        self._archive = archive
        self._outbox = outbox
        self._own = own
        self._ready = ready
        self._seal = seal
        self._file_chunk_bytes = file_chunk_bytes
        self._file_chunk_secs = file_chunk_secs
        # Protects the list; filled by the storage's thread.
        self._changed = threading.Condition()
        self._folders: list[str] = []
        self._seen: set[str] = set()  # folders of events that were dealt with
        self._unsigned: set[str] = set()  # the same, but for their records: the camera's key could not be read

    def interrupted(self, event_ids: Sequence[str]) -> None:
        """These events were found cut short, and are in order now. From any thread."""
        with self._changed:
            self._folders += [folder_of_id(event_id) for event_id in event_ids]
            self._changed.notify_all()

    def stop(self) -> None:
        super().stop()
        with self._changed:
            self._changed.notify_all()

    def work(self) -> None:
        while not self.stopping.is_set():
            self.advance()
            ready = self._ready() and self._outbox.chores.known
            if ready:
                with self._changed:
                    folders, self._folders = self._folders, []
                interrupted = [name for name in self._outbox.interrupted() if not is_own_chain(name)]
                for folder in [*folders, *interrupted]:
                    self._go_on(folder)
            with self._changed:
                if ready:
                    self._changed.wait_for(lambda: self._folders or self.stopping.is_set(), _LOOK_S)
                else:
                    self._changed.wait_for(self.stopping.is_set, _READY_S)

    def _go_on(self, folder: str) -> None:
        if folder in self._seen or self.stopping.is_set():
            return
        signs = self._own(folder.partition("/")[0]).key is not None
        if folder in self._unsigned and not signs:
            return
        self._seen.add(folder)
        self.advance()
        try:
            count = self._send_rest(self._archive.folder(id_of_folder(folder)))
        except NoRoom:
            log.info("%s: the rest of it is sent after the next start", folder)
        except EventNotFound:
            log.warning("%s has no folder here; what was sent of it is all", folder)
        except OSError as error:
            log.warning("the rest of %s cannot be sent: %s; the next start tries again", folder, error)
        else:
            rest = f"the rest of it, {count} files, leaves now" if count else "all of it was handed over before"
            log.info("%s was interrupted; %s", folder, rest)
            if not signs:
                self._unsigned.add(folder)
                self._seen.discard(folder)

    def _send_rest(self, folder: EventFolder) -> int:
        """How many files were handed over."""
        journal = read_journal(folder.path)
        record = folder.read_record()
        if (journal is not None and journal.final) or record is None:
            return 0
        home = StandingHome(folder.path)
        own = self._own((journal.event if journal else folder_of_id(folder.id)).partition("/")[0])
        if record.parts and not folder.video_files():
            # Kept sealed: nobody here can read it, and what has left is all of it.
            if journal is not None:
                self._outbox.resumed(journal.event, home)
                end(self._outbox, journal.event, EventRecords(journal.event, own, self.clock, journal=journal))
            return 0
        picture = folder.path / PICTURE_NAME

        def stored() -> Iterator[AccessUnit]:
            return stored_units(folder, record)

        return resume(
            folder_of_id(folder.id),
            journal,
            stored,
            picture.read_bytes() if picture.exists() else None,
            outbox=self._outbox,
            home=home,
            own=own,
            clock=self.clock,
            seal=self._seal,
            room=self._room,
            file_chunk_bytes=self._file_chunk_bytes,
            file_chunk_secs=self._file_chunk_secs,
        )

    def _room(self) -> bool:
        while not self._outbox.wait_room(0 if self.stopping.is_set() else _ROOM_S):
            self.advance()
            if self.stopping.is_set():
                return False
        return True
