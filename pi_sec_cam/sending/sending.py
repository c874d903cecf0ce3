"""Composes from the configuration what leaves this machine: the owner's key, the stores, the outbox, the uploaders."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pi_sec_cam import __version__
from pi_sec_cam.clock import Clock, WallStamp
from pi_sec_cam.config import Configuration
from pi_sec_cam.errors import ConfigError, EventNotFound, KeyUnusable, StorageError
from pi_sec_cam.motion.event import EventStarted
from pi_sec_cam.motion.event_reader import EventReaders
from pi_sec_cam.offsite.chunker import Chunker
from pi_sec_cam.offsite.disk_first import EventProgress
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outbox_writer import OutboxWriter
from pi_sec_cam.offsite.sealed_archive import keep_sealed
from pi_sec_cam.offsite.uploader import Uploader
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_record import folder_of_id, id_of_folder
from pi_sec_cam.remembered import Remembered
from pi_sec_cam.sending.attesting import Attestor
from pi_sec_cam.sending.left_behind import withdraw_left_behind
from pi_sec_cam.sending.resuming import Resumer
from pi_sec_cam.sending.stores import IDENTITY, stores_of
from pi_sec_cam.worker import Worker

if TYPE_CHECKING:
    from pi_sec_cam.offsite.key_watch import KeyWatch
    from pi_sec_cam.offsite.sealing_key import SealingKey
    from pi_sec_cam.record.catalogue import Catalogue
    from pi_sec_cam.sending.stamping import Stamper

_MEBIBYTE = 1 << 20
_POLL_S = 0.02


class Sending:
    """What takes the cameras' events out of this machine.

    Args:
        archive: of the storage directory; its formats do not matter here.
        catalogue: the list of events; raises StorageError while there is none.
        settled: whether the disk is there, and what a crash has left on it has been put in order.
        guard: raises StorageError while the right disk is not there.
        on_trouble: told when the disk refuses something.

    Attributes:
        sealed: what leaves is the recording on this machine, too.
        attestor: what signs; to be stopped when no event is added any more, and before the workers are.

    Raises:
        ConfigError: the key that everything is to be sealed for cannot be used, or a store's library is missing.
    """

    def __init__(
        self,
        configuration: Configuration,
        archive: Archive,
        *,
        catalogue: Callable[[], "Catalogue"],
        settled: Callable[[], bool],
        remembered: Remembered,
        guard: Callable[[], None],
        on_trouble: Callable[[OSError], None],
        clock: Clock,
    ) -> None:
        dropbox, storage = configuration.dropbox, configuration.storage
        self.sealed = storage.sealed
        self._archive, self._catalogue = archive, catalogue
        self._clock = clock
        self._file_chunk_bytes = round(dropbox.file_chunk_megs * _MEBIBYTE)
        self._file_chunk_secs = dropbox.file_chunk_secs
        self._key = _sealing_key(dropbox.public_pem_path)
        self._key_watch = _watch_of(self._key, storage.directory / IDENTITY, clock)
        self._seal: Callable[[bytes], bytes] = bytes
        if self._key is not None:
            from pi_sec_cam.offsite.envelope import Envelope

            self._seal = Envelope(self._key.public_key).seal
        stores = stores_of(configuration, remembered, clock, waited_at_start=self._waited_at_start)
        days = storage.outbox_max_age_days
        self._outbox = Outbox(
            archive.directory / "outbox",
            archive.recordings,
            tuple(stores),
            max_bytes=storage.outbox_max_bytes,
            max_age_s=None if days is None else days * 86400,
            clock=clock,
            on_offsite=self._mark_offsite,
            archive=self.sealed,
        )
        self.attestor = Attestor(
            archive.directory,
            archive.directory / IDENTITY,
            self._outbox,
            cameras=[camera.cam_name for camera in configuration.cameras_resolved()],
            remembered=remembered,
            guard=guard,
            program=__version__,
            clock=clock,
        )
        self._stamper = self._stamper_of(configuration, clock)
        self._writer = OutboxWriter(
            self._outbox,
            guard=guard,
            clock=clock,
            store=keep_sealed if self.sealed else None,
            witness=self.attestor,
            on_trouble=on_trouble,
        )
        self._uploaders = [Uploader(store, key, self._outbox, clock) for key, store in stores.items()]
        self._resumer = Resumer(
            archive,
            self._outbox,
            own=self.attestor.own,
            ready=lambda: settled() and self.attestor.tried,
            seal=self._seal,
            file_chunk_bytes=self._file_chunk_bytes,
            file_chunk_secs=self._file_chunk_secs,
            clock=clock,
        )

    def chunker(
        self,
        *,
        camera: str,
        readers: EventReaders,
        picture: Callable[[EventStarted], bytes | None],
        wished: Callable[[WallStamp], str],
        progress: Callable[[int], EventProgress | None],
    ) -> Chunker:
        """What cuts and seals one camera's events; arguments as Chunker has them."""
        return Chunker(
            camera=camera,
            readers=readers,
            outbox=self._outbox,
            own=self.attestor.own(camera),
            seal=self._seal,
            picture=picture,
            wished=wished,
            progress=progress,
            file_chunk_bytes=self._file_chunk_bytes,
            file_chunk_secs=self._file_chunk_secs,
            grows=not self.sealed,
            clock=self._clock,
        )

    @property
    def workers(self) -> list[Worker]:
        """The writer first, which is stopped first: uploads that are broken off then begin anew at the next start."""
        others = [each for each in (self._stamper, self._key_watch) if each is not None]
        return [self._writer, self.attestor, *self._uploaders, self._resumer, *others]

    @property
    def writing(self) -> bool:
        """Whether something waits to get to the disk."""
        return self._outbox.chores.any

    @property
    def leaving(self) -> bool:
        """Whether something waits for a store that takes it."""
        return any(each["files_waiting"] and each["state"] in {"idle", "sending"} for each in self._stores())

    def settle(self, seconds: float) -> None:
        """Give what was handed over last so long to leave; where nothing waits, it does not take that long."""
        until_us = self._clock.monotonic_us() + round(seconds * 1e6)
        pause = threading.Event()
        while (self.writing or self.leaving) and self._clock.monotonic_us() < until_us:
            pause.wait(_POLL_S)

    def interrupted(self, event_ids: Sequence[str]) -> None:
        """These events were cut short by a crash, and are in order now: the rest of them is to leave."""
        self._resumer.interrupted(event_ids)

    def deleted(self, event_id: str) -> None:
        """The owner has deleted an event: what of it has not left never will.

        Raises:
            StorageError: that of it which nobody sends any more cannot be removed.
        """
        self._outbox.withdraw(folder_of_id(event_id))
        withdraw_left_behind(self._outbox.directory, event_id, self._outbox.departures)

    def made_room(self, event_id: str) -> None:
        """An event was deleted to make room. What waits to leave goes on waiting, unless it is the recording itself."""
        if self.sealed:
            with suppress(StorageError):  # what nobody sends goes with its directory, then
                self.deleted(event_id)

    def lacks_room(self, lacking: int) -> None:
        """The disk is full, and no event is left to delete. What is new matters more than what has waited for long.

        In sealed mode both are the same files: what waits goes with its event.
        """
        if not self.sealed:
            self._outbox.make_room(lacking)

    def problems(self) -> list[str]:
        """What does not work, in words."""
        found = [
            *self._writer.problems(),
            *self.attestor.problems(),
            *(self._stamper.problems() if self._stamper else []),
            *(text for uploader in self._uploaders for text in uploader.problems()),
        ]
        if self._key_watch and self._key_watch.trouble:
            found.append(self._key_watch.trouble)
        return found

    def status(self) -> dict[str, object]:
        """Plain JSON values: the key's fingerprint (null: nothing is sealed), each store, what the disk has not yet.

        `rehearsed`: somebody has opened something that was sealed for this key. `evidence.stamps`: null where nobody is
        to stamp.
        """
        return {
            "key": self._key.fingerprint if self._key else None,
            "rehearsed": self._key_watch is not None and self._key_watch.rehearsed,
            "stores": self._stores(),
            "in_memory": self._writer.status(),
            "evidence": self.attestor.status() | {"stamps": self._stamper.status() if self._stamper else None},
        }

    def _stamper_of(self, configuration: Configuration, clock: Clock) -> "Stamper | None":
        url = configuration.evidence.timestamp_url
        if url is None:
            return None
        from pi_sec_cam.sending.stamping import MEMORY, Stamper

        memory = configuration.storage.directory / IDENTITY / MEMORY
        return Stamper(url, heads=self.attestor.heads, stamped=self.attestor.stamped, memory=memory, clock=clock)

    def _mark_offsite(self, folder: Path) -> None:
        from pi_sec_cam.record.annotation import mark_offsite

        event_id = id_of_folder(folder.relative_to(self._archive.recordings).as_posix())
        with suppress(EventNotFound):  # deleted meanwhile
            mark_offsite(self._archive, self._catalogue(), event_id)

    def _waited_at_start(self, key: str) -> bool:
        return self._outbox.departures[key].waited_at_start()

    def _stores(self) -> list[dict[str, object]]:
        return [uploader.status() for uploader in self._uploaders]


def _sealing_key(path: Path | None) -> "SealingKey | None":
    """Without it nothing starts: to send in the clear what was to be sealed cannot be undone."""
    if path is None:
        return None
    from pi_sec_cam.offsite.sealing_key import SealingKey

    try:
        return SealingKey(path)
    except KeyUnusable as error:
        raise ConfigError(f"cannot seal (dropbox.public_pem_path): {error}") from None


def _watch_of(key: "SealingKey | None", identity: Path, clock: Clock) -> "KeyWatch | None":
    if key is None:
        return None
    from pi_sec_cam.offsite.key_watch import KeyWatch

    return KeyWatch(key, identity, clock)
