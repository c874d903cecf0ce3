"""A configuration and its storage, for trying commands on."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from pi_sec_cam.cli.main import main
from pi_sec_cam.clock import WallStamp
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_record import EventRecord
from tests.unit.events import NOON, record
from tests.unit.mp4_files import clip, write


class Home:
    """A configuration and its storage."""

    def __init__(self, directory: Path) -> None:
        self.config = write(directory / "config.json", json.dumps({"storage": {"directory": "footage"}}).encode())
        self.directory = directory / "footage"
        self.archive = Archive(self.directory, zone=UTC)

    def event(self, start: datetime = NOON, duration_s: float = 4.0, camera: str = "Yard", **other: Any) -> EventRecord:
        """A finished event with its video."""
        self.archive.prepare()
        folder = self.archive.begin(camera, WallStamp(start, 0, synchronised=True))
        event = record(start, duration_s, camera, id=folder.id, **other)
        write(folder.video_path(1), b"".join(clip()))
        folder.write_record(event)
        with Catalogue(self.archive.catalogue_path) as catalogue:
            catalogue.put(event)
        return event

    def run(self, command: str, *arguments: str) -> Result:
        return self.run_plain(command, "-c", str(self.config), *arguments)

    def run_plain(self, *arguments: str) -> Result:
        """Without naming the configuration."""
        return CliRunner().invoke(main, arguments)

    def ids(self, *arguments: str) -> list[str]:
        result = self.run("events", "--json", *arguments)
        assert result.exit_code == 0, result.output
        return [event["id"] for event in json.loads(result.stdout)]

    def run_in_terminal(self, *command: str, typed: str = "", exit_code: int = 0, columns: int = 200) -> str:
        """What a program writes that talks to a terminal of so many columns, on which `typed` is typed."""
        ours, its = pty.openpty()
        arguments = [sys.executable, "-m", "pi_sec_cam", command[0], "-c", str(self.config), *command[1:]]
        environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1"}
        os.write(ours, typed.encode())
        stdin = its if typed else subprocess.DEVNULL
        with subprocess.Popen(arguments, stdout=its, stderr=its, stdin=stdin, env=environment) as program:
            os.close(its)
            shown = b"".join(_until_closed(ours))
        os.close(ours)
        assert program.returncode == exit_code, shown
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode()).replace("\r\n", "\n")


def _until_closed(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # how Linux says that the last writer has gone
            return
        if not data:
            return
        yield data
