"""Who may do what in the loopback Dropbox: apps, codes with PKCE, refresh tokens, access tokens, scopes."""

import base64
import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from tests.loopback_dropbox.answer import bad_input, grant_refused, unauthorised

APP_KEY = "app0key0of0test"
WRITE = "files.content.write"
OWNER_SCOPES = ("account_info.read", "files.content.read", "files.content.write", "files.metadata.read")
ACCESS_TOKEN_SECS = 14400


@dataclass
class _Code:
    challenge: str
    scopes: tuple[str, ...]
    offline: bool
    ends: float


@dataclass
class _Access:
    scopes: tuple[str, ...]
    ends: float
    grant: str | None


class Tokens:
    """Used under the server's lock.

    Attributes:
        app_scopes: what the app's page in the console allows at most.
        grants: what each refresh token may be used for.
        code_secs: how long an authorization code may be used.
        account_id: whose account it is.
    """

    def __init__(self) -> None:
        self.app_scopes: tuple[str, ...] = (WRITE, "account_info.read")
        self.code_secs = 600.0
        self.account_id = "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc"
        self._codes: dict[str, _Code] = {}
        self.grants: dict[str, tuple[str, ...]] = {}
        self._access: dict[str, _Access] = {}
        self._revoked: set[str] = set()

    def approve(self, url: str) -> str:
        """What the user does in the browser: open the address, allow it, read the code. Fails at a wrong address."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert urlsplit(url).path == "/oauth2/authorize", url
        assert asked["client_id"] == APP_KEY, "there is no such app"
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", asked["code_challenge"])
        assert "redirect_uri" not in asked
        scopes = tuple(asked["scope"].split()) if "scope" in asked else self.app_scopes
        assert set(scopes) <= set(self.app_scopes), "the app was not given these permissions"
        code = secrets.token_urlsafe(32)
        offline = asked.get("token_access_type") == "offline"
        self._codes[code] = _Code(asked["code_challenge"], scopes, offline, time.monotonic() + self.code_secs)
        return code

    def new_refresh_token(self, *scopes: str) -> str:
        """As if a user had been through it all; write only unless scopes are named."""
        token = secrets.token_urlsafe(48)
        self.grants[token] = scopes or (WRITE,)
        return token

    def new_access_token(self, *scopes: str, grant: str | None = None, secs: float = ACCESS_TOKEN_SECS) -> str:
        """A token for calls; without a grant it is as the app's page makes them, or made them of old (`secs` inf)."""
        token = "sl." + secrets.token_urlsafe(64)
        self._access[token] = _Access(scopes or (WRITE,), time.monotonic() + secs, grant)
        return token

    def expire_access_tokens(self) -> None:
        for access in self._access.values():
            access.ends = 0.0

    def revoke(self, access_token: str) -> None:
        """Ends the token and, as at Dropbox, all that the same grant gave out."""
        grant = self._access[access_token].grant
        if grant is not None:
            self.grants.pop(grant, None)
        for token, access in self._access.items():
            if token == access_token or (grant is not None and access.grant == grant):
                self._revoked.add(token)

    def disconnect_app(self) -> None:
        """What the owner does on dropbox.com under connected apps."""
        self.grants.clear()
        self._revoked |= set(self._access)

    def check(self, route: str, header: str | None, scope: str | None) -> str:
        """The access token of a call.

        Raises:
            Refusal: it is not one, has expired, was revoked, or lacks the scope.
        """
        found = re.fullmatch(r"Bearer ([A-Za-z0-9._~+/-]{8,}=*)", header or "")
        if found is None:
            raise bad_input(route, 'Invalid authorization value in HTTP header "Authorization"')
        token = found[1]
        if len(token) < 20:
            raise bad_input(route, "The given OAuth 2 access token is malformed.")
        access = self._access.get(token)
        if access is None or token in self._revoked:
            raise unauthorised("invalid_access_token")
        if access.ends <= time.monotonic():
            raise unauthorised("expired_access_token")
        if scope is not None and scope not in access.scopes:
            raise unauthorised("missing_scope", required_scope=scope)
        return token

    def token(self, form: dict[str, str]) -> dict[str, object]:
        """POST oauth2/token."""
        if form.get("client_id") != APP_KEY:
            raise grant_refused("invalid_client_id", "unknown client_id")
        if "client_secret" in form:
            raise grant_refused("invalid_client", "this app is a public client: no secret")
        if form.get("grant_type") == "refresh_token":
            return self._refreshed(form.get("refresh_token", ""), form.get("scope"))
        if form.get("grant_type") == "authorization_code":
            return self._first(form.get("code", ""), form.get("code_verifier", ""))
        raise grant_refused("unsupported_grant_type", "grant_type must be authorization_code or refresh_token")

    def _first(self, code: str, verifier: str) -> dict[str, object]:
        found = self._codes.pop(code, None)
        if found is None:
            raise grant_refused("invalid_grant", "code doesn't exist or has expired")
        if found.ends <= time.monotonic():
            raise grant_refused("invalid_grant", "code has expired")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if challenge != found.challenge or not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier):
            raise grant_refused("invalid_grant", "invalid code verifier")
        grant = self.new_refresh_token(*found.scopes)
        answer = self._given(grant, found.scopes)
        answer |= {"scope": " ".join(found.scopes), "uid": "12345", "account_id": self.account_id}
        return answer | {"refresh_token": grant} if found.offline else answer

    def _refreshed(self, grant: str, scope: str | None) -> dict[str, object]:
        if grant not in self.grants:
            raise grant_refused("invalid_grant", "refresh token is invalid or revoked")
        scopes = self.grants[grant] if scope is None else tuple(scope.split())
        if not set(scopes) <= set(self.grants[grant]):
            raise grant_refused("invalid_scope", "scope was not granted")
        return self._given(grant, scopes)

    def _given(self, grant: str, scopes: tuple[str, ...]) -> dict[str, object]:
        token = self.new_access_token(*scopes, grant=grant)
        return {"access_token": token, "token_type": "bearer", "expires_in": ACCESS_TOKEN_SECS}
