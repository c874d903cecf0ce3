"""Opens the place that is named on the command line: a folder, Dropbox, a bucket."""

from collections.abc import Callable, Collection
from pathlib import Path

from pi_sec_cam.clock import Clock, SystemClock
from pi_sec_cam.durable import storage_error
from pi_sec_cam.errors import ConfigError
from pi_sec_cam.home.folder import FolderPlace
from pi_sec_cam.home.patience import Patience
from pi_sec_cam.home.protocol import Place, PlaceKind
from pi_sec_cam.offsite.stores.s3 import library_missing

FORMS = (
    "FOLDER                  a folder on this computer, or a network drive\n"
    "dropbox:[FOLDER]        your app's folder in Dropbox; first: pi-sec-cam home login dropbox\n"
    "s3://BUCKET[/PREFIX]    a bucket, with the login that your other programs for S3 have (environment, ~/.aws)"
)
"""What may be named, for helps and messages."""


def of_store(kind: PlaceKind) -> Callable[[str], bool]:
    """Whether a camera's store is of the kind of such a place, by its key ("dropbox", "s3-1a2b3c4d", …).

    A folder may be a copy of whatever store.
    """
    return lambda store: kind == "folder" or store.partition("-")[0] == kind


def of_fetched(places: Collection[str]) -> Callable[[str], bool]:
    """The same, of a folder into which all was fetched from these places."""
    kinds = {_kind(place) for place in places}
    return of_store(kinds.pop() if len(kinds) == 1 else "folder")


def open_place(
    text: str,
    *,
    endpoint_url: str | None = None,
    ca_pem_path: Path | None = None,
    clock: Clock | None = None,
    patience: Patience | None = None,
) -> Place:
    """The place; nothing is asked of it yet. To be closed.

    Args:
        text: one of `FORMS`.
        endpoint_url: of a server for S3 that is not Amazon's.
        ca_pem_path: certificates that vouch for that server, where no known authority does.
        patience: what to do while a place cannot answer.

    Raises:
        ConfigError: it is none of the forms, there is no such folder, or the library for S3 is not installed.
        StoreRefuses, KeyUnusable: there is no login, or it is damaged.
        StorageError: the folder cannot be looked at.
    """
    clock, patience = clock or SystemClock(), patience or Patience()
    if _kind(text) == "s3":
        if missing := library_missing():
            raise ConfigError(missing)
        from pi_sec_cam.home.s3 import S3Place

        return S3Place(text, endpoint_url=endpoint_url, ca_pem_path=ca_pem_path, patience=patience)
    if endpoint_url is not None:
        raise ConfigError(f"an endpoint URL belongs to s3://BUCKET, not to {text}")
    if _kind(text) == "dropbox":
        from pi_sec_cam.home.dropbox import DropboxPlace
        from pi_sec_cam.home.owner_login import need_owner_login

        return DropboxPlace(need_owner_login(), text.removeprefix("dropbox:"), clock=clock, patience=patience)
    try:
        there = text != "" and Path(text).is_dir()
    except OSError as error:
        raise storage_error(f"cannot open {text}", error) from error
    if not there:
        raise ConfigError(f"{_no_folder(text)}. A place is one of these:\n{FORMS}")
    return FolderPlace(Path(text))


def _no_folder(text: str) -> str:
    if Path(text).is_file():
        return f"{text!r} is a file, and no folder"
    meant = '; "dropbox:" is written with a colon' if text.lower().rstrip(":") == "dropbox" else ""
    return f"{text!r} is no folder that exists{meant}"


def _kind(text: str) -> PlaceKind:
    return "s3" if text.startswith("s3://") else "dropbox" if text.startswith("dropbox:") else "folder"
