"""A power cut at any point loses nothing that was promised: the storage is rebuilt as a strict disk would have kept it.

kill -9 cannot show that: what a program has written stays with the kernel, synced or not. So one run of the program is
written down by strace, and played again on a disk that keeps for sure only what was synced.
"""

import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.system.crash.disk import Chance, Everything, Nothing, Tree, after_power_cut, write_tree
from tests.system.crash.examination import Examination
from tests.system.crash.faults import FAULTS
from tests.system.crash.promises import promises
from tests.system.crash.replay import Replay
from tests.system.crash.trace import Call
from tests.system.crash.tracing import Programs

# After every so many calls, and after all that change names, other fates than the worst are tried, too.
_VARIED = 4
_OF_DATA = {"openat", "write", "pwrite64", "fsync", "fdatasync"}


class Cut(NamedTuple):
    """What a power cut left, what had been said until then, and where it was."""

    tree: Tree
    said: bytes
    where: str


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, programs: Programs) -> list[Cut]:
    """The different power cuts in a storage's life."""
    storage = tmp_path_factory.mktemp("life") / "storage"
    storage.mkdir()
    return list(cuts(programs.traced("record", storage), storage))


def test_what_was_promised_is_there(life: list[Cut], examination: Examination, tmp_path: Path) -> None:
    assert len(life) > 300
    assert list(found(life, examination, tmp_path)) == []


@pytest.fixture(scope="module")
def half_done(life: list[Cut]) -> list[Cut]:
    """Power cuts in which the disk had written some of what was not synced, in no order."""
    return random.Random(9).sample([cut for cut in life if cut.where.endswith("some: ")], 5)


@pytest.mark.parametrize("number", range(5))
def test_what_was_promised_is_there_after_another_power_cut_in_recovery(
    half_done: list[Cut], programs: Programs, examination: Examination, tmp_path: Path, number: int
) -> None:
    second = in_recovery(half_done[number], programs, tmp_path)
    assert len(second) > 3
    assert list(found(second, examination, tmp_path)) == []


def test_a_recovery_that_does_not_sync_is_found(
    half_done: list[Cut], programs: Programs, examination: Examination, tmp_path: Path
) -> None:
    fault = "files are not synced before they get their name"
    assert any(any(found(in_recovery(cut, programs, tmp_path, fault), examination, tmp_path)) for cut in half_done)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_order_is_found(fault: str, programs: Programs, examination: Examination, tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    storage.mkdir()
    assert any(found(cuts(programs.traced("record", storage, fault), storage), examination, tmp_path))


def cuts(calls: Sequence[Call], storage: Path, before: Cut | None = None) -> Iterator[Cut]:
    """Power cuts after each call that makes a difference; each that leaves something else than the one before it.

    Args:
        before: what the program had found.
    """
    tree, said, where = before or Cut({}, b"", "")
    replay = Replay(storage, tree)
    chance = random.Random(3)
    last: Cut | None = None
    for number, call in enumerate(calls):
        if not replay.step(call):
            continue
        here = f"{where}after call {number}, {call.name}, of what was not synced "
        worst = Cut(after_power_cut(replay.disk, Nothing()), said + replay.said, f"{here}nothing: ")
        if last is None or worst[:2] != last[:2]:
            yield worst
        last = worst
        if number % _VARIED == 0 or call.name not in _OF_DATA:
            yield worst._replace(tree=after_power_cut(replay.disk, Everything()), where=f"{here}all: ")
            some = after_power_cut(replay.disk, Chance(chance.randrange(1 << 32)))
            yield worst._replace(tree=some, where=f"{here}some: ")
        if call.name not in _OF_DATA:
            files = {name: node for name, node in some.items() if "sqlite" not in name}
            yield worst._replace(tree=files, where=f"{here}some, but no catalogue: ")


def in_recovery(first: Cut, programs: Programs, folder: Path, *fault: str) -> list[Cut]:
    """Power cuts in the restart after a power cut."""
    storage = folder / "restarted"
    shutil.rmtree(storage, ignore_errors=True)
    write_tree(first.tree, storage)
    return list(cuts(programs.traced("restart", storage, *fault), storage, first))


def found(some: Iterable[Cut], examination: Examination, folder: Path) -> Iterator[str]:
    """What is not as it must be after these power cuts."""
    rebuilt = folder / "rebuilt"
    for cut in some:
        shutil.rmtree(rebuilt, ignore_errors=True)
        write_tree(cut.tree, rebuilt)
        for fault in examination.faults(rebuilt, promises(cut.said)):
            yield f"{cut.where}{fault}"
