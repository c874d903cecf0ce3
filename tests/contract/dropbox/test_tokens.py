"""Who may write: tokens that expire, are revoked, lack a permission, or are none."""

import pytest

from pi_sec_cam.errors import StoreRefuses
from pi_sec_cam.offsite.dropbox_login import Login
from pi_sec_cam.offsite.stores.dropbox import DropboxStore
from tests.contract.dropbox.trial import UPLOAD, put, refusal
from tests.loopback_dropbox import answer
from tests.loopback_dropbox.faults import Fault
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.loopback_dropbox.tokens import APP_KEY, WRITE


def test_an_access_token_is_asked_for_once_and_again_when_it_expires(
    dropbox: LoopbackDropbox, store: DropboxStore
) -> None:
    put(store, path="a/1")
    put(store, path="a/2")
    assert len(dropbox.requests("oauth2/token")) == 1
    dropbox.tokens.expire_access_tokens()
    put(store, path="a/3")
    assert len(dropbox.requests("oauth2/token")) == 2
    assert [request.status for request in dropbox.requests(UPLOAD)] == [200, 200, 401, 200]


def test_one_refresh_is_all_that_an_expired_token_gets(
    dropbox: LoopbackDropbox, store: DropboxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = dropbox.tokens.new_access_token
    monkeypatch.setattr(dropbox.tokens, "new_access_token", lambda *scopes, grant: given(*scopes, grant=grant, secs=-1))
    error = refusal(store)
    assert isinstance(error, StoreRefuses)
    assert "pi-sec-cam dropbox login" in str(error)
    assert [request.status for request in dropbox.requests(UPLOAD)] == [401, 401]
    assert len(dropbox.requests("oauth2/token")) == 2


def test_a_revoked_login_is_an_alarm_and_is_still_tried_again(dropbox: LoopbackDropbox, store: DropboxStore) -> None:
    put(store)
    dropbox.tokens.disconnect_app()
    for _ in range(2):
        error = refusal(store)
        assert isinstance(error, StoreRefuses)
        assert "revoked" in str(error)
        assert "pi-sec-cam dropbox login" in str(error)
    assert [request.status for request in dropbox.requests("oauth2/token")] == [200, 400]


def test_an_access_token_that_is_called_back_early_is_replaced(dropbox: LoopbackDropbox) -> None:
    grant = dropbox.tokens.new_refresh_token()
    store = DropboxStore(refresh_token=grant, app_key=APP_KEY)
    put(store)
    dropbox.tokens.disconnect_app()
    dropbox.tokens.grants[grant] = (WRITE,)
    assert isinstance(refusal(store), StoreRefuses)
    put(store)


def test_a_permission_that_is_lacking_is_named(dropbox: LoopbackDropbox) -> None:
    grant = dropbox.tokens.new_refresh_token("account_info.read")
    error = refusal(DropboxStore(refresh_token=grant, app_key=APP_KEY))
    assert isinstance(error, StoreRefuses)
    assert "files.content.write" in str(error)


@pytest.mark.parametrize("token", ["short.one", "not a token", "sl." + "x" * 80, "sl.shortened…"])
def test_a_token_that_is_none_is_said(dropbox: LoopbackDropbox, token: str) -> None:
    error = refusal(DropboxStore(token=token))
    assert isinstance(error, StoreRefuses)
    assert "pi-sec-cam dropbox login" in str(error)
    assert token not in str(error)


def test_a_wrong_app_key_is_said(dropbox: LoopbackDropbox) -> None:
    error = refusal(DropboxStore(refresh_token=dropbox.tokens.new_refresh_token(), app_key="another0app"))
    assert isinstance(error, StoreRefuses)
    assert "app" in str(error)


def test_a_token_of_old_works_until_it_ends(dropbox: LoopbackDropbox) -> None:
    store = DropboxStore(token=dropbox.tokens.new_access_token(secs=float("inf")))
    put(store, path="a/1")
    dropbox.tokens.expire_access_tokens()
    error = refusal(store)
    assert isinstance(error, StoreRefuses)
    assert "expired" in str(error)
    assert "pi-sec-cam dropbox login" in str(error)
    assert [request.route for request in dropbox.requests()].count("oauth2/token") == 0


def test_nothing_secret_is_in_what_goes_wrong(dropbox: LoopbackDropbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    grant = dropbox.tokens.new_refresh_token()
    store = DropboxStore(refresh_token=grant, app_key=APP_KEY)
    said = []
    for fault in (Fault("drop"), Fault("hang", seconds=0.01), Fault("answer", answer=answer.server_error(500))):
        dropbox.faults.next(fault)
        said.append(repr(refusal(store)))
    dropbox.tokens.disconnect_app()
    said.append(repr(refusal(store)))
    assert grant not in "".join(said) + caplog.text
    assert "Bearer" not in "".join(said) + caplog.text


def test_a_login_with_the_permission_that_was_lacking_is_taken_up(dropbox: LoopbackDropbox) -> None:
    grants = [dropbox.tokens.new_refresh_token("account_info.read"), dropbox.tokens.new_refresh_token()]
    logins = iter([Login(app_key=APP_KEY, refresh_token=grant, account=None, made="") for grant in grants])
    store = DropboxStore(login=lambda: next(logins))
    assert isinstance(refusal(store), StoreRefuses)
    put(store)
    store.close()


def test_without_a_login_the_way_to_one_is_named() -> None:
    error = refusal(DropboxStore())
    assert isinstance(error, StoreRefuses)
    assert "pi-sec-cam dropbox login" in str(error)
