"""In sealed mode the files that leave are the recording: this gives their events folders, records and an end."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from pi_sec_cam.clock import Clock, WallStamp
from pi_sec_cam.motion.event import EventEnded, EventStarted
from pi_sec_cam.offsite.journal import JOURNAL_NAME, read_journal
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.insistence import GaveUp, InsistentWorker
from pi_sec_cam.record.progress import EventProgress
from pi_sec_cam.record.repair import repair
from pi_sec_cam.record.sealed_video import parts_of, with_sealed_video

log = logging.getLogger(__name__)

_WAIT_S = 0.25
# When stopped, how long to wait for the outbox's writer to note the next file, or the end, of an event.
_LAST_WORDS_US = 1_500_000
_LAST_WORDS_S = 0.05
# Chunks reach the disk before they leave, each whole: nobody need wait for a place in the stream.
_ALL = 1 << 62
_REMEMBERED = 50

_T = TypeVar("_T")


@dataclass(slots=True, eq=False)
class _Event:
    """An event that is not over."""

    started: EventStarted
    stamp: WallStamp
    sequence: int
    progress: EventProgress
    ended: EventEnded | None = None
    folder: EventFolder | None = None
    record: EventRecord | None = None
    listed: bool = False


@dataclass(slots=True)
class _Counts:
    """Of events."""

    recorded: int = 0
    lost: int = 0
    ids: dict[int, str] = field(
        default_factory=dict
    )  # of the last ones, by their number: what a continuation refers to


class SealedRecorder(InsistentWorker):
    """Gives one camera's events their folders, event.json and rows in the catalogue; their files come from the
    outbox's writer (offsite/sealed_archive.py).

    An event is over when its journal is final, or nothing of it can come any more.

    Args:
        camera: its name.
        archive: where events go.
        keep: takes each event's record, when its first file is there and when it is over; must not raise.
        pending: whether anything that was seen may still be on its way to the disk.
        on_trouble: is told each time that the disk has refused something, in this thread; quick, must not raise.
    """

    def __init__(
        self,
        *,
        camera: str,
        archive: Archive,
        keep: Callable[[EventRecord], None],
        pending: Callable[[], bool],
        clock: Clock,
        on_trouble: Callable[[OSError], None] | None = None,
    ) -> None:
        super().__init__(f"recorder of {camera}", clock, whose=camera, on_trouble=on_trouble)
        self._camera = camera
        self._archive = archive
        self._keep = keep
        self._pending = pending
        # Protects the events, which the watcher's thread adds and ends, and the progress of the last ones.
        self._changed = threading.Condition()
        self._news = False
        self._events: list[_Event] = []
        self._progress: dict[int, EventProgress] = {}
        self._counts = _Counts()

    def on_event(self, event: EventStarted | EventEnded) -> None:
        """Take note of an event's begin or end, in the watcher's thread."""
        with self._changed:
            if isinstance(event, EventStarted):
                progress = EventProgress(lambda: None)
                progress.kept(_ALL)
                stamp = self.clock.stamp(event.trigger_pts_us)
                self._events.append(_Event(event, stamp, self._archive.next_sequence(stamp), progress))
                self._progress[event.number] = progress
                self._progress.pop(event.number - _REMEMBERED, None)
            else:
                for known in self._events:
                    if known.started.number == event.number:
                        known.ended = event
            self._news = True
            self._changed.notify_all()

    def progress(self, event_number: int) -> EventProgress | None:
        """Where an event is kept, from its `on_event` on; None for one that was over long ago. Any thread."""
        with self._changed:
            return self._progress.get(event_number)

    def stop(self) -> None:
        super().stop()
        with self._changed:
            self._news = True
            self._changed.notify_all()

    @property
    def busy(self) -> bool:
        """Whether an event runs, or is not whole on the disk yet."""
        with self._changed:
            return bool(self._events)

    def status(self) -> dict[str, object]:
        """Plain values, those of the recorder of clear video; what waits, and what was dropped, the chunker knows."""
        with self._changed:
            events = list(self._events)
        folder = events[0].folder if events else None
        return {
            "state": "recording" if events else "waiting",
            "event": folder.id if folder else None,
            "events_waiting": max(0, len(events) - 1),
            "events_recorded": self._counts.recorded,
            "events_lost": self._counts.lost,
            "pictures_dropped": 0,
            "waiting_bytes": 0,
            "waiting_seconds": 0.0,
            "trouble": self.trouble,
        }

    def work(self) -> None:
        """Keeps events until told to stop; those that run then are brought to their end, if that comes soon."""
        while not self.stopping.is_set():
            self.round(_WAIT_S)
        self.round(0)
        noted, noted_us = self._noted(), self.clock.monotonic_us()
        while self._events and self.clock.monotonic_us() - noted_us < _LAST_WORDS_US:
            self.round(_LAST_WORDS_S)
            if (now := self._noted()) != noted:
                noted, noted_us = now, self.clock.monotonic_us()
        for event in self._events:
            log.warning("%s: an event was not whole on the disk when the program stopped", self._camera)
            event.progress.end()

    def round(self, seconds: float) -> None:
        """Wait for news, at most so long, and bring each event further."""
        with self._changed:
            self._changed.wait_for(lambda: self._news, seconds)
            self._news = False
            events = list(self._events)
        self.advance()
        for event in events:
            if self._disk.gave_up or self._attend(event):
                with self._changed:
                    self._events.remove(event)
                event.progress.end()

    def _attend(self, event: _Event) -> bool:
        """Bring an event further; whether it is over."""
        try:
            if event.folder is None:
                event.folder = self._insist(lambda: self._archive.begin(self._camera, event.stamp))
            folder = event.folder
            if event.record is None:
                event.record = self._insist(lambda: self._begin(event, folder))
                event.progress.stands(folder)
            if not event.listed and self._insist(folder.sealed_files):
                self._list(event.record)
                event.listed = True
            return event.ended is not None and self._insist(lambda: self._finish(event))
        except GaveUp:
            self._counts.lost += 1
            return True

    def _noted(self) -> int:
        """Grows with each line in the journals of events that are not over."""
        journals = (event.folder.path / JOURNAL_NAME for event in self._events if event.folder)
        with suppress(OSError):
            return sum(journal.stat().st_size for journal in journals)
        return 0

    def _begin(self, event: _Event, folder: EventFolder) -> EventRecord:
        started, trigger = event.started, event.stamp.wall
        record = EventRecord(
            id=folder.id,
            camera=self._camera,
            start=trigger,
            end=trigger,
            motion_start=trigger,
            motion_end=trigger,
            clock_synchronised=event.stamp.synchronised,
            state="recording",
            trigger_pts_us=started.trigger_pts_us,
            areas=started.areas,
            continues=self._counts.ids.get(started.continues or 0),
            sequence=event.sequence,
        )
        self._counts.ids = {**dict(list(self._counts.ids.items())[-1:]), started.number: folder.id}
        return folder.write_record(record)

    def _finish(self, event: _Event) -> bool:
        """Write the last word on the event, if that can be said; whether it was."""
        folder, ended, record = event.folder, event.ended, event.record
        assert folder is not None
        assert ended is not None
        assert record is not None
        pending = self._pending()  # asked first: the end may be noted just now
        journal = read_journal(folder.path)
        if journal is None or not journal.final:
            return not pending and self._cut_short(folder)
        after_trigger = timedelta(microseconds=ended.last_motion_pts_us - event.started.trigger_pts_us)
        record = replace(record, motion_end=record.motion_start + max(after_trigger, timedelta()))
        record = with_sealed_video(record, parts_of(folder), folder.media_bytes())
        record = folder.write_record(replace(record, state="complete", end_reason=ended.reason))
        self._list(record)
        self._counts.recorded += 1
        log.info("%s: kept %s, %.1f s, sealed", self._camera, record.path, record.duration_s)
        return True

    def _cut_short(self, folder: EventFolder) -> bool:
        """Nothing comes any more, and the journal has no end: as after a crash."""
        _, record = repair(folder, None)
        self._counts.lost += 1
        if record is None:
            self._archive.running.discard(folder.id)
            log.error("%s: an event is lost: nothing of it has reached the disk", self._camera)
        else:
            self._list(record)
            log.error("%s: only a part of %s is kept, %.1f s", self._camera, record.path, record.duration_s)
        return True

    def _list(self, record: EventRecord) -> None:
        with self._disk.waiting():
            self._keep(record)

    def _insist(self, step: Callable[[], _T]) -> _T:
        return self._disk.until_done(step, before_another_try=lambda: None)
