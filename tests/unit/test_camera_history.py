"""Whatever happens to a camera, what it has sent verifies: nothing of ordinary life looks like tampering."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pi_sec_cam.evidence.camera_key import read_camera_key
from pi_sec_cam.evidence.footage import FoundFile
from pi_sec_cam.evidence.scope import Scope
from pi_sec_cam.evidence.verdict import Verdict
from pi_sec_cam.evidence.verify import verify
from pi_sec_cam.offsite.stores.memory import MemoryStore
from tests.unit.camera_history import History

STEPS = 120
DISK_TROUBLE = {"hang_disk", "lose_disk", "fill_disk"}
ENDS = {"crash", "cut_soon", "stop"}
NEVER = {Verdict.FORGED, Verdict.SWAPPED}


@dataclass
class StoreFootage:
    """What a store in memory holds."""

    store: MemoryStore
    where: str = "a store"

    def files(self, under: str = "") -> Iterable[FoundFile]:
        for path, data in self.store.files.items():
            if not under or path.startswith(under + "/"):
                yield FoundFile(path, len(data))

    def read(self, path: str, begin: int = 0) -> Iterator[bytes]:
        if path not in self.store.files:
            raise FileNotFoundError(path)
        yield self.store.files[path][begin:]


def wrong(history: History) -> list[tuple[str, Verdict, str, str]]:
    """In which store, what, where and why."""
    key = read_camera_key(history.bench.storage / "identity")
    assert key is not None
    found = {
        name: verify(StoreFootage(store), [key.public_key()], scope=Scope(complete=True))
        for name, store in history.bench.stores.items()
    }
    return [
        (name, each.verdict, each.place, each.text)
        for name, verification in found.items()
        for each in verification.findings
        if each.verdict.wrong
    ]


def lived(history: History) -> History:
    for _ in range(STEPS):
        history.happens()
    history.settle()
    return history


@pytest.mark.parametrize("seed", range(4))
def test_crashes_at_any_step(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = lived(History(tmp_path / "storage", seed, monkeypatch, without=DISK_TROUBLE))
    assert not wrong(history), " ".join(history.log)


@pytest.mark.parametrize("seed", range(4))
def test_a_disk_that_goes_and_comes(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = lived(History(tmp_path / "storage", seed, monkeypatch, without=ENDS))
    assert not wrong(history), " ".join(history.log)


@pytest.mark.parametrize("seed", range(2))
def test_both_at_once(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What left out of memory alone may be lost with the power; but never do two records contradict each other."""
    history = lived(History(tmp_path / "storage", seed, monkeypatch))
    assert not [each for each in wrong(history) if each[1] in NEVER], " ".join(history.log)
