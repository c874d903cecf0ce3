"""What all sides of the outbox share: the events, what is to be done on the disk, and the one lock over them."""

import threading
from collections.abc import Callable, Iterable

from pi_sec_cam.clock import Clock
from pi_sec_cam.offsite.waiting import Keep, Step, WaitingEvent, WaitingFile

_DUE_US = 500_000
_CURRENT_US = 30_000_000
# A file's time below this was written by a clock that was wrong.
_EXISTS_SINCE_S = 1_767_225_600  # 2026-01-01


class OutboxState:
    """Of one outbox. All of it is protected by `changed`, which methods expect to be held; no I/O is done under it.

    Args:
        archive: what is handed over is also the recording (sealed mode): it is kept in memory until it is on the disk,
            even if all stores have it.

    Attributes:
        changed: notified when something has come, gone, or become ready.
        events: all of which something waits or is to be done, by name.
        to_do: those with steps, in the order in which they got them.
        readable: the disk is there, and what is known of its files is true.
        held_bytes: of files that are not on the disk.
        lines: of files that are not on the disk and have left everywhere.
    """

    def __init__(self, clock: Clock, *, archive: bool) -> None:
        self.changed = threading.Condition()
        self.clock = clock
        self.events: dict[str, WaitingEvent] = {}
        self.to_do: dict[WaitingEvent, None] = {}
        self.readable = False
        self.held_bytes = 0
        self.lines = 0
        self._archive = archive
        self._recent: dict[WaitingEvent, None] = {}

    def add_step(self, event: WaitingEvent, step: Step) -> None:
        """One more thing to be done on the disk."""
        event.steps.append(step)
        self.to_do.setdefault(event)
        self.changed.notify_all()

    def touch(self, event: WaitingEvent) -> None:
        """A file has been handed over, or the event has begun."""
        event.added_us = self.clock.monotonic_us()
        self._recent.setdefault(event)

    def current(self) -> list[WaitingEvent]:
        """The events that run, or to which something was added a moment ago, the oldest first."""
        since_us = self.clock.monotonic_us() - _CURRENT_US
        self._recent = {e: None for e in self._recent if e.running or (e.added_us or 0) > since_us}
        return list(self._recent)

    def ready(self, file: WaitingFile, store: str) -> bool:
        """Whether the file may leave now."""
        if file.outgoing is not None:
            return self.clock.monotonic_us() - file.seen_us >= _DUE_US
        return self.readable and store not in file.event.moving

    def ready_in_s(self, files: Iterable[WaitingFile]) -> float | None:
        """When the next of these may leave out of memory if the disk does not answer; None if all may, or are on it."""
        now_us = self.clock.monotonic_us()
        due_us = [file.seen_us + _DUE_US for file in files if file.outgoing is not None]
        return min(((at_us - now_us) / 1e6 for at_us in due_us if at_us > now_us), default=None)

    def ages(self) -> Callable[[WaitingFile], float]:
        """Tells for how many seconds a file has waited, as far as is known for sure."""
        now_us = self.clock.monotonic_us()
        now_s = self.clock.wall().timestamp() if self.clock.synchronised() else None

        def age_s(file: WaitingFile) -> float:
            here_s = (now_us - file.seen_us) / 1e6
            if now_s is None or file.written_s is None or file.written_s < _EXISTS_SINCE_S:
                return here_s
            return max(here_s, now_s - file.written_s)

        return age_s

    def left(self, file: WaitingFile) -> None:
        """No store waits for the file any more: its bytes need not be held."""
        if file.held and not self._archive:
            self.lines += 1
            self._let_go(file)

    def kept(self, keep: Keep) -> None:
        """The file is on the disk, and so is its line; or it never will be."""
        if keep.file.held:
            self._let_go(keep.file)
        else:
            self.lines -= 1

    def _let_go(self, file: WaitingFile) -> None:
        file.outgoing, file.held = None, False
        self.held_bytes -= file.bytes
        self.changed.notify_all()
