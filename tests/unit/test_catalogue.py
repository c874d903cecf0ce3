"""The catalogue: finds what a plain search through the events would, survives kills, refuses what it cannot read."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from pi_sec_cam.errors import EventNotFound, StorageError
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.catalogue_schema import SCHEMA
from pi_sec_cam.record.catalogue_tables import tables
from pi_sec_cam.record.event_record import EventRecord
from tests.unit.events import NOON, record, records


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.sqlite3"


@pytest.fixture
def catalogue(path: Path) -> Iterator[Catalogue]:
    with Catalogue(path) as opened:
        yield opened


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(records)
def test_what_is_put_is_got(catalogue: Catalogue, event: EventRecord) -> None:
    catalogue.put(event)
    assert catalogue.get(event.id) == replace(event, newer={})
    assert event.id in catalogue.states()
    catalogue.delete([event.id])


def test_putting_again_replaces(catalogue: Catalogue) -> None:
    catalogue.put(record(state="recording", labels=("cat", "person")))
    catalogue.put(record(labels=("person", "car"), note="the postman"))
    assert catalogue.find() == [record(labels=("person", "car"), note="the postman")]
    assert catalogue.find(label="cat") == []


def test_deleting_forgets_and_passes_over_what_is_not_there(catalogue: Catalogue) -> None:
    catalogue.put_all([record(), record(camera="Door", labels=("cat",))])
    catalogue.delete([record(camera="Door").id, "Door/never"])
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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(_some_events, _questions)
def test_find_answers_like_a_search_through_all(
    catalogue: Catalogue, made: list[tuple[int, float, str, tuple[str, ...]]], question: dict[str, Any]
) -> None:
    events = [
        record(NOON + timedelta(minutes=minute), seconds, camera, labels=labels, id=f"{camera}/{number}")
        for number, (minute, seconds, camera, labels) in enumerate(made)
    ]
    catalogue.put_all(events)
    assert catalogue.find(**question) == answer(events, question)
    catalogue.delete([event.id for event in events])


def test_times_are_compared_across_zones(catalogue: Catalogue) -> None:
    catalogue.put(record())
    kathmandu = datetime.fromisoformat("2026-05-04T17:45:20+05:45")  # noon and 20 seconds in UTC: its end
    assert catalogue.find(since=kathmandu)
    assert not catalogue.find(since=kathmandu + timedelta(microseconds=1))
    assert not catalogue.find(until=kathmandu - timedelta(seconds=20))


def test_a_row_is_durable_when_put_returns(path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from pi_sec_cam.record.catalogue import Catalogue; from tests.unit.events import record\n"
        "catalogue = Catalogue(Path(sys.argv[1])); catalogue.put(record())\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with Catalogue(path) as catalogue:
        assert catalogue.find() == [record()]


def test_the_file_is_set_to_survive_power_cuts(catalogue: Catalogue) -> None:
    with catalogue._database._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_readers_and_the_writer_do_not_hold_each_other_up(catalogue: Catalogue, path: Path) -> None:
    catalogue.put(record())
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE events SET note = 'not yet'")
        with Catalogue(path, read_only=True) as reader:
            assert reader.find() == [record()]
        writer.execute("ROLLBACK")


def test_many_threads_may_put_and_find(catalogue: Catalogue) -> None:
    def work(camera: str) -> None:
        for minute in range(10):
            catalogue.put(record(NOON + timedelta(minutes=minute), camera=camera))
            assert catalogue.find(camera=camera, limit=1)[0].start == NOON + timedelta(minutes=minute)

    faults: list[BaseException] = []

    def guarded(camera: str) -> None:
        try:
            work(camera)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=guarded, args=(f"camera {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert catalogue.count() == 40


def test_a_second_opening_does_not_need_alembic(path: Path) -> None:
    Catalogue(path).close()
    program = (
        "import sys; from pathlib import Path; from pi_sec_cam.record.catalogue import Catalogue\n"
        "Catalogue(Path(sys.argv[1])).close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 0


def test_reading_creates_nothing(path: Path) -> None:
    Catalogue(path).close()
    with Catalogue(path, read_only=True) as reader:
        assert reader.find() == []
    assert os.listdir(path.parent) == [path.name]
    path.unlink()
    with pytest.raises(StorageError, match=r"catalogue\.sqlite3"):
        Catalogue(path, read_only=True)
    assert os.listdir(path.parent) == []


def test_a_reader_cannot_write(path: Path) -> None:
    Catalogue(path).close()
    with Catalogue(path, read_only=True) as reader, pytest.raises(StorageError, match="may not write"):
        reader.put(record())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("daemon_runs", [True, False])
def test_a_user_who_may_only_read_can_read(path: Path, daemon_runs: bool) -> None:
    readable = Path(shutil.copytree(path.parent, f"/tmp/{path.parent.name}.{os.getpid()}")) / path.name
    try:
        readable.parent.chmod(0o755)
        with Catalogue(readable) as writer:
            writer.put(record())
            if not daemon_runs:
                writer.close()
            os.seteuid(65534)
            try:
                with Catalogue(readable, read_only=True) as reader:
                    assert reader.find() == [record()]
            finally:
                os.seteuid(0)
    finally:
        shutil.rmtree(readable.parent)


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    "damage",
    [lambda data: b"this is no database, and long enough to be looked at closely" * 50, lambda data: data[:6000]],
    ids=["text", "torn"],
)
def test_a_damaged_file_is_named_and_the_way_out_told(
    path: Path, read_only: bool, damage: Callable[[bytes], bytes]
) -> None:
    with Catalogue(path) as catalogue:
        catalogue.put_all(record(NOON + timedelta(minutes=minute)) for minute in range(100))
    path.write_bytes(damage(path.read_bytes()))

    def use() -> None:
        with Catalogue(path, read_only=read_only) as opened:
            opened.find()

    with pytest.raises(StorageError, match=r"catalogue\.sqlite3: it is .*damaged.*rebuilt from the files"):
        use()


@pytest.mark.parametrize("read_only", [True, False])
def test_a_catalogue_of_a_later_version_is_refused_and_left_alone(path: Path, read_only: bool) -> None:
    Catalogue(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    before = path.read_bytes()
    with pytest.raises(StorageError, match="later version"):
        Catalogue(path, read_only=read_only)
    assert path.read_bytes() == before


def test_an_old_catalogue_is_not_changed_by_reading(path: Path) -> None:
    sqlite3.connect(path).close()
    path.touch()
    with pytest.raises(StorageError, match="start the daemon once"):
        Catalogue(path, read_only=True)


def test_a_missing_directory_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="may not open it or write its directory"):
        Catalogue(tmp_path / "nowhere/catalogue.sqlite3")


def test_an_aborted_migration_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("alembic.op.create_index", stop)
        with pytest.raises(KeyboardInterrupt):
            Catalogue(path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    Catalogue(path).close()


def test_the_migrations_make_the_tables_that_the_code_uses(catalogue: Catalogue) -> None:
    with catalogue._database._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables) == []


def test_the_schema_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "pi_sec_cam.record:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA]


def test_every_statement_is_valid_for_postgresql_too(catalogue: Catalogue) -> None:
    """Judged by SQLAlchemy's compiler for it: a construction that only SQLite has would fail there."""
    seen: list[str] = []

    @event.listens_for(catalogue._database._engine, "before_execute")
    def compile_it(_connection: object, statement: Any, *_: object) -> None:
        if hasattr(statement, "compile"):
            seen.append(str(statement.compile(dialect=postgresql.dialect())))

    catalogue.put(record(labels=("cat",)))
    catalogue.find(camera="Yard", since=NOON, until=NOON, min_duration_s=1, max_duration_s=2, label="cat", limit=3)
    catalogue.states()
    catalogue.count()
    catalogue.delete(["x"])
    assert len(seen) >= 9
    ddl = [CreateTable(table) for table in tables.sorted_tables]
    ddl += [CreateIndex(index) for table in tables.sorted_tables for index in table.indexes]  # type: ignore[misc]
    assert "BIGINT" in "".join(str(step.compile(dialect=postgresql.dialect())) for step in ddl)
