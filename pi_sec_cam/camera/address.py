"""Addresses of cameras as they may be shown: in status, logs and messages, without their passwords."""

import re

_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)
# What cameras call a secret in the query of their addresses.
_SECRET_VALUE = re.compile(r"([?&;][^=&;#]*(?:pass|pwd|psw|token|secret|key|auth)[^=&;#]*=)[^&;#]*", re.IGNORECASE)


def without_password(url: str) -> str:
    """`rtsp://user:***@host/path` for `rtsp://user:password@host/path`; a path or an address without is left alone.

    Never raises and, for addresses that are not well-formed, hides too much rather than too little: a password
    with a raw / in it ends the part of the address where passwords stand, so all up to the last @ is hidden.
    """
    address = _ADDRESS.fullmatch(url)
    if address is None:
        return url
    authority, rest = address["authority"], address["rest"]
    if "@" not in authority and ":" in authority and "@" in rest:
        at = rest.rindex("@")
        authority, rest = authority + rest[: at + 1], rest[at + 1 :]
    user_info, at_sign, host = authority.rpartition("@")
    user, colon, _password = user_info.partition(":")
    shown = f"{user}{colon}{'***' if colon else ''}{at_sign}{host}"
    return address["scheme"] + shown + _SECRET_VALUE.sub(r"\1***", rest)
