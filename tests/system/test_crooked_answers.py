"""Servers that answer a camera's address as no camera does: each attempt ends by itself, and says why."""

import os
import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from pi_sec_cam.camera import demux
from pi_sec_cam.camera.stream import StreamCamera
from pi_sec_cam.errors import SourceAway, SourceUnusable
from tests.recording_sink import RecordingSink, Running
from tests.system.crooked_camera import CrookedCamera, Rtsp, sets_of
from tests.unit import streams

SETS = sets_of(streams.units(seconds=1)[0].data)
RUBBISH = Random(1).randbytes(1 << 17)
OPEN_S = READ_S = 2.0  # in place of 10 s each: what matters is that they are kept
PAUSE_S = 0.02

Serve = Callable[[socket.socket, int], None]


def pour(connection: socket.socket, data: bytes) -> None:
    """For ever, until the other side has had enough."""
    while True:
        connection.sendall(data)
        time.sleep(PAUSE_S)


def after(request: str, then: Callable[[Rtsp, str], None]) -> Serve:
    """Behave up to a request; `then` gets its sequence number."""

    def serve(connection: socket.socket, number: int) -> None:
        session = Rtsp(connection, SETS)
        then(session, session.greet(request))

    return serve


def on_http(*answer: bytes) -> Serve:
    """Answer a request with all of it; the last piece is poured."""

    def serve(connection: socket.socket, number: int) -> None:
        connection.recv(4096)
        connection.sendall(b"".join(answer[:-1]))
        pour(connection, answer[-1])

    return serve


def says_nothing(connection: socket.socket, number: int) -> None:
    while connection.recv(4096):
        pass


def says_ok_to_all(connection: socket.socket, number: int) -> None:
    session = Rtsp(connection)
    while True:
        session.answer(session.request()[1])


def says_ok_for_ever(session: Rtsp, sequence: str) -> None:
    session.answer(sequence)
    pour(session.connection, f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n\r\n".encode() * 50)


def redirects_in_a_circle(session: Rtsp, sequence: str) -> None:
    time.sleep(PAUSE_S)
    address = f"127.0.0.1:{session.connection.getsockname()[1]}"
    head = f"RTSP/1.0 302 Found\r\nCSeq: {sequence}\r\nLocation: rtsp://{address}/cam\r\n\r\n"
    session.connection.sendall(head.encode())


def sends_long_headers(session: Rtsp, sequence: str) -> None:
    session.connection.sendall(f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n".encode())
    for _ in range(160):
        session.connection.sendall(b"X-Junk: " + bytes(65_528))


def sends_endless_headers(session: Rtsp, sequence: str) -> None:
    session.connection.sendall(f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n".encode())
    pour(session.connection, b"X-Junk: aaaaaaaaaaaaaaaaaaaa\r\n" * 50)


def sends_an_endless_sdp(session: Rtsp, sequence: str) -> None:
    head = f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nContent-Type: application/sdp\r\nContent-Length: 1900000000\r\n\r\n"
    session.connection.sendall(head.encode())
    pour(session.connection, b"a=control:trackID=1\r\n" * 500)


def sends_a_byte_at_times(session: Rtsp, sequence: str) -> None:
    for byte in f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n\r\n".encode():
        session.connection.sendall(bytes([byte]))
        time.sleep(0.2)


def plays_a_byte_at_times(session: Rtsp, sequence: str) -> None:
    session.answer(sequence)
    while True:
        session.connection.sendall(b"$")
        time.sleep(0.2)


def plays_rubbish(session: Rtsp, sequence: str) -> None:
    session.answer(sequence)
    pour(session.connection, RUBBISH[:1000])


CASES: dict[str, tuple[str, Serve, str]] = {
    "silence": ("rtsp", says_nothing, "did not answer"),
    "silence in place of TLS": ("https", says_nothing, "did not answer"),
    "silence in place of RTSP over TLS": ("rtsps", says_nothing, "did not answer"),
    "OK to everything": ("rtsp", says_ok_to_all, "does not answer as an RTSP camera"),
    "OK for ever": ("rtsp", after("DESCRIBE", says_ok_for_ever), "does not answer as an RTSP camera"),
    "OK for ever in place of video": ("rtsp", after("PLAY", says_ok_for_ever), "fallen silent"),
    "redirects": ("rtsp", after("OPTIONS", redirects_in_a_circle), "did not answer"),
    "10 MB of header": ("rtsp", after("OPTIONS", sends_long_headers), "RTSP|did not answer"),
    "endless headers": ("rtsp", after("DESCRIBE", sends_endless_headers), "did not answer"),
    "endless SDP": ("rtsp", after("DESCRIBE", sends_an_endless_sdp), "did not answer"),
    "drips": ("rtsp", after("OPTIONS", sends_a_byte_at_times), "did not answer"),
    "drips in place of video": ("rtsp", after("PLAY", plays_a_byte_at_times), "broke off|fallen silent"),
    "rubbish in place of video": ("rtsp", after("PLAY", plays_rubbish), "fallen silent|broke off"),
    "a web page": ("http", on_http(b"HTTP/1.1 200 OK\r\n\r\n", b"<p>hello</p>" * 10_000), "not video"),
    "rubbish": ("http", on_http(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n", RUBBISH), "not video"),
    "redirects of HTTP": ("http", on_http(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", b" "), "cannot be opened"),
    "endless headers of HTTP": ("http", on_http(b"HTTP/1.1 200 OK\r\n", b"X-Junk: " + bytes(4000)), "did not answer"),
    "a picture without end": (
        "http",
        on_http(
            b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=F\r\n\r\n",
            b"--F\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff",
            bytes(1000),
        ),
        "silent|answer",
    ),
}


def test_whatever_a_server_answers_the_attempt_ends_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once: none waits for processors, nearly all for a time limit."""
    monkeypatch.setattr(demux, "_OPEN_SECONDS", OPEN_S)
    monkeypatch.setattr(demux, "_READ_SECONDS", READ_S)
    threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
    resident = Path("/proc/self/statm")
    before_pages = int(resident.read_text().split()[1])
    with ExitStack() as stack:
        attempts: dict[str, tuple[Running, RecordingSink]] = {}
        for name, (scheme, serve, _) in CASES.items():
            source = stack.enter_context(CrookedCamera(serve))
            sink = RecordingSink()
            camera = StreamCamera(f"{scheme}://owner:s3cret@{source.address}/cam")
            attempts[name] = stack.enter_context(Running(camera, sink)), sink
        for running, _ in attempts.values():
            running.join(3 * (OPEN_S + READ_S))
        pages = int(resident.read_text().split()[1]) - before_pages
    for name, (_, _, says) in CASES.items():
        running, sink = attempts[name]
        assert isinstance(running.error, SourceAway | SourceUnusable), name
        assert re.search(says, str(running.error)), f"{name}: {running.error}"
        assert "s3cret" not in str(running.error), name
        assert not sink.units, name
    assert pages * os.sysconf("SC_PAGESIZE") < 100e6
    deadline = time.monotonic() + 5
    while threading.active_count() > threads or len(os.listdir("/proc/self/fd")) > descriptors:
        assert time.monotonic() < deadline, [thread.name for thread in threading.enumerate()]
        time.sleep(0.05)
