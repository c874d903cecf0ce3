"""Turns events into clips on disk: from the pre-roll in the ring to the last picture, whatever the disk does."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import TypeVar

from pi_sec_cam.clock import Clock
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.mp4 import StreamRefused
from pi_sec_cam.media.ring import Unread
from pi_sec_cam.motion.event import EventEnded, EventStarted
from pi_sec_cam.motion.event_reader import EventReader, EventReaders
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.clip import Clip
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.insistence import GaveUp, InsistentWorker
from pi_sec_cam.record.progress import EventProgress

log = logging.getLogger(__name__)

_WAIT_S = 0.25
# Events that are over can be asked about for a while: so many that began since.
_REMEMBERED = 50

_T = TypeVar("_T")


class Recorder(InsistentWorker):
    """Records one camera's events, one after the other; events that begin meanwhile wait, their video pinned.

    `on_event` is called by the watcher and only notes what is to be done. What the disk does not take is tried again
    until it does; the units that follow wait in the ring. Only what the ring cannot hold is lost, and what is not on
    the disk when the recorder is stopped and the disk refuses one last time; both are counted.

    Args:
        camera: its name.
        readers: where the video comes from.
        archive: where clips go.
        picture: gives an event's motion picture as JPEG, None where it cannot be decoded; may take its time.
        keep: takes each event's record, when it begins and when it has ended; must not raise.
        on_trouble: is told each time that the disk has refused something, in the recorder's thread, so that room can be
            made; quick, must not raise.
    """

    def __init__(
        self,
        *,
        camera: str,
        readers: EventReaders,
        archive: Archive,
        picture: Callable[[EventStarted], bytes | None],
        keep: Callable[[EventRecord], None],
        clock: Clock,
        on_trouble: Callable[[OSError], None] | None = None,
    ) -> None:
        super().__init__(f"recorder of {camera}", clock, whose=camera, on_trouble=on_trouble)
        self._camera = camera
        self._open = readers.open
        self._archive = archive
        self._picture = picture
        self._keep = keep
        # Protects the queue and the progress of its events; filled by the watcher's thread.
        self._changed = threading.Condition()
        self._events: deque[EventReader] = deque()
        self._progress: dict[int, EventProgress] = {}  # by the events' numbers
        self._current: EventReader | None = None
        self._clip: Clip | None = None
        self._ids: dict[int, str] = {}  # of the last events, by their number: what a continuation refers to
        self._stopped_at: dict[int, int] = {}  # the same events' `EventReader.stopped_at`
        self._recorded = 0
        self._dropped = 0
        self._lost_events, self._lost_seconds = 0, 0.0  # the seconds by giving up

    def on_event(self, event: EventStarted | EventEnded) -> None:
        """Take note of an event's begin or end; the video that it needs stays in the ring from now on."""
        with self._changed:
            if isinstance(event, EventStarted):
                reader = self._open(event)
                self._events.append(reader)
                self._progress[event.number] = EventProgress(partial(self._wake, reader))
                self._forget_old(event.number - _REMEMBERED)
            else:
                for reader in self._readers():
                    if reader.started.number == event.number:
                        reader.end(event)
            self._changed.notify_all()

    def progress(self, event_number: int) -> EventProgress | None:
        """How far an event is on the disk, from its `on_event` on; None for one that was over long ago. Any thread."""
        with self._changed:
            return self._progress.get(event_number)

    def stop(self) -> None:
        super().stop()
        with self._changed:
            self._changed.notify_all()

    def work(self) -> None:
        """Records until told to stop; what has begun or waits then is recorded first, as far as it has come."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._events or self.stopping.is_set(), _WAIT_S)
                self._current = reader = self._events.popleft() if self._events else None
            self.advance()
            if reader is not None:
                with closing(reader):
                    self._record(reader)
            elif self.stopping.is_set():
                break
        if self._disk.gave_up:
            lost = f"{self._lost_seconds:.0f} s of {self._lost_events} events, {self._dropped} pictures in all"
            log.error("%s: stopped while the disk refused to take them, these are lost: %s", self._camera, lost)

    @property
    def busy(self) -> bool:
        """Whether an event is being recorded, or waits."""
        with self._changed:
            return bool(self._readers())

    def status(self) -> dict[str, object]:
        """Plain values: what it does now, what it has done, what it could not do.

        `waiting_bytes` and `waiting_seconds` are those of the event that waits for longest, in memory only.
        """
        with self._changed:
            reader, waiting = self._current, len(self._events)
            unread = max((each.unread for each in self._readers()), default=Unread(0, 0, 0.0))
        clip = self._clip
        dropped = self._dropped + (clip.dropped if clip else 0) + (reader.dropped if reader else 0)
        return {
            "state": "recording" if reader else "waiting",
            "event": self._ids.get(reader.started.number) if reader else None,
            "events_waiting": waiting,
            "events_recorded": self._recorded,
            "events_lost": self._lost_events,
            "pictures_dropped": dropped,
            "waiting_bytes": unread.bytes + (clip.waiting_bytes if clip else 0),
            "waiting_seconds": round(unread.seconds, 3),
            "trouble": self.trouble,
        }

    def _readers(self) -> list[EventReader]:
        """All events that are not recorded yet, the current one first."""
        return [*([self._current] if self._current else []), *self._events]

    def _wake(self, reader: EventReader) -> None:
        """Somebody wants the event's progress."""
        reader.wake()
        with self._changed:
            self._changed.notify_all()

    def _forget_old(self, number: int) -> None:
        self._progress = {each: past for each, past in self._progress.items() if each > number or not past.over}

    def _record(self, reader: EventReader) -> None:
        number, continues = reader.started.number, reader.started.continues or 0
        reader.follow(self._stopped_at.get(continues, 0))
        progress = self._progress[number]
        clip = Clip(
            self._archive,
            self._camera,
            reader.started,
            reader.stamp,
            self._ids.get(continues),
            on_folder=progress.stands,
        )
        self._clip = clip
        try:
            self._write(clip, reader, progress)
            progress.kept(reader.stopped_at)
        except GaveUp:
            progress.end()
            clip.abandon()
            self._lost_events += 1
            self._lost_seconds += reader.unread.seconds
            while self._next(reader, progress) is not None:
                clip.dropped += 1
        finally:
            progress.end()
        self._stopped_at[number] = reader.stopped_at
        self._ids, self._stopped_at = _newest(self._ids), _newest(self._stopped_at)
        self._clip = None
        self._dropped += clip.dropped + reader.dropped

    def _write(self, clip: Clip, reader: EventReader, progress: EventProgress) -> None:
        """All of the event, from its first unit to its final record."""
        seen_dropped, listed, pictured = reader.dropped, None, False
        while not reader.over:
            unit = self._next(reader, progress)
            if reader.dropped > seen_dropped:
                clip.gap()
            seen_dropped, kept = reader.dropped, clip.kept
            if unit is not None:
                self._take(clip, unit)
            if progress.asked(reader.next_number):
                clip.cut()
            self._insist(clip, clip.flush)
            if not clip.in_memory and not reader.over:
                progress.kept(reader.next_number)
            if clip.kept > kept:
                self._disk.works()
                if clip.folder is not listed and clip.record is not None:
                    self._ids[reader.started.number] = clip.record.id
                    self._list(clip.record)
                    listed = clip.folder
            # Decoding takes its time; what has come until now has precedence.
            if not pictured and not reader.unread.pictures:
                clip.add_picture(self._picture(reader.started) or b"")
                self._insist(clip, clip.flush)
                pictured = True
            self.advance()
        record = self._insist(clip, lambda: clip.finish(reader.ended, reader.dropped))
        if record is not None:
            self._list(record)
            self._recorded += 1
            log.info("%s: kept %s, %.1f s", self._camera, record.path, record.duration_s)
        elif reader.dropped + clip.dropped:
            self._lost_events += 1
            log.error("%s: an event is lost: while the disk refused, the memory was too small for it", self._camera)

    def _take(self, clip: Clip, unit: AccessUnit) -> None:
        try:
            self._insist(clip, partial(clip.add, unit))
        except StreamRefused as error:
            self._disk.report(str(error))
        except GaveUp:
            clip.dropped += 1
            raise

    def _list(self, record: EventRecord) -> None:
        with self._disk.waiting():
            self._keep(record)

    def _next(self, reader: EventReader, progress: EventProgress) -> AccessUnit | None:
        """The event's next unit; None when it has had its last, or when what was taken is asked for.

        When the recorder is stopped, an event that has come no further has had its last unit, too.
        """
        while not (reader.over or progress.asked(reader.next_number)):
            unit = reader.read(0 if self.stopping.is_set() else _WAIT_S)
            if unit is not None:
                return unit
            self.advance()
            if self.stopping.is_set():
                reader.stop()
            elif reader.drained:
                with self._changed:
                    self._changed.wait_for(
                        lambda: reader.ended or self.stopping.is_set() or progress.asked(reader.next_number), _WAIT_S
                    )
        return None

    def _insist(self, clip: Clip, step: Callable[[], _T]) -> _T:
        return self._disk.until_done(step, before_another_try=clip.look_again)


def _newest(by_number: dict[int, _T]) -> dict[int, _T]:
    """All that a continuation may still ask for."""
    return dict(list(by_number.items())[-2:])
