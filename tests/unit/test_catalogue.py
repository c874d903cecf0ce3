"""The catalogue's SQLite file: survives kills, is read by others, refused if it makes no sense; more in contract/."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.catalogue_schema import SCHEMA
from tests.unit.events import NOON, record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.sqlite3"


@pytest.fixture
def catalogue(path: Path) -> Iterator[Catalogue]:
    with Catalogue(path) as opened:
        yield opened


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
    with catalogue._database.transaction() as connection:
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


def test_a_creation_that_is_broken_off_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("sqlalchemy.Table.create", stop)  # of the last table
        with pytest.raises(KeyboardInterrupt):
            Catalogue(path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    Catalogue(path).close()


def test_the_schema_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "pi_sec_cam.record:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA]
