"""The writer's side of the outbox: what is to be done on the disk, in which order, and what was found there."""

import logging
from collections.abc import Iterable, Mapping
from sys import intern

from pi_sec_cam.offsite.departures import Departures
from pi_sec_cam.offsite.outbox_state import OutboxState
from pi_sec_cam.offsite.outgoing import Urgency
from pi_sec_cam.offsite.waiting import (
    Finish,
    Found,
    GiveUp,
    Keep,
    Rename,
    Sent,
    Settle,
    Step,
    WaitingEvent,
    WaitingFile,
    Withdraw,
)

log = logging.getLogger(__name__)

_BATCH_BYTES = 4 << 20
_LINES = 5000
_URGENCIES: dict[str, Urgency] = {"motion": "picture", "evidence": "evidence", "stamp": "evidence"}


class Chores:
    """What the writer does, event by event; one that the disk refuses does not hold up the others.

    Attributes:
        withdrawn: folders of events that their owner has deleted, for those that are found only now; protected by the
            state's lock.
    """

    def __init__(self, state: OutboxState, departures: Mapping[str, Departures]) -> None:
        self.withdrawn: set[str] = set()
        self._state = state
        self._departures = departures
        self._woken = False  # protected by the state's lock

    def wait(self, seconds: float) -> list[WaitingEvent]:
        """The events for which something is to be done; waits at most so long for one, or for a disk to be read.

        A camera's own chain comes last: it should not name records that a crash can still take away.
        """
        state = self._state
        with state.changed:
            state.changed.wait_for(lambda: state.to_do or not state.readable or self._woken, seconds)
            self._woken = False
            return sorted(self._state.to_do, key=lambda event: (event.book is not None, not event.running))

    def wake(self) -> None:
        """End a `wait`, or the next one."""
        with self._state.changed:
            self._woken = True
            self._state.changed.notify_all()

    @property
    def any(self) -> bool:
        """Whether something is to be done."""
        with self._state.changed:
            return bool(self._state.to_do)

    @property
    def keeping(self) -> bool:
        """Whether files, or their lines, are to be made durable."""
        with self._state.changed:
            return any(isinstance(step, Keep) for event in self._state.to_do for step in event.steps)

    def first(self, event: WaitingEvent) -> list[Step]:
        """What is to be done for it first; files that are to be kept, up to 4 MiB, or given up come together.

        But not with pre-roll, which is handed over in a heap: what happens now does not wait until all of that is on
        the disk. Those that are to be kept and were given up since come with that: else a crash in between would leave
        a file that nobody sends, and that nobody has given up.
        """
        with self._state.changed:
            steps: list[Step] = []
            total = 0
            for step in event.steps:
                together = isinstance(step, Keep | GiveUp) and _kind(step) == _kind(event.steps[0])
                if steps and (not together or total >= _BATCH_BYTES):
                    break
                steps.append(step)
                total += step.file.bytes if isinstance(step, Keep) else 0
            files = {step.file for step in steps if isinstance(step, Keep)}
            return steps + [step for step in event.steps if isinstance(step, GiveUp) and step.file in files]

    def wanted(self, file: WaitingFile) -> list[str]:
        """The stores that wait for the file."""
        with self._state.changed:
            return [key for key, departures in self._departures.items() if file in departures.queue]

    def done(self, event: WaitingEvent, steps: Iterable[Step]) -> None:
        """These, which `first` gave, are done."""
        state = self._state
        with state.changed:
            for step in steps:
                if step not in event.steps:
                    return  # withdrawn meanwhile
                event.steps.remove(step)
                if isinstance(step, Keep):
                    state.kept(step)
                elif isinstance(step, Rename):
                    still = {later.store for later in event.steps if isinstance(later, Rename)}
                    event.moving &= still
            state.changed.notify_all()
            if not event.steps:
                state.to_do.pop(event, None)
                self._forget_if_settled(event)

    def put_off(self, event: WaitingEvent) -> None:
        """The event's folder may still come: what of it does not need one is done first."""
        with self._state.changed:
            if event.steps and isinstance(event.steps[0], Settle):
                event.steps.rotate(-1)

    def own_chain(self, camera: str) -> WaitingEvent | None:
        """The camera's own chain of records; None while there is none."""
        with self._state.changed:
            own = (event for event in self._state.events.values() if event.book is not None)
            return next((event for event in own if event.name.partition("/")[0] == camera), None)

    def waits(self, event: WaitingEvent) -> bool:
        """Whether anything of the event waits for a store, or is still to come."""
        with self._state.changed:
            return event.running or self._waits(event)

    def waits_for(self, store: str, event: WaitingEvent) -> bool:
        """Whether anything of the event waits for this store."""
        with self._state.changed:
            return bool(self._departures[store].queue.of(event))

    def in_memory(self) -> dict[str, object]:
        """Plain JSON values: what waits in memory for the disk."""
        with self._state.changed:
            return {
                "bytes_in_memory": self._state.held_bytes,
                "events_unsettled": sum(event.book is None for event in self._state.events.values()),
            }

    def left_open(self, event: WaitingEvent) -> None:
        """Its journal is not final: it was interrupted, and is known here until somebody goes on with it."""
        with self._state.changed:
            event.interrupted = not event.running and not any(isinstance(step, Finish) for step in event.steps)

    def folder_is(self, event: WaitingEvent, folder: str | None) -> None:
        """Where it is kept, below `recordings/`."""
        with self._state.changed:
            event.folder = folder

    def withdraw(self, event: WaitingEvent) -> None:
        """Nothing of it leaves any more. With the lock held."""
        state = self._state
        names: dict[str, list[str]] = {}
        for key, departures in self._departures.items():
            names[key] = [file.name for file in departures.queue.of(event)]
            for file in list(departures.queue.of(event)):
                departures.queue.remove(file)
        self._drop_steps(event)
        event.running = event.interrupted = False
        state.add_step(event, Withdraw(names))

    def place(self, event: WaitingEvent, store: str) -> str:
        """Where the event's files are on the disk, below the directory of a store."""
        with self._state.changed:
            if store not in event.moving:
                return event.place(store)
            return next(step.old for step in event.steps if isinstance(step, Rename) and step.store == store)

    def names_collide(self, store: str, file: WaitingFile) -> None:
        """Another file waits under its name in that store's directory."""
        with self._state.changed:
            if file in self._departures[store].queue:
                self._departures[store].drop(file, f"another {file.name} waits there", linked=False)

    def forget_what_left(self) -> None:
        """While the disk takes nothing: too many lines of files that have left already are not kept."""
        state = self._state
        with state.changed:
            for event in list(state.to_do):
                if state.lines <= _LINES:
                    return
                if not event.running and not any(
                    departures.queue.of(event) for departures in self._departures.values()
                ):
                    log.error("%s has left, but the disk did not take its journal, which is forgotten", event.name)
                    self._drop_steps(event)
                    state.to_do.pop(event)
                    self._forget_if_settled(event)

    def found(self, found: Iterable[Found], *, refused: Mapping[str, int]) -> None:
        """All that is on the disk, the oldest event first: known from now on, and nothing else counts as being there.

        Args:
            refused: by store, how many files are set aside.
        """
        state = self._state
        with state.changed:
            everything = list(found)
            aside = [
                step.store for each in state.to_do for step in each.steps if isinstance(step, GiveUp) and step.set_aside
            ]
            for key, departures in self._departures.items():
                departures.refused = refused.get(key, 0) + aside.count(key)
                self._take_up(key, departures, [each for each in everything if each.store == key])
            for event in list(state.events.values()):
                if (event.folder or event.name) in self.withdrawn and self._waits(event):
                    self.withdraw(event)
            self.withdrawn.clear()
            for departures in self._departures.values():
                departures.bound()
                departures.bound_age()
            state.readable = True
            state.changed.notify_all()

    def look_at_ages(self) -> None:
        """Give up what has waited for too long."""
        with self._state.changed:
            for departures in self._departures.values():
                departures.bound_age()

    def disk_is_away(self) -> None:
        """What is on it cannot leave now, and is looked for when it is back."""
        with self._state.changed:
            self._state.readable = False

    def disk_is_back(self) -> None:
        """What was known of its files is true."""
        with self._state.changed:
            if not self._state.readable:
                self._state.readable = True
                self._state.changed.notify_all()

    @property
    def known(self) -> bool:
        """Whether what is known of the files on the disk is true; else they are to be looked for."""
        return self._state.readable

    def _take_up(self, key: str, departures: Departures, found: list[Found]) -> None:
        state = self._state
        new: list[WaitingFile] = []
        there: set[tuple[str, str]] = set()
        for each in found:
            event = state.events.setdefault(each.event, WaitingEvent(each.event, folder=each.folder))
            if each.place != each.event:
                event.places.setdefault(key, each.place)
        for each in found:
            event = state.events[each.event]
            if any(isinstance(step, Withdraw) for step in event.steps):
                continue
            if self.place(event, key) != each.place:
                log.error("%s: two directories of %s wait; the files in %s stay there", key, event.name, each.place)
                continue
            leaving = {step.file.name for step in event.steps if isinstance(step, Sent | GiveUp) and step.store == key}
            for name, size, written_s in each.files:
                there.add((each.event, name))
                if name not in leaving and not departures.queue.has(event, name):
                    new.append(self._file(event, name, size, written_s))
            if not event.running and not departures.queue.of(event) and not each.files:
                state.add_step(event, Settle(key))
        gone = [
            file for file in departures.queue if file.outgoing is None and (file.event.name, file.name) not in there
        ]
        for file in gone:
            departures.vanished(file)
        if gone:
            log.error("%s: %d files that waited to leave are not on this disk any more", key, len(gone))
        departures.queue.add_older(new)

    def _file(self, event: WaitingEvent, name: str, size: int, written_s: float) -> WaitingFile:
        urgency = _URGENCIES.get(name.partition(".")[0].rstrip("0123456789"), "live")
        seen_us = self._state.clock.monotonic_us()
        return WaitingFile(event, intern(name), size, urgency, -1, seen_us, waits_for=1, written_s=written_s)

    def _drop_steps(self, event: WaitingEvent) -> None:
        for step in reversed(event.steps):
            if isinstance(step, Keep):
                self._state.kept(step)
            elif isinstance(step, Rename):
                event.places[step.store] = step.old
        event.steps.clear()
        event.moving.clear()

    def _forget_if_settled(self, event: WaitingEvent) -> None:
        if not (event.running or event.interrupted or self._waits(event)):
            self._state.events.pop(event.name, None)

    def _waits(self, event: WaitingEvent) -> bool:
        return any(departures.queue.of(event) for departures in self._departures.values())


def _kind(step: Step) -> tuple[type[Step], bool]:
    return type(step), isinstance(step, Keep) and step.file.urgency == "pre-roll"
