"""Runs the daemon as a user does: the installed command, a configuration file, signals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).parent / "pi-sec-cam"


class Home:
    """A configuration with its storage directory."""

    def __init__(self, folder: Path, **configuration: Any) -> None:
        self.folder = folder
        self.config = folder / "camera_config.json"
        self.storage = folder / "storage"
        self.write(**configuration)

    def write(self, **configuration: Any) -> None:
        storage = {"directory": str(self.storage), **configuration.pop("storage", {})}
        quiet = {"server": {"enabled": False}, "servos": [], "infrared_controller": {"enabled": False}}
        self.config.write_text(json.dumps({**quiet, **configuration, "storage": storage}))

    def command(
        self, name: str, *arguments: str, timeout: float = 120, before: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; `before` is put in front of it."""
        return subprocess.run(
            [*before, COMMAND, name, "-c", self.config, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.environment,
            check=False,
        )

    def events(self, *arguments: str) -> list[dict[str, Any]]:
        """What `events --json` prints."""
        done = self.command("events", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert isinstance(found, list)
        return found

    def status(self) -> dict[str, Any]:
        """What `status --json` prints."""
        done = self.command("status", "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert isinstance(found, dict)
        return found

    @contextmanager
    def running(self, *arguments: str, before: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
        """The daemon, while the block runs; whatever happens, it has ended after it. `before` is put in front of it."""
        with (self.folder / "log").open("a") as log:
            daemon = subprocess.Popen(
                [*before, COMMAND, "run", "-c", self.config, *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                env=self.environment,
            )
        try:
            self.until(lambda: self.command("status", "--json").returncode == 0 or daemon.poll() is not None, 30)
            assert daemon.poll() is None, self.log
            yield daemon
        finally:
            if daemon.poll() is None:
                daemon.kill()
            daemon.wait()

    def until(self, true: Callable[[], object], seconds: float) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"not within {seconds} s; the daemon says:\n{self.log}"
            time.sleep(0.1)

    def stop(self, daemon: subprocess.Popen[str], number: int = signal.SIGTERM) -> float:
        """Ask the daemon to stop; the seconds that it took."""
        asked = time.monotonic()
        daemon.send_signal(number)
        daemon.wait(30)
        return time.monotonic() - asked

    @property
    def log(self) -> str:
        """What the daemon has printed so far."""
        return (self.folder / "log").read_text()

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "RUNTIME_DIRECTORY": str(self.folder / "runtime"),
            "STATE_DIRECTORY": str(self.folder / "state"),
        }


def scene(**more: Any) -> dict[str, Any]:
    """A configuration's `camera` for the rendered scene, played as fast as possible."""
    return {"backend": "scene", "pace": "fast", "at_end": "exit", **more}
