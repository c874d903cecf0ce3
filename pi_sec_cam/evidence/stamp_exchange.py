"""One exchange with a time-stamp authority over HTTP (RFC 3161, 3.4): the request there, the answer back."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pi_sec_cam.errors import PiSecCamError

if TYPE_CHECKING:
    import requests

LARGEST_STAMP_BYTES = 1 << 16
"""Stamps have 1 to 8 KB, most of it certificates."""

_TIMEOUT_S = 20  # for connecting, and between two pieces of an answer
_PIECE_BYTES = 8192


class NoStamp(PiSecCamError, RuntimeError):
    """A time-stamp authority that gives no stamp, or none that is good for anything; it may later."""


def exchange(url: str, request: bytes) -> bytes:
    """What the authority answers, whatever it is; LARGEST_STAMP_BYTES at most.

    Takes as long as the name service, and for ever where the other side sends byte by byte.

    Args:
        url: http or https; a password in it is used, and never shown.

    Raises:
        NoStamp: nothing that could be a stamp.
    """
    import requests

    authority = authority_of(url)
    try:
        with requests.post(
            url,
            data=request,
            headers={"Content-Type": "application/timestamp-query", "Accept-Encoding": "identity"},
            timeout=_TIMEOUT_S,
            # Who is to be asked stands in the configuration; and a redirected question often arrives empty.
            allow_redirects=False,
            stream=True,
        ) as answer:
            if answer.is_redirect:
                raise NoStamp(f"{authority} sends elsewhere, to {_place(answer)}: if that is right, set that address")
            if answer.status_code != 200:
                raise NoStamp(f"{authority} gives no stamp (HTTP status {answer.status_code})")
            return _body(answer, authority)
    except requests.exceptions.SSLError as error:
        raise NoStamp(
            f"{authority} has no certificate that can be believed: is this machine's clock right? Is the address?"
        ) from error
    except requests.exceptions.Timeout as error:
        raise NoStamp(f"{authority} does not answer") from error
    except (requests.exceptions.RequestException, OSError) as error:
        raise NoStamp(f"{authority} cannot be reached: {_reason(error)}") from error


def authority_of(url: str) -> str:
    """Its host, for people: the address may hold a password."""
    return urlsplit(url).hostname or ""


def _body(answer: "requests.Response", authority: str) -> bytes:
    body = bytearray()
    for piece in answer.iter_content(_PIECE_BYTES):
        body += piece
        if len(body) > LARGEST_STAMP_BYTES:
            raise NoStamp(f"{authority} answers more than a stamp can be ({LARGEST_STAMP_BYTES >> 10} KiB)")
    return bytes(body)


def _place(answer: "requests.Response") -> str:
    """Where a redirection leads, without what else may stand in the address."""
    try:
        parts = urlsplit(answer.headers["Location"])
        place = f"{parts.scheme}://{parts.hostname}{parts.path}" if parts.hostname else parts.path
    except ValueError:
        place = "nowhere"
    return "".join(c for c in place if c.isprintable())[:200]


def _reason(error: BaseException) -> str:
    """What the system says; the libraries' own texts show the whole address."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return "the connection broke off"
