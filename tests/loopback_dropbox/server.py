"""The loopback Dropbox: HTTPS, its routes, its log of requests, its slowness; in this process, or as a program."""

import contextlib
import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.loopback_dropbox.calls import Call, Request, reset
from tests.loopback_dropbox.certificate import ServerCertificate, mint
from tests.loopback_dropbox.faults import Faults
from tests.loopback_dropbox.files import Files, StoredFile
from tests.loopback_dropbox.reading import Reading
from tests.loopback_dropbox.tokens import Tokens
from tests.loopback_dropbox.uplink import Uplink

_SDK_HOSTS = ("API_HOST", "API_CONTENT_HOST", "API_NOTIFY_HOST", "WEB_HOST")


class LoopbackDropbox:
    """Runs between `with` and its end.

    Attributes:
        files, tokens, faults: what it holds, who may do what, what goes wrong. Take `lock` to look at the first two
            while clients are at work; `stored`, `store_of` and `requests` do so themselves.
        reading: what those are told who may list and read.
        latency_s: what each call takes beside its bytes.
        serialised: one call at a time, the others wait.
        idle_s: when connections that nobody uses are closed.
        uplink: how fast bodies come in, all together.
        writes_in_a_minute: more uploads than that within 60 s are answered by 429; None is no limit.
    """

    def __init__(self, *, certificate_days: tuple[int, int] = (-1, 9), certificate_name: str = "localhost") -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pi-sec-cam-dropbox-"))
        first, last = certificate_days
        self.certificate: ServerCertificate = mint(self._folder, first_day=first, last_day=last, name=certificate_name)
        self.lock = threading.Lock()
        self.one_call = threading.Lock()
        self.files, self.tokens, self.faults, self.uplink = Files(), Tokens(), Faults(), Uplink()
        self.reading = Reading(self.files)
        self.latency_s = 0.0
        self.serialised = False
        self.idle_s = 300.0
        self.writes_in_a_minute: int | None = None
        self.write_times: list[float] = []
        self._requests: list[Request] = []
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self.come_back()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go_away()
        shutil.rmtree(self._folder)

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to take this for Dropbox; the SDK reads it once, when it is imported."""
        hosts = {f"DROPBOX_{name}": self.host for name in _SDK_HOSTS}
        return {**hosts, "REQUESTS_CA_BUNDLE": str(self.certificate.authority), "NO_PROXY": "localhost"}

    @contextmanager
    def as_dropbox(self) -> Iterator[None]:
        """This process takes it for Dropbox while the block runs, also where the SDK has been imported already."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.delenv("CURL_CA_BUNDLE", raising=False)
            from dropbox import dropbox_client, oauth, session

            for module in (session, dropbox_client, oauth):
                for name in {"API_HOST", "API_CONTENT_HOST", "API_NOTIFICATION_HOST", "WEB_HOST"} & set(vars(module)):
                    patch.setattr(module, name, self.host)
            # These keep the host that was right when they were defined.
            patch.setattr(dropbox_client.Dropbox.refresh_access_token, "__defaults__", (self.host, None))
            patch.setattr(oauth.DropboxOAuth2FlowBase.build_url, "__defaults__", (None, self.host))
            yield

    def go_away(self) -> None:
        """From now on connections are refused, and those that are open are reset."""
        self.faults.clear()
        server, self._server = self._server, None
        if server is not None and self._thread is not None:
            server.shutdown()
            server.server_close()
            server.reset_connections()
            self._thread.join(10)

    def come_back(self) -> None:
        """Answer again, on the same port."""
        server = self._server = _Server(self)
        self.port = server.server_address[1]
        self._thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="loopback Dropbox")
        self._thread.start()

    def close_idle_connections(self) -> None:
        """As a server does some minutes after the last call."""
        assert self._server is not None
        self._server.close_connections()

    def stored(self) -> dict[str, StoredFile]:
        """All files by path, as written (Dropbox keeps the case that a name was first given)."""
        with self.lock:
            return {file.path: file for file in self.files.by_path.values()}

    def requests(self, route: str = "") -> list[Request]:
        """What was asked, of one route or of all, in the order in which it ended."""
        with self.lock:
            return [request for request in self._requests if request.route.startswith(route)]

    def note(self, request: Request) -> None:
        with self.lock:
            self._requests.append(request)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 32

    def __init__(self, dropbox: LoopbackDropbox) -> None:
        self.dropbox = dropbox
        self.connections = 0
        self._open: dict[int, socket.socket] = {}
        self._lock = threading.Lock()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(dropbox.certificate.chain)
        super().__init__(("127.0.0.1", dropbox.port), Call)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread: a client that never shakes hands holds up nobody."""
        with self._lock:
            self.connections += 1
        request.settimeout(10)
        dropbox = self.dropbox
        if dropbox.uplink.bytes_per_s is not None:
            # Else the kernel takes in a megabyte at once, and the client believes that it was sent.
            request.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        with contextlib.suppress(OSError):
            connection = self._context.wrap_socket(request, server_side=True)
            number = connection.fileno()
            with self._lock:
                self._open[number] = connection
            try:
                super().finish_request(connection, client_address)  # type: ignore[arg-type]
            finally:
                with self._lock:
                    del self._open[number]
                connection.close()

    def close_connections(self) -> None:
        with self._lock:
            for connection in self._open.values():
                _end(connection)

    def reset_connections(self) -> None:
        with self._lock:
            for connection in self._open.values():
                reset(connection)
                _end(connection)


def _end(connection: socket.socket) -> None:
    """Wake the thread that reads from it; an SSLSocket's own shutdown would let it read on in the clear."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
