"""A new catalogue is what an old one becomes by all the steps."""

import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, inspect

from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.catalogue_schema import bring_up_to_date, check_schema


def form(connection: Connection) -> dict[str, Any]:
    seen = inspect(connection)
    return {
        table: (
            sorted((c["name"], str(c["type"]), c["nullable"], str(c["default"]).strip("'")) for c in columns),
            seen.get_pk_constraint(table),
            seen.get_foreign_keys(table),
            sorted(seen.get_indexes(table), key=str),
        )
        for table in seen.get_table_names()
        for columns in [seen.get_columns(table)]
    }


def step_to(connection: Connection, step: str) -> None:
    config = Config()
    config.set_main_option("script_location", "pi_sec_cam.record:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, step)


def test_made_new_and_made_by_all_steps_are_the_same() -> None:
    with create_engine("sqlite://").begin() as stepped, create_engine("sqlite://").begin() as new:
        step_to(stepped, "head")
        bring_up_to_date(new, "the new one")
        assert form(new) == form(stepped)
        check_schema(new, "the new one")


def test_a_step_that_is_broken_off_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "catalogue.sqlite3"
    database = create_engine(f"sqlite:///{path}")
    with database.begin() as connection:
        step_to(connection, "0001")
    with database.begin() as connection:
        before = form(connection)
    database.dispose()
    with monkeypatch.context() as patched:
        patched.setattr("alembic.op.create_index", stop)
        with pytest.raises(KeyboardInterrupt):
            Catalogue(path)
    with database.begin() as connection:
        assert form(connection) == before
    database.dispose()
    Catalogue(path).close()


def test_a_new_one_needs_no_alembic() -> None:
    hidden = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "alembic"}
    for name in hidden:
        del sys.modules[name]
    try:
        with create_engine("sqlite://").begin() as new:
            bring_up_to_date(new, "the new one")
        assert "alembic" not in sys.modules
    finally:
        sys.modules.update(hidden)
