"""Makes room for new events by deleting old ones, as record/retention.py decides."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import EventNotFound, EventProtected
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.disk import DiskState
from pi_sec_cam.record.retention import C, Deletion, Limits, Usage, is_due, plan

if TYPE_CHECKING:
    from pi_sec_cam.record.catalogue import Catalogue

log = logging.getLogger(__name__)

_AGES_US = 60_000_000
# Where nothing more could be done, this long passes before it is tried again.
_STUCK_US = 10_000_000
# A disk that refuses though its figures are good is believed so often: deleting may not be what helps it.
_REFUSAL_US = 30_000_000
# So many at a time, so that the disk is looked at in between.
_MOST_DELETED = 100


class RoomMaker:
    """Used by the storage's thread alone, but for `refused` and `changed`, which any may call.

    Attributes:
        deleted: events since the start.
        obstacles: in words, why a limit cannot be kept.
        events, events_bytes: how many there are, and the size of all, when last counted; None before that.
    """

    def __init__(self, archive: Archive, limits: Limits, clock: Clock) -> None:
        self._archive = archive
        self._limits = limits
        self._clock = clock
        self._changed = threading.Event()
        self._changed.set()
        self._refused = threading.Event()
        self._believed_since_us: int | None = None
        self._ages_due_us = 0
        self._stuck_until_us = 0
        self._refusal_until_us = 0
        self.deleted = 0
        self.obstacles: tuple[str, ...] = ()
        self.events: int | None = None
        self.events_bytes = 0

    def changed(self) -> None:
        """An event has begun, ended or gone."""
        self._changed.set()

    def refused(self) -> None:
        """The disk took no more; it may know of limits (a quota) that its figures do not show."""
        self._refused.set()

    def make(
        self, state: DiskState, catalogue: "Catalogue", stopping: threading.Event, advance: Callable[[], None]
    ) -> bool:
        """Look whether room is wanted, and make some; whether something was deleted.

        Raises:
            StorageError: the disk's or the catalogue's.
        """
        from pi_sec_cam.record.deletion import delete_event

        self._judge_clock()
        if state.free_bytes is None or state.kind == "read-only":
            return False
        if self._changed.is_set():
            self._changed.clear()
            self._stuck_until_us = 0
            self.events, self.events_bytes = catalogue.count(), catalogue.bytes_total()
        usage = Usage(
            free_bytes=state.free_bytes,
            free_inodes=state.free_inodes,
            events_bytes=self.events_bytes,
            refused=self._refused.is_set(),
        )
        if usage.refused:
            self._refused.clear()
            if self._clock.monotonic_us() < self._refusal_until_us:
                usage = replace(usage, refused=False)
            else:
                self._stuck_until_us = 0
                self._refusal_until_us = self._clock.monotonic_us() + _REFUSAL_US
        if not is_due(self._limits, usage) and not self._is_something_too_old(catalogue):
            self.obstacles = ()
            return False
        if self._clock.monotonic_us() < self._stuck_until_us:
            return False
        wanted = plan(
            self._limits, usage, catalogue.deletable(), now=self._believed_now(), watched_s=self._believed_s()
        )
        self._say(wanted.obstacles)
        return self._delete(
            wanted.deletions, lambda event: delete_event(self._archive, catalogue, event.id), stopping, advance
        )

    def make_without_list(self, state: DiskState, stopping: threading.Event, advance: Callable[[], None]) -> bool:
        """The same, from the files alone, while the disk is too full for the catalogue to be opened at all.

        Only as much as that needs; the catalogue then drops what is gone.
        """
        from pi_sec_cam.record.deletion import delete_unlisted

        if state.kind != "full" or state.free_bytes is None or self._clock.monotonic_us() < self._stuck_until_us:
            return False
        deletable = []
        for event in self._archive.scan():
            advance()
            if not event.locked and event.state != "recording":
                deletable.append(event)
        deletable.sort(key=lambda event: event.sequence)
        usage = Usage(free_bytes=state.free_bytes, free_inodes=state.free_inodes, events_bytes=0)
        wanted = plan(Limits(min_free_bytes=0), usage, deletable, now=None, watched_s=0)
        return self._delete(wanted.deletions, lambda event: delete_unlisted(self._archive, event), stopping, advance)

    def _delete(
        self,
        deletions: Sequence[Deletion[C]],
        delete: Callable[[C], None],
        stopping: threading.Event,
        advance: Callable[[], None],
    ) -> bool:
        done = 0
        for deletion in deletions[:_MOST_DELETED]:
            if stopping.is_set():
                break
            advance()
            try:
                delete(deletion.event)
            except (EventNotFound, EventProtected) as error:  # somebody was quicker
                log.info("not deleted: %s", error)
            else:
                log.info("deleted %s, to keep within the limit (%s)", deletion.event.id, deletion.why)
                done += 1
        self.deleted += done
        if done:
            self._changed.set()
        else:
            self._stuck_until_us = self._clock.monotonic_us() + _STUCK_US
        return done > 0

    def _say(self, obstacles: tuple[str, ...]) -> None:
        if bool(obstacles) and not self.obstacles:  # the figures in them change each time
            log.error("%s", "; ".join(obstacles))
        self.obstacles = obstacles

    def _is_something_too_old(self, catalogue: "Catalogue") -> bool:
        """Asked once a minute, as long as the clock is believed."""
        now, days = self._believed_now(), self._limits.max_age_days
        if now is None or days is None or self._clock.monotonic_us() < self._ages_due_us:
            return False
        self._ages_due_us = self._clock.monotonic_us() + _AGES_US
        return bool(catalogue.deletable(before=now - timedelta(days=days), limit=1))

    def _judge_clock(self) -> None:
        if not self._clock.synchronised():
            self._believed_since_us = None
        elif self._believed_since_us is None:
            self._believed_since_us = self._clock.monotonic_us()

    def _believed_now(self) -> datetime | None:
        return None if self._believed_since_us is None else self._clock.wall()

    def _believed_s(self) -> float:
        since_us = self._believed_since_us
        return 0.0 if since_us is None else (self._clock.monotonic_us() - since_us) / 1e6
