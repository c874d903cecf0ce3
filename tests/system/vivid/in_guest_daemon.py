"""Inside the guest: the daemon watches two webcams, of which one encodes by itself and the other gets unplugged."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.system.vivid.in_guest_camera import (
    CLOCK,
    DAEMONS_LOOPBACK,
    PLANES_CAMERA,
    RESULTS,
    fed,
    set_control,
)

HOME = Path("/run/tmp/home")
STORAGE = HOME / "storage"
CONFIGURATION = {
    "video_size": [320, 180],
    "motion": {"rec_sec_before": 1, "rec_sec_after": 3, "max_event_time": 30},
    "server": {"enabled": False},
    "storage": {"directory": str(STORAGE), "min_free_bytes": 0},
    "cameras": [
        {
            "cam_name": name,
            "framerate": rate,
            "camera": {"backend": "v4l2", "device": device, "format": format_},
            "servos": [],
            "infrared_controller": {"enabled": False},
        }
        for name, rate, device, format_ in (("Plug", 10, PLANES_CAMERA, "NM12"), ("Encoder", 5, DAEMONS_LOOPBACK, None))
    ],
}
STILL, MOVING = 3, 5  # of vivid's menu "Horizontal Movement"


class DaemonRun(threading.Thread):
    """The daemon in a process of its own; what it says goes to results/daemon.log, its clips to results/recordings.

    Attributes:
        status: with which it ended after having been asked to; None before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status: int | None = None
        self._log = RESULTS / "daemon.log"
        HOME.mkdir()
        (HOME / "camera_config.json").write_text(json.dumps(CONFIGURATION))

    def run(self) -> None:
        set_control("Horizontal Movement", MOVING, PLANES_CAMERA)
        with (
            self._log.open("w") as log,
            fed(DAEMONS_LOOPBACK, "H264", "fed-h264.pickle"),
            subprocess.Popen(
                [sys.executable, "-m", "pi_sec_cam", "run", "-c", HOME / "camera_config.json"],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "STATE_DIRECTORY": str(HOME), "RUNTIME_DIRECTORY": str(HOME)},
            ) as daemon,
        ):
            try:
                self._unplug_and_plug_in(daemon)
                daemon.send_signal(signal.SIGTERM)
                self.status = daemon.wait(30)
            finally:
                daemon.kill()
        shutil.copytree(STORAGE / "recordings", RESULTS / "recordings")

    def _unplug_and_plug_in(self, daemon: subprocess.Popen[bytes]) -> None:
        self._wait_for(daemon, "Plug: movement, event 1")
        # The camera stays unplugged until the last who has it open lets go of it.
        held = os.open(PLANES_CAMERA, os.O_RDWR)
        set_control("Disconnect", 1, PLANES_CAMERA)
        self._wait_for(daemon, "Plug: event 1 ends")
        os.close(held)
        self._wait_for(daemon, f"{PLANES_CAMERA} is back")
        self._wait_for(daemon, "Plug: movement, event 2")
        set_control("Horizontal Movement", STILL, PLANES_CAMERA)
        self._wait_for(daemon, "Plug: kept", 2)

    def _wait_for(self, daemon: subprocess.Popen[bytes], text: str, times: int = 1) -> None:
        """Until it has said so."""
        deadline_us = CLOCK.monotonic_us() + 60_000_000
        while self._log.read_text().count(text) < times:
            waits = daemon.poll() is None and CLOCK.monotonic_us() < deadline_us
            assert waits, f"{text}: not in\n{self._log.read_text()}"
            threading.Event().wait(0.1)
