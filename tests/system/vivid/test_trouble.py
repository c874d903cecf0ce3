"""What happens to a webcam: it is taken, damaged, silent, unplugged. And the daemon with it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.system.vivid import feed
from tests.system.vivid.judges import digests, events, intervals_us, is_a_stretch_of, probe


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
            assert moving & set(shown)

    def test_unplugging_ends_the_event_and_after_plugging_in_there_are_others(self, results: Path) -> None:
        kept = events(results, "Plug")
        reasons = [event["end_reason"] for event, _ in kept]
        assert reasons[0] == "source_lost"
        assert set(reasons[1:]) == {"rest"}
        for event, clip in kept:
            assert int(probe(clip)["nb_read_frames"]) == event["parts"][0]["pictures"]
            assert (event["state"], event["dropped_pictures"]) == ("complete", 0)
        assert kept[1][0]["start"] > kept[0][0]["end"]

    def test_it_says_that_the_camera_was_away(self, results: Path) -> None:
        said = (results / "daemon.log").read_text()
        assert "/dev/video3 was unplugged" in said
        assert said.index("Plug: event 1 ends (source_lost)") < said.index("/dev/video3 is back")
