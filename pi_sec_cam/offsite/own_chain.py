"""A camera's own chain of records, from one start of the program to the next: what it says of all its events."""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pi_sec_cam.clock import Clock
from pi_sec_cam.evidence.camera_key import raw
from pi_sec_cam.evidence.chain import Chain
from pi_sec_cam.evidence.record import EVIDENCE_FOLDER, VERSION, SignedRecord
from pi_sec_cam.offsite.outgoing import OutgoingFile
from pi_sec_cam.offsite.witness import Loss

SOON_US, LATEST_US = 3_500_000, 4_500_000
"""Records that are so old leave with what leaves anyway; and when nothing does."""

# An event is named when its first records are on the disk: else, after a crash, nobody would know what was named.
_NAMED_AFTER_US = 1_000_000
_MOST_WAITING = 10_000  # notes, while there is no key: the disk that has it is away
_NAMES = 1000
_MOST_SAID = 300


def is_own_chain(event: str) -> bool:
    """Whether this is the name of such a chain, and not of an event."""
    parts = event.split("/")
    return len(parts) == 3 and parts[1] == EVIDENCE_FOLDER


def own_chain_folder(storage: Path, name: str) -> Path:
    """Where its journal is kept below the storage directory."""
    camera, _, chain = name.split("/")
    return storage / EVIDENCE_FOLDER / camera / chain


class OwnChain:
    """One camera's. Any thread.

    What is to be said before the chain is open waits for that: the key may be on a disk that is away.

    Args:
        stores: the keys of those that get the records.
        program: its version.

    Attributes:
        key_comes: there will be a key, so that what cannot be signed yet waits for it.
    """

    def __init__(self, camera: str, clock: Clock, *, stores: Sequence[str], program: str) -> None:
        self.camera = camera
        self.stores = tuple(stores)
        self.program = program
        self.key_comes = False
        self._clock = clock
        # Protects all below. Signing, 0.02 ms, is done under it: the order of the chain is that of the calls.
        self._access = threading.Lock()
        self._key: Ed25519PrivateKey | None = None
        self._chain: Chain | None = None
        self._notes: deque[tuple[str, Mapping[str, Any]]] = deque(maxlen=_MOST_WAITING)
        self._unwritten: deque[SignedRecord] = deque()
        self._unsent: list[SignedRecord] = []
        self._unsent_since_us = 0
        self._files = 0
        self._running: dict[str, SignedRecord] = {}
        self._waited = False  # by the last head, something waits
        self._unnamed: dict[str, tuple[str, int]] = {}  # events that run: their chain's id, and since when

    @property
    def key(self) -> Ed25519PrivateKey | None:
        """By which this camera signs; None while it is not known."""
        return self._key

    @property
    def id(self) -> str:
        """Of the chain; empty while it is not open."""
        chain = self._chain
        return chain.id if chain else ""

    @property
    def head(self) -> str | None:
        """Its last record, as `<chain>:<n>:<hash>`; None while it is not open."""
        with self._access:
            last = self._chain.last if self._chain else None
            return None if last is None else f"{last.fields['chain']}:{last.fields['n']}:{last.hash}"

    def open(
        self,
        key: Ed25519PrivateKey,
        chain: Chain,
        *,
        ordinal: int,
        since: Mapping[str, int],
        previous: SignedRecord | None,
    ) -> None:
        """Begin.

        Args:
            chain: without a record.
            ordinal: the number of this start.
            since: by store, the number of the first start that sent to it, where that was an earlier one.
            previous: the last durable record of the chain before.
        """
        with self._access:
            self._key, self._chain = key, chain
            self._sign(
                "segment",
                version=VERSION,
                camera=self.camera,
                key=raw(key.public_key()).hex(),
                program=self.program,
                stores=list(self.stores),
                since={store: since.get(store, ordinal) for store in self.stores},
                ordinal=ordinal,
                previous={"chain": previous.fields["chain"], **_last(previous)} if previous else None,
                synchronised=self._clock.synchronised(),
            )
            while self._notes:
                kind, said = self._notes.popleft()
                self._sign(kind, **said)

    def running(self, event: str, record: SignedRecord) -> None:
        """The last record of an event that runs."""
        with self._access:
            if event not in self._running:
                self._unnamed[event] = record.fields["chain"], self._clock.monotonic_us()
            self._running[event] = record

    def ended(self, event: str, record: SignedRecord, size: int) -> None:
        """The last record of an event, whose files are so many bytes."""
        with self._access:
            self._name(0, event)
            self._running.pop(event, None)
            self._say("ended", event=event, of=record.fields["chain"], last=_last(record), bytes=size)

    def head_now(self, waiting: Mapping[str, str]) -> None:
        """Say what runs, and what waits to leave.

        Args:
            waiting: by store, the oldest event of which footage waits.
        """
        with self._access:
            self._say_head(waiting)

    def stop(self) -> None:
        """The program stops."""
        with self._access:
            if self._chain is not None:
                self._sign("stop")

    def given_up(self, kind: Loss, event: str, of: str, store: str, names: Sequence[str], why: str) -> None:
        """As Witness has it."""
        # A store may say what it likes, and a record holds plain text.
        why = why[:_MOST_SAID].encode(errors="replace").decode()
        with self._access:
            if kind == "withdrawn":
                self._name(0, event)
                self._running.pop(event, None)
            for first in range(0, len(names), _NAMES):
                some = list(names[first : first + _NAMES])
                self._say(kind, event=event, of=of, store=store, names=some, why=why)

    def renamed(self, event: str, of: str, store: str, to: str) -> None:
        """As Witness has it."""
        with self._access:
            self._say("renamed", event=event, of=of, store=store, to=to)

    def stamped(self, head: str, stamp: OutgoingFile) -> None:
        """A time-stamp authority has stamped a head."""
        with self._access:
            self._say("stamped", head=head, file=stamp.name, sha256=stamp.sha256)

    def unwritten(self) -> Sequence[SignedRecord]:
        """As RecordBook has it."""
        with self._access:
            return tuple(self._unwritten)

    def written(self, count: int) -> None:
        """As RecordBook has it."""
        with self._access:
            for _ in range(count):
                self._unwritten.popleft()

    def batch(self, waiting: Mapping[str, str], *, at_once: bool = False) -> OutgoingFile | None:
        """An evidence file of what no other holds yet, when it is time for one; for the first it is at once.

        Args:
            waiting: as `head_now`: what is named in it may be on its way still.
        """
        with self._access:
            since_us = [us for _, us in self._unnamed.values()] + [self._unsent_since_us] * bool(self._unsent)
            old_us = self._clock.monotonic_us() - min(since_us, default=0)
            if not since_us or (self._files and old_us < SOON_US and not at_once):
                return None
            self._name(_NAMED_AFTER_US)
            if not self._unsent:
                return None
            if waiting or self._waited:
                self._say_head(waiting)
            assert self._chain is not None
            assert self._chain.last is not None
            file = evidence_file(self._files, self._unsent, self._chain.last.fields["n"] + 1)
            self._files += 1
            self._unsent = []
            return file

    def _name(self, age_us: int, *events: str) -> None:
        """Say that events have begun that are so old: these, or all."""
        until_us = self._clock.monotonic_us() - age_us
        for event in events or tuple(self._unnamed):
            of, since_us = self._unnamed.get(event, ("", until_us + 1))
            if since_us <= until_us:
                del self._unnamed[event]
                self._say("began", event=event, of=of)

    def _say_head(self, waiting: Mapping[str, str]) -> None:
        self._name(_NAMED_AFTER_US)
        runs = sorted(self._running.items())
        open_now = [{"event": event, "of": last.fields["chain"], **_last(last)} for event, last in runs]
        self._waited = bool(waiting)
        self._say("head", open=open_now, waiting=dict(waiting))

    def _say(self, kind: str, **said: Any) -> None:
        if self._chain is None:
            self._notes.append((kind, said))
        else:
            self._sign(kind, **said)

    def _sign(self, kind: str, **said: Any) -> None:
        assert self._chain is not None
        record = self._chain.sign(kind, **said)
        if not self._unsent:
            self._unsent_since_us = self._clock.monotonic_us()
        self._unwritten.append(record)
        self._unsent.append(record)


def evidence_file(number: int, records: Sequence[SignedRecord], to: int) -> OutgoingFile:
    """The file of that number, with these records, up to this place in the journal."""
    data = b"".join(record.line for record in records)
    return OutgoingFile(f"evidence{number}.jsonl", data, "evidence", None, records=to)


def _last(record: SignedRecord) -> dict[str, Any]:
    return {"n": record.fields["n"], "hash": record.hash}
