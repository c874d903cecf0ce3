"""One event's files on their way to the outbox: named, sealed, and on the disk before they leave."""

from collections.abc import Callable, Sequence

from pi_sec_cam.clock import Clock
from pi_sec_cam.evidence.record import SignedRecord
from pi_sec_cam.offsite.cut import Chunk
from pi_sec_cam.offsite.disk_first import DiskFirst, EventProgress
from pi_sec_cam.offsite.event_records import EventRecords
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outgoing import OutgoingFile, Urgency

PICTURE_NAME = "motion0.jpg"
# What the event's folder is called here, it should be called off-site; the disk gets so long to say it.
_NAMED_WITHIN_US = 300_000

Seal = Callable[[bytes], bytes]


class EventFiles:
    """Hands over an event's picture and chunks, one after the other.

    Args:
        wished: the name that the event should get off-site if the disk does not give it one in time.
        records: makes what is signed of the event, given its name.
        room: waits until the outbox takes another file; False: it will not any more.

    Attributes:
        name: the event's in the outbox; None before its first file.
        chunks: handed over.
        lost: pictures that the outbox has not taken to the end.
    """

    def __init__(
        self,
        outbox: Outbox,
        seal: Seal,
        progress: EventProgress,
        wished: str,
        *,
        records: Callable[[str], EventRecords],
        room: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self._outbox = outbox
        self._seal = seal
        self._progress = progress
        self._disk = DiskFirst(progress)
        self._wished = wished
        self._make_records = records
        self._records: EventRecords | None = None
        self._room = room
        self._clock = clock
        self._named_by_us = clock.monotonic_us() + _NAMED_WITHIN_US
        self.name: str | None = None
        self.chunks = 0
        self.lost = 0

    def ask_disk(self, number: int) -> None:
        """What comes before this unit of the ring will be handed over soon."""
        self._disk.ask(number)

    def picture(self, jpeg: bytes) -> None:
        """Hand over the picture of what triggered the event."""
        if self._room():
            self._add(OutgoingFile(PICTURE_NAME, self._seal(jpeg), "picture", None))

    def chunk(self, chunk: Chunk, number: int, urgency: Urgency) -> None:
        """Hand over chunk `number`, when it is on the disk or the disk has not answered in time."""
        if self.lost or not self._room():
            self.lost += chunk.video.pictures
            return
        self._disk.ask(chunk.end)
        sealed = self._seal(chunk.data)
        self._disk.wait(chunk.end)
        self._add(OutgoingFile(chunk.name(number), sealed, urgency, chunk.video))
        self.chunks += 1

    def attest(self) -> None:
        """Hand over what was signed, if it has waited for long enough and nothing has left meanwhile."""
        if self._records is not None and self.name is not None:
            batch = self._records.batch(alone=True)
            if batch is not None:
                self._outbox.add(self.name, batch)

    def finish(self, pictures_lost: int) -> None:
        """That was all. If `lost`, nothing is said: it may be on the disk, and is then sent from there.

        Nor while the camera's key is not known: somebody goes on with the event when it is.

        Args:
            pictures_lost: that were recorded and never got here.
        """
        if self.name is None or self._records is None:
            return
        if self.lost:
            leave_open(self._outbox, self.name, self._records)
        else:
            end(self._outbox, self.name, self._records, pictures_lost)

    @property
    def congested(self) -> bool:
        """Whether the stores are still busy with what this event has given them."""
        return self.name is not None and self._outbox.congested(self.name)

    def _add(self, file: OutgoingFile) -> None:
        if self.name is None or self._records is None:
            waits_s = max(0, self._named_by_us - self._clock.monotonic_us()) / 1e6
            self.name = self._outbox.begin(self._progress.wait_named(waits_s) or self._wished, self._progress)
            self._records = self._make_records(self.name)
        hand_over(self._outbox, self.name, file, self._records)


def hand_over(outbox: Outbox, event: str, file: OutgoingFile, records: EventRecords) -> None:
    """Hand over a file with its record; an evidence file that is due anyway comes to the disk together with it."""
    signed = records.of_file(file)
    batch = records.batch()
    outbox.add(event, file, *([batch] if batch else []), records=signed)


def end(outbox: Outbox, event: str, records: EventRecords, pictures_lost: int = 0) -> None:
    """Nothing more will be added to the event, but for its records where these wait for the camera's key."""
    _hand_over_records(outbox, event, records, records.end(pictures_lost))
    if records.waits_for_key:
        outbox.leave_open(event)
    else:
        outbox.finish(event)


def leave_open(outbox: Outbox, event: str, records: EventRecords) -> None:
    """The next start goes on with the event; what was signed of it leaves now."""
    _hand_over_records(outbox, event, records, ())
    outbox.leave_open(event)


def _hand_over_records(outbox: Outbox, event: str, records: EventRecords, signed: Sequence[SignedRecord]) -> None:
    batch = records.batch(at_once=True)
    if batch is not None:
        outbox.add(event, batch, records=signed)
