"""A storage's life as a program of its own, to be killed: records, annotates and deletes events, or recovers them.

All in one thread and by a simulated clock, so that each run makes the same calls. What it has promised it says on
standard output, a line of JSON each, right after the promise (promises.py).
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.media.ring import Cursor, Ring
from pi_sec_cam.motion.event import Area, EventEnded, EventStarted
from pi_sec_cam.motion.event_pictures import EventPictures
from pi_sec_cam.motion.event_reader import EventReaders
from pi_sec_cam.record.annotation import annotate
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.deletion import delete_event
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.rebuild import open_or_rebuild
from pi_sec_cam.record.recorder import Recorder
from pi_sec_cam.record.recovery import Recovered, recover
from tests.system.crash.faults import break_storage
from tests.system.crash.serving import say, serve
from tests.unit.streams import BASE_US, units

RATE = 25  # pictures a second
SECOND_US = 1_000_000
SIZE_CHANGES_S = 8
# First and last movement of each event; a second is kept before and after.
MOVEMENTS_S = ((1, 2), (6, 10), (12, 13))


def record(directory: Path) -> None:
    """A run with one event; another in which that is deleted while the next runs and is annotated; a third goes."""
    life = _Life(directory)
    life.run(MOVEMENTS_S[:1])
    life.run(MOVEMENTS_S[1:])


class _Life:
    """What happens to events, and when.

    Attributes:
        events: ids, as they began.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running: str | None = None
        self.events: list[str] = []
        self._watch()

    def run(self, movements_s: Sequence[tuple[int, int]]) -> None:
        """From the daemon's start to its end."""
        self._archive = Archive(self._directory)
        self._archive.prepare()
        self._catalogue, _ = open_or_rebuild(self._archive)
        with self._catalogue:
            recover(self._archive, self._catalogue)
            ring = Ring(seconds=3600, max_bytes=50_000_000)
            clock = SimulatedClock()
            recorder = Recorder(
                camera="Yard",
                readers=EventReaders(ring, clock),
                archive=self._archive,
                picture=EventPictures(ring).of,
                keep=self._keep,
                clock=clock,
            )
            before = units(seconds=SIZE_CHANGES_S)
            after = units(seconds=6, size=(176, 144), start_us=BASE_US + SIZE_CHANGES_S * SECOND_US)
            for unit in [*before, *after]:
                ring.append(unit)
            for number, (first_s, last_s) in enumerate(movements_s, 1):
                first_us, last_us = (BASE_US + moment_s * SECOND_US for moment_s in (first_s, last_s))
                areas = (Area(0.1, 0.1, 0.2, 0.2),)
                recorder.on_event(EventStarted(number, first_us, first_us - SECOND_US, areas, None))
                recorder.on_event(EventEnded(number, last_us, last_us + SECOND_US, "rest"))
            recorder.stop()
            recorder.work()
            if len(self.events) == len(MOVEMENTS_S):
                self._annotate(self.events[-1], note="The postman")
                self._delete(self.events[-1])

    def _keep(self, record: EventRecord) -> None:
        """Takes the recorder's records."""
        self._catalogue.put(record)
        complete = record.state == "complete"
        if complete:
            self._archive.running.discard(record.id)
        else:
            self.events.append(record.id)
        self._running = None if complete else record.id
        say(event=record.id, complete=complete, pictures=sum(part.pictures for part in record.parts))

    def _annotate(self, event: str, **words: Any) -> None:
        """Words that take the place of others, or of none."""
        say(event=event, changing=[name.removeprefix("add_") for name in words])
        annotate(self._archive, self._catalogue, event, **words)
        say(event=event, words={name.removeprefix("add_"): value for name, value in words.items()})

    def _delete(self, event: str) -> None:
        say(event=event, deleting=True)
        delete_event(self._archive, self._catalogue, event)
        say(event=event, deleted=True)

    def _watch(self) -> None:
        """From now on, see the recorder ask for pictures: it has then dealt with those that it took before."""
        read = Cursor.read
        taken: dict[Cursor, int] = {}

        def told(cursor: Cursor, seconds: float) -> object:
            if self._running is not None:
                self._goes_on(self._running, taken[cursor])
            unit = read(cursor, seconds)
            taken[cursor] = taken.get(cursor, 0) + (unit is not None)
            return unit

        Cursor.read = told  # type: ignore[method-assign,assignment]

    def _goes_on(self, event: str, pictures: int) -> None:
        if pictures % 10 == 0:
            say(event=event, pictures=pictures)
        if len(self.events) == 2:
            match pictures:
                case 40:
                    self._annotate(event, locked=True, add_labels=["cat"])
                case 60:
                    self._annotate(self.events[0], note="Nothing", add_labels=["leaves", "wind"])
                case 70:
                    self._delete(self.events[0])
                case 110:
                    self._annotate(event, note="At the door")


def restart(directory: Path) -> Recovered:
    """What the daemon does at its start."""
    archive = Archive(directory)
    archive.prepare()
    catalogue, _ = open_or_rebuild(archive)
    with catalogue:
        return recover(archive, catalogue)


if __name__ == "__main__":
    with TemporaryDirectory() as unused:  # for what is imported only when it is used
        restart(Path(unused))
    serve({"record": record, "restart": restart}, break_storage)
