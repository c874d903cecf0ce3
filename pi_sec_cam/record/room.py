"""Makes room for new events by deleting old ones, as record/retention.py decides."""

import errno
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import EventNotFound, EventProtected, EventStays
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.disk import DiskState
from pi_sec_cam.record.lasting import WEEK, bytes_a_day
from pi_sec_cam.record.left_out import LeftOut
from pi_sec_cam.record.refusals import Refusals
from pi_sec_cam.record.retention import RESERVE_BYTES, C, Deletion, Limits, Usage, is_due, left_bytes, plan

if TYPE_CHECKING:
    from pi_sec_cam.record.catalogue import Catalogue

log = logging.getLogger(__name__)

_AGES_US = 60_000_000
# Where nothing more could be done, this long passes before it is tried again.
_STUCK_US = 10_000_000
# So many at a time, so that the disk is looked at in between.
_MOST_DELETED = 100
# With these it is hardly one event that is at fault: no use to try the others at once.
_OF_THE_DISK = {errno.EROFS, errno.ENOSPC, errno.EDQUOT}


class RoomMaker:
    """Used by the storage's thread alone, but for `refused`, `written` and `changed`, which any may call.

    Args:
        on_deleted: told the id of each event that was deleted; must not raise.
        on_lack: told how many bytes would lack even if all events were deleted that may be; must not raise.

    Attributes:
        deleted: events since the start.
        obstacles: in words, why a limit cannot be kept.
        events, events_bytes: how many there are, and the size of all, when last counted; None before that.
        bytes_a_day: that were recorded in the last week; None while that cannot be told.
    """

    def __init__(
        self,
        archive: Archive,
        limits: Limits,
        clock: Clock,
        on_deleted: Callable[[str], None] = lambda _id: None,
        on_lack: Callable[[int], None] = lambda _bytes: None,
    ) -> None:
        self._archive = archive
        self._limits = limits
        self._clock = clock
        self._on_deleted = on_deleted
        self._on_lack = on_lack
        self._changed = threading.Event()
        self._changed.set()
        self._refusals = Refusals(clock)
        self._left_out = LeftOut(clock)
        self._believed_since_us: int | None = None
        self._ages_due_us = 0
        self._stuck_until_us = 0
        self.deleted = 0
        self._of_limits: tuple[str, ...] = ()
        self.obstacles: tuple[str, ...] = ()
        self.bytes_a_day: float | None = None
        self.events: int | None = None
        self.events_bytes = 0

    def changed(self) -> None:
        """An event has begun, ended or gone."""
        self._changed.set()

    def refused(self) -> None:
        """The disk took no more; it may know of limits (a quota) that its figures do not show."""
        self._refusals.refused()

    def written(self) -> None:
        """The disk has taken some of an event."""
        self._refusals.written()

    def lasts_days(self, state: DiskState) -> float | None:
        """Days until the oldest events have to make room, at the rate of the last week; None if that cannot be told."""
        if state.free_bytes is None or not self.bytes_a_day:
            return None
        usage = Usage(free_bytes=state.free_bytes, free_inodes=state.free_inodes, events_bytes=self.events_bytes)
        return round(left_bytes(self._limits, usage) / self.bytes_a_day, 2)

    def make(
        self, state: DiskState, catalogue: "Catalogue", stopping: threading.Event, advance: Callable[[], None]
    ) -> bool:
        """Look whether room is wanted, and make some; whether something was deleted.

        An event that cannot be deleted is said in `obstacles` and left out for a while.

        Raises:
            StorageError: the catalogue's.
        """
        from pi_sec_cam.record.deletion import delete_event

        self._judge_clock()
        self._left_out.forget_old()
        if state.free_bytes is None or state.kind == "read-only":
            return False
        if self._changed.is_set():
            self._changed.clear()
            self._stuck_until_us = 0
            self.events, self.events_bytes = catalogue.count(), catalogue.bytes_total()
            now = self._clock.wall()
            self.bytes_a_day = bytes_a_day(catalogue.bytes_since(now - WEEK), catalogue.oldest_start(), now)
        usage = Usage(free_bytes=state.free_bytes, free_inodes=state.free_inodes, events_bytes=self.events_bytes)
        space_shows = not is_due(replace(self._limits, max_bytes=None), usage)
        if self._refusals.to_answer(space_shows=space_shows):
            self._stuck_until_us = 0
            usage = replace(usage, refused=True)
        if not is_due(self._limits, usage) and not self._is_something_too_old(catalogue):
            self._say(())
            return False
        if self._clock.monotonic_us() < self._stuck_until_us:
            return False
        deletable = [event for event in catalogue.deletable() if event.id not in self._left_out]
        wanted = plan(self._limits, usage, deletable, now=self._believed_now(), watched_s=self._believed_s())
        self._say(wanted.obstacles)
        lacking = RESERVE_BYTES - usage.free_bytes - sum(event.bytes for event in deletable)
        if lacking > 0:
            self._on_lack(lacking)
        return self._delete(
            wanted.deletions, lambda event: delete_event(self._archive, catalogue, event.id), stopping, advance
        )

    def make_without_list(self, state: DiskState, stopping: threading.Event, advance: Callable[[], None]) -> bool:
        """The same, from the files alone, while the disk is too full for the catalogue to be opened at all.

        Only as much as that needs; the catalogue then drops what is gone.

        Raises:
            StorageError: the recordings cannot be listed.
        """
        from pi_sec_cam.record.deletion import delete_unlisted

        if state.kind != "full" or state.free_bytes is None or self._clock.monotonic_us() < self._stuck_until_us:
            return False
        self._left_out.forget_old()
        deletable = []
        for event in self._archive.scan():
            advance()
            if not event.locked and event.state != "recording" and event.id not in self._left_out:
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
        done, others_may_go = 0, False
        for deletion in deletions[:_MOST_DELETED]:
            if stopping.is_set():
                break
            advance()
            try:
                delete(deletion.event)
            except (EventNotFound, EventProtected) as error:  # somebody was quicker, or only the file knows of a lock
                log.info("not deleted: %s", error)
                self._left_out.add(deletion.event.id, None)
                others_may_go = True
            except EventStays as error:
                self._left_out.add(deletion.event.id, error)
                others_may_go = error.errno not in _OF_THE_DISK
                if not others_may_go:
                    break
            else:
                log.info("deleted %s, to keep within the limit (%s)", deletion.event.id, deletion.why)
                self._on_deleted(deletion.event.id)
                done += 1
        self.deleted += done
        self._say(self._of_limits)
        if done:
            self._changed.set()
        elif not others_may_go:
            self._stuck_until_us = self._clock.monotonic_us() + _STUCK_US
        return done > 0

    def _say(self, of_limits: tuple[str, ...]) -> None:
        if of_limits and not self._of_limits:  # the figures in them change each time
            log.error("%s", "; ".join(of_limits))
        self._of_limits = of_limits
        self.obstacles = (*of_limits, *self._left_out.obstacles, *self._refusals.obstacles)

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
