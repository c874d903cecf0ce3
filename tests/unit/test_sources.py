"""How long a network camera's pictures may wait to be read together: less where events leave this machine."""

from collections.abc import Callable
from typing import Any

import pytest

from pi_sec_cam.camera import stream
from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.config import CameraConfiguration
from pi_sec_cam.node.sources import camera_for, detection_camera_for

MAIN, SMALL = "rtsp://camera/main", "rtsp://camera/small"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """By address, what a stream was made with."""
    found: dict[str, dict[str, Any]] = {}
    monkeypatch.setattr(stream, "StreamCamera", lambda url, **how: found.setdefault(url, how))
    return found


def make(hurry: Callable[[], bool] | None, *, detect_url: str | None = SMALL, fps: float = 5) -> None:
    camera = {"backend": "stream", "url": MAIN, "detect_url": detect_url}
    configuration = CameraConfiguration.model_validate({"camera": camera, "motion": {"fps": fps}})
    camera_for(configuration, SimulatedClock(), demo=False, hurry=hurry)
    detection_camera_for(configuration, SimulatedClock(), hurry=hurry)


def test_what_is_only_kept_may_wait_for_longest(made: dict[str, dict[str, Any]]) -> None:
    make(None)
    assert (made[MAIN]["read_every_s"], made[SMALL]["read_every_s"]) == (0.4, 0.2)
    assert not made[MAIN]["hurry"]()


def test_what_is_watched_may_not(made: dict[str, dict[str, Any]]) -> None:
    make(None, detect_url=None)
    assert made[MAIN]["read_every_s"] == 0.2


def test_no_two_pictures_for_detection_are_read_together(made: dict[str, dict[str, Any]]) -> None:
    make(None, fps=15)
    assert made[SMALL]["read_every_s"] == pytest.approx(1 / 15)


@pytest.mark.parametrize(("detect_url", "watched"), [(SMALL, SMALL), (None, MAIN)])
def test_what_is_watched_and_sent_waits_for_a_tenth_of_a_second(
    made: dict[str, dict[str, Any]], detect_url: str | None, watched: str
) -> None:
    make(lambda: False, detect_url=detect_url)
    assert made[watched]["read_every_s"] == 0.1
    assert all(how["read_every_s"] == 0.4 for url, how in made.items() if url != watched)


def test_while_something_moves_that_is_to_leave_nothing_waits(made: dict[str, dict[str, Any]]) -> None:
    hurries = False
    make(lambda: hurries)
    assert [how["hurry"]() for how in made.values()] == [False, False]
    hurries = True
    assert [how["hurry"]() for how in made.values()] == [True, True]
