"""The daemon under a wall clock that jumps: what is measured stays true, what is dated is flagged."""

import json
import struct
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.local_socket import ask
from tests.system import films
from tests.system.crooked_camera import CrookedCamera
from tests.system.daemon import Home
from tests.system.walked_yard import PICTURE_S, WalkedYard
from tests.unit.streams import format_duration, packets

SHIM = Path(__file__).with_name("wall_clock.c")
HOUR_S, DAY_S = 3600, 86_400
TEN_YEARS_S = 3650 * DAY_S


class ShiftedHome(Home):
    """A home whose daemon sees a wall clock that the test sets (wall_clock.c)."""

    def __init__(self, folder: Path, **configuration: Any) -> None:
        super().__init__(folder, **configuration)
        self._library = folder / "wall_clock.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O", "-Wall", "-Werror", "-o", self._library, SHIM], check=True)
        self._clock = folder / "wall_clock"
        self._clock.write_bytes(bytes(16))

    def set_clock(self, shift_s: int, *, vouched: bool) -> None:
        """From now on, also while the daemon runs."""
        with self._clock.open("r+b") as file:
            file.write(struct.pack("=qq", shift_s, vouched))

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "LD_PRELOAD": str(self._library), "WALL_CLOCK": str(self._clock)}


@dataclass(frozen=True)
class Clock:
    """What the wall clock is off by, and whether somebody vouches for it."""

    shift_s: int
    vouched: bool = True


# A Pi boots half a minute into 1970 and is set right; then it is set to and fro, though somebody vouches for it.
BOOT = Clock(30 - round(time.time()), vouched=False)
RIGHT = Clock(0)
FIRST_RUN = [BOOT, RIGHT, Clock(3 * HOUR_S), Clock(-2 * HOUR_S), RIGHT, Clock(TEN_YEARS_S), RIGHT]
SECOND_RUN = [BOOT, BOOT]


@dataclass
class Happened:
    """One event as the test brought it about: the clock at its begin; its record; what ffprobe says of its clip."""

    clock: Clock
    event: str
    record: dict[str, Any]
    times_s: list[float]
    duration_s: float


@dataclass
class Seen:
    """All events, and the ids that are listed after two runs and after a third whose clock is three days ahead."""

    happened: list[Happened]
    listed: list[dict[str, Any]]
    days_later: set[str]
    statuses: list[dict[str, Any]]
    log: str


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    yard = WalkedYard()
    films.walk()
    happened: list[Happened] = []
    statuses: list[dict[str, Any]] = []
    with CrookedCamera(yard.serve) as source:
        home = ShiftedHome(
            tmp_path_factory.mktemp("home"),
            cam_name="Yard",
            camera={"backend": "stream", "url": f"rtsp://{source.address}/cam"},
            motion={"rec_sec_before": 1, "rec_sec_after": 1},
            storage={"max_age_days": 1},
        )

        def set_clock(clock: Clock) -> None:
            home.set_clock(clock.shift_s, vouched=clock.vouched)

        def status() -> dict[str, Any]:
            found = ask(home.storage, "status")
            assert isinstance(found, dict)
            return found

        def recorder() -> dict[str, Any]:
            found = status()["cameras"][0]["recorder"]
            assert isinstance(found, dict)
            return found

        def happen(before: Clock, then: Clock) -> None:
            recorded = recorder()["events_recorded"]
            yard.walking.set()
            home.until(lambda: recorder()["event"], 20)
            event = recorder()["event"]
            set_clock(then)
            time.sleep(0.5)
            yard.walking.clear()
            home.until(lambda: recorder()["events_recorded"] > recorded and not recorder()["event"], 20)
            statuses.append(status())
            folder = home.storage / "recordings" / event
            clip = folder / "video.mp4"
            times_s = [float(packet["pts_time"]) for packet in packets(clip)]
            record = json.loads((folder / "event.json").read_text())
            happened.append(Happened(before, event, record, times_s, format_duration(clip)))

        for clocks in (FIRST_RUN, SECOND_RUN):
            set_clock(clocks[0])
            with home.running() as daemon:
                home.until(lambda: status()["cameras"][0]["motion"]["frames"] > 5, 20)
                for before, then in pairwise(clocks):
                    happen(before, then)
                home.stop(daemon)
                assert daemon.returncode == 0, home.log
        listed, log = home.events(), home.log
        set_clock(Clock(3 * DAY_S))
        with home.running() as daemon:
            home.until(lambda: status()["storage"]["events_deleted"], 20)
            home.stop(daemon)
    return Seen(happened, listed, {event["id"] for event in home.events()}, statuses, log)


def test_durations_are_right(seen: Seen) -> None:
    for one in seen.happened:
        record = one.record
        start, end = (datetime.fromisoformat(record[key]) for key in ("start", "end"))
        assert [part["file"] for part in record["parts"]] == ["video.mp4"]
        intervals_s = [after - before for before, after in pairwise(one.times_s)]
        assert intervals_s == pytest.approx([PICTURE_S] * len(intervals_s), abs=0.005)
        # The camera's pictures tell how long it was.
        true_s = len(one.times_s) * PICTURE_S
        assert 2.5 < true_s < 8
        assert record["duration_s"] == pytest.approx(true_s, abs=0.1)
        assert one.duration_s == pytest.approx(true_s, abs=0.1)
        assert (end - start).total_seconds() == pytest.approx(true_s, abs=0.1)
        assert record["end_reason"] == "rest"


def test_events_are_dated_by_the_clock_at_their_begin(seen: Seen) -> None:
    now = datetime.now(UTC)
    for one in seen.happened:
        begun = datetime.fromisoformat(one.record["motion_start"])
        assert abs(begun - (now + timedelta(seconds=one.clock.shift_s))) < timedelta(minutes=2)


def test_what_a_wrong_clock_dated_is_flagged(seen: Seen) -> None:
    """Also what a clock dated that somebody vouched for: it had jumped."""
    assert [one.record["clock_synchronised"] for one in seen.happened] == [one.clock == RIGHT for one in seen.happened]


def test_each_event_has_an_id_of_its_own_and_nothing_is_deleted_by_a_wrong_clock(seen: Seen) -> None:
    """Though `max_age_days` is one, and some of them seem to be from another century."""
    happened = {one.event for one in seen.happened}
    assert len(happened) == len(seen.happened) == len(FIRST_RUN) + len(SECOND_RUN) - 2
    assert {event["id"] for event in seen.listed} == happened
    assert "deleted" not in seen.log


def test_only_what_was_dated_rightly_is_deleted_when_it_is_too_old(seen: Seen) -> None:
    assert seen.days_later == {one.event for one in seen.happened if one.clock != RIGHT}


def test_events_are_listed_by_their_dates_and_their_true_order_is_known(seen: Seen) -> None:
    dates = [datetime.fromisoformat(event["start"]) for event in seen.listed]
    assert dates == sorted(dates)
    sequence = [one.record["sequence"] for one in seen.happened]
    assert sequence == sorted(set(sequence))


def test_no_clock_disturbs_the_watch(seen: Seen) -> None:
    for status in seen.statuses:
        (camera,) = status["cameras"]
        assert status["problems"] == []
        assert (camera["source"]["state"], camera["source"]["attempts"]) == ("live", 1)
        assert 0 <= camera["source"]["last_picture_age"] < 3
    assert "Traceback" not in seen.log
