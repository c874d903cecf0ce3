"""kill -9 and power cuts at any point of what leaves with its records: nothing ever looks tampered with."""

import itertools
import json
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from pi_sec_cam.sending.attesting import Attestor
from tests.system.crash.disk import Chance, Everything, Fate, Nothing, Tree, after_power_cut, read_tree, write_tree
from tests.system.crash.replay import Replay
from tests.system.crash.trace import Call
from tests.system.crash.tracing import Programs, kill_points
from tests.system.outbox.program import STORES, make_stores, store_folder
from tests.system.outbox.signed_examination import Disk, verdicts
from tests.system.outbox.signed_faults import FAULTS
from tests.system.outbox.signed_program import drain

pytestmark = pytest.mark.usefixtures("power_stays")

_POINTS = 12
_CUTS = 60


class Life(NamedTuple):
    """A run of the program: where its storage is, its calls, and what the stores have in the end."""

    storage: Path
    calls: list[Call]
    stored: Mapping[tuple[str, str], bytes]


class Cut(NamedTuple):
    """What a power cut leaves: of the disk, and in the stores."""

    where: str
    tree: Tree
    stored: Mapping[tuple[str, str], bytes]


@pytest.fixture(scope="module")
def programs() -> Iterator[Programs]:
    with Programs("tests.system.outbox.signed_program") as running:
        yield running


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, programs: Programs) -> Life:
    return lived(programs, tmp_path_factory.mktemp("life"))


def lived(programs: Programs, folder: Path, *fault: str) -> Life:
    storage = new_storage(folder)
    calls = programs.traced("run", storage, *fault)
    stored = {
        (key, path.relative_to(store_folder(storage, key)).as_posix()): path.read_bytes()
        for key in STORES
        for path in store_folder(storage, key).rglob("*")
        if path.is_file()
    }
    return Life(storage, calls, stored)


def new_storage(folder: Path) -> Path:
    storage = folder / "storage"
    storage.mkdir()
    make_stores(storage)
    return storage


@pytest.mark.parametrize("point", range(_POINTS))
def test_killed(tmp_path: Path, programs: Programs, life: Life, point: int) -> None:
    chosen = sorted(random.Random(7).sample(kill_points(life.calls), _POINTS))
    storage = new_storage(tmp_path)
    programs.killed("run", storage, chosen[point])
    last = Disk(read_tree(storage)).last
    drain(storage)
    assert list(verdicts(storage, last)) == []


def test_at_any_power_cut_what_was_promised_is_durable(life: Life) -> None:
    assert list(broken_promises(life)) == []


def test_after_a_power_cut_all_is_whole(life: Life, tmp_path: Path) -> None:
    assert list(wrong_in_stores(life, tmp_path, _CUTS)) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_order_is_found(programs: Programs, tmp_path: Path, fault: str) -> None:
    broken = lived(programs, tmp_path, fault)
    assert next(broken_promises(broken), None)


@pytest.mark.parametrize("fault", ["ended comes after final", "the camera's chain comes before what it names"])
def test_a_broken_order_shows_in_the_stores(programs: Programs, tmp_path: Path, fault: str) -> None:
    assert next(wrong_in_stores(lived(programs, tmp_path, fault), tmp_path, _CUTS), None)


def test_a_start_that_forgets_the_one_before_is_found(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = Attestor._standing
    monkeypatch.setattr(Attestor, "_standing", lambda *arguments: standing(*arguments)[:-1])
    assert any("no start goes on from" in found for found in wrong_in_stores(life, tmp_path, _CUTS))


def cuts(life: Life, fate: Callable[[int], Fate]) -> Iterator[Cut]:
    """After each call that makes a difference; the stores have power."""
    replay = Replay(life.storage, {})
    stored: dict[tuple[str, str], bytes] = {}
    for number, call in enumerate(life.calls):
        before = len(replay.said)
        if not replay.step(call):
            continue
        for promise in map(json.loads, replay.said[before:].splitlines()):
            if "stored" in promise:
                place = promise["store"], promise["stored"]
                stored = {**stored, place: life.stored[place]}
        yield Cut(f"after call {number}, {call.name}", after_power_cut(replay.disk, fate(number)), stored)


def broken_promises(life: Life) -> Iterator[str]:
    """Right after each power cut: of the worst disk, and of one that has written some of what it need not have."""
    for cut in itertools.chain(cuts(life, lambda _: Nothing()), cuts(life, Chance)):
        yield from (f"{cut.where}: {found}" for found in Disk(cut.tree).broken_promises(cut.stored))


def wrong_in_stores(life: Life, folder: Path, count: int) -> Iterator[str]:
    """When all has left after so many power cuts, each with the worst or any other fate."""
    chance = random.Random(9)
    any_fate = list(cuts(life, lambda number: chance.choice([Nothing(), Nothing(), Everything(), Chance(number)])))
    for cut in chance.sample(any_fate, count):
        yield from (f"{cut.where}: {found}" for found in stores_after(cut, folder / "again"))


def stores_after(cut: Cut, folder: Path) -> Iterator[str]:
    """What is wrong there when the power is back, and all has left."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    storage = folder / "storage"
    write_tree(cut.tree, storage)
    make_stores(storage)
    for (key, path), data in cut.stored.items():
        place = store_folder(storage, key) / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    drain(storage)
    yield from verdicts(storage, Disk(cut.tree).last)
