"""Picamera2Camera with the real picamera2 and libcamera's virtual camera, judged from outside.

The root is built once (a minute) and the program in it runs once (15 s); each test here looks at one part of it.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.picamera2 import root


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    why = root.missing()
    if why and not os.environ.get("CI"):
        pytest.skip(why)
    assert not why, why
    place = tmp_path_factory.mktemp("picamera2")
    root.run(root.build(), Path(__file__).with_name("in_root.py"), place, seconds=120)
    return place


@pytest.fixture(scope="module")
def seen(results: Path) -> dict[str, Any]:
    return dict(json.loads((results / "seen.json").read_text()))


def probe(file: Path) -> dict[str, Any]:
    """What ffprobe says of a stream, all pictures decoded; it must have nothing to complain about."""
    command = ["ffprobe", "-v", "warning", "-of", "json", "-count_frames", "-show_streams", "-show_entries"]
    done = subprocess.run([*command, "frame=pict_type", str(file)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    said = json.loads(done.stdout)
    return {**said["streams"][0], "types": [frame["pict_type"] for frame in said["frames"]]}


def brightness(file: Path, width: int, height: int) -> NDArray[np.int64]:
    """The last picture's Y plane, decoded by ffmpeg."""
    command = ["ffmpeg", "-v", "error", "-i", str(file), "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    pictures = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(pictures[-width * height :], np.uint8).reshape(height, width).astype(np.int64)


def test_the_camera_is_found_and_taken(seen: dict[str, Any]) -> None:
    assert [(c["kind"], c["device"], c["name"]) for c in seen["found"]] == [("picamera2", "0", "imx219")]
    assert seen["problems"] == []
    assert seen["best"] == seen["found"][0]


@pytest.mark.parametrize(("name", "width", "height"), [("plain", 1280, 720), ("small", 640, 360), ("again", 1280, 720)])
def test_ffprobe_accepts_what_was_recorded(
    results: Path, seen: dict[str, Any], name: str, width: int, height: int
) -> None:
    stream = probe(results / f"{name}.h264")
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", width, height)
    assert int(stream["nb_read_frames"]) == len(seen[name]["pts_us"])
    assert [kind == "I" for kind in stream["types"]] == seen[name]["keyframes"]
    assert (seen[name]["info"]["width"], seen[name]["info"]["height"]) == (width, height)
    assert seen[name]["info"]["with_frames"] is True


def test_timestamps_are_the_sensors_on_the_monotonic_clock(seen: dict[str, Any]) -> None:
    run = seen["plain"]
    assert run["pts_us"] == run["dts_us"]
    intervals = [later - sooner for sooner, later in zip(run["pts_us"], run["pts_us"][1:], strict=False)]
    assert 45_000 < np.median(intervals) < 55_000
    assert min(intervals) > 0
    assert run["began_us"] < run["pts_us"][0] <= run["pts_us"][-1] < run["ended_us"]
    # Not counted from the encoder's first picture, and not from when it came out of the encoder: frames of the same
    # pictures carry the same times.
    assert {pts_us for _, _, pts_us, _ in run["frames"][:5]} <= set(run["pts_us"])


def test_a_keyframe_each_second(seen: dict[str, Any]) -> None:
    keys = [number for number, key in enumerate(seen["plain"]["keyframes"]) if key]
    assert keys[:3] == [0, 20, 40]


def test_detection_gets_small_pictures_at_its_own_rate(seen: dict[str, Any]) -> None:
    frames = seen["plain"]["frames"]
    assert all((height, width) == (360, 640) for height, width, _, _ in frames)
    seconds = (seen["plain"]["pts_us"][-1] - seen["plain"]["pts_us"][0]) / 1e6
    assert abs(len(frames) - 5 * seconds) <= 2
    assert all(deviation > 50 for *_, deviation in frames)  # stripes, not an empty buffer


def test_the_overlay_is_drawn_at_the_top_left_and_nowhere_else(results: Path) -> None:
    # The stripes move a little from picture to picture, the text does not: it has both black and white in one place.
    marked = brightness(results / "marked.h264", 1280, 720)
    plain = brightness(results / "plain.h264", 1280, 720)
    edges = [np.abs(np.diff(picture[:40, :120], axis=1)).sum() for picture in (plain, marked)]
    assert edges[1] > 3 * edges[0]


def test_each_run_is_an_epoch_of_its_own(seen: dict[str, Any]) -> None:
    assert (seen["plain"]["info"]["epoch"], seen["again"]["info"]["epoch"]) == (0, 1)


def test_a_stop_is_quick(seen: dict[str, Any]) -> None:
    runs = [run for run in seen.values() if isinstance(run, dict) and "stop_s" in run]
    assert len(runs) == 5
    assert all(run["fault"] is None and run["stop_s"] < 1 for run in runs)


def test_the_software_encoder_is_used_where_there_is_no_other(seen: dict[str, Any]) -> None:
    assert seen["plain"]["described"]["encoder"] == "software"


def test_an_absent_camera_is_away(seen: dict[str, Any]) -> None:
    assert seen["second_camera"]["kind"] == "SourceAway"
    assert "no Pi camera 7" in seen["second_camera"]["says"]


def test_a_camera_in_use_is_away_and_asking_again_costs_nothing(seen: dict[str, Any]) -> None:
    assert seen["in_use"]["told"]["kind"] == "SourceAway"
    assert "busy" in seen["in_use"]["told"]["says"]
    before, after = seen["in_use"]["descriptors"]
    assert after <= before


def test_a_sensor_that_falls_silent_is_given_up_and_works_again(seen: dict[str, Any]) -> None:
    assert seen["stalled"]["kind"] == "SourceAway"
    assert "no picture for 5 s" in seen["stalled"]["says"]
    assert len(seen["after"]["pts_us"]) >= 5


def test_a_fault_in_a_callback_comes_out_of_run_and_leaves_the_camera_usable(seen: dict[str, Any]) -> None:
    assert seen["faulty"] == {"kind": "RuntimeError", "says": "a reader's fault"}
    assert seen["after"]["fault"] is None


def test_a_run_leaves_no_descriptors_behind(seen: dict[str, Any]) -> None:
    before, after = seen["descriptors"]
    assert after <= before
