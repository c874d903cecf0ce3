"""What a service manager hears: ready, how it goes, signs of life while all threads get on, and the end."""

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.daemon import COMMAND, Home

# The command with a detector that hangs at its twentieth picture, as a bug might, and less patience than usual.
HANGS = """
import sys, threading
from pi_sec_cam.motion.detector import Detector
from pi_sec_cam.worker import Worker
Worker.patience_s = 1.0
look, looks = Detector.look, iter(range(20))
def hang(self, luma, pts_us):
    if next(looks, None) is None:
        threading.Event().wait()
    return look(self, luma, pts_us)
Detector.look = hang
from pi_sec_cam.cli.main import main
main()
"""


class Manager:
    """Listens as systemd does."""

    def __init__(self, folder: Path) -> None:
        self.environment = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "900000"}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._listener.bind(self.environment["NOTIFY_SOCKET"])

    def close(self) -> None:
        self._listener.close()

    def hears(self, seconds: float) -> str | None:
        """The next message; None if none comes in that time."""
        self._listener.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            return self._listener.recv(1000).decode()
        return None

    def waits_for(self, message: str, seconds: float = 30) -> None:
        while (heard := self.hears(seconds)) != message:
            assert heard is not None, f"nothing was heard for {seconds} s, {message} was waited for"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path)
    yield manager
    manager.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, video_size=[320, 180], framerate=10, camera={"backend": "scene"})


@contextlib.contextmanager
def started(home: Home, manager: Manager, *program: str | Path) -> Iterator["subprocess.Popen[str]"]:
    with (home.folder / "log").open("w") as log:
        daemon = subprocess.Popen(
            [*program, "run", "-c", home.config],
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            env={**home.environment, **manager.environment},
        )
    try:
        yield daemon
    finally:
        daemon.kill()
        daemon.wait()


def test_a_service_manager_hears_of_the_start_of_each_moment_and_of_the_end(home: Home, manager: Manager) -> None:
    with started(home, manager, COMMAND) as daemon:
        assert manager.hears(30) == "READY=1"
        manager.waits_for("STATUS=watches")
        for _ in range(3):
            manager.waits_for("WATCHDOG=1", 2)
        assert home.command("stop").returncode == 0
        manager.waits_for("STATUS=stopped by the user")
        manager.waits_for("WATCHDOG=1", 2)  # a camera that the user has stopped is healthy
        daemon.send_signal(signal.SIGTERM)
        manager.waits_for("STOPPING=1")
        assert daemon.wait(10) == 0


def test_there_is_no_sign_of_life_while_a_thread_does_not_get_on(home: Home, manager: Manager) -> None:
    with started(home, manager, sys.executable, "-c", HANGS):
        manager.waits_for("WATCHDOG=1")
        manager.waits_for("STATUS=watches; watcher of PiSecCam does not get on")
        assert "watcher of PiSecCam does not get on" in " ".join(home.status()["problems"])
        while manager.hears(0.01) is not None:
            pass  # what was sent before
        assert manager.hears(2) is None
        assert "watcher of PiSecCam does not get on" in home.log
