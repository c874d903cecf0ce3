"""HTTPS connections for `requests` that give up when something more urgent waits, and when nothing moves any more."""

import fcntl
import http.client
import io
import socket
import struct
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from pi_sec_cam.errors import Interrupted

TAKING_TIMEOUT_S = 10
"""Without the other side's kernel taking a byte: the line is dead, or a connection that was kept is."""
ANSWER_TIMEOUT_S = 30
"""Without an answer to what was taken."""
TIMEOUTS_S = (TAKING_TIMEOUT_S, ANSWER_TIMEOUT_S)
"""For `requests`; what comes after connecting is kept by the connection itself."""

_LOOK_S = 0.05
# Where all is sent the answer is on its way: who gives up then will most often send it all again.
_ANSWER_DUE_S = 1.0
_PIECE_BYTES = 16384  # one record of TLS
# A router forgets connections that nobody uses, and says nothing: an event would begin with waiting for an answer.
_KEEP_ALIVE = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 45),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
]


class Watch:
    """What the connections of an adapter ask while bytes are on their way.

    Attributes:
        interrupted: True means to give up with Interrupted. Set before a request, by the thread that makes it.
    """

    def __init__(self) -> None:
        self.interrupted: Callable[[], bool] = lambda: False


class InterruptibleAdapter(HTTPAdapter):
    """Mounted for https:// in a session; it tries nothing twice.

    Bytes that the other side takes count as progress, however slowly they go: on a thin line the kernel keeps seconds
    of them.
    """

    def __init__(self, watch: Watch) -> None:
        class Connection(_Connection):
            _watch = watch

        class Pool(HTTPSConnectionPool):
            ConnectionCls = Connection

        self._pool = Pool
        super().__init__(max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:
        super().init_poolmanager(connections, maxsize, block=block, socket_options=_KEEP_ALIVE, **more)
        self._take_over(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        manager = super().proxy_manager_for(proxy, socket_options=_KEEP_ALIVE, **more)
        self._take_over(manager)
        return manager

    def _take_over(self, manager: Any) -> None:
        manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, "https": self._pool}


class _Patience:
    """Looks at a connection that cannot go on just now.

    Raises (by `look`):
        Interrupted: as asked; what the kernel has not sent yet is thrown away.
        TimeoutError: nothing has moved for too long.
    """

    def __init__(self, connected: socket.socket, watch: Watch) -> None:
        self._socket = connected
        self._watch = watch
        self._unsent: int | None = None
        self._looks = 0

    def look(self) -> None:
        unsent = struct.unpack("i", fcntl.ioctl(self._socket, termios.TIOCOUTQ, b"\0\0\0\0"))[0]
        self._looks = self._looks + 1 if unsent == self._unsent else 0
        self._unsent = unsent
        waited_s = self._looks * _LOOK_S
        if self._watch.interrupted() and (unsent or waited_s >= _ANSWER_DUE_S):
            give_up(self._socket)
        if waited_s >= (TAKING_TIMEOUT_S if unsent else ANSWER_TIMEOUT_S):
            raise TimeoutError(f"nothing moved for {waited_s:.0f} s")


class _Connection(HTTPSConnection):
    _watch: Watch

    def __init__(self, *positional: Any, **named: Any) -> None:
        super().__init__(*positional, **named)
        self.response_class = self._response  # type: ignore[assignment]

    def send(self, data: Any) -> None:
        """All of `data`, piece by piece."""
        if self.sock is None:
            self.connect()
        assert self.sock is not None
        self.sock.settimeout(_LOOK_S)
        left = memoryview(data)
        while left:
            if self._watch.interrupted():
                give_up(self.sock)
            self._send_piece(self.sock, left[:_PIECE_BYTES])
            left = left[_PIECE_BYTES:]

    def _send_piece(self, connected: socket.socket, piece: memoryview) -> None:
        patience = _Patience(connected, self._watch)
        while piece:
            try:
                piece = piece[connected.send(piece) :]
            except TimeoutError:  # TLS wants the very same piece again
                patience.look()

    def _response(self, connected: socket.socket, *positional: Any, **named: Any) -> http.client.HTTPResponse:
        reading = _Reading(connected, _Patience(connected, self._watch))
        return http.client.HTTPResponse(reading, *positional, **named)  # type: ignore[arg-type]


class _Reading(io.RawIOBase):
    """What `http.client` reads an answer from."""

    def __init__(self, connected: socket.socket, patience: _Patience) -> None:
        self._socket = connected
        self._patience = patience
        # The connection may be closed before the answer has been read; as long as such a file is open the socket stays.
        self._keeps_open = connected.makefile("rb", buffering=0)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(_LOOK_S)
        while True:
            try:
                return self._socket.recv_into(buffer)
            except TimeoutError:
                self._patience.look()

    def close(self) -> None:
        if not self.closed:
            self._keeps_open.close()
        super().close()


def give_up(connected: socket.socket) -> None:
    """Raise Interrupted; what the kernel still holds does not go out beside what is more urgent."""
    with suppress(OSError):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise Interrupted("the upload was given up for something more urgent")
