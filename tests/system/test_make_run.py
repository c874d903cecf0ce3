"""`make run` and the daemon's own output: what is watched where no camera is found, and that output decides nothing."""

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.system.daemon import COMMAND, Home

SMALL = {"video_size": [320, 180], "framerate": 10, "cam_name": "Yard"}


@contextmanager
def daemon_of(home: Home, line: str) -> Iterator[subprocess.Popen[str]]:
    """A shell's command line that ends in the daemon, while the block runs; stdout and stderr go to the log."""
    with (home.folder / "log").open("a") as log:
        shell = subprocess.Popen(
            ["bash", "-c", line],
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            env=home.environment,
            cwd=REPOSITORY,
            start_new_session=True,
        )
    try:
        home.until(lambda: home.command("status", "--json").returncode == 0 or shell.poll() is not None, 30)
        assert shell.poll() is None, home.log
        yield shell
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGTERM)
        try:
            shell.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()


REPOSITORY = Path(__file__).parents[2]


def until_state(home: Home, state: str) -> dict[str, Any]:
    """The camera's source, when it is in that state."""
    home.until(lambda: home.status()["cameras"][0]["source"]["state"] == state, 30)
    found = home.status()["cameras"][0]["source"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("redirection", [">/dev/full", ">/dev/full 2>&1", ">&-", "| head -n 1", "2>&1 | head -n 1"])
def test_the_camera_watches_whether_or_not_its_output_can_be_written(tmp_path: Path, redirection: str) -> None:
    home = Home(tmp_path, **SMALL, camera={"backend": "scene"})
    command = shlex.join([str(COMMAND), "run", "-c", str(home.config)])
    with daemon_of(home, f"set -o pipefail; {command} {redirection}") as shell:
        until_state(home, "live")
        os.kill(home.status()["pid"], signal.SIGTERM)
        assert shell.wait(10) == 0, home.log
    assert "Traceback" not in home.log
