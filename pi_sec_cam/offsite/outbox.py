"""What waits to leave: handed over by chunkers, made durable by the writer, sent by uploaders (docs/outbox.md)."""

import logging
from collections.abc import Callable, Container, Sequence
from pathlib import Path

from pi_sec_cam.clock import Clock
from pi_sec_cam.evidence.record import SignedRecord
from pi_sec_cam.offsite.chores import Chores
from pi_sec_cam.offsite.departures import Departures
from pi_sec_cam.offsite.journal import file_line, record_line
from pi_sec_cam.offsite.outbox_state import OutboxState
from pi_sec_cam.offsite.outgoing import EventHome, OutgoingFile
from pi_sec_cam.offsite.waiting import Finish, GiveUp, Keep, RecordBook, Settle, WaitingEvent, WaitingFile

log = logging.getLogger(__name__)


class Outbox:
    """What waits for each store. Any thread; no call waits for a disk or a store.

    Args:
        directory: where it is kept: `<storage.directory>/outbox`; need not be there.
        recordings: the folder of the recordings, in which the journals are.
        stores: their keys, names of directories: "dropbox", "s3-1a2b3c4d", …
        max_bytes: the most that may wait for one store.
        max_age_s: how long a file may wait for one store, None for ever.
        memory_bytes: the most that chunkers should hand over while the disk takes nothing.
        on_offsite: told, in the writer's thread, the folder of an event that one store has whole; may be told again,
            and is if it raises an OSError.
        archive: what is handed over is also the recording (sealed mode): kept in memory until it is on the disk.

    Attributes:
        departures: by key, each store's side.
        chores: the writer's side.
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
        archive: bool = False,
    ) -> None:
        self.directory = directory
        self.recordings = recordings
        self.on_offsite = on_offsite
        self._memory_bytes = memory_bytes
        self._state = OutboxState(clock, archive=archive)
        self.departures = {
            key: Departures(self._state, key, directory / key, max_bytes=max_bytes, max_age_s=max_age_s)
            for key in stores
        }
        self.chores = Chores(self._state, self.departures)
        self._sequence = 0  # protected by the state's lock

    def begin(self, event: str, home: EventHome, book: RecordBook | None = None) -> str:
        """An event starts.

        Args:
            event: the folder that it should get off-site, `<camera>/<day>/<time>`.
            home: where it is kept here.
            book: of a camera's own chain.

        Returns:
            The name to use in the calls below: `event`, or with -2, -3, … where that is known already.
        """
        state = self._state
        with state.changed:
            places = {known.place(key) for known in state.events.values() for key in self.departures}
            name, number = event, 1
            while name in state.events or name in places:
                number += 1
                name = f"{event}-{number}"
            state.events[name] = WaitingEvent(name, home, running=True, book=book)
            state.touch(state.events[name])
            return name

    def resumed(self, event: str, home: EventHome) -> None:
        """An event that was interrupted goes on: what is added gets into its journal.

        Args:
            event: as the header of that journal has it.
        """
        state = self._state
        with state.changed:
            known = state.events.setdefault(event, WaitingEvent(event))
            known.home, known.running, known.interrupted = home, True, False
            state.touch(known)

    def knows(self, event: str) -> bool:
        """Whether anything of the event waits, or is to be done for it on the disk."""
        with self._state.changed:
            return event in self._state.events

    def waiting(self, camera: str) -> dict[str, str]:
        """By store, the oldest event of this camera of which footage waits; none of stores for which none does."""
        with self._state.changed:
            oldest = {key: each.queue.oldest_footage(camera) for key, each in self.departures.items()}
            return {key: event.name for key, event in oldest.items() if event is not None}

    def interrupted(self) -> list[str]:
        """The events, by their folder below `recordings/`, whose journal is not final and with which nobody goes on.

        None of which the journal lacks something that is still in memory.
        """
        state = self._state
        with state.changed:
            found = [known for known in state.events.values() if known.interrupted and not known.steps]
            return [known.folder or known.name for known in found]

    def add(
        self,
        event: str,
        *files: OutgoingFile,
        records: Sequence[SignedRecord] = (),
        stores: Container[str] | None = None,
    ) -> None:
        """Hand over the next files of an event; ask `has_room` before.

        They get to the disk together. What belongs to an event that its owner has deleted meanwhile is passed by.

        Args:
            records: that are to be in the journal before the first of them leaves.
            stores: which of them are to get it, None for all.

        Raises:
            ValueError: a file of that name waits already.
        """
        state = self._state
        with state.changed:
            known = state.events.get(event)
            if known is None or not known.running:
                return
            getting = [key for key in self.departures if stores is None or key in stores]
            for file in files:
                self._add(known, file, records, getting)
                records = ()
            for departures in self.departures.values():
                departures.bound()

    def finish(self, event: str) -> None:
        """Nothing more will be added to this event."""
        state = self._state
        with state.changed:
            known = state.events.get(event)
            if known is None or not known.running:
                return
            known.running = False
            state.add_step(known, Finish())
            for key, departures in self.departures.items():
                if not departures.queue.of(known):
                    state.add_step(known, Settle(key))

    def leave_open(self, event: str) -> None:
        """Nothing more will be added before the next start, which will go on with this event (`resumed`)."""
        state = self._state
        with state.changed:
            known = state.events.get(event)
            if known is not None and known.running:
                known.running, known.interrupted = False, True

    def withdraw(self, folder: str) -> None:
        """The owner deleted the event with this folder below `recordings/`: what of it has not left never will."""
        state = self._state
        with state.changed:
            if not state.readable:
                self.chores.withdrawn.add(folder)
            for event in [event for event in state.events.values() if folder == (event.folder or event.name)]:
                self.chores.withdraw(event)

    def make_room(self, lacking: int) -> None:
        """Nothing else on the disk makes room: give up so many bytes where the most wait, once a try is done."""
        state = self._state
        with state.changed:
            if any(isinstance(step, GiveUp) for event in state.to_do for step in event.steps):
                return
            # What waits for several stores is there once: it makes room when none of them waits for it any more.
            most = max((departures.bytes_on_disk() for departures in self.departures.values()), default=0)
            for departures in self.departures.values():
                departures.shrink(max(0, most - lacking))

    @property
    def has_room(self) -> bool:
        """Whether the memory for files that are not on the disk yet may take another."""
        return self._state.held_bytes < self._memory_bytes

    def wait_room(self, seconds: float) -> bool:
        """Wait until `has_room`, at most so long; whether it has."""
        with self._state.changed:
            return self._state.changed.wait_for(lambda: self.has_room, seconds)

    def congested(self, event: str) -> bool:
        """Whether a new chunk of this event would have to wait in every store for others of it: chunks then grow.

        Pre-roll does not count: a new chunk leaves before it.
        """
        with self._state.changed:
            known = self._state.events.get(event)
            return (
                known is not None
                and bool(self.departures)
                and all(departures.busy_with(known) for departures in self.departures.values())
            )

    def _add(
        self, event: WaitingEvent, file: OutgoingFile, records: Sequence[SignedRecord], stores: Sequence[str]
    ) -> None:
        """With the lock held."""
        state = self._state
        if any(departures.queue.has(event, file.name) for departures in self.departures.values()):
            raise ValueError(f"{event.name}/{file.name} was handed over before")
        self._sequence += 1
        waiting = WaitingFile(
            event,
            file.name,
            len(file.data),
            file.urgency,
            self._sequence,
            state.clock.monotonic_us(),
            waits_for=len(stores),
            outgoing=file,
            held=True,
        )
        state.touch(event)
        state.held_bytes += waiting.bytes
        lines = (*map(record_line, records), file_line(file, stores))
        state.add_step(event, Keep(waiting, lines))
        for key in stores:
            self.departures[key].queue.add(waiting)
