"""A catalogue in a database of a server (PostgreSQL), and that database's errors in words."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.catalogue_schema import bring_up_to_date

# By SQLSTATE (PostgreSQL documentation, appendix A). Of the others the server's own words say enough.
_KNOWN = {
    "25006": (errno.EROFS, "the database may only be read; is it a standby?"),
    "53100": (errno.ENOSPC, "the database server's disk is full"),
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
            number, way_out = _KNOWN.get(getattr(origin, "sqlstate", None) or "", (None, None))
            described = StorageError(f"cannot use {self._name}: {way_out or ' '.join(str(origin or error).split())}")
            described.errno = number
            raise described from error

    def close(self) -> None:
        """Let go of all connections. May be called again."""
        self._engine.dispose()
