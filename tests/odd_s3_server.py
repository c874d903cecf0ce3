"""What is asked as if it were an S3 server, and answers by script: what no real one does on demand."""

import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pi_sec_cam.offsite.stores.s3 import S3Store

Answer = tuple[int, dict[str, str], bytes]
STORED: Answer = (200, {"ETag": '"0"'}, b"")
TAKEN: Answer = (412, {}, b"<Error><Code>PreconditionFailed</Code><Message>At least one</Message></Error>")


@dataclass(frozen=True)
class Asked:
    """One request that came whole; the names of its headers in lower case."""

    method: str
    name: str
    headers: dict[str, str]
    body: bytes


class OddS3Server:
    """Runs between `with` and its end.

    Args:
        chain: a file with a certificate for localhost and its key; None: no TLS.

    Attributes:
        script: status, headers and body of the next answers; when it is at its end, all is answered with STORED.
        asked: what came.
    """

    def __init__(self, chain: Path | None = None) -> None:
        self.script: list[Answer] = []
        self.asked: list[Asked] = []
        self._listener = _Listener(self)
        self.url = f"http://localhost:{self._listener.server_address[1]}"
        if chain is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(chain)
            self._listener.context = context
            self.url = self.url.replace("http:", "https:")
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()

    def store(self, **more: Any) -> S3Store:
        """One that takes this for its server."""
        return S3Store(
            bucket="cameras", endpoint_url=self.url, access_key_id="AKIA", secret_access_key="secret", **more
        )

    def ready_store(self) -> S3Store:
        """One that has found out that this server refuses to overwrite."""
        self.script = [TAKEN]
        store = self.store()
        store.warm()
        self.asked.clear()
        return store


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    context: ssl.SSLContext | None = None

    def __init__(self, server: OddS3Server) -> None:
        self.odd = server
        super().__init__(("127.0.0.1", 0), _Call)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread."""
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with self.context.wrap_socket(request, server_side=True) as connection:
            super().finish_request(connection, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gives up, or does not believe the certificate, is what some tests are about."""


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def do_PUT(self) -> None:
        size = int(self.headers["Content-Length"] or 0)
        body = self.rfile.read(size)
        if len(body) < size:
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        odd = self.server.odd
        odd.asked.append(Asked(self.command, self.path, headers, body))
        status, more, text = odd.script.pop(0) if odd.script else STORED
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_PUT  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        pass
