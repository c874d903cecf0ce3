"""Several cameras in one process: one list of events, one status, and none in another's way."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.local_socket import ask
from tests.system import films
from tests.system.crooked_camera import CrookedCamera
from tests.system.daemon import Home
from tests.system.misbehaviour import show
from tests.unit.streams import decoded_pictures

MOTION = {"rec_sec_before": 1, "rec_sec_after": 2, "max_event_time": 300}
NAMES = {"Yard", "Hall", "Front door"}
MANY = 16
# docs/architecture.md, Threads: supervisor, run, decoder, watcher, recorder.
THREADS_OF_A_FILE = 5


def cameras_of(home: Home) -> dict[str, Any]:
    found = ask(home.storage, "status")
    assert isinstance(found, dict)
    return {camera["name"]: camera for camera in found["cameras"]}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "walk.ts"
    path.write_bytes(b"".join(films.as_transport_stream(films.walk())))
    return path


@dataclass
class Seen:
    """Three cameras that record, and what is left when one has lost its source and the daemon has stopped."""

    home: Home
    together: dict[str, Any]
    alone: dict[str, Any]
    problems: list[str]
    took_s: float
    returncode: int


@pytest.fixture(scope="module")
def seen(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    unplugged = threading.Event()

    def serve(connection: socket.socket, number: int) -> None:
        if not number:
            show(connection, until=unplugged.is_set)

    with CrookedCamera(serve) as source:
        cameras = [
            {"cam_name": "Yard", "camera": {"backend": "scene"}, "video_size": [320, 180], "framerate": 10},
            {"cam_name": "Hall", "camera": {"backend": "stream", "url": str(film)}},
            {"cam_name": "Front door", "camera": {"backend": "stream", "url": f"rtsp://{source.address}/cam"}},
        ]
        home = Home(tmp_path_factory.mktemp("home"), cameras=cameras, motion=MOTION)
        with home.running() as daemon:
            home.until(lambda: all(camera["recorder"]["event"] for camera in cameras_of(home).values()), 60)
            together = cameras_of(home)
            unplugged.set()
            home.until(lambda: cameras_of(home)["Front door"]["recorder"]["events_recorded"], 30)
            alone = cameras_of(home)
            status = ask(home.storage, "status")
            assert isinstance(status, dict)
            took_s = home.stop(daemon)
        yield Seen(home, together, alone, status["problems"], took_s, daemon.returncode)


def test_one_status_shows_them_all(seen: Seen) -> None:
    assert set(seen.together) == NAMES
    assert {camera["source"]["state"] for camera in seen.together.values()} == {"live"}
    assert {camera["source"]["kind"] for camera in seen.together.values()} == {"scene", "stream"}


def test_one_that_is_lost_does_not_touch_the_others(seen: Seen) -> None:
    assert {name: camera["source"]["state"] for name, camera in seen.alone.items()} == {
        "Yard": "live",
        "Hall": "live",
        "Front door": "away",
    }
    (problem,) = seen.problems
    assert "Front door" in problem
    for name in ("Yard", "Hall"):
        before, after = seen.together[name]["source"], seen.alone[name]["source"]
        assert after["pictures"] - before["pictures"] > 30
        assert after["attempts"] == 1


def test_one_list_has_the_events_of_all(seen: Seen) -> None:
    events = seen.home.events()
    assert {event["camera"] for event in events} == NAMES
    assert len({event["id"] for event in events}) == len(events)
    for event in events:
        folder = event["camera"].replace(" ", "%20")
        assert event["id"].startswith(f"{folder}/")
        record = json.loads((Path(event["path"]) / "event.json").read_text())
        assert record["state"] == "complete"
        for part in record["parts"]:
            assert decoded_pictures(Path(event["path"]) / part["file"]) == part["pictures"] > 0
    for name in NAMES:
        assert seen.home.events("--camera", name) == [event for event in events if event["camera"] == name]
    (lost,) = seen.home.events("--camera", "Front door")
    assert json.loads((Path(lost["path"]) / "event.json").read_text())["end_reason"] == "source_lost"


def test_they_stop_together_in_time(seen: Seen) -> None:
    assert seen.took_s < 5
    assert seen.returncode == 0
    assert "Traceback" not in seen.home.log


def test_sixteen_start_and_stop(film: Path, tmp_path: Path) -> None:
    cameras = [{"cam_name": f"Camera {number:02}"} for number in range(MANY)]
    home = Home(tmp_path, cameras=cameras, camera={"backend": "stream", "url": str(film)}, motion=MOTION)
    with home.running() as daemon:
        home.until(lambda: all(camera["recorder"]["event"] for camera in cameras_of(home).values()), 60)
        states = [camera["source"]["state"] for camera in cameras_of(home).values()]
        threads = len(list(Path(f"/proc/{daemon.pid}/task").iterdir()))
        assert home.stop(daemon) < 5
        assert daemon.returncode == 0, home.log
    assert states == ["live"] * MANY
    assert threads <= MANY * THREADS_OF_A_FILE + 8
    assert "Traceback" not in home.log
    events = home.events()
    assert {event["camera"] for event in events} == {camera["cam_name"] for camera in cameras}
    assert {event["state"] for event in events} == {"complete"}
