"""The one thread that changes the outbox on the disk: makes files durable, keeps the journals, clears what has left."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from pi_sec_cam.clock import Clock
from pi_sec_cam.durable import storage_error
from pi_sec_cam.errors import StorageError
from pi_sec_cam.offsite.event_journal import EventJournals, FolderNotYet
from pi_sec_cam.offsite.journal import JournalTooNew, Line
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outbox_disk import OutboxDisk
from pi_sec_cam.offsite.outbox_files import OutboxFiles
from pi_sec_cam.offsite.outgoing import EventHome, OutgoingFile
from pi_sec_cam.offsite.own_chain import is_own_chain
from pi_sec_cam.offsite.testimony import Testimony
from pi_sec_cam.offsite.waiting import Finish, GiveUp, Keep, Rename, Sent, Settle, Step, WaitingEvent, Withdraw
from pi_sec_cam.offsite.witness import Witness
from pi_sec_cam.worker import Worker

log = logging.getLogger(__name__)

_RETRY_S = 0.5
_LOOK_S = 5.0
_AGES_US = 60_000_000
_SLOW_US = 2_000_000

Archive = Callable[[str, OutgoingFile, EventHome], Path]


class OutboxWriter(Worker):
    """Does what the outbox has to do on the disk. What the disk refuses is tried again; other events go on meanwhile.

    Args:
        guard: raises StorageError while the right disk is not there; with EROFS if it is, and can only be read.
        store: in sealed mode, keeps a file in its event's folder and says where, durable; may raise OSError.
        witness: told of what does not leave as its record says; None where no records are kept.
        on_trouble: told what the disk has refused.

    Attributes:
        patience_s: as the storage's own thread: a disk that hangs is no reason to start anew.
        trouble: what the disk said when it last refused; None if it works.
    """

    patience_s = 900.0

    def __init__(
        self,
        outbox: Outbox,
        *,
        guard: Callable[[], None],
        clock: Clock,
        store: Archive | None = None,
        witness: Witness | None = None,
        on_trouble: Callable[[OSError], None] | None = None,
    ) -> None:
        super().__init__("outbox", clock)
        self._outbox = outbox
        self._chores = outbox.chores
        self._store = store
        self._on_trouble = on_trouble
        self._files = OutboxFiles(outbox.directory, tuple(outbox.departures))
        self._journals = EventJournals(outbox.recordings, self._files, outbox.chores, clock)
        self._testimony = Testimony(witness, self._journals, outbox.chores)
        self._disk = OutboxDisk(outbox, self._files, self._journals, guard=guard, on_progress=self.advance)
        self._looked_at_ages_us = clock.monotonic_us()
        self._waits_since_us: int | None = None
        self._said: set[str] = set()  # troubles that the log has, since all was well
        self.trouble: str | None = None

    def stop(self) -> None:
        super().stop()
        self._chores.wake()

    def work(self) -> None:
        """What is to be done when it is told to stop is tried once more."""
        while not self.stopping.is_set():
            pause_s = self.round(_LOOK_S)
            if pause_s:
                self.stopping.wait(pause_s)
        self._journals.wait_for_folders = False
        self.round(0)

    def round(self, seconds: float) -> float:
        """Wait for something to do, at most so long, and do it, once for each event.

        Returns:
            After how many seconds to try again what did not succeed; 0 if all did.
        """
        events = self._chores.wait(seconds)
        self.advance()
        self._waits_since_us = self.clock.monotonic_us()
        try:
            return self._do_all(events) if self._disk_is_there() else _RETRY_S
        finally:
            self._waits_since_us = None

    def status(self) -> dict[str, object]:
        """Plain JSON values: what waits in memory for the disk."""
        return self._chores.in_memory() | {"trouble": self.trouble}

    def problems(self) -> list[str]:
        """What does not work, in words."""
        since_us = self._waits_since_us
        waited_us = 0 if since_us is None else self.clock.monotonic_us() - since_us
        slow = f"the disk has not answered for {waited_us / 1e6:.0f} s" if waited_us > _SLOW_US else None
        return [self._consequence(text) for text in (self.trouble or slow,) if text]

    def _disk_is_there(self) -> bool:
        try:
            self._disk.look()
        except OSError as error:
            self._chores.forget_what_left()
            self._report(error)
            return False
        if self.clock.monotonic_us() - self._looked_at_ages_us > _AGES_US:
            self._looked_at_ages_us = self.clock.monotonic_us()
            self._chores.look_at_ages()
        return True

    def _do_all(self, events: Sequence[WaitingEvent]) -> float:
        """Files first: when an event is over, that gets into the camera's own chain, which speaks of others, too."""
        pause_s = 0.0
        failed: set[WaitingEvent] = set()
        for files_only in (True, False):
            for event in events:
                if event in failed:
                    continue
                self.advance()
                try:
                    while (steps := self._chores.first(event)) and (isinstance(steps[0], Keep) or not files_only):
                        self._do(event, steps)
                        self._testimony.done(event)
                        self._chores.done(event, steps)
                except FolderNotYet as error:
                    self._chores.put_off(event)
                    pause_s = min(pause_s or error.look_in_s, error.look_in_s)
                except OSError as error:
                    failed.add(event)
                    self._report(error)
        if self.trouble and not failed:
            log.info("the outbox on the disk is up to date again")
            self.trouble = None
            self._said.clear()
        return _RETRY_S if failed else pause_s

    def _do(self, event: WaitingEvent, steps: Sequence[Step]) -> None:
        match steps[0]:
            case Keep():
                given_up = [step for step in steps if isinstance(step, GiveUp)]
                self._keep(event, [step for step in steps if isinstance(step, Keep)], given_up)
            case Sent(store, file):
                self._files.sent(store, self._chores.place(event, store), file.name)
            case GiveUp():
                self._give_up(event, [step for step in steps if isinstance(step, GiveUp)])
            case Rename(store, old, new):
                self._journals.append(event, [{"renamed": new, "store": store}], begin=False)
                self._testimony.before(event, steps)
                self._files.rename(event, store, old, new)
            case Finish():
                self._files.done_writing(event)
                self._testimony.before(event, steps)
                self._journals.append(event, [{"final": True}], begin=False)
            case Settle(store):
                self._settle(event, store)
            case Withdraw():
                self._testimony.before(event, steps)
                self._files.withdraw(event)
                self._journals.close(event)

    def _keep(self, event: WaitingEvent, keeps: Sequence[Keep], given_up: Sequence[GiveUp]) -> None:
        """The four steps of docs/outbox.md; some of these files were given up meanwhile."""
        self._journals.ready(event)
        written = {}
        for keep in keeps:
            outgoing = keep.file.outgoing
            if outgoing is None:  # it has left out of memory
                self._files.drop_half_written(event, keep.file.name)
                continue
            if self._store is None or event.home is None:
                written[keep.file.name] = self._files.write(event, keep.file.name, outgoing.data)
            else:
                stored = self._store(event.name, outgoing, event.home)
                written[keep.file.name] = self._files.adopt(event, stored)
        if written:
            self._files.sync_writing(event)
        self._testimony.write_book(event)
        lines = [line for keep in keeps for line in keep.lines] + [_line_of(step) for step in given_up]
        if given_up:
            self._testimony.before(event, given_up, coming=lines)
        self._journals.append(event, lines, begin=True)
        wanted = {keep.file: self._chores.wanted(keep.file) for keep in keeps}
        for store in self._outbox.departures:
            files = {written[f.name]: f for f, stores in wanted.items() if store in stores and f.name in written}
            for collided in self._files.link(event, store, self._chores.place(event, store), list(files)):
                self._chores.names_collide(store, files[collided])
        self._take_away(event, given_up)
        self._files.written(list(written.values()))

    def _give_up(self, event: WaitingEvent, given_up: Sequence[GiveUp]) -> None:
        self._journals.append(event, [_line_of(step) for step in given_up], begin=False)
        self._testimony.before(event, given_up)
        self._take_away(event, given_up)

    def _take_away(self, event: WaitingEvent, given_up: Sequence[GiveUp]) -> None:
        for step in given_up:
            place = self._chores.place(event, step.store)
            if step.set_aside:
                self._files.set_aside(step.store, place, step.file.name)
            elif step.linked:
                self._files.sent(step.store, place, step.file.name)

    def _settle(self, event: WaitingEvent, store: str) -> None:
        if self._chores.waits_for(store, event):  # for what a crash had left half written, and was found only now
            return
        folder = self._journals.last_folder(event)
        try:
            journal = self._journals.read(event)
        except JournalTooNew as error:
            log.error("%s: %s", event.name, error)
            self._chores.left_open(event)
            return
        if journal is not None and not journal.final:
            self._chores.left_open(event)
            return
        whole = journal is not None and journal.files and not journal.missed_by(store)
        if whole and folder is not None and not is_own_chain(event.name):
            self._outbox.on_offsite(folder)
        self._files.settled(store, self._chores.place(event, store))
        if not self._chores.waits(event):
            self._journals.close(event)

    def _report(self, error: OSError) -> None:
        plain = not isinstance(error, StorageError)
        trouble = str(storage_error(f"cannot write {self._outbox.directory}", error) if plain else error)
        if trouble not in self._said:  # events take turns in naming theirs, twice a second
            log.error("%s", self._consequence(trouble))
            self._said.add(trouble)
        self.trouble = trouble
        if self._on_trouble is not None:
            self._on_trouble(error)

    def _consequence(self, trouble: str) -> str:
        if self._chores.keeping:
            return f"what waits to leave is in memory alone: {trouble}"
        return f"the outbox on the disk is not up to date: {trouble}"


def _line_of(given_up: GiveUp) -> Line:
    kind = "refused" if given_up.set_aside else "dropped"
    return {kind: given_up.file.name, "store": given_up.store, "why": given_up.why}
