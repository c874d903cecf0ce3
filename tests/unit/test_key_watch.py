"""Who asks for the status does not wait for the disk that the owner's key is on."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.config import load_configuration
from pi_sec_cam.errors import StorageError
from pi_sec_cam.offsite.key_watch import KeyWatch
from pi_sec_cam.offsite.rehearsal import note_rehearsed
from pi_sec_cam.offsite.sealing_key import SealingKey
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.remembered import Remembered
from pi_sec_cam.sending import Sending
from tests.unit.owner_keys import public_pem


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    path = tmp_path / "owner.pem"
    path.write_bytes(public_pem(2048))
    return path


def test_it_knows_of_the_key_and_its_rehearsal(tmp_path: Path, pem: Path) -> None:
    key = SealingKey(pem)
    watch = KeyWatch(key, tmp_path / "identity", SimulatedClock())
    watch.look()
    assert (watch.trouble, watch.rehearsed) == (None, False)
    note_rehearsed(tmp_path / "identity", key.public_key, datetime(2026, 5, 4, tzinfo=UTC))
    pem.unlink()
    watch.look()
    assert str(pem) in (watch.trouble or "")
    assert watch.rehearsed


def no_catalogue() -> NoReturn:
    raise StorageError("there is none here")


def test_the_status_asks_no_disk(tmp_path: Path, pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "camera.json"
    storage = {"directory": str(tmp_path / "storage"), "sealed": True}
    file.write_text(json.dumps({"storage": storage, "dropbox": {"public_pem_path": str(pem)}}))
    sending = Sending(
        load_configuration(file),
        Archive(tmp_path / "storage"),
        catalogue=no_catalogue,
        settled=lambda: True,
        remembered=Remembered(tmp_path / "storage"),
        guard=lambda: None,
        on_trouble=lambda _: None,
        clock=SimulatedClock(),
    )

    def hangs(*_: object, **__: object) -> None:
        raise AssertionError("this disk does not answer")

    for name in ("pi_sec_cam.offsite.sealing_key.os.stat", "pathlib.Path.read_bytes", "pathlib.Path.open"):
        monkeypatch.setattr(name, hangs)
    assert sending.problems() == []
    assert sending.status()["rehearsed"] is False
    assert any(isinstance(worker, KeyWatch) for worker in sending.workers)
