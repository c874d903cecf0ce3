"""The daemon's end of the socket: answers local commands, one at a time."""

import contextlib
import inspect
import json
import logging
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from pi_sec_cam.errors import PiSecCamError, StorageError
from pi_sec_cam.local_socket.place import MAX_REQUEST, fault_of
from pi_sec_cam.worker import Worker

log = logging.getLogger(__name__)

_DEADLINE_S = 2.0
_POLL_S = 0.25


class LocalServer(Worker):
    """Answers local commands, one at a time; a caller has two seconds to speak and two to listen.

    Args:
        path: of the socket; a stale one is replaced.
        commands: by name; each takes the request's arguments as keywords, gives what JSON can hold, and may raise
            PiSecCamError, which the caller then sees.

    Raises:
        StorageError: there can be no socket at `path`. The camera can do without.
    """

    patience_s = 660.0  # a command waits for its disk: to be started anew would only lose what waits in memory

    def __init__(self, path: Path, commands: Mapping[str, Callable[..., object]]) -> None:
        super().__init__("local socket")
        self._path = path
        self._commands = commands
        if fault := fault_of(path.parent):
            raise StorageError(fault)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path.unlink(missing_ok=True)
            self._listener.bind(str(path))
            path.chmod(0o600)  # before listen(): until then nobody can connect
            self._listener.listen(8)
        except OSError as error:
            self._listener.close()
            raise StorageError(f"cannot listen at {path}: {error.strerror or error}") from error
        self._listener.settimeout(0.5)

    def stop(self) -> None:
        super().stop()
        # A caller who says nothing ends the wait for one; if many are waiting, nobody has to.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            caller.setblocking(False)
            caller.connect(str(self._path))

    def work(self) -> None:
        try:
            while not self.stopping.is_set():
                try:
                    connection, _ = self._listener.accept()
                except TimeoutError:
                    self.advance()
                    continue
                with connection, contextlib.suppress(OSError):
                    self._serve(connection)
                self.advance()
        finally:
            self._listener.close()
            self._path.unlink(missing_ok=True)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(_POLL_S)
        line = b""
        deadline_us = self._deadline_us()
        while not line.endswith(b"\n") and len(line) < MAX_REQUEST and self._goes_on(deadline_us):
            with contextlib.suppress(TimeoutError):
                piece = connection.recv(MAX_REQUEST - len(line))
                if not piece:
                    break
                line += piece
        left = memoryview(self._answer(line))
        deadline_us = self._deadline_us()
        while left and self._goes_on(deadline_us):
            with contextlib.suppress(TimeoutError):
                left = left[connection.send(left) :]

    def _deadline_us(self) -> int:
        return self.clock.monotonic_us() + round(_DEADLINE_S * 1e6)

    def _goes_on(self, deadline_us: int) -> bool:
        return not self.stopping.is_set() and self.clock.monotonic_us() < deadline_us

    def _answer(self, line: bytes) -> bytes:
        try:
            request = json.loads(line)
            command = self._commands[request["command"]]
            arguments = dict(request.get("arguments") or {})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return _encoded({"error": f"known commands: {', '.join(self._commands)}"})
        try:
            inspect.signature(command).bind(**arguments)
        except TypeError:
            text = f"{request['command']} takes other arguments here: this daemon is of another version"
            return _encoded({"error": text})
        try:
            return _encoded({"answer": command(**arguments)})
        except PiSecCamError as error:
            return _encoded({"error": str(error)})
        except Exception as error:  # a number where a text should be, say: this thread serves others too
            log.exception("local command %s", request["command"])
            return _encoded({"error": f"{request['command']} failed: {error!r}; the log has more"})


def _encoded(answer: dict[str, object]) -> bytes:
    return json.dumps(answer).encode() + b"\n"
