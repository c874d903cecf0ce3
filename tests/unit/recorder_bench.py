"""A recorder with all that it needs, for tests: the video is given beforehand, the clock moves when told to."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.ring import Ring
from pi_sec_cam.motion.event import Area, EndReason, EventEnded, EventStarted
from pi_sec_cam.motion.event_pictures import EventPictures
from pi_sec_cam.motion.event_reader import EventReaders
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.recorder import Recorder
from tests.unit.streams import BASE_US

SECOND = 1_000_000


class Bench:
    """A recorder and what is around it.

    Attributes:
        refused: the errors that `on_trouble` was told.
        after_refusal: is called after each of them, in the recorder's thread; `retry` makes waiting unnecessary.
    """

    def __init__(self, storage: Path, *, max_bytes: int = 50_000_000, seconds: float = 3600) -> None:
        self.ring = Ring(seconds=seconds, max_bytes=max_bytes)
        self.archive = Archive(storage)
        self.archive.prepare()
        self.records: list[EventRecord] = []
        self.refused: list[OSError] = []
        self.after_refusal: Callable[[], None] = lambda: None
        self.clock = SimulatedClock(datetime(2026, 5, 4, 12, 0, tzinfo=UTC))
        self._pictures = EventPictures(self.ring)
        self.recorder = Recorder(
            camera="Yard",
            readers=EventReaders(self.ring, self.clock),
            archive=self.archive,
            picture=self._pictures.of,
            keep=self.records.append,
            clock=self.clock,
            on_trouble=self._refused,
        )

    def feed(self, found: Sequence[AccessUnit]) -> None:
        for unit in found:
            self.ring.append(unit)

    def event(self, *events: EventStarted | EventEnded) -> None:
        for event in events:
            self._pictures.on_event(event)
            self.recorder.on_event(event)

    def run(self) -> list[EventRecord]:
        """Record in this thread all that was given; the recorder is being stopped, so it tries only once more."""
        self.recorder.stop()
        self.recorder.work()
        return self.finished

    @contextmanager
    def running(self) -> Iterator[None]:
        """The recorder in its own thread; stopped and joined after the block."""
        self.recorder.start()
        try:
            yield
        finally:
            self.recorder.stop()
            assert self.recorder.join(20)
            assert self.recorder.fault is None

    @property
    def finished(self) -> list[EventRecord]:
        return [record for record in self.records if record.state == "complete"]

    def folder(self, record: EventRecord) -> Path:
        return self.archive.directory / record.path

    def file(self, record: EventRecord, number: int = 0) -> Path:
        return self.folder(record) / record.parts[number].file

    def _refused(self, error: OSError) -> None:
        self.refused.append(error)
        self.after_refusal()


def started(at_s: float, before_s: float, number: int = 1, continues: int | None = None) -> EventStarted:
    at_us = BASE_US + round(at_s * SECOND)
    return EventStarted(number, at_us, at_us - round(before_s * SECOND), (Area(0.1, 0.1, 0.2, 0.2),), continues)


def ended(last_s: float, after_s: float, number: int = 1, reason: EndReason = "rest") -> EventEnded:
    last_us = BASE_US + round(last_s * SECOND)
    return EventEnded(number, last_us, last_us + round(after_s * SECOND), reason)


def until(true: Callable[[], object]) -> None:
    """Wait for another thread to make something true."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)
