"""The camera's login at Dropbox: how it is got (OAuth 2 with PKCE, without a redirect), kept, tried and revoked."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pi_sec_cam.clock import Clock
from pi_sec_cam.durable import make_directories, storage_error, sync_directory, write_atomically
from pi_sec_cam.errors import KeyUnusable, StoreRefuses

SCOPE = "files.content.write"
"""The one permission that is asked for, for a camera."""

_NAME = "dropbox.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What lets the camera write to the app's folder until it is revoked.

    Attributes:
        app_key: of the owner's app; no secret.
        refresh_token: gets access tokens for four hours each; a secret. It does not expire.
        account: Dropbox's id of the account, None if it was not said.
        made: when, in ISO 8601, by the clock of the machine that made it.
    """

    app_key: str
    refresh_token: str
    account: str | None
    made: str


class Authorisation:
    """One walk through Dropbox's login: open `url` in a browser, allow it there, bring the code that is shown.

    Args:
        scopes: the permissions that are asked for. The login has these and no others, whatever its app may have.

    Raises (also by `finish`):
        TemporaryError: no way to Dropbox now.
    """

    def __init__(self, app_key: str, clock: Clock, scopes: Sequence[str] = (SCOPE,)) -> None:
        from dropbox.oauth import DropboxOAuth2FlowNoRedirect

        from pi_sec_cam.offsite.stores.dropbox_session import dropbox_session
        from pi_sec_cam.offsite.stores.interruptible import TIMEOUTS_S, Watch

        self._app_key, self._clock = app_key, clock
        self._flow = DropboxOAuth2FlowNoRedirect(
            app_key,
            use_pkce=True,
            token_access_type="offline",  # noqa: S106 - asks for a refresh token
            scope=list(scopes),
            timeout=TIMEOUTS_S,
        )
        self._flow.requests_session = dropbox_session(Watch())
        self.url: str = self._flow.start()

    def finish(self, code: str) -> tuple[Login, tuple[str, ...]]:
        """Trade the code in: the login, and the permissions that Dropbox gave it. May be tried again with another code.

        Raises:
            CodeRefused: the code is wrong, was used, or has expired.
            StoreRefuses: there is no such app.
        """
        from pi_sec_cam.offsite.stores.dropbox_errors import store_errors

        with store_errors(self._clock):
            got = self._flow.finish("".join(code.split()))
        if not got.refresh_token:
            raise StoreRefuses("Dropbox gave no login that lasts; try again from the beginning")
        made = self._clock.wall().isoformat(timespec="seconds")
        login = Login(app_key=self._app_key, refresh_token=got.refresh_token, account=got.account_id, made=made)
        return login, tuple((got.scope or "").split())


def check_login(login: Login, clock: Clock) -> None:
    """Try whether it may write, without writing: an upload that is begun and never finished leaves nothing behind.

    Dropbox's own question for that (check/user) needs the permission to read who the owner is.

    Raises:
        TemporaryError, StoreRefuses: as Store.put.
    """
    from pi_sec_cam.offsite.stores.dropbox_errors import store_errors
    from pi_sec_cam.offsite.stores.dropbox_session import dropbox_client
    from pi_sec_cam.offsite.stores.interruptible import Watch

    with store_errors(clock), dropbox_client(Watch(), refresh_token=login.refresh_token, app_key=login.app_key) as sdk:
        sdk.files_upload_session_start(b"")


def revoke(
    clock: Clock, *, token: str | None = None, refresh_token: str | None = None, app_key: str | None = None
) -> bool:
    """End a login at Dropbox, for whoever has it. What it has written stays.

    Returns:
        False if it was not valid any more.

    Raises:
        TemporaryError, StoreRefuses: as Store.put.
    """
    from pi_sec_cam.offsite.stores.dropbox_errors import LoginInvalid, store_errors
    from pi_sec_cam.offsite.stores.dropbox_session import dropbox_client
    from pi_sec_cam.offsite.stores.interruptible import Watch

    client = dropbox_client(Watch(), token=token, refresh_token=refresh_token, app_key=app_key)
    try:
        with store_errors(clock), client as sdk:
            sdk.auth_token_revoke()
    except LoginInvalid:
        return False
    return True


def login_path(identity: Path) -> Path:
    """Where the camera keeps it."""
    return identity / _NAME


def read_login(identity: Path) -> Login | None:
    """The login in the directory `identity`; None if there is none.

    Raises:
        KeyUnusable: the file is damaged, or may not be read.
    """
    return read_login_file(login_path(identity))


def read_login_file(path: Path) -> Login | None:
    """As `read_login`, from a file of any name: a copy."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        login = Login(**{name: said.get(name) for name in Login.__slots__})
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyUnusable(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, AttributeError):
        login = None
    if login is None or not all(isinstance(found, str) and found for found in (login.app_key, login.refresh_token)):
        raise KeyUnusable(f"{path} is no login for Dropbox, or is damaged: run `pi-sec-cam dropbox login`")
    return login


def keep_login(login: Login, storage: Path) -> Path:
    """Write it to `identity/` below the storage directory, for the daemon's user alone, in place of an older one.

    Raises:
        StorageError: from the disk.
    """
    identity = storage / "identity"
    try:
        make_directories(identity, storage)
        identity.chmod(0o700)
    except OSError as error:
        raise storage_error(f"cannot make {identity}", error) from error
    return write_login(login, login_path(identity))


def write_login(login: Login, path: Path) -> Path:
    """Write it to a file that nobody else may read.

    Raises:
        StorageError: from the disk.
    """
    try:
        write_atomically(path, json.dumps(asdict(login), indent=2).encode() + b"\n", mode=0o600)
    except OSError as error:
        raise storage_error(f"cannot write {path}", error) from error
    return path


def remove_login(path: Path) -> None:
    """Delete it, if it is there.

    Raises:
        StorageError: from the disk.
    """
    try:
        path.unlink(missing_ok=True)
        sync_directory(path.parent)
    except OSError as error:
        raise storage_error(f"cannot delete {path}", error) from error
