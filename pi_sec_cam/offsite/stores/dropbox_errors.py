"""What goes wrong on the way to Dropbox and there, told as a store's errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import NameTaken, OffsiteError, PermanentError, StoreRefuses, TemporaryError

LOGIN = "run `pi-sec-cam dropbox login`"
"""The way out where a login of the camera's is at fault."""

_NAME_REFUSED = "Dropbox does not take the name {path} ({tags}); choose another cam_name"
_NOT_LET = "Dropbox does not let this app write {path} ({tags}); see docs/dropbox.md"
_TAKEN = "something else stands under {path} in Dropbox; it was left as it is"
_UPLOAD_ERRORS: dict[str, tuple[type[OffsiteError], str]] = {
    "content_hash_mismatch": (TemporaryError, "{path} was altered on its way to Dropbox"),
    "path/conflict/file": (NameTaken, _TAKEN),
    "path/conflict/folder": (NameTaken, _TAKEN),
    "path/conflict/file_ancestor": (PermanentError, "{path}: in Dropbox a file stands where a folder would have to be"),
    "path/disallowed_name": (PermanentError, _NAME_REFUSED),
    "path/insufficient_space": (StoreRefuses, "Dropbox is full: delete something there, or get more space"),
    "path/malformed_path": (PermanentError, _NAME_REFUSED),
    "path/no_write_permission": (StoreRefuses, _NOT_LET),
    "path/operation_suppressed": (StoreRefuses, _NOT_LET),
    "path/team_folder": (StoreRefuses, _NOT_LET),
    "path/too_many_write_operations": (TemporaryError, "Dropbox: too many writes at once"),
    "payload_too_large": (PermanentError, "{path} is larger than what Dropbox takes; lower dropbox.file_chunk_megs"),
}


class LoginInvalid(StoreRefuses):
    """A login that Dropbox does not accept any more, or never did."""


class CodeRefused(StoreRefuses):
    """An authorization code that is wrong, was used, or is too old."""


@contextmanager
def store_errors(clock: Clock, path: str = "", *, login: str = LOGIN) -> Iterator[None]:
    """Around calls of the SDK: whatever it raises leaves as a TemporaryError, StoreRefuses or PermanentError.

    Args:
        path: of the file that is being stored, for the message.
        login: what to do where the login is at fault.
    """
    import requests
    from dropbox import exceptions
    from stone.backends.python_rsrc.stone_validators import ValidationError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except OffsiteError:
        raise
    except exceptions.ApiError as error:
        raise _upload_refused(error.error, path) from error
    except exceptions.AuthError as error:
        raise _not_allowed(error, login) from error
    except exceptions.BadInputError as error:
        raise _bad_input(str(error.message), login) from error
    except exceptions.DropboxException as error:
        raise TemporaryError(f"Dropbox: {error}") from error
    except requests.exceptions.SSLError as error:
        raise TemporaryError(_untrusted(str(error), clock)) from error
    except requests.exceptions.HTTPError as error:  # only who trades in an authorization code raises it
        raise _bad_input(error.response.text if error.response is not None else "", login) from error
    except requests.exceptions.ProxyError as error:
        raise _proxy(str(error)) from error
    except (requests.exceptions.RequestException, HTTPError) as error:
        raise TemporaryError(f"cannot reach Dropbox: {_in_short(error)}") from error
    except OSError as error:  # requests looks for the CAs on the disk
        raise StoreRefuses(f"cannot speak to Dropbox: {error}; is REQUESTS_CA_BUNDLE right?") from error
    except UnicodeEncodeError:  # its text would show the token
        raise LoginInvalid(f"Dropbox: the token is not one, it has characters that none has; {login}") from None
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError, ValidationError) as error:
        raise TemporaryError(f"Dropbox's answer cannot be understood: {error!r}") from error


def _upload_refused(error: object, path: str) -> OffsiteError:
    """What an UploadError of the SDK means for the file that was to be stored under `path`."""
    tags = "/".join(tags_of(error))
    kind, text = _UPLOAD_ERRORS.get(tags, (TemporaryError, "Dropbox did not take {path} ({tags})"))
    return kind(text.format(path=path, tags=tags))


def _not_allowed(error: object, login: str) -> StoreRefuses:
    why = getattr(error, "error", None)
    tag = "".join(tags_of(why)[:1])
    if tag == "missing_scope":
        scope = getattr(getattr(why, "_value", None), "required_scope", "?")
        return StoreRefuses(
            f"Dropbox: the login lacks the permission {scope}; tick it on the app's Permissions page, then {login}"
        )
    if tag == "expired_access_token":
        return LoginInvalid(f"Dropbox: the token has expired, and nothing is there to get another; {login}")
    if tag == "invalid_access_token":
        return LoginInvalid(f"Dropbox: the login was revoked, or is wrong; {login}")
    if tag == "user_suspended":
        return StoreRefuses("Dropbox has suspended this account; sign in at dropbox.com to see why")
    return StoreRefuses(f"Dropbox does not accept the login ({tag or 'no reason given'}); {login}")


def _bad_input(text: str, login: str) -> OffsiteError:
    """HTTP status 400: of the token's endpoint it is JSON, else text."""
    if "invalid_grant" in text:
        return CodeRefused("Dropbox does not take this code: it is wrong, was used already, or is too old")
    if text.lstrip().startswith("{"):
        return StoreRefuses(f"Dropbox does not know this app; is its key right? It says {text[:200]}")
    if "access token" in text or "Authorization" in text:
        return LoginInvalid(f"Dropbox: the token is not one; {login}")
    return PermanentError(f"Dropbox: {text[:300]}")


def _untrusted(text: str, clock: Clock) -> str:
    if "not yet valid" in text or "has expired" in text:
        return (
            "cannot trust who answers for Dropbox: its certificate is not valid at this time; is the clock right? "
            f"It shows {clock.wall():%Y-%m-%d %H:%M} UTC"
        )
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate" in text:
        return (
            "cannot trust who answers for Dropbox: no known authority vouches for its certificate. A network that "
            "wants a login first, or a proxy that reads along? The CA of your own proxy goes into REQUESTS_CA_BUNDLE"
        )
    if "EOF" in text:
        return "cannot reach Dropbox: the connection broke off"
    return f"no encrypted connection to Dropbox: {text[:200]}"


def _proxy(text: str) -> TemporaryError:
    if "407" in text:
        return StoreRefuses("the proxy on the way to Dropbox wants a name and a password: put them into HTTPS_PROXY")
    return TemporaryError("cannot reach Dropbox: the proxy that HTTPS_PROXY names does not let through, or is away")


def _in_short(error: Exception) -> str:
    text = str(error)
    if "NameResolutionError" in text or "name resolution" in text or "Name or service" in text:
        return "its name cannot be resolved: no network, or no DNS"
    if "Connection refused" in text:
        return "the connection is refused"
    if "timed out" in text or "nothing moved" in text:
        return "no answer in time"
    if any(word in text for word in ("reset", "without response", "EOF", "Broken pipe", "IncompleteRead")):
        return "the connection broke off"
    return text[:200]


def tags_of(union: object) -> list[str]:
    """The tags of a union of the SDK, from the outermost inwards; a struct between them has a `reason`."""
    tag = getattr(union, "_tag", None)
    if tag is None:
        return []
    value = getattr(union, "_value", None)
    return [tag, *tags_of(getattr(value, "reason", value))]
