"""Which pictures of a stream detection looks at."""

import random
from itertools import pairwise

import pytest

from pi_sec_cam.motion.pacer import FramePacer


def looked_at(fps, times_us):
    pacer = FramePacer(fps)
    return [t for t in times_us if pacer.due(t)]


def test_five_of_twenty_five_is_every_fifth():
    times = [k * 40_000 for k in range(251)]
    assert looked_at(5, times) == times[::5]


def test_jitter_does_not_change_which():
    rng = random.Random(1)
    even = [k * 40_000 for k in range(251)]
    times = [t + rng.randrange(-9_000, 9_000) for t in even]
    taken = [round(t / 40_000) for t in looked_at(5, times)]
    assert len(taken) == 51
    assert all(abs(k - 5 * n) <= 1 for n, k in enumerate(taken))


@pytest.mark.parametrize("rate", [6, 7.5, 10, 12, 12.5, 15, 29.97, 30, 50])
def test_the_mean_rate_is_kept_at_any_rate_of_the_stream(rate):
    taken = looked_at(5, [round(k * 1e6 / rate) for k in range(round(60 * rate))])
    assert len(taken) == pytest.approx(300, abs=3)
    assert max(b - a for a, b in pairwise(taken)) <= 200_000 + 1e6 / rate


@pytest.mark.parametrize("rate", [0.5, 2.4, 5])
def test_a_slow_stream_is_looked_at_whole(rate):
    times = [round(k * 1e6 / rate) for k in range(50)]
    assert looked_at(5, times) == times


def test_pictures_out_of_order_are_no_new_beginning():
    assert looked_at(5, [0, 120_000, 40_000, 80_000, 240_000, 160_000, 200_000]) == [0, 240_000]


def test_after_a_gap_the_beat_begins_anew():
    times = [*range(0, 1_000_001, 40_000), *range(60_010_000, 61_000_000, 40_000)]
    assert [t for t in looked_at(5, times) if t > 2_000_000] == [60_010_000 + k * 200_000 for k in range(5)]


def test_time_that_jumps_back_begins_anew():
    assert looked_at(5, [90_000_000, 90_040_000, 0, 40_000]) == [90_000_000, 0]


@pytest.mark.parametrize("fps", [0, -1])
def test_no_rate_is_refused(fps):
    with pytest.raises(ValueError, match="above 0"):
        FramePacer(fps)
