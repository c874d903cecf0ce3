"""The way to Dropbox: silent, slow, gone, not to be trusted, through a proxy; and connections that are kept."""

import os
import time
from pathlib import Path

import pytest

from pi_sec_cam.errors import StoreRefuses, TemporaryError
from pi_sec_cam.offsite.stores.dropbox import DropboxStore
from tests.contract.dropbox.connect_proxy import ConnectProxy
from tests.contract.dropbox.trial import PATH, UPLOAD, put, refusal
from tests.loopback_dropbox.faults import Fault
from tests.loopback_dropbox.server import LoopbackDropbox


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("fault", "size"), [(Fault("hang", UPLOAD), 10), (Fault("stop reading", UPLOAD, after_bytes=100_000), 12_000_000)]
)
def test_a_server_that_says_nothing_is_given_up(
    dropbox: LoopbackDropbox, store: DropboxStore, fault: Fault, size: int
) -> None:
    dropbox.faults.next(fault)
    began = time.monotonic()
    error = refusal(store, bytes(size))
    assert time.monotonic() - began < 10
    assert type(error) is TemporaryError
    assert "no answer in time" in str(error)
    put(store)


@pytest.mark.usefixtures("impatient")
def test_a_line_that_is_slow_but_moves_is_waited_for(dropbox: LoopbackDropbox, store: DropboxStore) -> None:
    dropbox.uplink.bytes_per_s = 4_000_000
    data = os.urandom(4_000_000)  # a second; the patience with a line on which nothing moves is 0.3 s here
    put(store, data)
    assert dropbox.stored()[f"/{PATH}"].data == data


def test_a_server_that_is_gone_is_tried_again(dropbox: LoopbackDropbox, store: DropboxStore) -> None:
    put(store)
    dropbox.go_away()
    error = refusal(store)
    assert type(error) is TemporaryError
    assert "refused" in str(error)
    dropbox.come_back()
    put(store)


def test_a_name_that_nobody_knows_is_tried_again(dropbox: LoopbackDropbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from dropbox import dropbox_client

    monkeypatch.setattr(dropbox_client, "API_CONTENT_HOST", "dropbox.invalid")
    error = refusal(DropboxStore(token=dropbox.tokens.new_access_token()))
    assert type(error) is TemporaryError
    assert "cannot be resolved" in str(error)


@pytest.mark.parametrize(("days", "of"), [((2, 9), "not valid at this time"), ((-9, -2), "not valid at this time")])
def test_a_certificate_that_is_not_valid_now_points_to_the_clock(days: tuple[int, int], of: str) -> None:
    with LoopbackDropbox(certificate_days=days) as dropbox, dropbox.as_dropbox():
        error = refusal(DropboxStore(token=dropbox.tokens.new_access_token()))
        assert type(error) is TemporaryError
        assert of in str(error)
        assert "clock" in str(error)
        assert dropbox.requests() == []


def test_a_certificate_of_somebody_else_is_not_trusted(dropbox: LoopbackDropbox, tmp_path: Path) -> None:
    with LoopbackDropbox() as other, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(other.certificate.authority))
        error = refusal(DropboxStore(token=dropbox.tokens.new_access_token()))
        assert type(error) is TemporaryError
        assert "REQUESTS_CA_BUNDLE" in str(error)
        patch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
        error = refusal(DropboxStore(token=dropbox.tokens.new_access_token()))
        assert isinstance(error, StoreRefuses)
        assert "REQUESTS_CA_BUNDLE" in str(error)
    with LoopbackDropbox(certificate_name="elsewhere.example") as named_otherwise, named_otherwise.as_dropbox():
        error = refusal(DropboxStore(token=named_otherwise.tokens.new_access_token()))
        assert type(error) is TemporaryError
    assert dropbox.requests() == []


def test_one_connection_serves_many_files(dropbox: LoopbackDropbox, store: DropboxStore) -> None:
    for number in range(5):
        put(store, path=f"a/{number}")
    assert len({request.connection for request in dropbox.requests(UPLOAD)}) == 1


def test_a_connection_that_the_server_closed_meanwhile_is_opened_anew(
    dropbox: LoopbackDropbox, store: DropboxStore
) -> None:
    dropbox.idle_s = 0.05
    put(store, path="a/1")
    time.sleep(0.2)
    put(store, path="a/2")
    dropbox.idle_s = 60
    put(store, path="a/3")
    dropbox.close_idle_connections()
    time.sleep(0.05)
    put(store, path="a/4")
    assert [request.status for request in dropbox.requests(UPLOAD)] == [200] * 4


def test_a_proxy_is_used(dropbox: LoopbackDropbox, store: DropboxStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy", raising=False)
    with ConnectProxy(password=None) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        put(store, os.urandom(100_000))
        assert proxy.asked_for == [dropbox.host]
    store.close()
    error = refusal(store, path="a/2")
    assert type(error) is TemporaryError
    assert "proxy" in str(error)
    with ConnectProxy(password="secret") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        error = refusal(store, path="a/2")
        assert isinstance(error, StoreRefuses)
        assert "proxy" in str(error)
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//camera:secret@"))
        put(store, path="a/2")
