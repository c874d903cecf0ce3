"""Opens the catalogue's SQLite file, to write or only to read, and puts its errors into words."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from pi_sec_cam.errors import StorageError

SCHEMA = "0001"  # the newest step in migrations/versions

_BUSY_SECONDS = 5  # how long to wait for another writer
_REBUILT = (
    "it is only an index: stop the daemon, move catalogue.sqlite3* away, start it, and it is rebuilt from the files"
)
_WAYS_OUT = {
    sqlite3.SQLITE_CORRUPT: f"it is damaged; {_REBUILT}",
    sqlite3.SQLITE_NOTADB: f"it is not a catalogue, or damaged; {_REBUILT}",
    sqlite3.SQLITE_FULL: "the disk is full; delete old recordings or use a larger disk",
    sqlite3.SQLITE_BUSY: "another program keeps it locked; end that program",
    sqlite3.SQLITE_READONLY: "this user may not write it; give that user the right to (chown, chmod)",
    sqlite3.SQLITE_CANTOPEN: "this user may not open it or write its directory; give that user the right to",
    sqlite3.SQLITE_IOERR: "the disk is full or reports an error; see df and dmesg",
}


def open_to_write(path: Path) -> Engine:
    """Open or create, and bring the tables to SCHEMA.

    Raises:
        StorageError: with the way out.
    """
    engine = _engine(lambda: _connect(path))
    with _disposed_on_error(engine), worded(path), engine.begin() as connection:
        if _stored_schema(connection) != SCHEMA:
            _migrate(connection, path)
    return engine


def open_to_read(path: Path) -> Engine:
    """Open an existing catalogue for a user who perhaps may only read, also while the daemon writes.

    Raises:
        StorageError: with the way out.
    """
    engine = _engine(lambda: _connect_to_read(path))
    with _disposed_on_error(engine), worded(path), engine.begin() as connection:
        stored = _stored_schema(connection)
        if stored is None or stored < SCHEMA:
            raise StorageError(f"{path} was made by an earlier version: start the daemon once to bring it up to date")
        if stored > SCHEMA:
            raise _too_new(path)
    return engine


@contextmanager
def worded(path: Path) -> Iterator[None]:
    """Turn what the database raises into StorageError."""
    try:
        yield
    except SQLAlchemyError as error:
        origin = getattr(error, "orig", None)
        code = getattr(origin, "sqlite_errorcode", 0) & 0xFF  # the upper bits say more than is needed here
        raise StorageError(f"cannot use {path}: {_WAYS_OUT.get(code) or origin or error}") from error


def _engine(connect: Callable[[], sqlite3.Connection]) -> Engine:
    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)

    # The driver's own idea of when a transaction begins leaves out reads and changes of tables.
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


@contextmanager
def _disposed_on_error(engine: Engine) -> Iterator[None]:
    try:
        yield
    except BaseException:
        engine.dispose()
        raise


def _connect(path: Path) -> sqlite3.Connection:
    connection = _open(path, "rwc")
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _connect_to_read(path: Path) -> sqlite3.Connection:
    # In WAL mode even a reader needs the files -wal and -shm, and would create them, with itself as their owner.
    # While -wal is missing or empty, all that was ever written stands in the file itself; should a daemon write just
    # then, its changes go to -wal first, not to this file.
    try:
        changes = path.with_name(f"{path.name}-wal").stat().st_size
    except OSError:
        changes = 0
    return _open(path, "ro" if changes else "ro&immutable=1")


def _open(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _stored_schema(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    stored: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return stored


def _migrate(connection: Connection, path: Path) -> None:
    # Imported only here: it costs a quarter of a second on a quick machine, and is needed once a version.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "pi_sec_cam.record:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:  # it does not know the stored step
        raise _too_new(path) from None


def _too_new(path: Path) -> StorageError:
    return StorageError(f"{path} was made by a later version of pi_sec_cam: update this one; or, as {_REBUILT}")
