"""A catalogue in a database of a server (PostgreSQL), and that database's errors in words."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.catalogue_schema import bring_up_to_date

# By the beginning of SQLSTATE (PostgreSQL documentation, appendix A); the longest that fits counts.
_WAYS_OUT = {
    "08": "the database cannot be reached; is its server running?",
    "28": "the database refuses this user or password",
    "25006": "the database may only be read; is it a standby?",
    "3D": "there is no such database; create it",
    "42501": "this user may not use its tables; give that user the right to (GRANT)",
    "53": "the database server has no room left, or too many connections",
    "53100": "the database server's disk is full",
    "57P": "the database server is stopping or starting; it is tried again",
}


class CatalogueServer:
    """One database of a server; several connections at a time, each looked at before use, as a server may restart.

    Args:
        url: SQLAlchemy's, with the driver: `postgresql+psycopg://…`.

    Raises:
        StorageError: with the way out, from everything here.
    """

    def __init__(self, url: str | URL) -> None:
        made = make_url(url)
        self._name = made.render_as_string(hide_password=True)
        self._engine = create_engine(made, pool_pre_ping=True)
        try:
            with self.transaction() as connection:
                bring_up_to_date(connection, self._name)
        except BaseException:
            self._engine.dispose()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """What is done in it is durable at its end, or, after an error, undone."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            origin = getattr(error, "orig", None)
            state = getattr(origin, "sqlstate", None) or (
                "08" if getattr(error, "connection_invalidated", False) else ""
            )
            way_out = next((_WAYS_OUT[state[:n]] for n in (5, 3, 2) if state[:n] in _WAYS_OUT), None)
            described = StorageError(f"cannot use {self._name}: {way_out or origin or error}")
            described.errno = errno.ENOSPC if state == "53100" else None
            raise described from error

    def close(self) -> None:
        """Let go of all connections. May be called again."""
        self._engine.dispose()
