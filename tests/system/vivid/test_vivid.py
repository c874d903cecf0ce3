"""V4l2Camera on a real kernel's V4L2: the test camera "vivid" in a QEMU guest, judged from outside.

The guest runs once (about 45 s) and goes through all that in_guest.py does; each test here looks at one part of it.
"""

import itertools
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.system.vivid import feed, guest, kernel

# One capturing node, and beside it an output and a metadata node, which are no cameras. Input 0 is a webcam.
# The second one keeps each plane of a picture in memory of its own.
VIVID = "n_devs=2 node_types=0x20101,0x1 num_inputs=1,1 input_types=0x0,0x0 multiplanar=1,2"
LOOPBACK = "devices=2 video_nr=8,9 card_label=Encoder,Webcam exclusive_caps=1,1"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if platform.machine() != "x86_64":
        pytest.skip("the guest is an x86-64 one")
    why = guest.missing()
    if why and not os.environ.get("CI"):
        pytest.skip(why)
    assert not why, why
    place = tmp_path_factory.mktemp("vivid")
    feed.write(place)
    built = kernel.build({"vivid": VIVID, "v4l2loopback": LOOPBACK})
    guest.run(built, Path(__file__).with_name("in_guest.py"), place, seconds=240)
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


def brightness(file: Path, width: int, height: int) -> NDArray[np.uint8]:
    """The last picture's Y plane, decoded by ffmpeg."""
    command = ["ffmpeg", "-v", "error", "-i", str(file), "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    pictures = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(pictures[-width * height :], np.uint8).reshape(height, width)


def planes(file: Path) -> NDArray[np.int64]:
    """The last picture's three planes (320×180, I420), one behind the other."""
    command = ["ffmpeg", "-v", "error", "-i", str(file), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
    pictures = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(pictures[-320 * 270 :], np.uint8).astype(np.int64)


def digests(file: Path) -> list[str]:
    """Of each picture as ffmpeg decodes it."""
    command = ["ffmpeg", "-v", "error", "-i", str(file), "-fps_mode", "passthrough", "-f", "framemd5", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line.split(",")[-1].strip() for line in said.splitlines() if not line.startswith("#")]


def is_a_stretch_of(part: list[str], loop: list[str]) -> bool:
    """Whether these pictures came one after the other in what is played over and over."""
    return any(part == [loop[(start + index) % len(loop)] for index in range(len(part))] for start in range(len(loop)))


def events(results: Path, camera: str) -> list[tuple[dict[str, Any], Path]]:
    """What the daemon kept, oldest first: event.json and the clip."""
    folders = sorted(file.parent for file in (results / "recordings" / camera).glob("*/*/event.json"))
    return [(json.loads((folder / "event.json").read_text()), folder / "video.mp4") for folder in folders]


def intervals_us(run: dict[str, Any]) -> NDArray[np.int64]:
    pts_us = np.array(run["pts_us"], np.int64)
    return pts_us[1:] - pts_us[:-1]


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
    plain = brightness(results / "plain.h264", 320, 180).astype(int)
    rotated = brightness(results / "rotated.h264", 320, 180).astype(int)
    assert np.abs(plain - rotated[::-1, ::-1]).mean() < 3
    assert np.abs(plain - rotated).mean() > 30


def test_the_overlay_is_drawn_at_the_top_and_changes_nothing_else(results: Path) -> None:
    plain = brightness(results / "plain.h264", 320, 180).astype(int)
    marked = brightness(results / "marked.h264", 320, 180).astype(int)
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
    assert abs(intervals_us(run).mean() - 200_000) < 20_000
    assert run["frames"] == []


def test_video_is_not_turned_and_has_no_other_format(seen: dict[str, Any]) -> None:
    for fault, says in (("turned", "cannot be turned"), ("format", "does not offer YUYV")):
        assert seen["coded"][fault]["kind"] == "SourceUnusable"
        assert says in seen["coded"][fault]["says"]


def test_jpegs_are_encoded_here_and_a_torn_one_is_counted(results: Path, seen: dict[str, Any]) -> None:
    run = seen["coded"]["jpeg"]
    described = run["described"]
    assert (described["format"], described["encoded_by"], described["damaged"]) == ("MJPG", "processor", 1)
    assert intervals_us(run).max() > 300_000  # it is missing
    assert int(probe(results / "jpeg.h264")["nb_read_frames"]) == len(run["pts_us"])
    # JPEG has the whole range of brightness, video 219 steps above 16 (ITU-R BT.601).
    expected = 16 + feed.picture(0)[:, 70:, 0].astype(float) * 219 / 255
    luma = planes(results / "jpeg.h264")[: 320 * 180].reshape(180, 320)
    assert np.abs(luma[:, 70:] - expected).mean() < 2


def test_runs_leave_nothing_open(seen: dict[str, Any]) -> None:
    assert seen["left_open"] == []


def test_a_stop_is_quick(seen: dict[str, Any]) -> None:
    runs = [run for part in (seen, seen["coded"], seen["planes"]) for run in part.values() if "stop_s" in run]
    assert len(runs) == 12
    assert all(run["fault"] is None and run["stop_s"] < 1 for run in runs)


@pytest.mark.parametrize(
    ("device", "kind", "says"),
    [
        ("/dev/video7", "SourceAway", "no camera at /dev/video7"),
        ("/dev/null", "SourceUnusable", "/dev/null is no camera"),
        ("/dev", "SourceUnusable", "/dev is no camera"),
        ("/dev/video1", "SourceUnusable", "does not capture pictures"),
    ],
)
def test_what_is_no_camera_says_so(seen: dict[str, Any], device: str, kind: str, says: str) -> None:
    assert seen["elsewhere"][device]["kind"] == kind
    assert says in seen["elsewhere"][device]["says"]


def test_a_user_without_permission_learns_which_group_to_join(seen: dict[str, Any]) -> None:
    assert seen["nobody"]["fault"]["kind"] == "SourceAway"
    for text in (seen["nobody"]["fault"]["says"], seen["nobody"]["listed"][0]):
        assert "no permission to open /dev/video0" in text
        assert "usermod -aG video" in text


def test_a_camera_in_use_names_who_uses_it(seen: dict[str, Any]) -> None:
    assert seen["taken"]["fault"]["kind"] == "SourceAway"
    assert "in use" in seen["taken"]["fault"]["says"]
    assert f"(process {seen['taken']['child']})" in seen["taken"]["fault"]["says"]


def test_a_damaged_picture_is_left_out_and_counted(results: Path, seen: dict[str, Any]) -> None:
    run = seen["damaged"]
    assert run["described"]["damaged"] == 1
    assert intervals_us(run).max() > 350_000  # one is missing
    assert int(probe(results / "damaged.h264")["nb_read_frames"]) == len(run["pts_us"])


def test_a_driver_that_refuses_is_asked_again_later(seen: dict[str, Any]) -> None:
    assert [fault["kind"] for fault in seen["refused"].values()] == ["SourceAway"] * 3
    assert all("/dev/video0 does not work: " in fault["says"] for fault in seen["refused"].values())


def test_a_driver_that_gives_up_in_the_middle_is_away(seen: dict[str, Any]) -> None:
    assert seen["failed"]["kind"] == "SourceAway"
    assert "has failed" in seen["failed"]["says"]


def test_pictures_that_the_camera_dropped_are_counted(seen: dict[str, Any]) -> None:
    run = seen["missed"]
    lost = int(np.round(intervals_us(run) / 200_000 - 1).sum())
    assert lost > 0
    assert run["described"]["missed"] == lost


def test_a_camera_that_falls_silent_is_given_up(seen: dict[str, Any]) -> None:
    assert seen["silent"]["kind"] == "SourceAway"
    assert "no picture for 5 s" in seen["silent"]["says"]


def test_an_unplugged_camera_is_away_and_works_again_once_plugged_in(results: Path, seen: dict[str, Any]) -> None:
    assert seen["replugged"]["unplugged"]["kind"] == "SourceAway"
    assert "unplugged" in seen["replugged"]["unplugged"]["says"]
    assert "no camera at" in seen["replugged"]["absent"]["says"]
    again = seen["replugged"]["again"]
    assert again["fault"] is None
    assert again["info"]["epoch"] == 2  # the third run of the same camera
    assert int(probe(results / "again.h264")["nb_read_frames"]) == len(again["pts_us"])


class TestDaemon:
    """The daemon with two webcams: one that encodes by itself, and one that is unplugged during its first event."""

    def test_it_ends_as_it_was_asked_to(self, seen: dict[str, Any]) -> None:
        assert seen["daemon"]["status"] == 0

    def test_movement_in_the_cameras_own_video_is_found_and_recorded_as_it_came(self, results: Path) -> None:
        fed = digests(results / "fed.h264")
        kept = events(results, "Encoder")
        assert kept
        for event, clip in kept:
            assert (event["state"], event["parts"][0]["codec"]) == ("complete", "h264")
            shown = digests(clip)
            assert int(probe(clip)["nb_read_frames"]) == len(shown) == event["parts"][0]["pictures"]
            assert is_a_stretch_of(shown, fed)
            moving = set(fed[feed.STILL_S * feed.RATE + 1 : -1])
            assert len(moving & set(shown)) > len(moving) / 2

    def test_unplugging_ends_the_event_and_after_plugging_in_there_are_others(self, results: Path) -> None:
        kept = events(results, "Plug")
        assert [event["end_reason"] for event, _ in kept] == ["source_lost", "rest"]
        assert [event["state"] for event, _ in kept] == ["complete", "complete"]
        for event, clip in kept:
            assert int(probe(clip)["nb_read_frames"]) == event["parts"][0]["pictures"]
            assert event["dropped_pictures"] == 0
        assert kept[1][0]["start"] > kept[0][0]["end"]

    def test_it_says_that_the_camera_was_away(self, results: Path) -> None:
        said = (results / "daemon.log").read_text()
        assert "/dev/video3 was unplugged" in said
        assert said.index("Plug: event 1 ends (source_lost)") < said.index("/dev/video3 is back")
