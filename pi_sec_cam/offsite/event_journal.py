"""Where each event's journal is: in the event's folder, or for want of one in the outbox (docs/outbox.md)."""

from collections.abc import Sequence
from pathlib import Path

from pi_sec_cam.clock import Clock
from pi_sec_cam.offsite.chores import Chores
from pi_sec_cam.offsite.journal import JOURNAL_NAME, Journal, JournalFile, Line, read_journal
from pi_sec_cam.offsite.outbox_files import OutboxFiles
from pi_sec_cam.offsite.own_chain import is_own_chain, own_chain_folder
from pi_sec_cam.offsite.waiting import WaitingEvent

_PATIENCE_US = 2_000_000
_SOON_S, _LATER_S = 0.02, 0.1


class FolderNotYet(Exception):
    """The event's folder may still come.

    Attributes:
        look_in_s: when to look again.
    """

    def __init__(self, look_in_s: float) -> None:
        super().__init__(look_in_s)
        self.look_in_s = look_in_s


class EventJournals:
    """The journals of all events. One thread, the writer's. All methods may raise OSError, and be called again then.

    Attributes:
        wait_for_folders: False: there is no time left for that.
    """

    def __init__(self, recordings: Path, files: OutboxFiles, chores: Chores, clock: Clock) -> None:
        self.wait_for_folders = True
        self._recordings = recordings
        self._files = files
        self._chores = chores
        self._clock = clock
        self._open: dict[WaitingEvent, JournalFile] = {}
        self._waits_since_us: dict[WaitingEvent, int] = {}

    def folder(self, event: WaitingEvent) -> Path | None:
        """The event's own folder; None if it does not stand."""
        folder = event.home.folder() if event.home else None
        if folder is not None:
            if folder.is_relative_to(self._recordings):
                self._chores.folder_is(event, folder.relative_to(self._recordings).as_posix())
            return folder
        if event.home is not None and event.folder is None:
            return None
        if is_own_chain(event.name):
            folder = own_chain_folder(self._recordings.parent, event.name)
        else:
            folder = self._recordings / (event.folder or event.name)
        return folder if folder.is_dir() else None

    def last_folder(self, event: WaitingEvent) -> Path | None:
        """As `folder`, when nothing is left to do but to mark it; None if there will never be one.

        Raises:
            FolderNotYet: a full disk has just been emptied, say, and who records comes after us.
        """
        folder = self.folder(event)
        if folder is None and event.home is not None and not event.home.over and self.wait_for_folders:
            raise FolderNotYet(_LATER_S)
        return folder

    def ready(self, event: WaitingEvent) -> None:
        """Wait for the event's folder before its journal is begun.

        Raises:
            FolderNotYet: for two seconds at most.
        """
        if self.folder(event) is not None or event in self._open or not self.wait_for_folders:
            return
        since_us = self._waits_since_us.setdefault(event, self._clock.monotonic_us())
        if self._clock.monotonic_us() - since_us < _PATIENCE_US:
            raise FolderNotYet(_SOON_S)

    def append(self, event: WaitingEvent, lines: Sequence[Line], *, begin: bool) -> None:
        """Add lines to the event's journal; durable on return.

        Args:
            begin: begin the journal if there is none; else nothing is done then.
        """
        path = self._path(event)
        journal = self._open.get(event)
        if journal is None or journal.path != path:
            if not begin and not path.exists():
                return
            if path.parent == self._files.journal_folder(event.name):
                self._files.make_journal_folder(event.name)
            journal = self._open[event] = JournalFile(path, event.name)
        journal.append(lines)
        if not event.running:
            self._open.pop(event, None)

    def read(self, event: WaitingEvent) -> Journal | None:
        """What the event's journal says; None if it has none."""
        return read_journal(self._path(event).parent)

    def close(self, event: WaitingEvent) -> None:
        """Nothing of the event waits any more: a journal that never got into a folder goes."""
        self._files.remove_journal_folder(event.name)
        self._open.pop(event, None)
        self._waits_since_us.pop(event, None)

    def forget(self) -> None:
        """The disk may be another one."""
        self._open.clear()

    def _path(self, event: WaitingEvent) -> Path:
        """Where the journal is, or is to be; one that was begun aside moves into the folder that stands by now."""
        folder, aside = self.folder(event), self._files.journal_folder(event.name)
        if folder is None:
            return aside / JOURNAL_NAME
        begun = read_journal(aside)
        if begun is not None:
            standing = read_journal(folder)
            known = standing.lines if standing else ()
            moved = JournalFile(folder / JOURNAL_NAME, event.name)
            moved.append([line for line in begun.lines if line not in known])
            self._files.remove_journal_folder(event.name)
        return folder / JOURNAL_NAME
