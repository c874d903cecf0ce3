"""The real SDK and a Dropbox on loopback, for each test its own."""

from collections.abc import Iterator

import pytest

from pi_sec_cam.offsite.stores import interruptible
from pi_sec_cam.offsite.stores.dropbox import DropboxStore
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.loopback_dropbox.tokens import APP_KEY


@pytest.fixture
def dropbox() -> Iterator[LoopbackDropbox]:
    with LoopbackDropbox() as running, running.as_dropbox():
        yield running


@pytest.fixture
def store(dropbox: LoopbackDropbox) -> Iterator[DropboxStore]:
    made = DropboxStore(refresh_token=dropbox.tokens.new_refresh_token(), app_key=APP_KEY)
    yield made
    made.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent server is given up after 0.3 s, not after 10 or 30."""
    monkeypatch.setattr(interruptible, "ANSWER_TIMEOUT_S", 0.3)
    monkeypatch.setattr(interruptible, "TAKING_TIMEOUT_S", 0.3)
