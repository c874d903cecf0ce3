"""Keeps the cameras' own chains of records: opened at each start, a head every hour, sent within seconds."""

import errno
import logging
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from pi_sec_cam.clock import Clock
from pi_sec_cam.durable import make_directories, storage_error
from pi_sec_cam.errors import KeyUnusable, StorageError
from pi_sec_cam.evidence.camera_key import PrivateKey, fingerprint, read_camera_key, read_or_make_camera_key
from pi_sec_cam.evidence.chain import Chain
from pi_sec_cam.evidence.record import EVIDENCE_FOLDER, SignedRecord
from pi_sec_cam.offsite.journal import Journal, read_journal
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outgoing import OutgoingFile, StandingHome
from pi_sec_cam.offsite.own_chain import OwnChain, evidence_file, own_chain_folder
from pi_sec_cam.offsite.withdrawn_notes import forget_withdrawn, read_withdrawn
from pi_sec_cam.offsite.witness import Loss
from pi_sec_cam.remembered import Remembered
from pi_sec_cam.worker import Worker

log = logging.getLogger(__name__)

_FIRST_LOOK_S, _LOOK_S = 0.05, 1.0
_HEAD_US = 3600 * 1_000_000
_NAME = re.compile(r"([0-9]{6,})-([0-9a-f]{8})")


class Attestor(Worker):
    """One thread for all cameras, and what the others say to it: nobody who records or sends waits for it.

    Args:
        storage: the storage directory.
        identity: where the key is, below it.
        cameras: their names.
        guard: raises StorageError while the right disk is not there.
        program: its version.

    Attributes:
        tried: whether the disk was there once, so that whoever signs can, or never will for now.
    """

    patience_s = 900.0  # it reads from a disk that may hang

    def __init__(
        self,
        storage: Path,
        identity: Path,
        outbox: Outbox,
        *,
        cameras: Iterable[str],
        remembered: Remembered,
        guard: Callable[[], None],
        program: str,
        clock: Clock,
    ) -> None:
        super().__init__("evidence", clock)
        self._storage = storage
        self._identity = identity
        self._outbox = outbox
        self._remembered = remembered
        self._guard = guard
        self._program = program
        self._access = threading.Lock()  # protects the dictionary, not what is in it
        self._own: dict[str, OwnChain] = {}
        self._opened: dict[str, str] = {}  # by camera, the chain's name in the outbox; written by this thread alone
        self._homeless: set[str] = set()  # cameras whose chain has no folder on the disk yet
        self._finished: set[str] = set()  # chains of former starts that were dealt with
        self._stamps: dict[str, int] = {}
        self._head_us = clock.monotonic_us()
        self._noted: set[str] = set()  # cameras whose notes of deleted events are signed, and perhaps not durable yet
        self.tried = False
        self.trouble: str | None = None
        for camera in cameras:
            self.own(camera)

    def own(self, camera: str) -> OwnChain:
        """The chain of this camera; also of one that is not configured any more, and of which something is left."""
        with self._access:
            if camera not in self._own:
                stores = tuple(self._outbox.departures)
                self._own[camera] = OwnChain(camera, self.clock, stores=stores, program=self._program)
                self._own[camera].key_comes = True
            return self._own[camera]

    def given_up(self, kind: Loss, event: str, of: str, store: str, names: Sequence[str], why: str) -> None:
        """As Witness has it."""
        self.own(event.partition("/")[0]).given_up(kind, event, of, store, names, why)

    def renamed(self, event: str, of: str, store: str, to: str) -> None:
        """As Witness has it."""
        self.own(event.partition("/")[0]).renamed(event, of, store, to)

    def heads(self) -> dict[str, str]:
        """By camera, the last record of its chain, as `<chain>:<n>:<hash>`; none of chains that are not open."""
        with self._access:
            chains = list(self._own.values())
        return {own.camera: head for own in chains if (head := own.head) is not None}

    def stamped(self, camera: str, head: str, stamp: bytes) -> None:
        """A time-stamp authority has stamped this head: what it said leaves, and a record of it. From any thread."""
        name = self._opened[camera]
        number = self._stamps.get(camera, 0)
        self._stamps[camera] = number + 1
        file = OutgoingFile(f"stamp{number}.tsr", stamp, "evidence", None)
        self._outbox.add(name, file)
        self.own(camera).stamped(head, file)

    def status(self) -> dict[str, object]:
        """Plain JSON values: the fingerprint of the key that signs (null: not known yet), each camera's newest head."""
        with self._access:
            key = next((own.key for own in self._own.values() if own.key is not None), None)
        return {"key": fingerprint(key.public_key()) if key else None, "heads": self.heads()}

    def problems(self) -> list[str]:
        """What does not work, in words."""
        return [f"what is sent is not signed: {self.trouble}"] if self.trouble else []

    def work(self) -> None:
        while not self.stopping.is_set():
            self.advance()
            self.look()
            self.stopping.wait(_LOOK_S if self.tried else _FIRST_LOOK_S)
        self.end()

    def look(self) -> None:
        """Do what is due."""
        self._open_new()
        with suppress(OSError):
            self._make_folders()
        self._say_heads()
        self._send(at_once=False)
        self._forget_notes()

    def end(self) -> None:
        """The program stops: the last records are handed over.

        What the writer still gives up is signed after that: it is in the journal, and leaves after the next start.
        """
        self._open_new()
        for camera in self._opened:
            if waiting := self._outbox.waiting(camera):
                self.own(camera).head_now(waiting)
            self.own(camera).stop()
        self._send(at_once=True)
        for name in self._opened.values():
            self._outbox.leave_open(name)

    def _open_new(self) -> None:
        with self._access:
            closed = [own for own in self._own.values() if own.camera not in self._opened]
        if not closed or not self._outbox.chores.known:
            return
        try:
            read_only = self._is_read_only()
            for own in closed:
                self._open(own, read_only=read_only)
        except (KeyUnusable, OSError) as error:
            for own in closed:
                own.key_comes = not isinstance(error, KeyUnusable)
            text = str(error if isinstance(error, KeyUnusable | StorageError) else storage_error("cannot sign", error))
            if text != self.trouble:
                log.error("what is sent is not signed: %s", text)
            self.trouble = text
        else:
            self.trouble = None
        self.tried = True

    def _is_read_only(self) -> bool:
        """Whether the right disk can only be read: a memory card that dies.

        Raises:
            StorageError: it is not there.
        """
        try:
            self._guard()
        except StorageError as error:
            if error.errno != errno.EROFS:
                raise
            return True
        return False

    def _open(self, own: OwnChain, *, read_only: bool) -> None:
        key, new = self._read_key(read_only=read_only)
        known, now = self._remembered.camera_key, fingerprint(key.public_key())
        if known is not None and known != now:
            log.warning(
                "this camera signs by another key than before: what it signed until now needs that one's public key"
            )
        if new or known != now:
            self._remembered.camera_key = now
            log.info(
                "what is sent is signed by the key %s; `pi-sec-cam keys camera` shows it, for its owner to keep", now
            )
        standing = self._standing(own.camera)
        ordinal, previous = 1, None
        since: dict[str, int] = {}
        for number, _, journal in standing:
            if journal.records:
                ordinal, previous = number + 1, journal.records[-1]
                since = journal.records[0].fields.get("since", {})
        chain = Chain(key, self.clock)
        name = f"{own.camera}/{EVIDENCE_FOLDER}/{ordinal:06}-{chain.id[:8]}"
        folder = own_chain_folder(self._storage, name)
        if not read_only:
            make_directories(folder, self._storage)
        self._finish_former([(former, journal) for _, former, journal in standing], previous)
        name = self._outbox.begin(name, StandingHome(folder), own)
        own.open(key, chain, ordinal=ordinal, since=since, previous=previous)
        self._opened[own.camera] = name
        if read_only:
            self._homeless.add(own.camera)
        for event, store, names in read_withdrawn(self._storage, own.camera):
            own.given_up("withdrawn", event, "", store, names, "the event was deleted on the camera")
            self._noted.add(own.camera)

    def _read_key(self, *, read_only: bool) -> tuple[PrivateKey, bool]:
        if not read_only:
            return read_or_make_camera_key(self._identity)
        key = read_camera_key(self._identity)
        if key is None:
            raise KeyUnusable("this camera has no key yet, and the disk takes none")
        return key, False

    def _make_folders(self) -> None:
        """Of chains that were begun when the disk could only be read."""
        for camera, name in list(self._opened.items()):
            folder = own_chain_folder(self._storage, name)
            if camera in self._homeless and not self._is_read_only():
                make_directories(folder, self._storage)
                self._homeless.discard(camera)

    def _standing(self, camera: str) -> list[tuple[int, str, Journal]]:
        """The chains of former starts that are on the disk: number, name, journal; in order."""
        top = self._storage / EVIDENCE_FOLDER / camera
        found = []
        for folder in top.iterdir() if top.is_dir() else ():
            name = _NAME.fullmatch(folder.name)
            journal = read_journal(folder) if name else None
            if name and journal:
                found.append((int(name[1]), f"{camera}/{EVIDENCE_FOLDER}/{folder.name}", journal))
        return sorted(found, key=lambda each: each[:2])

    def _finish_former(self, former: list[tuple[str, Journal]], previous: SignedRecord | None) -> None:
        """What was signed before a crash and has not left does now; what is no longer needed goes.

        Stores that were added since get nothing of it: what else those chains speak of is not there.
        """
        for name, journal in former:
            if name in self._finished:
                continue
            if not journal.final:
                self._outbox.resumed(name, StandingHome(own_chain_folder(self._storage, name)))
                rest = journal.records[journal.records_handed_over :]
                if rest:
                    number = sum("records" in line for line in journal.files.values())
                    evidence = evidence_file(number, rest, len(journal.records))
                    self._outbox.add(name, evidence, stores=journal.records[0].fields["stores"])
                self._outbox.finish(name)
                self._finished.add(name)
            elif not self._outbox.knows(name) and previous not in journal.records[-1:]:
                with suppress(OSError):  # the next start tries again
                    shutil.rmtree(own_chain_folder(self._storage, name))

    def _forget_notes(self) -> None:
        for camera in [camera for camera in self._noted if not self.own(camera).unwritten()]:
            with suppress(OSError):  # it is said again after the next start, then: that does no harm
                forget_withdrawn(self._storage, camera)
            self._noted.discard(camera)

    def _say_heads(self) -> None:
        now_us = self.clock.monotonic_us()
        if now_us - self._head_us >= _HEAD_US:
            self._head_us = now_us
            for camera in self._opened:
                self.own(camera).head_now(self._outbox.waiting(camera))

    def _send(self, *, at_once: bool) -> None:
        for camera, name in self._opened.items():
            waiting = {} if at_once else self._outbox.waiting(camera)
            batch = self.own(camera).batch(waiting, at_once=at_once)
            if batch is not None:
                self._outbox.add(name, batch)
