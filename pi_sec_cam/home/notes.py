"""Where a user's own notes are kept at home, and how those that lie elsewhere are known again as this computer's."""

import hmac
import os
import secrets
from pathlib import Path

from pi_sec_cam.durable import storage_error, write_atomically
from pi_sec_cam.errors import StorageError

_NAME = "notes.secret"
_SECRET_BYTES = 32


class NoHome(StorageError):
    """A user who has no home, and so keeps no notes."""


def notes_directory() -> Path:
    """$XDG_STATE_HOME/pi-sec-cam (~/.local/state without it); it need not be there yet.

    Raises:
        NoHome: there is nowhere to keep them.
    """
    given = os.environ.get("XDG_STATE_HOME", "")  # a relative one is to be passed by (XDG Base Directory Specification)
    if os.path.isabs(given):
        return Path(given) / "pi-sec-cam"
    try:
        return Path.home() / ".local" / "state" / "pi-sec-cam"
    except RuntimeError as error:
        raise NoHome("this user has no home to keep notes in: name a folder in XDG_STATE_HOME") from error


def make_mark(data: bytes) -> str:
    """What only this user, on this computer, can put beside these bytes (HMAC-SHA256, RFC 2104), in hexadecimal.

    Raises:
        NoHome: as `notes_directory`.
        StorageError: from the disk.
    """
    directory = notes_directory()
    secret = _secret()
    if secret is None:
        secret = secrets.token_bytes(_SECRET_BYTES)
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(directory / _NAME, secret, mode=0o600)
        except OSError as error:
            raise storage_error(f"cannot write {directory / _NAME}", error) from error
    return hmac.digest(secret, data, "sha256").hex()


def is_our_mark(mark: str, data: bytes) -> bool:
    """Whether `make_mark` has made this one for these bytes, for this user, on this computer.

    Raises:
        StorageError: from the disk.
    """
    try:
        secret = _secret()
    except NoHome:
        return False
    return secret is not None and hmac.compare_digest(hmac.digest(secret, data, "sha256").hex().encode(), mark.encode())


def _secret() -> bytes | None:
    path = notes_directory() / _NAME
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise storage_error(f"cannot read {path}", error) from error
    return found if len(found) == _SECRET_BYTES else None
