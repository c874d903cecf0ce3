"""Addresses of cameras, servers and stores: which forms can be used, without ever showing a password."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, ValidationInfo, WithJsonSchema

from pi_sec_cam.config.values import Allowed, Secret, Text, folder_of, local_path

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//)?")
_FROM_NETWORK = ("rtsp", "rtsps", "http", "https")


def is_live(url: str) -> bool:
    """Whether a source arrives at its own pace (a camera on the network), other than a file."""
    return url.split(":", 1)[0].lower() in _FROM_NETWORK


def _check_host(url: str) -> None:
    if re.search(r"\s", url):
        raise ValueError("must not contain a space; in a password write it as %20")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(
            "is not a well-formed address; in a password write / as %2F, @ as %40, : as %3A, # as %23, ? as %3F"
        ) from None
    if not host:
        raise ValueError("names no host: it goes like rtsp://host/path")


def _source(value: str, info: ValidationInfo) -> str:
    """An address of a network camera is left as it is; a path is made whole."""
    scheme = _SCHEME.match(value)
    if scheme is None:
        return str(local_path(value, folder_of(info)))
    name, slashes = scheme[1].lower(), scheme[2]
    if name in _FROM_NETWORK and slashes:
        _check_host(value)
    elif name in _FROM_NETWORK:
        raise ValueError(f"lacks the slashes after {name}: — it goes like {name}://host/path")
    elif name != "file" or not slashes:
        raise ValueError(f'cannot be read: it begins with "{name}:"; use rtsp, rtsps, http, https, file or a path')
    return value


def _https(value: str) -> str:
    scheme = _SCHEME.match(value)
    if scheme is None or not scheme[2] or scheme[1].lower() not in {"http", "https"}:
        raise ValueError("must begin with https:// (or http://)")
    _check_host(value)
    return value


_AS_TEXT = WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 1000})
SourceAddress = Annotated[
    Text,
    AfterValidator(_source),
    Secret(),
    Allowed("an address with rtsp, rtsps, http, https or file, or a path (~ and relative paths as everywhere)"),
    _AS_TEXT,
]
WebAddress = Annotated[
    Text, AfterValidator(_https), Secret(), Allowed("an address that begins with https://"), _AS_TEXT
]
