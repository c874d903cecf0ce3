"""What systemd is told: judged by a socket of the same kind as its own."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pi_sec_cam.cli.service_manager import ServiceManager
from pi_sec_cam.clock import SimulatedClock


@pytest.fixture(params=["/", "@"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    address = f"{tmp_path}/notify" if request.param == "/" else f"@pi-sec-cam-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address.replace("@", "\0", 1))
        listener.setblocking(False)
        yield address, listener


def heard(listener: socket.socket) -> list[str]:
    messages = []
    while True:
        try:
            messages.append(listener.recv(1000).decode())
        except BlockingIOError:
            return messages


def test_each_state_is_told_once(manager: tuple[str, socket.socket]) -> None:
    address, listener = manager
    told = ServiceManager({"NOTIFY_SOCKET": address}, SimulatedClock())
    told.ready()
    told.status("working\nwell")
    told.status("working\nwell")
    told.status("degraded")
    told.alive()  # nobody asked for it
    told.stopping()
    assert heard(listener) == ["READY=1", "STATUS=working well", "STATUS=degraded", "STOPPING=1"]


def test_signs_of_life_come_three_times_in_the_time_that_is_allowed(manager: tuple[str, socket.socket]) -> None:
    address, listener = manager
    clock = SimulatedClock()
    told = ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000"}, clock)
    for _ in range(100):
        told.alive()
        clock.advance(0.2)
    assert heard(listener) == ["WATCHDOG=1"] * 2


def test_a_sign_of_life_that_another_process_is_asked_for_is_not_given(manager: tuple[str, socket.socket]) -> None:
    address, listener = manager
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}
    ServiceManager(environment, SimulatedClock()).alive()
    assert heard(listener) == []


def test_without_a_manager_nothing_happens() -> None:
    told = ServiceManager({}, SimulatedClock())
    told.ready()
    told.alive()


def test_a_manager_that_is_gone_is_said_and_borne(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "nobody")}, SimulatedClock()).ready()
    assert "READY" in caplog.text
