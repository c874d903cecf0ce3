"""A proxy on loopback that only knows CONNECT, as a company has one between its network and the world."""

import base64
import select
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class ConnectProxy:
    """Runs between `with` and its end.

    Attributes:
        asked_for: host and port of each tunnel.
    """

    def __init__(self, *, password: str | None) -> None:
        self.asked_for: list[str] = []
        wanted = None if password is None else f"Basic {base64.b64encode(f'camera:{password}'.encode()).decode()}"
        asked_for = self.asked_for

        class Tunnel(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                if wanted is not None and self.headers.get("Proxy-Authorization") != wanted:
                    self.send_error(407)
                    return
                asked_for.append(self.path)
                host, _, port = self.path.rpartition(":")
                with socket.create_connection((host, int(port)), 10) as beyond:
                    self.send_response(200)
                    self.end_headers()
                    _pass_on(self.connection, beyond)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Tunnel)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    """Until one of them ends."""
    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(65536)
            if not data:
                return
            (other if ready is one else one).sendall(data)
