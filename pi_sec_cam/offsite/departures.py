"""One store's side of the outbox: what leaves next, what became of it, and the store's own bounds."""

import logging
from pathlib import Path
from threading import Event

from pi_sec_cam.offsite.gaps import Gaps
from pi_sec_cam.offsite.leaving import Queue
from pi_sec_cam.offsite.outbox_state import OutboxState
from pi_sec_cam.offsite.outgoing import Urgency
from pi_sec_cam.offsite.waiting import GiveUp, Rename, Sent, Settle, WaitingEvent, WaitingFile

log = logging.getLogger(__name__)

_URGENT: frozenset[Urgency] = frozenset({"picture", "live"})  # does not wait for a gap
_WAIT_S = 0.5


class Departures:
    """What waits for one store. Its uploader's thread takes from it; any thread may ask.

    Args:
        key: of the store.
        directory: where its files are kept.
        max_bytes, max_age_s: its bounds.

    Attributes:
        queue: protected by the state's lock.
        sent, sent_bytes, dropped, dropped_bytes, refused: counts since the start; `refused` with those found then.
    """

    def __init__(
        self, state: OutboxState, key: str, directory: Path, *, max_bytes: int, max_age_s: float | None
    ) -> None:
        self.key = key
        self.queue = Queue()
        self.sent = self.sent_bytes = self.dropped = self.dropped_bytes = self.refused = 0
        self._state = state
        self._directory = directory
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        # Protected by the state's lock, as the queue is.
        self._sending: WaitingFile | None = None
        self._taken_us = 0
        self._gaps = Gaps()
        self._resting = False
        self._told: WaitingEvent | None = None

    def wake(self) -> None:
        """End a `take` or `rest`, whose `stopping` is set."""
        with self._state.changed:
            self._state.changed.notify_all()

    def take(self, seconds: float, stopping: Event) -> WaitingFile | None:
        """The next file to be sent; None if there was none in time.

        It goes on waiting here until one of the methods below says what became of it.
        """
        state = self._state
        free_us = state.clock.monotonic_us()
        deadline_us = free_us + round(seconds * 1e6)
        with state.changed:
            while True:
                current, now_us = state.current(), state.clock.monotonic_us()
                file = self.queue.next(lambda waiting: state.ready(waiting, self.key), current)
                opens_us = deadline_us if file is None else self._opens_us(file, current, free_us, now_us)
                if file is not None and opens_us > now_us:
                    file = None
                if file is not None or now_us >= deadline_us or stopping.is_set():
                    self._note_taken(file, current, now_us)
                    return file
                wait_s = (min(deadline_us, opens_us) - now_us) / 1e6
                due_s = state.ready_in_s(file for event in current for file in self.queue.of(event))
                state.changed.wait(wait_s if due_s is None else min(wait_s, due_s))

    def place(self, file: WaitingFile) -> str:
        """Where the file goes in the store: `<camera>/<day>/<time>/<name>`."""
        with self._state.changed:
            return f"{file.event.place(self.key)}/{file.name}"

    def read(self, file: WaitingFile) -> bytes | None:
        """The bytes of a file that was taken; None if it is not where it should be, which is then looked into.

        Raises:
            OSError: the disk cannot read it, or not just now: that is looked into.
        """
        with self._state.changed:
            if file.outgoing is not None:
                return file.outgoing.data
            path = self._directory / file.event.place(self.key) / file.name
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            self._look_into(file)
            return None
        except OSError:
            self._look_into(file)
            raise

    def waited_at_start(self) -> bool:
        """Whether the file that was taken is one that an earlier run of the program left on the disk."""
        with self._state.changed:
            return self._sending is not None and self._sending.sequence < 0

    def gives_way(self) -> bool:
        """Whether the upload under way is to be broken off: for a new event, or because nobody wants it any more."""
        state = self._state
        with state.changed:
            file = self._sending
            if file is None or file not in self.queue:
                return True
            current = state.current()
            return file.event not in current and self._new_event_waits(current)

    def put_back(self) -> None:
        """The file that was taken is to be tried again."""
        with self._state.changed:
            self._sending = None

    def stored(self, file: WaitingFile) -> None:
        """The store has it."""
        with self._state.changed:
            self._sending = None
            self._gaps.sent(file.bytes, self._state.clock.monotonic_us() - self._taken_us)
            self.sent += 1
            self.sent_bytes += file.bytes
            if file in self.queue:  # else it was withdrawn meanwhile
                self._remove(file, Sent(self.key, file))

    def refuse(self, file: WaitingFile, why: str) -> None:
        """The store will never take it."""
        with self._state.changed:
            self._sending = None
            if file in self.queue:
                self.refused += 1
                self._remove(file, GiveUp(self.key, file, why, set_aside=True))

    def rename(self, file: WaitingFile) -> str:
        """Other bytes stand under its name: the rest of its event goes to the folder that is returned."""
        state = self._state
        with state.changed:
            self._sending = None
            event, old = file.event, file.event.place(self.key)
            number = 2 if old == event.name else int(old.rpartition("-")[2]) + 1
            known = {other.place(self.key) for other in state.events.values()} | set(state.events)
            while (new := f"{event.name}-{number}") in known:
                number += 1
            event.places[self.key] = new
            event.moving.add(self.key)
            state.add_step(event, Rename(self.key, old, new))
            return new

    def rest(self, seconds: float, stopping: Event, *, unless_new: bool) -> None:
        """Wait after a failure; a new event's first file ends it where `unless_new`."""
        state = self._state
        until_us = state.clock.monotonic_us() + round(seconds * 1e6)
        with state.changed:
            self._resting = True
            while (left_s := (until_us - state.clock.monotonic_us()) / 1e6) > 0 and not stopping.is_set():
                if unless_new and self._new_event_waits(state.current()):
                    break
                state.changed.wait(min(left_s, _WAIT_S))
            self._resting = False

    def busy_with(self, event: WaitingEvent) -> bool:
        """Whether a new chunk of the event would have to wait for others of it. With the lock held."""
        waiting = self.queue.of(event)
        return any(self._resting or file.urgency in _URGENT for file in waiting)

    def bound(self) -> None:
        """Give up what is too much. With the lock held."""
        while self.queue.bytes > self._max_bytes:
            victim = self.queue.victim(lambda file: file is self._sending)
            if victim is None:
                return
            self.drop(victim, f"more than {self._max_bytes} bytes waited")

    def bytes_on_disk(self) -> int:
        """How much of what waits takes room on the disk, without what is only passing through. With the lock held."""
        return sum(file.bytes for file in self.queue if not self._passes_through(file))

    def shrink(self, most_bytes: int) -> None:
        """Give up what is more than that on the disk, which is full. With the lock held."""
        left = self.bytes_on_disk()
        while left > most_bytes and (victim := self.queue.victim(self._passes_through)) is not None:
            self.drop(victim, "the disk is full")
            left -= victim.bytes

    def bound_age(self) -> None:
        """Give up what is too old. With the lock held."""
        if self._max_age_s is not None:
            for file in self.queue.outdated(self._state.ages(), self._max_age_s, self._sending):
                self.drop(file, f"it waited for longer than {self._max_age_s / 86400:g} days")

    def vanished(self, file: WaitingFile) -> None:
        """It is on the disk no more, though nobody here has removed it. With the lock held."""
        self._count_dropped(file)
        self._remove(file, GiveUp(self.key, file, "it is not in the outbox any more", set_aside=False))

    def figures(self) -> dict[str, object]:
        """Plain JSON values: see `Uploader.status`."""
        with self._state.changed:
            oldest_s = self.queue.oldest_s(self._state.ages())
            return {
                "files_waiting": self.queue.files,
                "bytes_waiting": self.queue.bytes,
                "oldest_unsent_s": None if oldest_s is None else round(oldest_s, 1),
                "files_sent": self.sent,
                "bytes_sent": self.sent_bytes,
                "files_dropped": self.dropped,
                "bytes_dropped": self.dropped_bytes,
                "files_refused": self.refused,
            }

    def _opens_us(self, file: WaitingFile, current: list[WaitingEvent], free_us: int, now_us: int) -> int:
        """When the file may leave if nothing more urgent comes before it."""
        if file.event in current and file.urgency in _URGENT:
            return now_us
        running = [event for event in current if event.running]
        return self._gaps.opens_us(file.bytes, running, free_us=free_us, now_us=now_us)

    def _look_into(self, file: WaitingFile) -> None:
        """The disk is away, or fails, or somebody has removed the file: what is then found on the disk tells which."""
        with self._state.changed:
            self._sending = None
            if file in self.queue and self.key not in file.event.moving:
                self._state.readable = False
                self._state.changed.notify_all()

    def _note_taken(self, file: WaitingFile | None, current: list[WaitingEvent], now_us: int) -> None:
        self._sending, self._taken_us = file, now_us
        if file is None:
            return
        file.event.begun_in.add(self.key)
        if file.event not in current or file.urgency not in _URGENT:
            self._gaps.other(now_us)
        elif file.urgency == "live":
            self._gaps.live(file.event, file.seen_us)

    def _new_event_waits(self, current: list[WaitingEvent]) -> bool:
        return any(
            self._state.ready(file, self.key)
            for event in current
            if self.key not in event.begun_in
            for file in self.queue.of(event)
        )

    def drop(self, file: WaitingFile, why: str, *, linked: bool = True) -> None:
        """Give up a file that waits here; `linked` as in GiveUp. With the lock held."""
        if file.event is not self._told:
            log.error("%s: giving up files of %s: %s", self.key, file.event.name, why)
            self._told = file.event
        self._count_dropped(file)
        self._remove(file, GiveUp(self.key, file, why, set_aside=False, linked=linked))

    def _passes_through(self, file: WaitingFile) -> bool:
        """It is on its way, in memory alone, or of a running event: to give it up would make no room to speak of."""
        return file is self._sending or file.outgoing is not None or file.event.running

    def _count_dropped(self, file: WaitingFile) -> None:
        self.dropped += 1
        self.dropped_bytes += file.bytes

    def _remove(self, file: WaitingFile, step: Sent | GiveUp) -> None:
        state, event = self._state, file.event
        self.queue.remove(file)
        state.add_step(event, step)
        if not event.running and not self.queue.of(event):
            state.add_step(event, Settle(self.key))
        file.waits_for -= 1
        if not file.waits_for:
            state.left(file)
