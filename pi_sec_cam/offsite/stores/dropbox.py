"""A Dropbox app's folder as a store, by Dropbox's own SDK (docs/dropbox.md)."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pi_sec_cam.clock import Clock, SystemClock
from pi_sec_cam.errors import Interrupted, KeyUnusable, OffsiteError, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.dropbox_login import Login
from pi_sec_cam.offsite.stores.path import parts_of

_HASH_BLOCK_BYTES = 4 * 1024 * 1024


class DropboxStore:
    """Adds files, and never replaces one.

    The SDK takes its hosts from DROPBOX_API_HOST, DROPBOX_API_CONTENT_HOST, …, and is imported when it is first used.

    Args:
        login: looks for what `pi-sec-cam dropbox login` has brought, which goes before what follows; asked again after
            Dropbox has refused a login, so that another one is taken up.
        refresh_token, app_key: of an app.
        token: an access token, where there is no refresh token: most end after four hours.
    """

    kind = "dropbox"
    where = "app folder"

    def __init__(
        self,
        *,
        token: str | None = None,
        refresh_token: str | None = None,
        app_key: str | None = None,
        login: Callable[[], Login | None] = lambda: None,
        clock: Clock | None = None,
    ) -> None:
        self._login = login
        self._token, self._refresh_token, self._app_key = token, refresh_token, app_key
        self._clock: Clock = clock or SystemClock()
        self._watch: Any = None
        self._dropbox: Any = None

    def warm(self) -> None:
        with suppress(OffsiteError):
            self._open(lambda: False)
            self._call(lambda: self._dropbox.files_upload_session_start(b""), "")

    def put(self, path: str, data: bytes, *, interrupted: Callable[[], bool]) -> None:
        parts_of(path)
        if interrupted():
            raise Interrupted(f"{path} was given up")
        self._open(interrupted)
        from dropbox.files import WriteMode

        own_hash = content_hash(data)
        stored = self._call(
            # Muted: a notice on each of the owner's machines, a second each, would soon be switched off altogether.
            lambda: self._dropbox.files_upload(
                data, f"/{path}", mode=WriteMode.add, autorename=False, mute=True, content_hash=own_hash
            ),
            path,
        )
        if (stored.size, stored.content_hash) != (len(data), own_hash):
            raise TemporaryError(f"what Dropbox has stored under {path} is not what was sent")

    def close(self) -> None:
        if self._dropbox is not None:
            self._dropbox.close()
            self._dropbox = None

    def _open(self, interrupted: Callable[[], bool]) -> None:
        if self._dropbox is None:
            from pi_sec_cam.offsite.stores.dropbox_session import dropbox_client
            from pi_sec_cam.offsite.stores.interruptible import Watch

            token, refresh_token, app_key = self._credentials()
            self._watch = Watch()
            self._dropbox = dropbox_client(self._watch, token=token, refresh_token=refresh_token, app_key=app_key)
        self._watch.interrupted = interrupted

    def _credentials(self) -> tuple[str | None, str | None, str | None]:
        try:
            login = self._login()
        except KeyUnusable as error:
            raise StoreRefuses(str(error)) from error
        if login is not None:
            return None, login.refresh_token, login.app_key
        if self._token is None and self._refresh_token is None:
            raise StoreRefuses('there is no login at Dropbox: "pi-sec-cam dropbox login" makes one')
        return self._token, self._refresh_token, self._app_key

    def _call(self, call: Callable[[], Any], path: str) -> Any:
        """The result of a call of the SDK; its errors as a store's."""
        from pi_sec_cam.offsite.stores.dropbox_errors import store_errors

        try:
            with store_errors(self._clock, path):
                return call()
        except StoreRefuses:
            self.close()  # the next try takes the login that is there then, and asks for a new access token
            raise


def content_hash(data: bytes) -> str:
    """Dropbox's hash of a file, in hex: the SHA-256 over the SHA-256 of each 4 MiB.

    Source: https://www.dropbox.com/developers/reference/content-hash
    """
    view = memoryview(data)
    whole = hashlib.sha256()
    for at in range(0, len(data), _HASH_BLOCK_BYTES):
        whole.update(hashlib.sha256(view[at : at + _HASH_BLOCK_BYTES]).digest())
    return whole.hexdigest()
