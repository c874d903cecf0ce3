"""The owner's own login at Dropbox: reads what the cameras write, and is kept at home, on no camera."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from pi_sec_cam.durable import make_directories, storage_error
from pi_sec_cam.errors import KeyUnusable, StoreRefuses
from pi_sec_cam.offsite.dropbox_login import Login, write_login

READ_SCOPES = ("files.metadata.read", "files.content.read")
"""To list, and to read."""
DELETE_SCOPE = "files.content.write"
"""For `prune`."""

LOGIN = "run `pi-sec-cam home login dropbox`"
LOGIN_TO_DELETE = f"{LOGIN[:-1]} --may-delete`"

_NAME = "owner_dropbox.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerLogin(Login):
    """A login of the same app as the cameras', with other permissions.

    Attributes:
        scopes: what Dropbox said that it may do.
    """

    scopes: tuple[str, ...]


def owner_login_path() -> Path:
    """Where it is kept: in the user's own configuration (XDG Base Directory Specification).

    Raises:
        KeyUnusable: this user has no home.
    """
    top = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    if not top.is_absolute():
        try:
            top = Path.home() / ".config"
        except RuntimeError as error:
            raise KeyUnusable("this user has no home to keep a login in: name a folder in XDG_CONFIG_HOME") from error
    return top / "pi-sec-cam" / _NAME


def read_owner_login() -> OwnerLogin | None:
    """The login that is kept; None if there is none.

    Raises:
        KeyUnusable: the file is damaged, may not be read, or has no place.
    """
    path = owner_login_path()
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        found = OwnerLogin(
            **{name: said.get(name) for name in Login.__slots__}, scopes=tuple(map(str, said.get("scopes") or ()))
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyUnusable(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, AttributeError, TypeError):
        found = None
    if found is None or not all(isinstance(text, str) and text for text in (found.app_key, found.refresh_token)):
        raise KeyUnusable(f"{path} is no login for Dropbox, or is damaged: {LOGIN}")
    return found


def need_owner_login() -> OwnerLogin:
    """The login that is kept.

    Raises:
        StoreRefuses: there is none.
        KeyUnusable: as `read_owner_login`.
    """
    found = read_owner_login()
    if found is None:
        raise StoreRefuses(f"there is no login of yours at Dropbox on this computer: {LOGIN}")
    return found


def keep_owner_login(login: OwnerLogin) -> Path:
    """Write it where it is kept, for this user alone, in place of an older one.

    Raises:
        StorageError: from the disk.
    """
    path = owner_login_path()
    try:
        top = next(folder for folder in path.parents if folder.is_dir())
        make_directories(path.parent, top)
        path.parent.chmod(0o700)
    except OSError as error:
        raise storage_error(f"cannot make {path.parent}", error) from error
    return write_login(login, path)
