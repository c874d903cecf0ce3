"""V4l2Camera on a real kernel's V4L2, the test camera "vivid": what it delivers, judged from outside."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from tests.system.vivid.judges import intervals_us, luma, probe


def test_only_the_capturing_nodes_are_cameras(seen: dict[str, Any]) -> None:
    assert [(c["kind"], c["device"], c["name"]) for c in seen["cameras"]] == [
        ("v4l2", "/dev/video0", "vivid"),
        ("v4l2", "/dev/video3", "vivid"),
    ]
    assert seen["best"] == seen["cameras"][0]


def test_modes_are_those_of_the_driver(seen: dict[str, Any]) -> None:
    # drivers/media/test-drivers/vivid/vivid-vid-cap.c, webcam_sizes and webcam_intervals.
    modes = {(m["format"], m["width"], m["height"]): m["rates"] for m in seen["cameras"][0]["modes"]}
    assert {(width, height) for _, width, height in modes} >= {(320, 180), (640, 360), (1920, 1080)}
    assert {fourcc for fourcc, _, _ in modes} == {"YU12", "NV12", "YUYV", "UYVY"}
    assert modes["YUYV", 1920, 1080][-4:] == [5, 4, 2, 1]


def test_ffprobe_accepts_what_was_recorded(results: Path, seen: dict[str, Any]) -> None:
    stream = probe(results / "plain.h264")
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", 320, 180)
    assert int(stream["nb_read_frames"]) == len(seen["plain"]["pts_us"])
    assert [kind == "I" for kind in stream["types"]] == seen["plain"]["keyframes"]
    info = seen["plain"]["info"]
    assert (info["width"], info["height"], info["frame_rate"], info["with_frames"]) == (320, 180, 5, True)


def test_timestamps_are_those_of_the_pictures_on_the_monotonic_clock(seen: dict[str, Any]) -> None:
    run = seen["plain"]
    assert run["pts_us"] == run["dts_us"]
    assert abs(intervals_us(run).mean() - 200_000) < 10_000
    # vivid says when a picture ends and delivers it when it begins: up to one interval ahead. So these are its times,
    # and not those at which the pictures came.
    ahead_us = [pts - arrived for pts, arrived in zip(run["pts_us"], run["arrived_us"], strict=True)]
    assert 50_000 < max(ahead_us) <= 200_000
    assert run["began_us"] < run["pts_us"][0]


def test_keyframes_come_every_second(seen: dict[str, Any]) -> None:
    run = seen["plain"]
    keys = [pts for pts, key in zip(run["pts_us"], run["keyframes"], strict=True) if key]
    assert keys[0] == run["pts_us"][0]
    assert all(900_000 < later - sooner < 1_300_000 for sooner, later in itertools.pairwise(keys))


def test_detection_gets_the_frames_that_it_wants_and_no_others(seen: dict[str, Any]) -> None:
    run = seen["plain"]
    assert len(run["frames"]) == 4  # in 3 s, one each second
    assert all((height, width) == (180, 320) and pts in run["pts_us"] for height, width, pts, _ in run["frames"])


def test_detection_does_not_see_the_overlay(seen: dict[str, Any]) -> None:
    assert len(seen["marked"]["frames"]) == 2
    assert all(deviation < 1 for *_, deviation in seen["marked"]["frames"])  # the flat first bar


def test_a_rotated_camera_shows_the_picture_upside_down(results: Path) -> None:
    plain = luma(results / "plain.h264")
    rotated = luma(results / "rotated.h264")
    assert np.abs(plain - rotated[::-1, ::-1]).mean() < 3
    assert np.abs(plain - rotated).mean() > 30


def test_the_overlay_is_drawn_at_the_top_and_changes_nothing_else(results: Path) -> None:
    plain = luma(results / "plain.h264")
    marked = luma(results / "marked.h264")
    assert np.abs(plain - marked)[:45].max() > 60
    assert np.abs(plain - marked)[90:].max() < 30


def test_a_faster_camera_is_thinned_out(seen: dict[str, Any]) -> None:
    # 4 pictures a second is the least that vivid offers above 3.
    assert seen["thinned"]["described"]["frame_rate"] == 3
    assert abs(intervals_us(seen["thinned"])[1:].mean() - 333_333) < 60_000


def test_the_nearest_mode_is_taken_and_said(results: Path, seen: dict[str, Any]) -> None:
    assert probe(results / "nearest.h264")["width"] == 640
    assert "640×360 instead of 500×300" in seen["nearest"]["described"]["note"]
    assert "note" not in seen["plain"]["described"]
