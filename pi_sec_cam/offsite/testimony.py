"""The writer's part in evidence: what will not leave as its record says is signed, durably, before it is done."""

from collections.abc import Sequence
from itertools import groupby

from pi_sec_cam.errors import StorageError
from pi_sec_cam.offsite.chores import Chores
from pi_sec_cam.offsite.event_journal import EventJournals
from pi_sec_cam.offsite.journal import Journal, Line, record_line
from pi_sec_cam.offsite.waiting import Finish, GiveUp, Rename, Step, WaitingEvent, Withdraw
from pi_sec_cam.offsite.witness import Witness


class Testimony:
    """One thread, the writer's. All methods may raise OSError, and be called again then.

    Args:
        witness: who signs; None where no records are kept.
    """

    def __init__(self, witness: Witness | None, journals: EventJournals, chores: Chores) -> None:
        self._witness = witness
        self._journals = journals
        self._chores = chores
        self._told: dict[WaitingEvent, Step] = {}  # the last step that was signed and not done: trouble came in between

    def before(self, event: WaitingEvent, steps: Sequence[Step], *, coming: Sequence[Line] = ()) -> None:
        """Files are given up or withdrawn, the event goes elsewhere, or is over: to be called before that is done.

        Nobody looks again at an event that is over, so what the camera's own chain says of it must be durable by then.

        Args:
            coming: what the event's journal gets after that.
        """
        if self._witness is None:
            return
        told = self._told.get(event)
        new = next((steps[n + 1 :] for n, step in enumerate(steps) if step is told), steps)
        if new:
            self._tell(self._witness, event, new, coming)
            self._told[event] = new[-1]
        own = self._chores.own_chain(event.name.partition("/")[0])
        if own is not None:
            self.write_book(own)

    def done(self, event: WaitingEvent) -> None:
        """What `before` was called for is done."""
        self._told.pop(event, None)

    def write_book(self, event: WaitingEvent) -> None:
        """A camera's own records that are not in its journal yet get there; nothing for an event."""
        if event.book is not None and (records := event.book.unwritten()):
            self._journals.append(event, [record_line(record) for record in records], begin=True)
            event.book.written(len(records))

    def _tell(self, witness: Witness, event: WaitingEvent, steps: Sequence[Step], coming: Sequence[Line]) -> None:
        if isinstance(steps[0], Finish):
            return
        of = self._chain_of(event, coming)
        given_up = [step for step in steps if isinstance(step, GiveUp)]
        for (store, why, refused), alike in groupby(given_up, lambda step: (step.store, step.why, step.set_aside)):
            names: Sequence[str] = [step.file.name for step in alike]
            witness.given_up("refused" if refused else "dropped", event.name, of, store, names, why)
        for step in steps:
            match step:
                case Rename(store, _, new):
                    witness.renamed(event.name, of, store, new)
                case Withdraw(withdrawn):
                    for store, names in withdrawn.items():
                        why = "the event was deleted on the camera"
                        witness.given_up("withdrawn", event.name, of, store, names, why)

    def _chain_of(self, event: WaitingEvent, coming: Sequence[Line]) -> str:
        """The id of the event's chain; empty where that is not known (any more)."""
        try:
            journal = self._journals.read(event)
        except StorageError:  # of a later version
            return ""
        records = Journal(event.name, "", (*(journal.lines if journal else ()), *coming)).records
        return records[0].fields["chain"] if records else ""
