"""Composes from the configuration what leaves this machine: the owner's key, the stores, the outbox, the uploaders."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pi_sec_cam.clock import Clock, WallStamp
from pi_sec_cam.config import Configuration
from pi_sec_cam.config.offsite import DirectoryStore as DirectoryConfiguration
from pi_sec_cam.config.offsite import Store as StoreConfiguration
from pi_sec_cam.errors import ConfigError, KeyUnusable
from pi_sec_cam.motion.event import EventStarted
from pi_sec_cam.motion.event_reader import EventReaders
from pi_sec_cam.offsite.chunker import Chunker
from pi_sec_cam.offsite.disk_first import EventProgress
from pi_sec_cam.offsite.dropbox_login import login_path, read_login
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outbox_writer import OutboxWriter
from pi_sec_cam.offsite.sealed_archive import keep_sealed
from pi_sec_cam.offsite.stores.protocol import Store
from pi_sec_cam.offsite.uploader import Uploader
from pi_sec_cam.remembered import Remembered
from pi_sec_cam.worker import Worker

if TYPE_CHECKING:
    from pi_sec_cam.offsite.key_watch import KeyWatch
    from pi_sec_cam.offsite.sealing_key import SealingKey

IDENTITY = "identity"
"""The directory below storage.directory for what makes this camera itself: logins and keys."""

_MEBIBYTE = 1 << 20


class Sending:
    """What takes the cameras' events out of this machine.

    Args:
        guard: raises StorageError while the right disk is not there.
        on_trouble: told when the disk refuses something.
        on_offsite: told the folder of an event that one store has whole, in a thread of ours; may raise OSError, and is
            then told again.

    Attributes:
        sealed: what leaves is the recording on this machine, too.
        seal: what is done to each file before it leaves; nothing, without a key.
        file_chunk_bytes, file_chunk_secs: how video is cut.
        outbox, writer, uploaders: what waits, who keeps it on the disk, who sends it.

    Raises:
        ConfigError: the key that everything is to be sealed for cannot be used, or a store's library is missing.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        remembered: Remembered,
        guard: Callable[[], None],
        on_trouble: Callable[[OSError], None],
        on_offsite: Callable[[Path], None],
        clock: Clock,
    ) -> None:
        dropbox, storage = configuration.dropbox, configuration.storage
        self.sealed = storage.sealed
        self._clock = clock
        self.file_chunk_bytes = round(dropbox.file_chunk_megs * _MEBIBYTE)
        self.file_chunk_secs = dropbox.file_chunk_secs
        self._key = _sealing_key(dropbox.public_pem_path)
        self._key_watch = _watch_of(self._key, storage.directory / IDENTITY, clock)
        self.seal: Callable[[bytes], bytes] = bytes
        if self._key is not None:
            from pi_sec_cam.offsite.envelope import Envelope

            self.seal = Envelope(self._key.public_key).seal
        stores = stores_of(configuration, remembered, clock, waited_at_start=self._waited_at_start)
        days = storage.outbox_max_age_days
        self.outbox = Outbox(
            storage.directory / "outbox",
            storage.directory / "recordings",
            tuple(stores),
            max_bytes=storage.outbox_max_bytes,
            max_age_s=None if days is None else days * 86400,
            clock=clock,
            on_offsite=on_offsite,
            archive=self.sealed,
        )
        self.writer = OutboxWriter(
            self.outbox, guard=guard, clock=clock, store=keep_sealed if self.sealed else None, on_trouble=on_trouble
        )
        self.uploaders = [Uploader(store, key, self.outbox, clock) for key, store in stores.items()]

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
            outbox=self.outbox,
            seal=self.seal,
            picture=picture,
            wished=wished,
            progress=progress,
            file_chunk_bytes=self.file_chunk_bytes,
            file_chunk_secs=self.file_chunk_secs,
            grows=not self.sealed,
            clock=self._clock,
        )

    @property
    def workers(self) -> list[Worker]:
        """The writer first, which is stopped first: uploads that are broken off then begin anew at the next start."""
        return [self.writer, *self.uploaders, *([self._key_watch] if self._key_watch else [])]

    @property
    def writing(self) -> bool:
        """Whether something waits to get to the disk."""
        return bool(self.outbox.chores.wait(0))

    @property
    def leaving(self) -> bool:
        """Whether something waits for a store that takes it."""
        return any(each["files_waiting"] and each["state"] in {"idle", "sending"} for each in self._stores())

    def problems(self) -> list[str]:
        """What does not work, in words."""
        found = [*self.writer.problems(), *(text for uploader in self.uploaders for text in uploader.problems())]
        if self._key_watch and self._key_watch.trouble:
            found.append(self._key_watch.trouble)
        return found

    def status(self) -> dict[str, object]:
        """Plain JSON values: the key's fingerprint (null: nothing is sealed), each store, what the disk has not yet.

        `rehearsed`: somebody has opened something that was sealed for this key.
        """
        return {
            "key": self._key.fingerprint if self._key else None,
            "rehearsed": self._key_watch is not None and self._key_watch.rehearsed,
            "stores": self._stores(),
            "in_memory": self.writer.status(),
        }

    def _waited_at_start(self, key: str) -> bool:
        return self.outbox.departures[key].waited_at_start()

    def _stores(self) -> list[dict[str, object]]:
        return [uploader.status() for uploader in self.uploaders]


def sends(configuration: Configuration, remembered: Remembered) -> bool:
    """Whether anything is to leave this machine, or is to be kept as if it did (sealed mode)."""
    return configuration.storage.sealed or bool(configuration.stores) or _has_dropbox(configuration, remembered)


def stores_of(
    configuration: Configuration,
    remembered: Remembered,
    clock: Clock,
    *,
    waited_at_start: Callable[[str], bool] = lambda _key: False,
) -> dict[str, Store]:
    """The stores that a configuration names, each by the key that names its directory in the outbox; none is opened.

    Args:
        waited_at_start: given the key, whether the file that this store is being sent is one of an earlier run.

    Raises:
        ConfigError: a library that one of them needs is missing.
    """
    stores: dict[str, Store] = {}
    if _has_dropbox(configuration, remembered):
        from pi_sec_cam.offsite.stores.dropbox import DropboxStore

        dropbox, identity = configuration.dropbox, configuration.storage.directory / IDENTITY
        stores["dropbox"] = DropboxStore(
            token=dropbox.token,
            refresh_token=dropbox.refresh_token,
            app_key=dropbox.app_key,
            login=partial(read_login, identity),
            clock=clock,
        )
    for said in configuration.stores:
        key, store = _store(said, remembered, waited_at_start)
        stores[key] = store
    return stores


def _has_dropbox(configuration: Configuration, remembered: Remembered) -> bool:
    """The login may be on a disk that is missing at the moment."""
    dropbox = configuration.dropbox
    if dropbox.token is not None or dropbox.refresh_token is not None:
        return True
    directory = configuration.storage.directory
    if login_path(directory / IDENTITY).exists():
        remembered.logins = {"dropbox"}
    elif remembered.logins and (directory / IDENTITY).is_dir():
        remembered.logins = set()
    return "dropbox" in remembered.logins


def _store(
    said: StoreConfiguration, remembered: Remembered, waited_at_start: Callable[[str], bool]
) -> tuple[str, Store]:
    if isinstance(said, DirectoryConfiguration):
        from pi_sec_cam.offsite.stores.directory import DirectoryStore

        key = f"directory-{_short(str(said.path))}"
        return key, DirectoryStore(
            said.path, known_id=partial(remembered.store_id, key), remember=partial(remembered.remember_store, key)
        )
    from pi_sec_cam.offsite.stores.s3 import S3Store

    where = (said.endpoint_url or "", said.bucket, said.prefix)
    key = f"s3-{_short(chr(10).join(where))}"
    return key, S3Store(
        bucket=said.bucket,
        access_key_id=said.access_key_id,
        secret_access_key=said.secret_access_key,
        endpoint_url=said.endpoint_url,
        region=said.region,
        prefix=said.prefix,
        ca_pem_path=said.ca_pem_path,
        waited_at_start=partial(waited_at_start, key),
    )


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


def _short(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:8]
