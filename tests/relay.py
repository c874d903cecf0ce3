"""A relay in front of a server on loopback that can be gone, or lose the server's answers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self


class Relay:
    """Passes connections on to a port between `with` and its end.

    Attributes:
        port: where it listens itself.
    """

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._losing = False
        # Protects what is open, which the threads of connections change.
        self._access = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listen(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Nobody is there: what is open is cut, and no connection is taken."""
        self._hang_up()
        yield
        self._listen(self.port)

    @contextmanager
    def losing_answers(self) -> Iterator[None]:
        """What is asked arrives and is done; instead of the answer, the connection is cut."""
        self._losing = True
        yield
        self._losing = False

    def _listen(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _hang_up(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in it
        self._listener.close()
        with self._access:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._to_port))
            with self._access:
                self._open |= {client, server}
            for way in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=way, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        answers = target.getsockname()[1] == self.port
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if answers and self._losing:
                    break
                target.sendall(data)
        with self._access:
            for connection in (source, target):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            if target not in self._open:  # the other way has ended too
                source.close()
                target.close()
            self._open -= {source, target}
