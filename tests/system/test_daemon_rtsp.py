"""The whole daemon on a real RTSP camera that shows the rendered yard: from the network to a kept clip."""

import json
import threading
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from pi_sec_cam.camera.scene import SceneCamera, SceneSettings
from pi_sec_cam.media.mp4 import Mp4Writer
from tests.recording_sink import RecordingSink
from tests.system.daemon import Home
from tests.system.rtsp_camera import RtspCamera
from tests.unit.streams import decoded_pictures, packets, stream_entry

RATE = 15
MOTION = {"rec_sec_before": 2, "rec_sec_after": 2}


def film(path: Path, width: int, height: int) -> str:
    """Twenty seconds of the yard; somebody comes after some of them. Returns the path as text."""
    settings = SceneSettings(cat=False, clouds=False)
    camera = SceneCamera(width=width, height=height, frame_rate=RATE, settings=settings, pace="fast", duration_s=20)
    sink = RecordingSink()
    camera.run(sink, threading.Event())
    with path.open("wb") as file, Mp4Writer(lambda data: file.write(data) and None, sink.units[0].info) as writer:
        for unit in sink.units:
            writer.add(unit)
    return str(path)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    return film(tmp_path_factory.mktemp("film") / "large.mp4", 640, 360)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    return film(tmp_path_factory.mktemp("film") / "small.mp4", 320, 180)


def recorded(home: Home) -> int:
    return int(home.status()["cameras"][0]["recorder"]["events_recorded"])


def check(event: dict[str, Any], width: int) -> None:
    folder = Path(event["path"])
    record = json.loads((folder / "event.json").read_text())
    for part in record["parts"]:
        clip = folder / part["file"]
        shown = packets(clip)
        assert shown[0]["flags"].startswith("K")
        assert decoded_pictures(clip) == part["pictures"] == len(shown)
        assert int(stream_entry(clip, "width")) == width
        times = [float(p["pts_time"]) for p in shown]
        # Roughly: this camera gives its pictures the times at which they come out of a pipe.
        assert median(b - a for a, b in pairwise(times)) == pytest.approx(1 / RATE, rel=0.1)
    before = datetime.fromisoformat(record["motion_start"]) - datetime.fromisoformat(record["start"])
    assert 2 <= before.total_seconds() <= 3.5


def test_a_network_camera_s_movement_is_kept_without_encoding_it_again(tmp_path: Path, large: str) -> None:
    with RtspCamera("--loop", large, user="cam", password="pass word") as camera:
        url = camera.url("cam:pass%20word")
        home = Home(tmp_path, camera={"backend": "stream", "url": url}, motion=MOTION)
        with home.running() as daemon:
            home.until(lambda: recorded(home), 60)
            source = home.status()["cameras"][0]["source"]
            assert source["state"] == "live"
            assert home.stop(daemon) < 5
            assert daemon.returncode == 0
    assert "pass%20word" not in home.log
    event = home.events()[0]
    assert event["end_reason"] == "rest"
    check(event, 640)


def test_a_sub_stream_is_watched_and_the_main_stream_kept(tmp_path: Path, large: str, small: str) -> None:
    with RtspCamera("--loop", large) as main, RtspCamera("--loop", small) as sub:
        home = Home(tmp_path, camera={"backend": "stream", "url": main.url(), "detect_url": sub.url()}, motion=MOTION)
        with home.running() as daemon:
            home.until(lambda: recorded(home), 60)
            status = home.status()["cameras"][0]
            assert status["detection_source"]["state"] == "live"
            home.stop(daemon)
    event = home.events()[0]
    assert {part["width"] for part in json.loads((Path(event["path"]) / "event.json").read_text())["parts"]} == {640}


def test_a_camera_that_dies_in_mid_event_leaves_a_whole_clip_and_is_taken_up_again(tmp_path: Path, large: str) -> None:
    with RtspCamera("--loop", large) as camera:
        home = Home(tmp_path, camera={"backend": "stream", "url": camera.url()}, motion=MOTION)
        with home.running() as daemon:
            home.until(lambda: home.status()["cameras"][0]["recorder"]["state"] == "recording", 60)
            camera.pull_the_plug()
            home.until(lambda: home.status()["cameras"][0]["source"]["state"] == "away", 20)
            home.until(lambda: recorded(home), 20)
            status = home.status()
            assert status["state"] == "degraded"
            (event,) = home.events()
            record = json.loads((Path(event["path"]) / "event.json").read_text())
            assert record["end_reason"] == "source_lost"
            assert decoded_pictures(Path(event["path"]) / "video.mp4") == record["parts"][0]["pictures"]
            camera.switch_on()
            home.until(lambda: home.status()["cameras"][0]["source"]["state"] == "live", 40)
            home.until(lambda: home.status()["state"] == "working", 10)
            home.stop(daemon)
    assert "Traceback" not in home.log


def test_a_frozen_camera_does_not_keep_the_clip_from_being_closed(tmp_path: Path, large: str) -> None:
    with RtspCamera("--loop", large) as camera:
        home = Home(tmp_path, camera={"backend": "stream", "url": camera.url()}, motion=MOTION)
        with home.running() as daemon:
            home.until(lambda: home.status()["cameras"][0]["recorder"]["event"], 60)
            camera.freeze()
            assert home.stop(daemon) < 5
            assert daemon.returncode == 0
            camera.thaw()
    (event,) = home.events()
    record = json.loads((Path(event["path"]) / "event.json").read_text())
    assert record["state"] == "complete"
    assert decoded_pictures(Path(event["path"]) / "video.mp4") == record["parts"][0]["pictures"] > 0
