"""Pictures are read together, none waits for long, and none is waited for for long."""

import random
from itertools import pairwise

import pytest

from pi_sec_cam.camera.reading_pace import ReadingPace

MS = 1000


class Camera:
    """Pictures that arrive at given moments, read as the pace says."""

    def __init__(
        self, every_s: float, arrivals_us: list[int], dts_us: list[int], size: int = 5000, *, cost_us: int = 0
    ) -> None:
        pace = ReadingPace(every_s)
        now_us = 0
        self.wakes = 0  # times that the reader was woken, by the clock or by a picture
        self.lags_us: list[int] = []  # from arrival to reading
        self.paused_us: list[int] = []
        for arrival_us, stamp_us in zip(arrivals_us, dts_us, strict=True):
            waited_us = max(0, arrival_us - now_us) + cost_us
            now_us += waited_us
            self.lags_us.append(now_us - arrival_us)
            pause_us = pace.pause_us(stamp_us, size, waited_us, now_us)
            now_us += pause_us
            self.wakes += (waited_us > cost_us) + (pause_us > 0)
            self.paused_us.append(pause_us)


def even(rate: int, seconds: float) -> list[int]:
    return [index * 1_000_000 // rate for index in range(round(rate * seconds))]


@pytest.mark.parametrize(("rate", "together"), [(25, 5), (10, 2), (20, 4), (15, 3)])
def test_pictures_are_read_together(rate: int, together: int) -> None:
    stamps = even(rate, 60)
    camera = Camera(0.2, [s + 1_000_000 for s in stamps], stamps)
    assert camera.wakes < 1.6 * len(stamps) / together
    assert max(camera.lags_us) <= 205 * MS


def test_what_comes_late_once_does_not_make_all_that_follows_late() -> None:
    stamps = even(25, 40)
    arrivals = [s + (150 * MS if 100 <= index < 104 else 0) for index, s in enumerate(stamps)]
    arrivals = [max(a, before) for before, a in pairwise([0, *arrivals])]
    lags = Camera(0.2, arrivals, stamps).lags_us
    assert max(lags[120:]) < 270 * MS
    assert max(lags[-100:]) < 180 * MS


def test_what_comes_late_again_and_again_does_not_make_the_rest_later_and_later() -> None:
    stamps = even(10, 60)
    arrivals = [
        max((at + 15 for at in (100, 140, 180, 220) if at <= index < at + 15), default=index) for index in range(600)
    ]
    lags = Camera(0.2, [index * 100 * MS for index in arrivals], stamps).lags_us
    assert max(lags) < 1000 * MS
    assert max(lags[260:]) < 210 * MS


def test_a_slow_processor_does_not_read_later_and_later() -> None:
    stamps = even(10, 60)
    arrivals = [s + (60 * MS if index % 7 == 0 else 0) for index, s in enumerate(stamps)]
    assert max(Camera(0.2, arrivals, stamps, cost_us=10 * MS).lags_us) < 250 * MS


def test_a_faster_clock_of_the_camera_is_followed() -> None:
    stamps = even(25, 300)
    lags = Camera(0.2, [round(s * 0.999) for s in stamps], stamps).lags_us
    assert max(lags) < 210 * MS
    assert min(lags[-50:]) < 10 * MS


def test_jitter_does_not_pile_up() -> None:
    chance = random.Random(7)
    stamps = even(25, 300)
    arrivals = [s + chance.randrange(20 * MS) for s in stamps]
    assert max(Camera(0.2, arrivals, stamps).lags_us) < 230 * MS


@pytest.mark.parametrize(
    ("every_s", "rate", "size"), [(0.2, 5, 5000), (0.2, 1, 5000), (0.05, 25, 5000), (0.2, 25, 100_000)]
)
def test_rare_and_large_pictures_are_read_one_by_one(every_s: float, rate: int, size: int) -> None:
    stamps = even(rate, 60)
    camera = Camera(every_s, stamps, stamps, size)
    assert max(camera.lags_us[20:]) == 0
    assert sum(camera.paused_us[20:]) == 0


def test_timestamps_that_say_nothing_are_not_relied_on() -> None:
    pace = ReadingPace(0.2)
    for dts_us in (None, 0, 0, None, 40_000, 20_000, 5_000_000):
        assert pace.pause_us(dts_us, 1000, 0, 10_000_000) == 0


def test_a_reader_that_is_behind_reads_on() -> None:
    stamps = even(25, 4)
    camera = Camera(0.2, [0] * 50 + [s - stamps[50] + 1 for s in stamps[50:]], stamps)
    assert sum(camera.paused_us[:49]) <= 205 * MS
    assert max(camera.lags_us[-20:]) < 210 * MS
