"""From the configuration to the stores that it names."""

import hashlib
from collections.abc import Callable
from functools import partial

from pi_sec_cam.clock import Clock
from pi_sec_cam.config import Configuration
from pi_sec_cam.config.offsite import DirectoryStore as DirectoryConfiguration
from pi_sec_cam.config.offsite import Store as StoreConfiguration
from pi_sec_cam.offsite.dropbox_login import login_path, read_login
from pi_sec_cam.offsite.stores.protocol import Store
from pi_sec_cam.remembered import Remembered

IDENTITY = "identity"
"""The directory below storage.directory for what makes this camera itself: logins and keys."""


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


def _short(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:8]
