"""kill -9 and power cuts at any point of an outbox's life: what was made durable is stored exactly once."""

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.system.crash.disk import Chance, Everything, Nothing, after_power_cut, write_tree
from tests.system.crash.replay import Replay
from tests.system.crash.trace import Call
from tests.system.crash.tracing import Programs, kill_points
from tests.system.outbox.examination import faults
from tests.system.outbox.faults import FAULTS
from tests.system.outbox.program import FILES, STORES, drain, make_stores, store_folder

pytestmark = pytest.mark.usefixtures("power_stays")

_POINTS = 32
_CUTS = 150


@pytest.fixture(scope="module")
def programs() -> Iterator[Programs]:
    with Programs("tests.system.outbox.program") as running:
        yield running


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return new_storage(tmp_path)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, programs: Programs) -> tuple[Path, list[Call]]:
    storage = new_storage(tmp_path_factory.mktemp("life"))
    return storage, programs.traced("run", storage)


def new_storage(folder: Path) -> Path:
    storage = folder / "storage"
    storage.mkdir()
    make_stores(storage)
    return storage


@pytest.mark.parametrize("point", range(_POINTS))
def test_killed(storage: Path, programs: Programs, life: tuple[Path, list[Call]], point: int) -> None:
    chosen = sorted(random.Random(7).sample(kill_points(life[1]), _POINTS))
    said = programs.killed("run", storage, chosen[point])
    drain(storage)
    assert faults(storage, said) == []


@pytest.mark.parametrize("point", range(6))
def test_killed_again_while_it_takes_up_what_was_left(
    storage: Path, programs: Programs, life: tuple[Path, list[Call]], point: int
) -> None:
    first = random.Random(8).sample(kill_points(life[1]), 6)[point]
    said = programs.killed("run", storage, first)
    kept = [storage, *(store_folder(storage, key) for key in STORES)]
    for path in kept:
        shutil.copytree(path, path.with_name(f"{path.name}.before"))
    second = random.Random(point).choice(kill_points(programs.traced("drain", storage)))
    for path in kept:
        shutil.rmtree(path)
        path.with_name(f"{path.name}.before").rename(path)
    said += programs.killed("drain", storage, second)
    drain(storage)
    assert faults(storage, said) == []


def test_the_power_is_cut(life: tuple[Path, list[Call]], tmp_path: Path) -> None:
    assert found(*life, tmp_path, random.Random(9), _CUTS) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_order_is_found(storage: Path, programs: Programs, tmp_path: Path, fault: str) -> None:
    calls = programs.traced("run", storage, fault)
    assert found(storage, calls, tmp_path, random.Random(9), _CUTS, enough=1)


def found(
    traced: Path, calls: Sequence[Call], folder: Path, chance: random.Random, cuts: int, enough: int = 1000
) -> list[str]:
    """What is not as it must be after so many power cuts, chosen by chance, each with the worst or any other fate."""
    replay = Replay(traced, {})
    chosen = set(chance.sample(range(len(calls)), min(cuts, len(calls))))
    wrong: list[str] = []
    for number, call in enumerate(calls):
        replay.step(call)
        if number not in chosen:
            continue
        fate = chance.choice([Nothing(), Nothing(), Everything(), Chance(number)])
        again = folder / "again" / "storage"
        shutil.rmtree(again.parent, ignore_errors=True)
        again.parent.mkdir()
        write_tree(after_power_cut(replay.disk, fate), again)
        make_stores(again)
        fill_stores(again, replay.said)
        try:
            drain(again)
        except (ValueError, AssertionError) as error:
            wrong.append(f"after call {number}, {call.name}: {error}")
        else:
            wrong += (
                f"after call {number}, {call.name}: {fault}" for fault in faults(again, replay.said, power_cut=True)
            )
        if len(wrong) >= enough:
            break
    return wrong


def fill_stores(storage: Path, said: bytes) -> None:
    """What the program says is stored is: the stores have power."""
    for line in said.splitlines():
        promise = json.loads(line)
        if "stored" in promise:
            event, _, name = promise["stored"].rpartition("/")
            path = store_folder(storage, promise["store"]) / promise["stored"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(next(file.data for file in FILES[event.removesuffix("-2")] if file.name == name))
