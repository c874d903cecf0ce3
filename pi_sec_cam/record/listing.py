"""The list of events while the daemon runs: opened, made whole, given up and taken up again as the disk allows."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pi_sec_cam.clock import Clock
from pi_sec_cam.record.archive import Archive

if TYPE_CHECKING:
    # The database takes a fifth of a second to import, and the cameras start before that.
    from pi_sec_cam.record.catalogue import Catalogue
    from pi_sec_cam.record.recovery import Survey

log = logging.getLogger(__name__)

_REOPEN_US = 5_000_000


class EventListing:
    """Used by the storage's thread alone, but for what is read: `catalogue`, the attributes, and `fails`.

    Args:
        stopping: ends what takes long; it is done at the next start.
        advance: called after each small step.
        on_interrupted: told the ids of events that a crash had interrupted, once their files are in order.

    Attributes:
        trouble: in words why the list cannot be used or is not whole; None if it is.
        note: what had happened to the list when it was opened.
        rebuilt: how the last rebuilding that was asked for ended: {"events": how many or None, "error": text or None}.
    """

    def __init__(
        self,
        archive: Archive,
        clock: Clock,
        stopping: threading.Event,
        advance: Callable[[], None],
        on_interrupted: Callable[[Sequence[str]], None],
    ) -> None:
        self._archive = archive
        self._clock = clock
        self._stopping = stopping
        self._advance = advance
        self._catalogue: Catalogue | None = None
        self._survey: Survey | None = None
        self._on_interrupted = on_interrupted
        self._reopen_due_us = 0
        self.trouble: str | None = None
        self.note: str | None = None
        self.rebuilt: dict[str, object] | None = None

    @property
    def catalogue(self) -> "Catalogue | None":
        """The list itself; None while there is none."""
        return self._catalogue

    @property
    def to_tidy(self) -> bool:
        """Whether what a crash has left is still to be dealt with."""
        return self._survey is not None

    def open(self) -> None:
        """What was left unfinished is found now, before anything is recorded, and dealt with beside recording."""
        from pi_sec_cam.record.rebuild import open_or_rebuild
        from pi_sec_cam.record.recovery import survey

        self._reopen_due_us = self._clock.monotonic_us() + _REOPEN_US
        try:
            self._catalogue, said = open_or_rebuild(self._archive)
            self._survey = survey(
                self._archive, self._catalogue, on_progress=self._advance, stopping=self._stopping.is_set
            )
        except OSError as error:
            self.close()
            self.fails(error)
        else:
            self.trouble = None
            if said:
                log.warning("%s", said)
                self.note = said

    def close(self) -> None:
        """Let go of the file. May be called again."""
        catalogue, self._catalogue, self._survey = self._catalogue, None, None
        if catalogue is not None:
            catalogue.close()

    def fails(self, error: OSError) -> None:
        """Something could not be listed; `tidy` makes up for it later. From any thread."""
        if not self.trouble:
            log.error("%s; recording goes on, and events are listed when it works again", error)
        self.trouble = str(error)

    def open_soon(self) -> None:
        """What was in the way is gone: try again with the next `tidy`."""
        self._reopen_due_us = 0

    def tidy(self) -> bool:
        """Do what crashes and trouble with the list have left to do; whether something was."""
        from pi_sec_cam.record.recovery import recover

        if self.trouble and self._clock.monotonic_us() >= self._reopen_due_us:
            # Looking at all folders anew finds whatever could not be listed meanwhile.
            self.close()
            self.open()
        if self._survey is None or self._catalogue is None:
            return False
        try:
            recovered = recover(
                self._archive,
                self._catalogue,
                self._survey,
                on_progress=self._advance,
                stopping=self._stopping.is_set,
            )
            self._on_interrupted(recovered.interrupted)
            self._archive.sequence.reach(self._catalogue.newest_sequence())
        except OSError as error:
            self.fails(error)
        self._survey = None
        return True

    def rebuild(self, guard: Callable[[], None]) -> None:
        """Make the list anew from the files; `rebuilt` says how that ended.

        Args:
            guard: raises StorageError while the right disk is not there.
        """
        from pi_sec_cam.record.rebuild import rebuild

        try:
            guard()
        except OSError as error:
            self.rebuilt = {"events": None, "error": str(error)}
            return
        try:
            self._catalogue = rebuild(
                self._archive, self._catalogue, on_progress=self._advance, stopping=self._stopping.is_set
            )
            self.rebuilt = {"events": self._catalogue.count(), "error": None}
            self.trouble = None
        except OSError as error:
            self.close()  # nothing may be chosen for deletion from a list that is not whole
            self.fails(error)
            self.rebuilt = {"events": None, "error": str(error)}
