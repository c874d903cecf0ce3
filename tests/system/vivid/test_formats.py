"""Pictures in all kinds of memory, and from a camera that encodes them by itself (v4l2loopback)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.system.vivid import feed
from tests.system.vivid.judges import digests, intervals_us, is_a_stretch_of, luma, planes, probe


@pytest.mark.parametrize("fourcc", ["YU12", "NV12", "YUYV"])
def test_padding_behind_the_rows_does_not_show(results: Path, seen: dict[str, Any], fourcc: str) -> None:
    assert seen["padded"][fourcc]["described"]["format"] == fourcc
    difference = np.abs(planes(results / f"padded-{fourcc}.h264") - planes(results / "plain.h264"))
    assert difference.mean() < 2


@pytest.mark.parametrize("fourcc", ["YU12", "NM12", "YM12"])
def test_a_picture_may_lie_in_several_pieces_of_memory(results: Path, seen: dict[str, Any], fourcc: str) -> None:
    assert seen["planes"][fourcc]["described"]["format"] == fourcc
    difference = np.abs(planes(results / f"planes-{fourcc}.h264") - planes(results / "plain.h264"))
    assert difference.mean() < 2


def test_a_camera_that_encodes_is_listed_as_such(seen: dict[str, Any]) -> None:
    found = {camera["device"]: camera for camera in seen["coded"]["cameras"]}
    assert found["/dev/video9"]["name"] == "Webcam"
    mode = {"format": "H264", "width": 320, "height": 180, "rates": [5.0], "coding": "h264"}
    assert found["/dev/video9"]["modes"] == [mode]
    assert {mode["coding"] for mode in found["/dev/video0"]["modes"]} == {None}


def test_video_that_the_camera_encodes_is_handed_on_as_it_is(results: Path, seen: dict[str, Any]) -> None:
    run = seen["coded"]["video"]
    assert probe(results / "video.h264")["codec_name"] == "h264"
    assert is_a_stretch_of(digests(results / "video.h264"), digests(results / "fed.h264"))
    assert run["described"]["encoded_by"] == "camera"
    assert "not drawn" in run["described"]["note"]
    assert run["described"]["pictures"] == len(run["pts_us"])
    assert [run["info"][name] for name in ("codec", "width", "frame_rate", "with_frames")] == ["h264", 320, 5, False]
    assert run["keyframes"][0]
    assert abs(np.median(intervals_us(run)) - 200_000) < 20_000  # the first come in a burst
    assert run["frames"] == []


def test_video_is_not_turned_and_has_no_other_format(seen: dict[str, Any]) -> None:
    for fault, says in (("turned", "cannot be turned"), ("format", "does not offer YUYV")):
        assert seen["coded"][fault]["kind"] == "SourceUnusable"
        assert says in seen["coded"][fault]["says"]


def test_jpegs_are_encoded_here_and_torn_ones_are_counted(results: Path, seen: dict[str, Any]) -> None:
    run = seen["coded"]["jpeg"]
    described = run["described"]
    assert (described["format"], described["encoded_by"]) == ("MJPG", "processor")
    assert 1 <= described["damaged"] <= 3
    assert intervals_us(run).max() > 300_000  # they are missing
    assert int(probe(results / "jpeg.h264")["nb_read_frames"]) == len(run["pts_us"])
    # JPEG has the whole range of brightness, video 219 steps above 16 (ITU-R BT.601).
    expected = 16 + feed.picture(0)[:, 70:, 0].astype(float) * 219 / 255
    assert np.abs(luma(results / "jpeg.h264")[:, 70:] - expected).mean() < 2
