"""`make run` and the daemon's own output: what is watched where no camera is found, and that output decides nothing."""

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.camera.discover import cameras
from pi_sec_cam.camera.found import FoundCamera
from pi_sec_cam.cli.run import demo_instead
from pi_sec_cam.config import parse_configuration
from tests.system.daemon import COMMAND, Home

REPOSITORY = Path(__file__).parents[2]
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


def made(home: Home) -> str:
    """The command line that `make run` ends with; the set-up before it is not done a second time."""
    lines = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "run", f"CONFIG={home.config}", f"BIN={COMMAND.parent}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
        env={name: value for name, value in home.environment.items() if not name.startswith(("MAKE", "MFLAGS"))},
    ).stdout.splitlines()
    assert lines[-1].startswith("exec "), lines
    return lines[-1]


def until_state(home: Home, state: str) -> dict[str, Any]:
    """The camera's source, when it is in that state."""
    home.until(lambda: home.status()["cameras"][0]["source"]["state"] == state, 30)
    found = home.status()["cameras"][0]["source"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("redirection", [">/dev/full", ">/dev/full 2>&1", ">&-", "| true", "2>&1 | true"])
def test_the_camera_watches_whether_or_not_its_output_can_be_written(tmp_path: Path, redirection: str) -> None:
    home = Home(tmp_path, **SMALL, camera={"backend": "scene"})
    command = shlex.join([str(COMMAND), "run", "-c", str(home.config)])
    with daemon_of(home, f"set -o pipefail; {command} {redirection}") as shell:
        until_state(home, "live")
        os.kill(home.status()["pid"], signal.SIGTERM)
        assert shell.wait(10) == 0, home.log
    assert "Traceback" not in home.log


def test_a_configured_camera_that_is_away_is_waited_for(tmp_path: Path) -> None:
    home = Home(tmp_path, **SMALL, camera={"backend": "stream", "url": "rtsp://127.0.0.1:1/front"})
    with daemon_of(home, made(home)):
        assert until_state(home, "away")["kind"] == "stream"
    assert "watches rtsp://127.0.0.1:1/front" in home.log
    assert "demo" not in home.log.lower()


def test_without_any_camera_the_demo_is_shown_and_said(tmp_path: Path) -> None:
    if cameras(with_modes=False) != ([], []):
        pytest.skip("this machine has a camera")
    home = Home(tmp_path, **SMALL)
    with daemon_of(home, made(home)):
        assert until_state(home, "live")["kind"] == "scene"
    assert "DEMO: no camera was found" in home.log
    assert "watches the demo scene" in home.log


WEBCAM = FoundCamera("v4l2", "/dev/video0", "Webcam", ())


@pytest.mark.parametrize(
    ("camera", "found", "demo", "says"),
    [
        ({}, ([], []), True, "DEMO: no camera was found"),
        ({}, ([WEBCAM], []), False, ""),
        ({}, ([], ["no permission to open /dev/video0"]), False, "no permission to open /dev/video0"),
        ({"device": "/dev/video7"}, ([], []), False, ""),
        ({"backend": "v4l2"}, ([], []), False, ""),
        ({"backend": "picamera2"}, ([], []), False, ""),
        ({"backend": "stream", "url": "/no/such/file.mp4"}, ([], []), False, ""),
        ({"backend": "scene"}, ([], []), False, ""),
    ],
)
def test_only_where_no_camera_is_named_and_surely_none_is_there_is_the_demo_shown(
    camera: dict[str, Any],
    found: tuple[list[FoundCamera], list[str]],
    demo: bool,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pi_sec_cam.camera.discover.cameras", lambda **_: found)
    whole = parse_configuration(json.dumps({"camera": camera}), folder=Path("/etc/cameras"))
    shown, why = demo_instead(whole)
    assert shown is demo
    assert says in why
    assert bool(why) is bool(says)


def test_one_named_camera_of_several_is_enough_to_show_no_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pi_sec_cam.camera.discover.cameras", lambda **_: ([], []))
    door = {"cam_name": "Door", "camera": {"backend": "stream", "url": "rtsp://cam/x"}}
    tree = {"server": {"enabled": False}, "cameras": [door, {"cam_name": "Yard"}]}
    assert demo_instead(parse_configuration(json.dumps(tree), folder=Path("/etc/cameras"))) == (False, "")
