"""An upload is given up for something more urgent, wherever it stands."""

import threading
import time

import pytest

from pi_sec_cam.errors import Interrupted
from pi_sec_cam.offsite.stores.dropbox import DropboxStore
from tests.contract.dropbox.connect_proxy import ConnectProxy
from tests.contract.dropbox.trial import PATH, UPLOAD, put
from tests.loopback_dropbox.faults import Fault
from tests.loopback_dropbox.server import LoopbackDropbox


def test_an_upload_is_interrupted_while_its_bytes_are_on_their_way(
    dropbox: LoopbackDropbox, store: DropboxStore
) -> None:
    dropbox.uplink.bytes_per_s = 2_000_000
    store.warm()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        store.put("a/big", bytes(40_000_000), interrupted=lambda: time.monotonic() > began + 0.2)
    lasted = time.monotonic() - began
    put(store, b"urgent", path="a/urgent")
    assert list(dropbox.stored()) == ["/a/urgent"]
    while not (broken_off := [request for request in dropbox.requests(UPLOAD) if request.status is None]):
        time.sleep(0.01)
    # Megabytes that the kernel had taken would else still go out, beside what is urgent.
    assert broken_off[0].body_bytes < lasted * 2_000_000 + 1_000_000


@pytest.mark.parametrize(
    ("fault", "size"),
    [
        (Fault("hang", UPLOAD), 10),
        (Fault("stop reading", UPLOAD, after_bytes=100_000), 12_000_000),
        (Fault("hang", "oauth2/token"), 10),
    ],
)
def test_an_upload_that_hangs_is_interrupted(
    dropbox: LoopbackDropbox, store: DropboxStore, fault: Fault, size: int
) -> None:
    dropbox.faults.next(fault)
    urgent = threading.Event()
    timer = threading.Timer(0.2, urgent.set)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        store.put(PATH, bytes(size), interrupted=urgent.is_set)
    assert time.monotonic() - began < 10, "the patience with a silent server is 30 s"
    timer.join()
    put(store)


def test_a_file_that_is_sent_is_not_given_up_while_its_answer_comes(
    dropbox: LoopbackDropbox, store: DropboxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = threading.Event()
    upload = dropbox.files.upload

    def slowly(route: str, arg: dict[str, object], body: bytes) -> dict[str, object]:
        arrived.set()
        time.sleep(0.3)
        return upload(route, arg, body)

    monkeypatch.setattr(dropbox.files, "upload", slowly)
    store.put(PATH, b"small", interrupted=arrived.is_set)
    assert list(dropbox.stored()) == [f"/{PATH}"]


def test_an_upload_through_a_proxy_is_interrupted_too(
    dropbox: LoopbackDropbox, store: DropboxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy", raising=False)
    dropbox.faults.next(Fault("stop reading", UPLOAD, after_bytes=100_000))
    began = time.monotonic()
    with ConnectProxy(password=None) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(Interrupted):
            store.put(PATH, bytes(30_000_000), interrupted=lambda: time.monotonic() > began + 0.3)
        assert time.monotonic() - began < 10
        store.close()


def test_what_is_not_wanted_now_is_not_begun(dropbox: LoopbackDropbox, store: DropboxStore) -> None:
    dropbox.go_away()
    with pytest.raises(Interrupted):
        store.put(PATH, b"sealed", interrupted=lambda: True)
