"""kill -9 in recording, annotating, deleting and recovering: the next start finds all that was promised."""

import random
import shutil
from pathlib import Path

import pytest

from tests.system.crash.examination import Examination
from tests.system.crash.promises import promises
from tests.system.crash.tracing import KillPoint, Programs, kill_points

_POINTS = 18


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory, programs: Programs) -> list[KillPoint]:
    """Where the program is killed, in the order of its life."""
    storage = tmp_path_factory.mktemp("uncut") / "storage"
    storage.mkdir()
    possible = kill_points(programs.traced("record", storage))
    return [possible[number] for number in sorted(random.Random(1).sample(range(len(possible)), _POINTS))]


@pytest.mark.parametrize("point", range(_POINTS))
def test_killed_while_it_records_and_deletes(
    tmp_path: Path, programs: Programs, examination: Examination, points: list[KillPoint], point: int
) -> None:
    storage = tmp_path / "storage"
    storage.mkdir()
    said = programs.killed("record", storage, points[point])
    assert examination.faults(storage, promises(said)) == []


@pytest.mark.parametrize("point", [5, 10, 15])
def test_killed_while_it_recovers(
    tmp_path: Path, programs: Programs, examination: Examination, points: list[KillPoint], point: int
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    promised = promises(programs.killed("record", broken, points[point]))
    storage = tmp_path / "storage"
    shutil.copytree(broken, storage)
    for at in random.Random(point).sample(kill_points(programs.traced("restart", storage)), 4):
        shutil.rmtree(storage)
        shutil.copytree(broken, storage)
        programs.killed("restart", storage, at)
        assert examination.faults(storage, promised) == []
