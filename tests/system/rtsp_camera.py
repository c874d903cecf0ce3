"""The network camera of rtsp_server.py as a process that tests start, freeze, kill and start again."""

import signal
import subprocess
from pathlib import Path
from types import TracebackType

_SERVER = Path(__file__).with_name("rtsp_server.py")
_PATIENCE_S = 10


class RtspCamera:
    """One camera, one process; `with` switches it on and off.

    Args:
        options: of rtsp_server.py, as words.
        user, password: what it demands, if anything.
    """

    def __init__(self, *options: str, user: str | None = None, password: str = "") -> None:
        login = ["--user", user, "--password", password] if user else []
        self._options = [*options, *login]
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def __enter__(self) -> "RtspCamera":
        self.switch_on()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pull_the_plug()

    def url(self, login: str = "") -> str:
        """Its address; `login` as "user:password"."""
        return f"rtsp://{login}{'@' if login else ''}127.0.0.1:{self.port}/cam"

    def switch_on(self) -> None:
        """Start the process, on the same port as before, and wait until it listens."""
        self._process = subprocess.Popen(
            ["/usr/bin/python3", str(_SERVER), "--port", str(self.port), *self._options],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said, "the RTSP server did not start; its packages are in tests/debian-packages.txt"
        self.port = int(said)

    def freeze(self) -> None:
        """It hangs: connections stay open, nothing comes."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._running().send_signal(signal.SIGCONT)

    def pull_the_plug(self) -> None:
        """Kill the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait(_PATIENCE_S)
        assert process.stdout is not None
        process.stdout.close()

    def _running(self) -> "subprocess.Popen[str]":
        assert self._process is not None
        return self._process
