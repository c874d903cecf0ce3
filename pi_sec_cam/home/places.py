"""Opens the place that is named on the command line: a folder, Dropbox, a bucket."""

from pathlib import Path

from pi_sec_cam.clock import Clock, SystemClock
from pi_sec_cam.durable import storage_error
from pi_sec_cam.errors import ConfigError
from pi_sec_cam.home.folder import FolderPlace
from pi_sec_cam.home.patience import Patience
from pi_sec_cam.home.protocol import Place
from pi_sec_cam.offsite.stores.s3 import library_missing

FORMS = (
    "FOLDER                  a folder on this computer, or a network drive\n"
    "dropbox:[FOLDER]        your app's folder in Dropbox; first: pi-sec-cam home login dropbox\n"
    "s3://BUCKET[/PREFIX]    a bucket, with the login that your other programs for S3 have (environment, ~/.aws)"
)
"""What may be named, for helps and messages."""


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
    if text.startswith("s3://"):
        if missing := library_missing():
            raise ConfigError(missing)
        from pi_sec_cam.home.s3 import S3Place

        return S3Place(text, endpoint_url=endpoint_url, ca_pem_path=ca_pem_path, patience=patience)
    if endpoint_url is not None:
        raise ConfigError(f"an endpoint URL belongs to s3://BUCKET, not to {text}")
    if text.startswith("dropbox:"):
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
    meant = "; did you mean dropbox: (with a colon)?" if text.lower().rstrip(":") == "dropbox" else ""
    return f"{text!r} is no folder that exists{meant}"
