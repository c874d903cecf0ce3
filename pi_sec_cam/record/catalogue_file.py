"""The catalogue's SQLite file: opened to write or only to read, found again or missed, and its errors in words."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic_core import from_json
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from pi_sec_cam.durable import storage_error, sync_directory
from pi_sec_cam.errors import StorageError
from pi_sec_cam.ownership import give_to_owner
from pi_sec_cam.record.catalogue_schema import bring_up_to_date, check_schema
from pi_sec_cam.record.event_record import EARLIEST, LATEST, epoch_us

_BUSY_SECONDS = 5  # how long to wait for another writer
_REBUILT = (
    "it is only an index: `pi-sec-cam catalogue rebuild`, or the daemon's next start, has it rebuilt from the files"
)
_DAMAGED = {
    sqlite3.SQLITE_CORRUPT: f"it is damaged; {_REBUILT}",
    sqlite3.SQLITE_NOTADB: f"it is not a catalogue, or damaged; {_REBUILT}",
}
_POSSIBLE = f"BETWEEN {epoch_us(EARLIEST)} AND {epoch_us(LATEST)}"
_SENSELESS = (
    "SELECT count(*) FROM events WHERE NOT (json_valid(areas) AND json_valid(parts) "  # noqa: S608 - numbers of ours
    f"AND start_us {_POSSIBLE} AND end_us {_POSSIBLE} "
    f"AND motion_start_us {_POSSIBLE} AND motion_end_us {_POSSIBLE})"
)
_WAYS_OUT = {
    sqlite3.SQLITE_FULL: "the disk is full; delete old recordings or use a larger disk",
    sqlite3.SQLITE_BUSY: "another program keeps it locked; end that program",
    sqlite3.SQLITE_READONLY: "this user may not write it (chown, chmod), or its disk is read-only",
    sqlite3.SQLITE_CANTOPEN: (
        "this user may not open it or write its directory (chown, chmod), or the disk is read-only or full"
    ),
    sqlite3.SQLITE_IOERR: "the disk is full or reports an error; see df and dmesg",
}
_ERRNOS = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_IOERR: errno.EIO,
}


class CatalogueDamaged(StorageError):
    """A catalogue that SQLite cannot make sense of; it can be made anew from the files."""


class CatalogueGone(StorageError):
    """A catalogue that was there and is not any more: deleted, or its disk is away."""


class CatalogueFile:
    """One SQLite file, in WAL mode with `synchronous=FULL`.

    Created by the constructor and `start_anew` alone. If the file at `path` is later not the one that was opened
    (deleted, its disk unmounted or another one mounted there), each use raises CatalogueGone: neither is something
    written into a file that has no name any more, nor is a new one created where the disk should be. When it is there
    again, it is used again, without more ado.

    Raises:
        StorageError: with the way out, from everything here; CatalogueDamaged and CatalogueGone where it is that.
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self._path = path
        self._read_only = read_only
        self._opened: tuple[int, int] | None = None
        self._engine = self._open()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """What is done in it is durable at its end, or, after an error, undone."""
        if self._opened is None or _identity(self._path) != self._opened:
            self._engine.dispose()
            raise CatalogueGone(
                f"{self._path} is gone: was it deleted, or is its disk not mounted? If the disk is there, {_REBUILT}"
            )
        with self._worded(), self._engine.begin() as connection:
            yield connection

    def check(self) -> None:
        """Read all of it for damage: 20 ms for ten thousand events, if they are in memory."""
        with self.transaction() as connection:
            sound = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() == "ok"
            if sound:  # as a database; a value may make no sense for all that
                sound = connection.exec_driver_sql(_SENSELESS).scalar() == 0
        if not sound:
            raise CatalogueDamaged(f"cannot use {self._path}: {_DAMAGED[sqlite3.SQLITE_CORRUPT]}")

    def start_anew(self) -> None:
        """Move the file aside, if there is one, and go on with an empty one."""
        self._engine.dispose()
        set_aside(self._path)
        self._opened = None
        self._engine = self._open()

    def close(self) -> None:
        """Let go of the file. May be called again."""
        self._engine.dispose()

    def _open(self) -> Engine:
        # Of all that a list of events takes, reading JSON takes the longest; this does it in a third of the time.
        engine = create_engine("sqlite://", creator=self._connect, poolclass=QueuePool, json_deserializer=from_json)

        # The driver's own idea of when a transaction begins leaves out reads and changes of tables.
        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN")

        try:
            with self._worded(), engine.begin() as connection:
                (check_schema if self._read_only else bring_up_to_date)(connection, str(self._path))
            self._opened = _identity(self._path)
        except BaseException:
            engine.dispose()
            raise
        return engine

    def _connect(self) -> sqlite3.Connection:
        if self._read_only:
            return self._connect_to_read()
        if self._opened is None:
            _create(self._path)
        connection = self._connect_as("rw" if self._opened else "rwc")
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _connect_to_read(self) -> sqlite3.Connection:
        # In WAL mode even a reader needs the files -wal and -shm, and would create them, with itself as their owner.
        # While -wal is missing or empty, all that was ever written stands in the file itself; should a daemon write
        # just then, its changes go to -wal first, not to this file.
        try:
            changes = _beside(self._path, "-wal").stat().st_size
        except OSError:
            changes = 0
        return self._connect_as("ro" if changes else "ro&immutable=1")

    def _connect_as(self, mode: str) -> sqlite3.Connection:
        uri = f"{self._path.absolute().as_uri()}?mode={mode}"
        return sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)

    @contextmanager
    def _worded(self) -> Iterator[None]:
        """Turn what the database raises into StorageError."""
        try:
            yield
        except SQLAlchemyError as error:
            origin = getattr(error, "orig", None)
            code = getattr(origin, "sqlite_errorcode", 0) & 0xFF  # the upper bits say more than is needed here
            if code in _DAMAGED:
                raise CatalogueDamaged(f"cannot use {self._path}: {_DAMAGED[code]}") from error
            described = StorageError(f"cannot use {self._path}: {_WAYS_OUT.get(code) or origin or error}")
            described.errno = _ERRNOS.get(code)
            raise described from error


def set_aside(path: Path) -> None:
    """Rename a catalogue, if there is one, to `<path>.damaged`, for whoever wants to look into it; one such is kept.

    Raises:
        StorageError: with the way out.
    """
    aside = path.with_name(f"{path.name}.damaged")
    try:
        if not path.exists():
            return
        # The file itself first: if only that is done when the power fails, SQLite drops the changes (-wal) that it
        # finds beside the new, empty file. The other way round it would take up the file without its last changes.
        path.replace(aside)
        for suffix in ("-wal", "-shm"):
            beside = _beside(path, suffix)
            if beside.exists():
                beside.replace(_beside(aside, suffix))
            else:
                _beside(aside, suffix).unlink(missing_ok=True)
        sync_directory(path.parent)
    except OSError as error:
        raise storage_error(f"cannot move {path} aside", error) from error


def _create(path: Path) -> None:
    """Make an empty file, which is a database as good as any; SQLite gives -wal and -shm the same owner."""
    with suppress(OSError):  # it is there; or it cannot be made, and SQLite will say so
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            give_to_owner(descriptor, path.parent)
        finally:
            os.close(descriptor)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}{suffix}")


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file stands at `path`."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
