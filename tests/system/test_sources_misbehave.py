"""Eleven cameras of one daemon that misbehave in the middle of an event, each in its way, beside one that does not."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.local_socket import ask
from tests.system import films
from tests.system.crooked_camera import CrookedCamera
from tests.system.daemon import Home
from tests.system.misbehaviour import FILM_S, OTHER_SIZE, PICTURE_S, SCRIPTS, SIZE, Script
from tests.unit.streams import decoded_pictures, packets

# One that is lost for a moment is back before its event would end by itself.
MOTION = {"rec_sec_before": 1, "rec_sec_after": 4, "max_event_time": 300}
# What each one's source is while it misbehaves.
STATES = {
    "behaves": {"live"},
    "freezes": {"stalled", "away"},
    "dies": {"away"},
    "drips": {"stalled", "away"},
    "goes_mad": {"stalled", "away"},
    "damages_its_pictures": {"live"},
    "lies_about_its_size": {"live"},
    "changes_its_size": {"live"},
    "restarts_with_another_size": {"live"},
    "loses_its_stream": {"away"},
    "changes_its_codec": {"live"},
    "sends_broken_jpegs": {"stalled"},
}
LOST = {name for name, states in STATES.items() if states != {"live"}} | {"damages_its_pictures"}


def cameras_of(status: dict[str, Any]) -> dict[str, Any]:
    """By name."""
    return {camera["name"]: camera for camera in status["cameras"]}


@dataclass
class Seen:
    """What the daemon showed and left.

    Attributes:
        began: when they began to misbehave.
    """

    began: datetime
    bad: dict[str, Any]
    healed: dict[str, Any]
    records: dict[str, list[tuple[Path, dict[str, Any]]]]
    took_s: float
    returncode: int
    log: str


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    for film in ((*SIZE, FILM_S), (*OTHER_SIZE, FILM_S), (*SIZE, FILM_S, "h265")):
        films.walk(*film)
    with ExitStack() as stack:
        scripts = {name: Script(act, scheme) for name, (act, scheme) in SCRIPTS.items()}
        cameras = []
        for name, script in scripts.items():
            source = stack.enter_context(CrookedCamera(script.serve))
            stack.callback(script.healed.set)
            url = f"{script.scheme}://{source.address}/cam"
            cameras.append({"cam_name": name, "camera": {"backend": "stream", "url": url}})
        home = Home(tmp_path_factory.mktemp("home"), cameras=cameras, motion=MOTION)

        def status() -> dict[str, Any]:
            found = ask(home.storage, "status")
            assert isinstance(found, dict)
            return found

        with home.running() as daemon:
            home.until(lambda: all(camera["recorder"]["event"] for camera in cameras_of(status()).values()), 40)
            first = {name: camera["recorder"]["event"] for name, camera in cameras_of(status()).items()}
            time.sleep(1)  # of the event that is to be broken
            began = datetime.now().astimezone()
            for script in scripts.values():
                script.from_now.set()
            home.until(
                lambda: (
                    all(cameras_of(status())[name]["recorder"]["event"] != first[name] for name in LOST)
                    and all(cameras_of(status())[name]["source"]["state"] in states for name, states in STATES.items())
                    and any("cannot be decoded" in problem for problem in status()["problems"])
                ),
                40,
            )
            bad = status()
            for script in scripts.values():
                script.healed.set()
            home.until(lambda: all(camera["source"]["state"] == "live" for camera in cameras_of(status()).values()), 40)
            home.until(lambda: all(cameras_of(status())[name]["recorder"]["event"] for name in LOST), 40)
            home.until(lambda: status()["state"] == "working", 10)
            healed = status()
            time.sleep(1)
            took_s = home.stop(daemon)
        records: dict[str, list[tuple[Path, dict[str, Any]]]] = {name: [] for name in SCRIPTS}
        for path in sorted((home.storage / "recordings").rglob("event.json")):
            record = json.loads(path.read_text())
            records[record["camera"]].append((path.parent, record))
        yield Seen(began, bad, healed, records, took_s, daemon.returncode, home.log)


def check_clips(records: list[tuple[Path, dict[str, Any]]]) -> None:
    """All is closed in order, and another program decodes each picture."""
    for folder, record in records:
        assert record["state"] == "complete"
        assert record["dropped_pictures"] == 0
        for part in record["parts"]:
            assert decoded_pictures(folder / part["file"]) == part["pictures"] == len(packets(folder / part["file"]))


@pytest.mark.parametrize("name", sorted(LOST - {"damages_its_pictures"}))
def test_the_event_ends_cleanly_and_the_camera_comes_back_by_itself(seen: Seen, name: str) -> None:
    records = seen.records[name]
    assert [record["end_reason"] for _, record in records] == ["source_lost", "stopped"]
    check_clips(records)
    before = records[0][1]
    assert before["duration_s"] > films.STILL_S
    assert datetime.fromisoformat(before["end"]) < seen.began + timedelta(seconds=2)


def test_undecodable_pictures_end_the_event_and_the_connection_is_kept(seen: Seen) -> None:
    records = seen.records["damages_its_pictures"]
    assert [(record["state"], record["end_reason"]) for _, record in records] == [
        ("complete", "source_lost"),
        ("complete", "stopped"),
    ]
    for folder, _ in records:
        assert decoded_pictures(folder / "video.mp4", harmless=" @ 0x") > 10, "those that are sound"
    assert cameras_of(seen.healed)["damages_its_pictures"]["source"]["attempts"] == 1


@pytest.mark.parametrize(
    ("name", "sizes", "attempts"),
    [
        ("behaves", [SIZE], 1),
        ("lies_about_its_size", [SIZE], 1),
        ("changes_its_size", [SIZE, OTHER_SIZE, SIZE], 1),
        ("restarts_with_another_size", [SIZE, OTHER_SIZE], 2),
        ("changes_its_codec", [SIZE, SIZE], 2),
    ],
)
def test_what_does_not_hinder_watching_does_not_end_the_event(
    seen: Seen, name: str, sizes: list[tuple[int, int]], attempts: int
) -> None:
    ((folder, record),) = seen.records[name]
    assert record["end_reason"] == "stopped"
    assert [(part["width"], part["height"]) for part in record["parts"]] == sizes
    check_clips([(folder, record)])
    codecs = ["h264", "h265" if name == "changes_its_codec" else "h264", "h264"]
    assert [part["codec"] for part in record["parts"]] == codecs[: len(sizes)]
    assert cameras_of(seen.healed)[name]["source"]["attempts"] == attempts
    for part in record["parts"]:
        times = [float(packet["pts_time"]) for packet in packets(folder / part["file"])]
        assert all(b - a == pytest.approx(PICTURE_S, abs=0.002) for a, b in pairwise(times)), "no picture is missing"
    ends = [part["first_pts_us"] / 1e6 + part["duration_s"] for part in record["parts"]]
    gaps = [after["first_pts_us"] / 1e6 - end for end, after in zip(ends, record["parts"][1:], strict=False)]
    assert all(gap < (0.02 if attempts == 1 else 3) for gap in gaps)


def test_status_says_what_each_one_does_and_since_when(seen: Seen) -> None:
    problems = "\n".join(seen.bad["problems"])
    for name, camera in cameras_of(seen.bad).items():
        source = camera["source"]
        assert source["state"] in STATES[name]
        assert (name in problems) == (name in LOST), name
        if source["state"] != "live":
            assert source["detail"] in problems
            assert timedelta(seconds=-1) < datetime.fromisoformat(source["since"]) - seen.began < timedelta(seconds=8)
    assert "damages_its_pictures: what it delivers cannot be decoded since" in problems
    assert cameras_of(seen.bad)["lies_about_its_size"]["source"]["source"]["refused_sets"] > 1
    assert seen.healed["problems"] == []


def test_the_daemon_stops_in_time_and_without_an_error_of_ours(seen: Seen) -> None:
    assert seen.took_s < 5
    assert seen.returncode == 0, seen.log
    assert "Traceback" not in seen.log
