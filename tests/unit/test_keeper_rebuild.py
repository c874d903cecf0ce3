"""A rebuild in the storage's own thread: it says how it goes, takes a stop, and leaves nothing unlisted."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.errors import StorageError
from pi_sec_cam.record import recovery
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.repair import repair
from tests.unit.events import NOON, record
from tests.unit.test_keeper import Storage

EVENTS = 5


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    made = Storage(tmp_path / "storage")
    made.archive.prepare()
    for _ in range(EVENTS):
        folder = made.archive.begin("Yard", WallStamp(NOON, 0, synchronised=True))
        folder.write_record(record(id=folder.id))
        made.archive.running.discard(folder.id)
    made.keeper.claim()
    made.keeper.open()
    made.keeper.start()
    until(lambda: not made.keeper.tidying)
    yield made
    made.end()


@pytest.fixture
def each_repair(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What is done before each repair of an event."""
    steps: list[Callable[[], None]] = []

    def repaired(folder: EventFolder, *arguments: object) -> object:
        for step in steps:
            step()
        return repair(folder, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(recovery, "repair", repaired)
    return steps


def until(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(3000):
        if holds():
            return
        pause.wait(0.01)
    pytest.fail("it does not come to that")


def rebuilt(storage: Storage) -> object:
    until(lambda: not storage.keeper.status()["rebuilding"])
    return storage.keeper.status()["rebuilt"]


def test_whoever_asks_goes_on_and_sees_in_the_status_how_it_ends(
    storage: Storage, each_repair: list[Callable[[], None]]
) -> None:
    assert storage.keeper.status()["rebuilt"] is None
    begun, go_on = threading.Event(), threading.Event()
    each_repair += [begun.set, lambda: go_on.wait(30) or pytest.fail("nobody lets it go on")]
    storage.keeper.rebuild()
    assert begun.wait(30)
    assert storage.keeper.status()["rebuilding"]
    storage.keeper.rebuild()  # a second one is the same
    go_on.set()
    assert rebuilt(storage) == {"events": EVENTS, "error": None}
    assert len(storage.keeper.catalogue.find()) == EVENTS


def test_a_long_one_is_no_disk_that_does_not_answer(storage: Storage, each_repair: list[Callable[[], None]]) -> None:
    said: list[str] = []
    each_repair += [lambda: storage.clock.advance(8), lambda: said.extend(storage.keeper.problems())]
    storage.keeper.rebuild()
    assert rebuilt(storage) == {"events": EVENTS, "error": None}
    assert said == []


def test_a_stop_does_not_wait_for_its_end_and_the_next_start_lists_the_rest(
    storage: Storage, each_repair: list[Callable[[], None]]
) -> None:
    repairs: list[int] = []
    each_repair += [lambda: repairs.append(1), storage.keeper.stop]
    storage.keeper.rebuild()
    assert storage.keeper.join(30)
    assert len(repairs) == 1
    storage.keeper.close()
    with Catalogue(storage.archive.catalogue_path) as catalogue:
        assert len(catalogue.find()) == 1
        recovery.recover(storage.archive, catalogue)
        assert len(catalogue.find()) == EVENTS


def test_one_that_fails_is_said_and_its_list_is_made_whole_before_it_counts(
    storage: Storage,
) -> None:
    once = pytest.MonkeyPatch()

    def fails(catalogue: Catalogue, records: object) -> None:
        once.undo()
        raise StorageError("the disk refuses")

    once.setattr(Catalogue, "put_all", fails)
    storage.keeper.rebuild()
    assert rebuilt(storage) == {"events": None, "error": "the disk refuses"}
    with pytest.raises(StorageError, match="the disk refuses"):
        _ = storage.keeper.catalogue
    storage.clock.advance(6)
    until(lambda: not storage.keeper.problems() and not storage.keeper.tidying)
    assert len(storage.keeper.catalogue.find()) == EVENTS
