"""An upload is given up for something more urgent, wherever it stands."""

import threading
import time

import pytest

from pi_sec_cam.errors import Interrupted
from pi_sec_cam.offsite.stores.dropbox import DropboxStore
from tests.contract.dropbox.trial import PATH, UPLOAD, put
from tests.loopback_dropbox.faults import Fault
from tests.loopback_dropbox.server import LoopbackDropbox


def test_an_upload_is_interrupted_while_its_bytes_are_on_their_way(
    dropbox: LoopbackDropbox, store: DropboxStore
) -> None:
    put(store, path="a/1")
    dropbox.uplink.bytes_per_s = 2_000_000
    store.close()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        store.put("a/big", bytes(40_000_000), interrupted=lambda: time.monotonic() > began + 0.2)
    put(store, b"urgent", path="a/urgent")
    # What was on its way is gone from the line, not only from our mind: 20 s of it would have been before us.
    assert dropbox.stored()["/a/urgent"].at_s - began < 5
    assert "/a/big" not in dropbox.stored()


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
