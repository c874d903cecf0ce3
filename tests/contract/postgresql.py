"""A PostgreSQL server of our own on a Unix socket: nothing of it is left afterwards."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from sqlalchemy import URL

_PATIENCE_S = 30


class PostgresqlServer:
    """Runs between `with` and its end, as an unprivileged user where this is root: it refuses to run as root."""

    def __init__(self) -> None:
        versions = [int(path.parent.parent.name) for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
        assert versions, "there is no PostgreSQL server: install Debian's package postgresql"
        self._programs = Path(f"/usr/lib/postgresql/{max(versions)}/bin")
        self._directory = Path(tempfile.mkdtemp(prefix="pi-sec-cam-pg-"))
        self._user: str | None = None
        if os.getuid() == 0:
            self._user = "postgres" if any(user.pw_name == "postgres" for user in pwd.getpwall()) else "nobody"
            shutil.chown(self._directory, self._user)
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        arguments = ("--auth=trust", "--username=camera", "--encoding=UTF8", "--locale=C", "--no-sync")
        made = subprocess.run(
            [self._programs / "initdb", *arguments, self._directory / "data"],
            user=self._user,
            cwd=self._directory,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._directory)

    def start(self) -> None:
        settings = {"unix_socket_directories": self._directory, "listen_addresses": "", "fsync": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._directory / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", self._directory / "data", *options],
                user=self._user,
                cwd=self._directory,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                psycopg.connect(host=str(self._directory), user="camera", dbname="postgres").close()
                return
            except psycopg.OperationalError:
                assert self._server.poll() is None, (self._directory / "log").read_text()
                assert time.monotonic() < deadline, (self._directory / "log").read_text()
                time.sleep(0.05)

    def stop(self) -> None:
        """Ends it, and the connections to it."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(_PATIENCE_S)
            self._server = None

    def database(self, name: str) -> URL:
        """A new, empty database."""
        with psycopg.connect(
            host=str(self._directory), user="camera", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def url(self, name: str, **options: str) -> URL:
        query = {"host": str(self._directory), **options}
        return URL.create("postgresql+psycopg", username="camera", database=name, query=query)
