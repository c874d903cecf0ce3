"""The SDK's way to Dropbox: lets through what Dropbox says, and turns into errors what others say in its place."""

import io
import json
import logging
from contextlib import suppress
from typing import Any

import dropbox
import requests

from pi_sec_cam.errors import OffsiteError, TemporaryError
from pi_sec_cam.offsite.stores.interruptible import TIMEOUTS_S, InterruptibleAdapter, Watch
from pi_sec_cam.offsite.stores.retry_after import retry_after_s

_MOST_BYTES = 1 << 20


def dropbox_session(watch: Watch) -> requests.Session:
    """A session that raises TemporaryError for 429 (with the seconds, wherever they stand), 5xx, and answers that are
    not Dropbox's, before the SDK stumbles over them.

    CAs and proxies are those of the environment (REQUESTS_CA_BUNDLE, HTTPS_PROXY).
    """
    session = requests.Session()
    session.mount("https://", _DropboxAdapter(watch))
    return session


def dropbox_client(
    watch: Watch,
    *,
    token: str | None = None,
    refresh_token: str | None = None,
    app_key: str | None = None,
) -> dropbox.Dropbox:
    """The SDK over such a session; it tries nothing twice but a call whose access token has just expired."""
    # Its warning about a token that cannot be renewed comes with every try; StoreRefuses says it better.
    logging.getLogger("dropbox").setLevel(logging.ERROR)
    return dropbox.Dropbox(
        oauth2_access_token=None if refresh_token else token,
        oauth2_refresh_token=refresh_token,
        app_key=app_key,
        session=dropbox_session(watch),
        timeout=TIMEOUTS_S,
        max_retries_on_error=0,
        max_retries_on_rate_limit=0,
        user_agent="pi-sec-cam",
    )


class _DropboxAdapter(InterruptibleAdapter):
    def send(self, request: requests.PreparedRequest, *positional: Any, **named: Any) -> requests.Response:
        response = super().send(request, *positional, **named)
        try:
            _check(response)
        except OffsiteError:
            response.close()
            raise
        return response


def _check(response: requests.Response) -> None:
    status = response.status_code
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if status == 429:
        raise TemporaryError("Dropbox: too many requests", retry_after_s=_asked_s(response))
    if status >= 500:
        raise TemporaryError(f"Dropbox has trouble of its own (HTTP status {status})", retry_after_s=_asked_s(response))
    if status == 400 and kind == "text/plain":
        return
    if status in {200, 206} and "Dropbox-API-Result" in response.headers:
        return  # a file that is downloaded, which whoever asked for it reads
    body = _read(response)
    try:
        json.loads(body)
    except ValueError:
        raise _not_dropbox(f"HTTP status {status}, {kind or 'of no kind'}") from None
    response.raw = io.BytesIO(body)
    response.headers["Content-Type"] = "application/json"  # the SDK does not know that parameters may follow


def _read(response: requests.Response) -> bytes:
    body = b""
    for piece in response.raw.stream(65536, decode_content=True):
        body += piece
        if len(body) > _MOST_BYTES:
            raise _not_dropbox("its answer does not end")
    return body


def _asked_s(response: requests.Response) -> float | None:
    """The longest of what stands in the header and in the body."""
    said = [retry_after_s(response.headers.get("Retry-After"), response.headers.get("Date"))]
    with suppress(ValueError, TypeError, KeyError, TemporaryError):
        said.append(retry_after_s(str(json.loads(_read(response))["error"]["retry_after"])))
    return max((seconds for seconds in said if seconds is not None), default=None)


def _not_dropbox(why: str) -> TemporaryError:
    return TemporaryError(
        f"who answers for Dropbox is not Dropbox ({why}): does this network want a login in a browser first?"
    )
