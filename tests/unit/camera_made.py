"""Makes what a camera sends: files, their records and its own chain, in a directory; the same bytes each time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256, shake_128
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.evidence.camera_key import raw
from pi_sec_cam.evidence.chain import Chain
from pi_sec_cam.evidence.record import SignedRecord, parse_line, signed

BATCH_US = 4_000_000
FRAME_US = 50_000


def made_key(seed: str = "Yard") -> Ed25519PrivateKey:
    """The key of the camera with this name, the same each time."""
    return Ed25519PrivateKey.from_private_bytes(sha256(seed.encode()).digest())


def made_bytes(seed: str, count: int) -> bytes:
    """Bytes that look random, as sealed files do."""
    return shake_128(seed.encode()).digest(count)


class MadeCamera:
    """One camera, and the store that it sends to: the directory `top`.

    It begins with its first start. `event` makes a whole event; `begin`, then `chunk` and `end` of what that returns,
    make one step by step. `power_cut` and `start` come between. Records are put together into evidence files as
    docs/evidence.md says; what has not been sent waits for `send`, which each end and each start does.

    Attributes:
        public_key: what to verify with.
        records: of the running segment, in order.
        folder: of the running segment.
        head: the newest record as `<chain>:<n>:<hash>`.
    """

    def __init__(
        self,
        top: Path,
        name: str = "Yard",
        *,
        key: Ed25519PrivateKey | None = None,
        clock: SimulatedClock | None = None,
        stores: Sequence[str] = ("directory",),
        chunk_bytes: int = 3000,
    ) -> None:
        self.top = top
        self.name = name
        self.key = key or made_key(name)
        self.public_key: Ed25519PublicKey = self.key.public_key()
        self.clock = clock or SimulatedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
        self.stores = list(stores)
        self.chunk_bytes = chunk_bytes
        self.ordinal = 0
        self.since: dict[str, int] = {}
        self.records: list[SignedRecord] = []  # none before the first start
        self.running: list[MadeEvent] = []
        self._chains = 0
        self.start()

    @property
    def head(self) -> str:
        last = self.records[-1].fields
        return f"{last['chain']}:{last['n']}:{self.records[-1].hash}"

    def start(self, *, previous: SignedRecord | None = None, ordinal: int | None = None) -> None:
        """The program is started: a new segment.

        Args:
            previous: what the segment goes on from; the last record of the one before unless given.
            ordinal: the next unless given.
        """
        if self.records:
            self.send()
        before = previous or (self.records[-1] if self.records else None)
        self.ordinal = ordinal or self.ordinal + 1
        self.sender = Sender(self, self.new_chain())
        self.records = self.sender.records
        self.folder = self.top / self.name / "evidence" / f"{self.ordinal:06}-{self.sender.chain.id[:8]}"
        self.sender.folders = [self.folder]
        self.since = {store: self.since.get(store, self.ordinal) for store in self.stores}
        self.sign(
            "segment",
            version=1,
            camera=self.name,
            key=raw(self.public_key).hex(),
            program="1.0",
            stores=self.stores,
            since=self.since,
            ordinal=self.ordinal,
            previous=before and place_of(before),
            synchronised=self.clock.synchronised(),
        )
        for event in self.running:
            event.resume()
        self.send()

    def sign(self, kind: str, **fields: Any) -> SignedRecord:
        """A record in the camera's own chain."""
        return self.sender.sign(kind, **fields)

    def send(self) -> None:
        """What was signed leaves, in the camera's chain and in running events."""
        self.sender.send()
        for event in self.running:
            event.sender.send()

    def begin(self, *, started: bool = True, stores: Sequence[str] | None = None) -> "MadeEvent":
        """An event begins: its opening and its picture. `started` False: no wall time is known."""
        event = MadeEvent(self, started=started, stores=stores)
        self.running.append(event)
        self.sign("began", event=event.name, of=event.chain.id)
        event.picture()
        return event

    def event(self, chunks: int = 3) -> "MadeEvent":
        """A whole event, and a minute after it."""
        event = self.begin()
        for _ in range(chunks):
            event.chunk()
        event.end()
        self.clock.advance(60)
        return event

    def tombstone(self, kind: str, event: "MadeEvent", *names: str, why: str = "the outbox is full") -> None:
        """`dropped`, `refused` or `withdrawn`: these files are given up, and taken from where they were sent to."""
        self.sign(kind, event=event.name, of=event.chain.id, store=self.stores[0], names=list(names), why=why)
        self.sender.send()
        for name in names:
            (event.folder / name).unlink(missing_ok=True)

    def write_head(self) -> SignedRecord:
        """The hourly head."""
        places = [{"event": each.name, **place_of(each.records[-1], "of")} for each in self.running]
        head = self.sign("head", open=places)
        self.send()
        return head

    def stop(self) -> None:
        """The program is stopped in order."""
        for event in list(self.running):
            event.end()
        self.sign("stop")
        self.send()

    def power_cut(self, *, forgotten: int = 0) -> None:
        """The power goes. What was signed waits on the disk, but for the last `forgotten` records of running events."""
        for event in self.running:
            event.forget(forgotten)
        self.clock.advance(600)

    def new_chain(self) -> Chain:
        chain = Chain(self.key, self.clock)
        self._chains += 1
        chain.id = sha256(f"{self.name} {raw(self.public_key).hex()} {self._chains}".encode()).hexdigest()[:32]
        return chain


class MadeEvent:
    """One event; `MadeCamera.begin` and `MadeCamera.event` make it.

    Attributes:
        name: `<camera>/<day>/<time>`.
        folder: where its files go; another one after `rename`.
        records: in order, of its whole chain.
    """

    def __init__(self, camera: MadeCamera, *, started: bool, stores: Sequence[str] | None) -> None:
        self.camera = camera
        wall = camera.clock.wall()
        self.name = f"{camera.name}/{wall:%Y-%m-%d}/{wall:%H.%M.%S}"
        self.folder = camera.top / self.name
        self.sender = Sender(camera, camera.new_chain())
        self.sender.folders = [self.folder]
        self.chain = self.sender.chain
        self.records = self.sender.records
        self.chunks = 0
        self._pts_us = camera.clock.monotonic_us()
        self.sign(
            "event",
            version=1,
            camera=camera.name,
            event=self.name,
            key=raw(camera.public_key).hex(),
            program="1.0",
            segment=camera.sender.chain.id,
            stores=list(stores or camera.stores),
            started_us=round(wall.timestamp() * 1e6) if started else None,
            media_us=self._pts_us if started else None,
            synchronised=camera.clock.synchronised() if started else None,
        )

    def sign(self, kind: str, **fields: Any) -> SignedRecord:
        return self.sender.sign(kind, **fields)

    def picture(self, data: bytes | None = None) -> Path:
        return self.file("motion0.jpg", data or made_bytes(f"{self.chain.id} picture", 900))

    def chunk(self, data: bytes | None = None, *, pictures: int = 20, pts_us: Sequence[int] | None = None) -> Path:
        """The next chunk: a second of video (20 pictures of 50 ms) of bytes that are none, unless given."""
        times = list(pts_us) if pts_us else [self._pts_us + FRAME_US * index for index in range(pictures)]
        self._pts_us = times[-1] + FRAME_US
        content = made_bytes(f"{self.chain.id} {self.chunks}", self.camera.chunk_bytes) if data is None else data
        video = {
            "codec": "h264",
            "width": 1280,
            "height": 720,
            "pts_us": times,
            "duration_us": self._pts_us - times[0],
        }
        path = self.file(f"video{self.chunks}.h264", content, **video)
        self.chunks += 1
        self.camera.clock.advance(len(times) * FRAME_US / 1e6)
        return path

    def file(self, name: str, data: bytes, **video: Any) -> Path:
        """Signs a file's record, and sends the file."""
        self.sign("file", name=name, bytes=len(data), sha256=sha256(data).hexdigest(), **video)
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def resume(self) -> None:
        """The program was started anew, and goes on with it."""
        self.sign(
            "resumed",
            camera=self.camera.name,
            event=self.name,
            key=raw(self.camera.public_key).hex(),
            program="1.0",
            segment=self.camera.sender.chain.id,
            stores=self.camera.stores,
        )

    def end(self, *, pictures_lost: int = 0) -> None:
        """The final flag, and the camera's word on it."""
        files = [record.fields for record in self.records if record.fields["kind"] == "file"]
        last = self.sign("end", files=len(files), pictures_lost=pictures_lost)
        self.sender.send()
        self.camera.running.remove(self)
        self.camera.sign(
            "ended",
            event=self.name,
            of=self.chain.id,
            last={"hash": last.hash, "n": last.fields["n"]},
            bytes=sum(file["bytes"] for file in files),
        )
        self.camera.sender.send()

    def rename(self, number: int = 2) -> None:
        """Other files have its name in this store: the rest goes to `<time>-<number>`."""
        to = f"{self.name}-{number}"
        self.camera.sign("renamed", event=self.name, of=self.chain.id, store=self.camera.stores[0], to=to)
        self.folder = self.camera.top / to
        self.sender.folders = [self.folder]

    def forget(self, count: int) -> None:
        """The camera's disk does not have the last `count` records, which have left: the chain goes on before them."""
        self.sender.send()
        if count:
            self.chain.last = self.records[-1 - count]
            del self.records[-count:]


class Sender:
    """Signs a chain's records, and puts them together into evidence files."""

    def __init__(self, camera: MadeCamera, chain: Chain) -> None:
        self.chain = chain
        self.records: list[SignedRecord] = []
        self.folders: list[Path] = []
        self._waiting: list[SignedRecord] = []
        self._files = 0
        self._clock = camera.clock

    def sign(self, kind: str, **fields: Any) -> SignedRecord:
        record = self.chain.sign(kind, **fields)
        if self._waiting and record.fields["at_us"] - self._waiting[0].fields["at_us"] >= BATCH_US:
            self.send()
        self.records.append(record)
        self._waiting.append(record)
        return record

    def unsigned(self, record: SignedRecord) -> None:
        """The last record was in memory alone, and went with the power before it had left."""
        self.records.remove(record)
        self._waiting.remove(record)
        self.chain.last = self.records[-1]

    def send(self) -> None:
        if self._waiting:
            write_evidence(self.folders[-1] / f"evidence{self._files}.jsonl", self._waiting)
            self._files += 1
            self._waiting.clear()


def place_of(record: SignedRecord, chain: str = "chain") -> dict[str, Any]:
    """Its place, as other records name it."""
    return {chain: record.fields["chain"], "n": record.fields["n"], "hash": record.hash}


def write_evidence(path: Path, records: Sequence[SignedRecord]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(record.line for record in records))


def read_evidence(path: Path) -> list[SignedRecord]:
    return [parse_line(line) for line in path.read_bytes().splitlines()]


def resigned(record: SignedRecord, key: Ed25519PrivateKey, changes: Mapping[str, Any]) -> SignedRecord:
    """The record with other fields, signed by this key."""
    return signed({**record.fields, **changes}, key)
