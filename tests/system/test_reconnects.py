"""A source that is lost a thousand times: what each attempt took is given back."""

import ctypes
import gc
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from pi_sec_cam.backoff import Backoff
from pi_sec_cam.camera.stream import StreamCamera
from pi_sec_cam.camera.supervisor import CameraSupervisor
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.h264 import split_annex_b
from tests.recording_sink import RecordingSink
from tests.system.crooked_camera import CrookedCamera, Rtsp, sets_of
from tests.unit import streams

PATIENCE_S = 60
FILM = [unit.data for unit in streams.units(seconds=1, rate=10, gop=10)]
RATE = 10


def hangs_up(connection: socket.socket, number: int) -> None:
    """As soon as somebody comes."""


def knows_nothing(connection: socket.socket, number: int) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


def shows_a_second(connection: socket.socket, number: int) -> None:
    session = Rtsp(connection, sets_of(FILM[0]))
    session.play()
    for index, picture in enumerate(FILM):
        session.picture(split_annex_b(picture), index / RATE)


def goes_mad(connection: socket.socket, number: int) -> None:
    shows_a_second(connection, number)
    connection.sendall(Random(number).randbytes(300))


class CountingSink(RecordingSink):
    """Keeps nothing: memory is measured here."""

    pictures = 0

    def access_unit(self, unit: AccessUnit) -> None:
        self.pictures += 1


def used() -> tuple[int, int, float]:
    """Descriptors, threads, and megabytes of memory that are in use."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what the allocator only keeps for the next one is not in use
    resident_pages = int(Path("/proc/self/statm").read_text().split()[1])
    return len(os.listdir("/proc/self/fd")), threading.active_count(), resident_pages * os.sysconf("SC_PAGESIZE") / 1e6


def await_attempts(supervisor: CameraSupervisor, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (attempts := int(str(supervisor.status()["attempts"]))) < count:
        assert time.monotonic() < deadline, f"only {attempts} attempts: {supervisor.trouble()}"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("serve", "scheme", "pictures"),
    [(hangs_up, "rtsp", 0), (knows_nothing, "http", 0), (shows_a_second, "rtsp", 10), (goes_mad, "rtsp", 10)],
)
def test_a_thousand_reconnects_leave_nothing_behind(
    serve: Callable[[socket.socket, int], None], scheme: str, pictures: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)  # pytest would keep what is said of each attempt
    before = used()
    with CrookedCamera(serve) as source:
        sink = CountingSink()
        supervisor = CameraSupervisor(
            StreamCamera(f"{scheme}://{source.address}/cam"),
            sink,
            name="supervisor",
            backoff=Backoff(first=0.001, cap=0.002, chance=Random(1)),
        )
        supervisor.start()
        await_attempts(supervisor, 200)
        warm = used()
        await_attempts(supervisor, 1000)
        after = used()
        assert sink.pictures >= 990 * pictures
        supervisor.stop()
        assert supervisor.join(2)
    # One connection may be under way on either side: our end, its end, the threads of both.
    assert after[0] <= before[0] + 4
    assert after[1] <= before[1] + 5
    assert after[2] - warm[2] < 6, "megabytes that 800 reconnects have cost"
