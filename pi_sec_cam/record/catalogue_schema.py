"""Which form the catalogue's tables have, and brings them to the newest, in any database."""

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect, text

from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.catalogue_tables import tables

SCHEMA = "0002"  # the newest step in migrations/versions

# As Alembic makes it.
_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def check_schema(connection: Connection, where: str) -> None:
    """See that the tables have the newest form.

    Raises:
        StorageError: they have another; `where` is what the message calls the catalogue.
    """
    stored = _stored_schema(connection)
    if stored is None or stored < SCHEMA:
        raise StorageError(f"{where} was made by an earlier version: start the daemon once to bring it up to date")
    if stored > SCHEMA:
        raise _too_new(where)


def bring_up_to_date(connection: Connection, where: str) -> None:
    """Create the tables or bring them to the newest form, within the connection's transaction.

    Raises:
        StorageError: a later version made them; they are left as they are.
    """
    if _stored_schema(connection) == SCHEMA:
        return
    if not inspect(connection).get_table_names():
        _create(connection)
        return
    # Imported only here: it costs a quarter of a second on a quick machine and 11 MB, and is needed once a version.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "pi_sec_cam.record:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:  # it does not know the stored step
        raise _too_new(where) from None


def _create(connection: Connection) -> None:
    """What all steps together would make of an empty database."""
    tables.create_all(connection)
    _version.create(connection)
    connection.execute(_version.insert().values(version_num=SCHEMA))


def _stored_schema(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    stored: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return stored


def _too_new(where: str) -> StorageError:
    return StorageError(
        f"{where} was made by a later version of pi_sec_cam: update this one, or have the index made anew from the "
        "files (`pi-sec-cam catalogue rebuild`)"
    )
