"""What the catalogue promises, on SQLite and on a real PostgreSQL alike."""

import errno
import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, create_engine, text

from pi_sec_cam.errors import EventNotFound, StorageError
from pi_sec_cam.record.catalogue import Catalogue, Database, Deletable
from pi_sec_cam.record.catalogue_file import CatalogueFile
from pi_sec_cam.record.catalogue_server import CatalogueServer
from pi_sec_cam.record.catalogue_tables import tables
from pi_sec_cam.record.event_record import LATEST, EventRecord, epoch_us
from tests.contract.postgresql import PostgresqlServer
from tests.unit.events import NOON, record, records

_numbers = itertools.count()


@dataclass
class Case:
    """A kind of database.

    Attributes:
        url: of a new, empty one, as SQLAlchemy has it.
        open: with this program.
    """

    url: URL
    open: Callable[[], Database]


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresqlServer]:
    with PostgresqlServer() as running:
        yield running


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    if request.param == "SQLite":
        path = tmp_path / "catalogue.sqlite3"
        return Case(URL.create("sqlite", database=str(path)), lambda: CatalogueFile(path, read_only=False))
    url = request.getfixturevalue("server").database(f"events {next(_numbers)}")
    return Case(url, lambda: CatalogueServer(url))


@pytest.fixture
def catalogue(case: Case) -> Iterator[Catalogue]:
    with Catalogue(case.open()) as opened:
        yield opened


def deletable(event: EventRecord) -> Deletable:
    return Deletable(event.id, event.sequence, event.bytes, event.offsite, event.end, event.clock_synchronised)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(records)
def test_what_is_put_is_got(catalogue: Catalogue, event: EventRecord) -> None:
    catalogue.put(event)
    assert catalogue.get(event.id) == replace(event, newer={})
    assert event.id in catalogue.states()
    catalogue.delete({event.id: event.sequence})


def test_putting_again_replaces(catalogue: Catalogue) -> None:
    catalogue.put(record(state="recording", labels=("cat", "person")))
    catalogue.put(record(labels=("person", "car"), note="the postman"))
    assert catalogue.find() == [record(labels=("person", "car"), note="the postman")]
    assert catalogue.find(label="cat") == []


def test_an_older_state_never_replaces_a_newer_one(catalogue: Catalogue) -> None:
    newer, older = record(revision=3, locked=True, labels=("cat",)), record(revision=2)
    catalogue.put(newer)
    catalogue.put_all([older, record(camera="Door")])
    assert catalogue.get(newer.id) == newer
    assert catalogue.count() == 2
    another = record(revision=0, sequence=newer.sequence + 1)  # which got the same folder later
    catalogue.put(another)
    assert catalogue.get(newer.id) == another


def test_deleting_forgets_and_passes_over_what_is_not_there(catalogue: Catalogue) -> None:
    catalogue.put_all([record(), record(camera="Door", labels=("cat",))])
    door = record(camera="Door")
    assert catalogue.sequences() == {event.id: event.sequence for event in (record(), door)}
    catalogue.delete({door.id: door.sequence, "Door/never": 1, record().id: record().sequence - 1})
    assert catalogue.states() == {record().id: "complete"}
    assert catalogue.count() == 1
    with pytest.raises(EventNotFound, match="Door"):
        catalogue.get(record(camera="Door").id)


def test_all_are_put_or_none(catalogue: Catalogue) -> None:
    good = [record(NOON + timedelta(minutes=minute)) for minute in range(300)]
    with pytest.raises(StorageError):
        catalogue.put_all([*good, replace(record(), id="x", camera=None)])  # type: ignore[arg-type]
    assert catalogue.count() == 0
    catalogue.put_all(good)
    assert catalogue.count() == 300


_minutes = st.integers(0, 50)
_some_events = st.lists(
    st.tuples(
        _minutes,
        st.integers(0, 8).map(lambda n: n * 15.0),
        st.sampled_from(["Yard", "Door"]),
        st.sampled_from([(), ("cat",), ("cat", "person")]),
        st.booleans(),
    ),
    max_size=12,
)
_moments = st.none() | _minutes.map(lambda minutes: NOON + timedelta(minutes=minutes))
_lengths = st.none() | st.integers(0, 8).map(lambda n: n * 15.0)
_questions = st.fixed_dictionaries(
    {
        "camera": st.sampled_from([None, "Yard", "Door", "Attic"]),
        "since": _moments,
        "until": _moments,
        "min_duration_s": _lengths,
        "max_duration_s": _lengths,
        "label": st.sampled_from([None, "cat", "person", "ca_"]),
        "limit": st.none() | st.integers(0, 5),
    }
)


def answer(events: list[EventRecord], question: dict[str, Any]) -> list[EventRecord]:
    """What `find` promises, by going through all events."""
    tests: dict[str, Callable[[EventRecord, Any], bool]] = {
        "camera": lambda event, camera: event.camera == camera,
        "since": lambda event, since: event.end >= since,
        "until": lambda event, until: event.start < until,
        "min_duration_s": lambda event, seconds: event.duration_s >= seconds,
        "max_duration_s": lambda event, seconds: event.duration_s <= seconds,
        "label": lambda event, label: label in event.labels,
    }
    asked = [(test, question[name]) for name, test in tests.items() if question[name] is not None]
    found = [event for event in events if all(test(event, value) for test, value in asked)]
    return sorted(found, key=lambda event: (event.start, event.id), reverse=True)[: question["limit"]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(_some_events, _questions)
def test_find_answers_like_a_search_through_all(
    catalogue: Catalogue, made: list[tuple[int, float, str, tuple[str, ...], bool]], question: dict[str, Any]
) -> None:
    events = [
        record(NOON + timedelta(minutes=minute), seconds, camera, labels=labels, id=f"{camera}/{number}")
        for number, (minute, seconds, camera, labels, _) in enumerate(made)
    ]
    catalogue.put_all(events)
    deleted = {event.id for event, (*_, deleting) in zip(events, made, strict=True) if deleting}
    for event_id in deleted:
        catalogue.mark_deleting(event_id)
    listed = [event for event in events if event.id not in deleted]
    assert catalogue.find(**question) == answer(listed, question)
    assert catalogue.bytes_total() == sum(event.bytes for event in listed)
    assert catalogue.count() == len(listed)
    assert catalogue.states() == dict.fromkeys([event.id for event in listed], "complete")
    assert {event.id for event in catalogue.deleting()} == deleted
    catalogue.delete({event.id: event.sequence for event in events})


def test_times_are_compared_across_zones(catalogue: Catalogue) -> None:
    catalogue.put(record())
    kathmandu = datetime.fromisoformat("2026-05-04T17:45:20+05:45")  # noon and 20 seconds in UTC: its end
    assert catalogue.find(since=kathmandu)
    assert not catalogue.find(since=kathmandu + timedelta(microseconds=1))
    assert not catalogue.find(until=kathmandu - timedelta(seconds=20))


_candidates: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.builds(
        dict,
        sequence=st.integers(1, 2**62),
        offsite=st.booleans(),
        locked=st.booleans(),
        state=st.sampled_from(["complete", "complete", "interrupted", "recording"]),
        clock_synchronised=st.booleans(),
        start=_minutes.map(lambda minutes: NOON + timedelta(minutes=minutes)),
    ),
    max_size=12,
    unique_by=lambda values: values["sequence"],
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(_candidates, _moments, st.integers(0, 8))
def test_the_oldest_are_those_that_may_be_deleted_by_their_sequence(
    catalogue: Catalogue, made: list[dict[str, Any]], before: datetime | None, limit: int
) -> None:
    events = [record(**values, id=f"Yard/{number}") for number, values in enumerate(made)]
    catalogue.put_all([*events, record(id="Yard/being deleted")])
    catalogue.mark_deleting("Yard/being deleted")
    allowed = [event for event in events if not event.locked and event.state != "recording"]
    if before is not None:
        allowed = [event for event in allowed if event.end < before and event.clock_synchronised]
    wanted = sorted(allowed, key=lambda event: event.sequence)
    assert catalogue.deletable(before=before, limit=limit) == [deletable(event) for event in wanted[:limit]]
    possible = [event.sequence for event in [*events, record()] if event.sequence <= epoch_us(LATEST)]
    assert catalogue.newest_sequence() == max(possible)
    another = record(id="Yard/being deleted")
    catalogue.delete({event.id: event.sequence for event in (*events, another)})


def test_a_mark_hides_an_event_until_it_is_taken_back(catalogue: Catalogue) -> None:
    catalogue.put(record(labels=("cat",)))
    catalogue.mark_deleting(record().id)
    catalogue.put(record(revision=1))  # somebody who came late
    with pytest.raises(EventNotFound):
        catalogue.get(record().id)
    assert catalogue.find() == []
    assert catalogue.deleting() == [record(revision=1)]
    catalogue.mark_deleting(record().id, deleting=False)
    assert catalogue.get(record().id) == record(revision=1)
    assert catalogue.deleting() == []


def test_an_empty_catalogue_has_no_bytes_and_no_newest(catalogue: Catalogue) -> None:
    assert (catalogue.count(), catalogue.bytes_total(), catalogue.newest_sequence()) == (0, 0, 0)
    assert catalogue.deletable() == []


def test_starting_anew_forgets_all(catalogue: Catalogue) -> None:
    catalogue.put(record(labels=("cat",)))
    catalogue.start_anew()
    assert catalogue.count() == 0
    catalogue.put(record(labels=("cat",)))
    assert catalogue.find(label="cat") == [record(labels=("cat",))]


@pytest.mark.parametrize("strange", ["nul\0", "half \ud83d a pair"])
def test_text_that_not_every_database_can_hold_is_kept_as_well_as_can_be(catalogue: Catalogue, strange: str) -> None:
    catalogue.put(replace(record(id="Yard/1"), note=strange, camera=strange, labels=(strange, "cat")))
    found = catalogue.get("Yard/1")
    assert found.note[:3] == strange[:3]
    assert found.note == found.camera == found.labels[0] != strange
    assert catalogue.find(camera=strange, label=strange) == [found]
    assert catalogue.find(label="cat") == [found]
    with pytest.raises(EventNotFound):
        catalogue.get(strange)
    catalogue.mark_deleting(strange)
    catalogue.delete({strange: 0})
    assert catalogue.count() == 1


def test_the_largest_numbers_fit(catalogue: Catalogue) -> None:
    largest = 2**63 - 1
    event = record(bytes=largest, dropped_pictures=largest, sequence=largest, revision=largest, trigger_pts_us=-(2**63))
    catalogue.put(event)
    assert catalogue.get(event.id) == event
    assert catalogue.bytes_total() == largest
    catalogue.put(record(camera="Door", bytes=largest))
    assert [found.bytes for found in catalogue.deletable()] == [largest, largest]


def test_many_threads_may_put_and_find(catalogue: Catalogue) -> None:
    faults: list[BaseException] = []

    def work(camera: str) -> None:
        try:
            for minute in range(10):
                catalogue.put(record(NOON + timedelta(minutes=minute), camera=camera))
                catalogue.put(record(NOON, camera="of all", revision=minute))
                assert catalogue.find(camera=camera, limit=1)[0].start == NOON + timedelta(minutes=minute)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(f"camera {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert catalogue.count() == 41


def test_the_migrations_make_the_tables_that_the_code_uses(case: Case) -> None:
    case.open().close()
    engine = create_engine(case.url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables) == []
    engine.dispose()


def test_the_first_versions_catalogue_is_taken_over(case: Case) -> None:
    config = Config()
    config.set_main_option("script_location", "pi_sec_cam.record:migrations")
    engine = create_engine(case.url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for event_id, start_us in (("Yard/1", epoch_us(NOON)), ("Yard/before 1970", -5)):
            connection.execute(
                text(
                    "INSERT INTO events (id, camera, start_us, end_us, duration_us, motion_start_us, motion_end_us, "
                    "clock_synchronised, state, areas, parts, bytes, dropped_pictures, offsite, locked, note) VALUES "
                    "(:id, 'Yard', :start, :start, 0, :start, :start, true, 'complete', '[]', '[]', 7, 0, false, true, "
                    "'kept')"
                ),
                {"id": event_id, "start": start_us},
            )
        connection.execute(text("INSERT INTO event_labels VALUES ('Yard/1', 'cat', 0)"))
    engine.dispose()
    with Catalogue(case.open()) as catalogue:
        event = catalogue.get("Yard/1")
        assert (event.sequence, event.revision, event.locked, event.note) == (epoch_us(NOON), 0, True, "kept")
        assert event.labels == ("cat",)
        assert catalogue.get("Yard/before 1970").sequence == 1
        assert catalogue.newest_sequence() == epoch_us(NOON)
        assert catalogue.deleting() == []
        catalogue.put(replace(event, locked=False))
        assert catalogue.deletable() == [deletable(event)]


def test_a_catalogue_of_a_later_version_is_refused(case: Case) -> None:
    case.open().close()
    engine = create_engine(case.url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="later version"):
        case.open()
    engine.dispose()


def test_a_server_that_restarts_is_found_again(server: PostgresqlServer) -> None:
    with Catalogue(CatalogueServer(server.database("restarted"))) as catalogue:
        catalogue.put(record())
        server.stop()
        try:
            with pytest.raises(StorageError, match=r"cannot use postgresql.*server"):
                catalogue.find()
        finally:
            server.start()
        assert catalogue.find() == [record()]


def test_what_a_server_refuses_is_explained(server: PostgresqlServer) -> None:
    url = server.database("refusing")
    CatalogueServer(url).close()
    with pytest.raises(StorageError, match='"never made" does not exist'):
        CatalogueServer(server.url("never made"))
    read_only = server.url("refusing", options="-c default_transaction_read_only=on")
    with Catalogue(CatalogueServer(read_only)) as catalogue:
        assert catalogue.find() == []
        with pytest.raises(StorageError, match="may only be read") as caught:
            catalogue.put(record())
        assert caught.value.errno == errno.EROFS
    with pytest.raises(StorageError) as refused:
        CatalogueServer(url.set(username="burglar", password="secret"))
    assert "secret" not in str(refused.value)
