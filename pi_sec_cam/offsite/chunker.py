"""Sends events while they happen: cut, sealed, and handed to the outbox as soon as a chunk is complete."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from pi_sec_cam.clock import Clock, WallStamp
from pi_sec_cam.media.ring import Unread
from pi_sec_cam.motion.event import EventEnded, EventStarted
from pi_sec_cam.motion.event_reader import EventReader, EventReaders
from pi_sec_cam.offsite.cut import Chunk
from pi_sec_cam.offsite.disk_first import EventProgress
from pi_sec_cam.offsite.event_chunks import LONGEST_US, EventChunks
from pi_sec_cam.offsite.event_files import EventFiles, Seal
from pi_sec_cam.offsite.event_records import EventRecords
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outgoing import Urgency
from pi_sec_cam.offsite.own_chain import OwnChain
from pi_sec_cam.worker import Worker

log = logging.getLogger(__name__)

_WAIT_S = 0.25
_IDLE_S = 5.0  # a stop or an event ends it at once
# Video that is decoded for the event's picture before the newest chunk leaves; if it takes more, the chunk goes first.
_SHORT_US = 2_000_000


@dataclass(frozen=True, slots=True)
class _Event:
    """An event that is to be sent."""

    reader: EventReader
    progress: EventProgress


class Chunker(Worker):
    """Sends one camera's events, one after the other; events that begin meanwhile wait, their video pinned in the ring.

    Neither camera nor recorder ever wait for it. While the outbox takes no more, video waits in the ring; what neither
    holds is lost, and counted.

    Args:
        camera: its name.
        readers: where the video comes from; the recorder's, so that both take the same.
        outbox: where files go.
        own: the camera's own chain of records.
        seal: what is done to each file's bytes.
        picture: the event's motion picture as JPEG.
        wished: the off-site folder, `<camera>/<day>/<time>`, of an event that the disk does not name in time.
        progress: of an event, by its number, on the disk. Who makes it must be told of events before the chunker is.
        file_chunk_bytes, file_chunk_secs: the most that a chunk holds, and how long it should be.
        grows: while the stores are busy with the event's former chunks, wait with the next: 10 s at most.
    """

    def __init__(
        self,
        *,
        camera: str,
        readers: EventReaders,
        outbox: Outbox,
        own: OwnChain,
        seal: Seal,
        picture: Callable[[EventStarted], bytes | None],
        wished: Callable[[WallStamp], str],
        progress: Callable[[int], EventProgress | None],
        file_chunk_bytes: int,
        file_chunk_secs: float,
        grows: bool,
        clock: Clock,
    ) -> None:
        super().__init__(f"chunker of {camera}", clock)
        self._camera = camera
        self._open = readers.open
        self._outbox = outbox
        self._own = own
        self._seal = seal
        self._picture = picture
        self._wished = wished
        self._progress = progress
        self._max_bytes = file_chunk_bytes
        self._age_us = round(file_chunk_secs * 1e6)
        self._grows = grows
        # Protects the queue; filled by the watcher's thread.
        self._changed = threading.Condition()
        self._events: deque[_Event] = deque()
        self._current: _Event | None = None
        self._chunks: EventChunks | None = None
        self._files: EventFiles | None = None
        self._stopped_at: dict[int, int] = {}  # of the last events, by number: `EventReader.stopped_at`
        self._sent_chunks = 0
        self._dropped = 0

    def on_event(self, event: EventStarted | EventEnded) -> None:
        """Take note of an event's begin or end; the video that it needs stays in the ring from now on."""
        with self._changed:
            if isinstance(event, EventStarted):
                progress = self._progress(event.number)
                assert progress is not None, "it is the recorder that is told of events first"
                self._events.append(_Event(self._open(event), progress))
            else:
                for reader in self._readers():
                    if reader.started.number == event.number:
                        reader.end(event)
                        reader.wake()
            self._changed.notify_all()

    def stop(self) -> None:
        super().stop()
        with self._changed:
            for reader in self._readers():
                reader.wake()
            self._changed.notify_all()

    def work(self) -> None:
        """Sends until told to stop; what has begun or waits then is handed over first, as far as it has come."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._events or self.stopping.is_set(), _IDLE_S)
                self._current = event = self._events.popleft() if self._events else None
            self.advance()
            if event is not None:
                with closing(event.reader):
                    self._send(event)
            elif self.stopping.is_set():
                return

    @property
    def busy(self) -> bool:
        """Whether an event is being sent, or waits."""
        with self._changed:
            return bool(self._readers())

    def status(self) -> dict[str, object]:
        """Plain values. `pictures_dropped` are in no chunk; the last two are those of the event that is being sent."""
        with self._changed:
            event, waiting = self._current, len(self._events)
        chunks, files = self._chunks, self._files
        unread = event.reader.unread if event else Unread(0, 0, 0.0)
        return {
            "state": "sending" if event else "waiting",
            "event": files.name if files else None,
            "events_waiting": waiting,
            "chunks": self._sent_chunks + (files.chunks if files else 0),
            "pictures_dropped": self._dropped + (chunks.dropped if chunks else 0) + (files.lost if files else 0),
            "waiting_bytes": unread.bytes + (chunks.waiting_bytes if chunks else 0),
            "behind_s": round(unread.seconds, 3),
        }

    def _readers(self) -> list[EventReader]:
        """All events that are not sent yet, the current one first."""
        return [event.reader for event in ([self._current] if self._current else []) + list(self._events)]

    def _send(self, event: _Event) -> None:
        reader, started = event.reader, event.reader.started
        reader.follow(self._stopped_at.get(started.continues or 0, 0))
        chunks = EventChunks(reader, max_bytes=self._max_bytes, age_us=self._age_us, clock=self.clock)
        files = EventFiles(
            self._outbox,
            self._seal,
            event.progress,
            self._wished(reader.stamp),
            records=lambda name: EventRecords(name, self._own, self.clock, stamp=reader.stamp),
            room=self._room,
            clock=self.clock,
        )
        self._chunks, self._files = chunks, files
        self._begin(started, chunks, files)
        self._go_on(reader, chunks, files)
        files.finish(chunks.dropped)
        self._stopped_at = {started.number: reader.stopped_at}
        self._chunks = self._files = None
        self._sent_chunks += files.chunks
        self._dropped += chunks.dropped + files.lost
        if files.lost:
            log.warning("%s: stopped while the outbox was full; %d pictures wait on the disk", files.name, files.lost)

    def _begin(self, started: EventStarted, chunks: EventChunks, files: EventFiles) -> None:
        """What triggered the event, and what happened since."""
        picture_us = started.trigger_pts_us if started.decided_pts_us is None else started.decided_pts_us
        newest, decoded_us = chunks.begin(picture_us)
        if newest:
            files.ask_disk(newest[-1][1].end)
        if decoded_us <= _SHORT_US:
            self._send_picture(started, files)
        self._hand_over(newest, "live", files)
        if decoded_us > _SHORT_US:
            self._send_picture(started, files)

    def _go_on(self, reader: EventReader, chunks: EventChunks, files: EventFiles) -> None:
        """What happens from now on, and in the gaps what was before the trigger."""
        while not reader.over:
            congested = self._grows and files.congested
            patient = not chunks.before and not self.stopping.is_set()
            done = chunks.follow(patient=patient, most_us=LONGEST_US if congested else self._age_us)
            files.attest()
            self.advance()
            if done is not None:
                self._hand_over(done, "live", files)
            elif chunks.before:
                self._hand_over([chunks.before.pop()], "pre-roll", files)
            elif self.stopping.is_set():
                reader.stop()
            elif reader.drained:
                with self._changed:
                    self._changed.wait_for(lambda: reader.ended or self.stopping.is_set(), _WAIT_S)
        self._hand_over(chunks.rest(), "live", files)
        while chunks.before:
            self._hand_over([chunks.before.pop()], "pre-roll", files)

    def _send_picture(self, started: EventStarted, files: EventFiles) -> None:
        jpeg = self._picture(started)
        if jpeg is not None:
            files.picture(jpeg)

    def _hand_over(self, numbered: list[tuple[int, Chunk]], urgency: Urgency, files: EventFiles) -> None:
        for number, chunk in numbered:
            files.chunk(chunk, number, urgency)
            self.advance()

    def _room(self) -> bool:
        """Wait until the outbox takes another file; False when the chunker is stopped first."""
        while not self._outbox.wait_room(0 if self.stopping.is_set() else _WAIT_S):
            self.advance()
            if self.stopping.is_set():
                return False
        return True
