"""The user's stop and start of a camera, through the daemon: what is kept, what is forgotten, what survives."""

from pathlib import Path

import pytest

from tests.system.daemon import Home
from tests.unit.streams import decoded_pictures, encoded

CAMERA = {"video_size": [320, 180], "framerate": 10, "motion": {"rec_sec_before": 4, "rec_sec_after": 2}}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Two cameras in the rendered yard, in real time; in one of them somebody walks all the time."""
    return Home(
        tmp_path,
        **CAMERA,
        cameras=[
            {"cam_name": "Yard", "camera": {"backend": "scene"}},
            {"cam_name": "Gate", "camera": {"backend": "scene", "scene": {"people": False, "cat": False}}},
        ],
    )


def running(home: Home) -> dict[str, bool]:
    return {camera["name"]: camera["running"] for camera in home.status()["cameras"]}


def test_a_stop_ends_the_event_and_a_start_goes_on_without_what_was_seen_before(home: Home) -> None:
    with home.running() as daemon:
        home.until(lambda: home.status()["cameras"][0]["recorder"]["event"], 30)
        said = home.command("stop", "Yard")
        assert (said.returncode, said.stdout) == (0, "Yard: stopped\nGate: watches\n")
        stopped = home.status()["cameras"][0]
        assert (stopped["source"]["state"], stopped["motion"]["state"]) == ("stopped", "armed")
        assert stopped["ring"]["bytes"] == 0, "what was seen is still in memory"
        assert stopped["recorder"]["event"] is None
        (event,) = home.events()
        assert (event["state"], event["end_reason"]) == ("complete", "stopped")
        assert decoded_pictures(Path(event["path"]) / "video.mp4") == event["parts"][0]["pictures"]

        seen = stopped["source"]["pictures"]
        home.until(lambda: home.status()["cameras"][1]["source"]["last_picture_age"] < 1, 5)
        assert home.status()["cameras"][0]["source"]["pictures"] == seen
        assert home.status()["state"] == "working", "a camera that the user has stopped is healthy"

        assert home.command("start").stdout == "Yard: watches\nGate: watches\n"
        home.until(lambda: len(home.events()) == 2, 60)
        _, newest = home.events()
        assert newest["start"] > event["end"]
        assert home.stop(daemon) < 5
    assert "Traceback" not in home.log


def test_what_the_user_has_stopped_stays_stopped_after_a_crash(home: Home) -> None:
    with home.running() as daemon:
        assert home.command("stop", "Yard").returncode == 0
        daemon.kill()
    with home.running():
        assert running(home) == {"Yard": False, "Gate": True}
        assert home.status()["cameras"][0]["source"]["pictures"] == 0
        assert home.command("stop").returncode == 0
    with home.running():
        assert running(home) == {"Yard": False, "Gate": False}
        assert "Yard: stopped by the user" in home.log.rpartition("clips go to")[0].rpartition("clips go to")[2]
        assert home.command("start").returncode == 0
    with home.running():
        assert running(home) == {"Yard": True, "Gate": True}


def test_a_camera_that_is_not_there_is_refused_by_name(home: Home) -> None:
    done = home.command("stop")
    assert done.returncode == 1
    assert "pi-sec-cam run" in done.stderr
    with home.running():
        done = home.command("start", "Yard", "Garden")
        assert (done.returncode, done.stderr) == (1, "pi-sec-cam: no camera Garden; there are: Yard, Gate\n")
        assert running(home) == {"Yard": True, "Gate": True}


def test_a_file_that_has_ended_is_not_said_to_be_watched_again(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(encoded(seconds=2))
    file = {"backend": "stream", "url": str(film), "at_end": "exit", "pace": "fast"}
    home = Home(
        tmp_path,
        **CAMERA,
        cameras=[{"cam_name": "Film", "camera": file}, {"cam_name": "Yard", "camera": {"backend": "scene"}}],
    )
    with home.running() as daemon:
        home.until(lambda: home.status()["cameras"][0]["source"]["state"] == "ended", 20)
        assert home.command("stop").returncode == 0
        done = home.command("start")
        assert (done.returncode, running(home)) == (1, {"Film": False, "Yard": True})
        assert "Film: its file has come to its end" in done.stderr
        assert home.stop(daemon) < 5
    film.unlink()
    with home.running():  # one that is missing does not take the other with it
        home.until(lambda: home.status()["cameras"][1]["source"]["state"] == "live", 20)
        home.until(lambda: str(film) in " ".join(home.status()["problems"]), 20)
