"""One connection to the loopback Dropbox: reads a call, does what it asks or what a fault wants, and notes it."""

import contextlib
import dataclasses
import json
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from tests.loopback_dropbox.answer import Answer, Refusal, bad_input, good, too_many
from tests.loopback_dropbox.faults import Fault
from tests.loopback_dropbox.files import MOST_BYTES
from tests.loopback_dropbox.tokens import WRITE

if TYPE_CHECKING:
    from tests.loopback_dropbox.server import LoopbackDropbox

_PIECE = 8192
_STYLES = {"upload": "application/octet-stream", "rpc": "application/json"}
_ROUTES = {
    "files/upload": ("upload", WRITE),
    "files/upload_session/start": ("upload", WRITE),
    "files/upload_session/append_v2": ("upload", WRITE),
    "files/upload_session/finish": ("upload", WRITE),
    "files/delete_v2": ("rpc", WRITE),
    "files/get_metadata": ("rpc", "files.metadata.read"),
    "files/list_folder": ("rpc", "files.metadata.read"),
    "files/list_folder/continue": ("rpc", "files.metadata.read"),
    "files/list_revisions": ("rpc", "files.metadata.read"),
    "files/download": ("download", "files.content.read"),
    "users/get_current_account": ("rpc", "account_info.read"),
    "check/user": ("rpc", "account_info.read"),
    "auth/token/revoke": ("rpc", None),
}


@dataclass(frozen=True)
class Request:
    """A call that was answered, or not (`status` None); times are of time.monotonic."""

    route: str
    path: str | None
    begun_s: float
    ended_s: float
    status: int | None
    body_bytes: int
    connection: int


class _Reset(Exception):
    """The connection is to end without an answer."""


class Call(BaseHTTPRequestHandler):
    """Many calls, one after the other, on one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body of an answer leave together

    def setup(self) -> None:
        self.dropbox: LoopbackDropbox = self.server.dropbox  # type: ignore[attr-defined]
        self.number = self.server.connections  # type: ignore[attr-defined]
        self.timeout = self.dropbox.idle_s
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: `LoopbackDropbox.requests` is the log."""

    def do_GET(self) -> None:
        self._send(Answer(405, b"only POST", "text/plain"))

    def do_POST(self) -> None:
        begun_s = time.monotonic()
        route = self.path.removeprefix("/2/").removeprefix("/")
        fault = self.dropbox.faults.of(route)
        self.body_bytes = 0
        self.stored_path: str | None = None
        try:
            with self.dropbox.one_call if self.dropbox.serialised else contextlib.nullcontext():
                body = self._body(fault)
                time.sleep(self.dropbox.latency_s)
                answer = self._faulty(fault, lambda: self._answer(route, body))
            self._note(route, begun_s, answer.status)
            self._send(answer)
        except _Reset:
            self._note(route, begun_s, None)
            self._give_up()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        self.close_connection = True
        reset(self.connection)

    def _note(self, route: str, begun_s: float, status: int | None) -> None:
        """Before the answer leaves: who has it finds the request in the log."""
        request = Request(route, self.stored_path, begun_s, time.monotonic(), status, self.body_bytes, self.number)
        self.dropbox.note(request)

    def _body(self, fault: Fault | None) -> bytes:
        kind = fault.kind if fault is not None else None
        length = self.headers.get("Content-Length")
        if length is None:
            raise _Reset
        left = int(length)
        pieces = []
        while left:
            if fault is not None and kind in {"drop", "stop reading"} and self.body_bytes >= fault.after_bytes:
                break
            piece = self._piece(min(left, _PIECE))
            left -= len(piece)
            self.body_bytes += len(piece)
            self.dropbox.uplink.wait_for(len(piece))
            if fault is not None and kind == "slow":
                time.sleep(len(piece) / fault.bytes_per_s)
            if self.body_bytes <= MOST_BYTES + _PIECE:
                pieces.append(piece)
        if fault is not None and kind in {"hang", "stop reading"}:
            self.dropbox.faults.taken_back.wait(fault.seconds)
            raise _Reset
        if kind == "drop":
            raise _Reset
        return b"".join(pieces)

    def _piece(self, most: int) -> bytes:
        try:
            piece = self.rfile.read(most)
        except OSError:
            piece = b""
        if not piece:
            raise _Reset
        return piece

    def _faulty(self, fault: Fault | None, answer: Callable[[], Answer]) -> Answer:
        if fault is None or fault.kind == "slow":
            return answer()
        if fault.kind == "answer":
            assert fault.answer is not None
            return fault.answer
        found = answer()
        if fault.kind == "lose reply":
            raise _Reset
        if fault.kind == "break off":
            return dataclasses.replace(found, cut_at=fault.after_bytes)
        assert fault.kind == "wrong hash", fault.kind
        said = json.loads(found.body)
        return dataclasses.replace(found, body=json.dumps({**said, "content_hash": "0" * 64}).encode())

    def _answer(self, route: str, body: bytes) -> Answer:
        with self.dropbox.lock:
            try:
                if route == "oauth2/token":
                    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
                    return good(self.dropbox.tokens.token(form))
                return self._api(route, body)
            except Refusal as refusal:
                return refusal.answer

    def _api(self, route: str, body: bytes) -> Answer:
        if not self.path.startswith("/2/") or route not in _ROUTES:
            raise bad_input(route, "Unknown API function")
        style, scope = _ROUTES[route]
        token = self.dropbox.tokens.check(route, self.headers.get("Authorization"), scope)
        content_type = self.headers.get("Content-Type", "")
        if style in _STYLES and content_type.partition(";")[0] != _STYLES[style]:
            raise bad_input(route, f'Bad HTTP "Content-Type" header: "{content_type}".')
        try:
            arg = json.loads((body or b"null") if style == "rpc" else self.headers["Dropbox-API-Arg"])
        except (KeyError, TypeError, ValueError):
            raise bad_input(route, 'HTTP header "Dropbox-API-Arg": could not decode input as JSON') from None
        return self._done(route, arg, body, token)

    def _done(self, route: str, arg: Any, body: bytes, token: str) -> Answer:
        files = self.dropbox.files
        if route == "files/upload":
            self.stored_path = arg.get("path")
            return self._limited() or good(files.upload(route, arg, body))
        if route == "files/upload_session/start":
            return self._limited() or good(files.start(arg, body))
        if route == "files/upload_session/append_v2":
            return good(files.append(arg, body))
        if route == "files/upload_session/finish":
            self.stored_path = arg["commit"].get("path")
            return good(files.finish(route, arg, body))
        if route == "files/delete_v2":
            return good(files.delete(arg))
        if route == "files/download":
            return self.dropbox.reading.download(route, arg, self.headers.get("Range"))
        if route.startswith("files/"):
            return good(self.dropbox.reading.answer(route, arg))
        if route == "auth/token/revoke":
            self.dropbox.tokens.revoke(token)
            return good(None)
        if route == "check/user":
            return good({"result": (arg or {}).get("query", "")})
        return good({"account_id": self.dropbox.tokens.account_id, "email": "owner@example.org"})

    def _limited(self) -> Answer | None:
        most = self.dropbox.writes_in_a_minute
        if most is None:
            return None
        now_s = time.monotonic()
        recent = [at_s for at_s in self.dropbox.write_times if at_s > now_s - 60]
        self.dropbox.write_times[:] = recent
        if len(recent) >= most:
            return too_many(max(1, round(recent[0] + 60 - now_s)), "too_many_write_operations")
        self.dropbox.write_times.append(now_s)
        return None

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        self.send_header("Date", answer.headers.get("Date", self.date_time_string()))
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("X-Dropbox-Request-Id", f"{id(answer):032x}")
        for name, value in answer.headers.items():
            if name != "Date":
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body[: answer.cut_at])
        self.wfile.flush()
        if answer.cut_at is not None:
            self._give_up()


def reset(connection: socket.socket) -> None:
    """Let its client see a reset when it is closed."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
