"""Between a running event's chunks, what is less urgent leaves where there is time for it, and never not at all."""

import statistics
from itertools import pairwise

import pytest

from pi_sec_cam.offsite.gaps import Gaps
from pi_sec_cam.offsite.waiting import WaitingEvent

S = 1_000_000


def line(*, upload_s: float, every_s: float = 1.0, chunks: int = 5) -> tuple[Gaps, WaitingEvent, int]:
    """An event's chunks of 1000 bytes have been sent on a line; the moment at which the last is stored."""
    gaps, event = Gaps(), WaitingEvent("cam/day/time", running=True)
    now_us = 100 * S
    for index in range(chunks):
        added_us = 100 * S + round(index * every_s * S)
        now_us = max(now_us, added_us)
        gaps.live(event, added_us)
        now_us += round(upload_s * S)
        gaps.sent(1000, round(upload_s * S))
    return gaps, event, now_us


def opens_s(gaps: Gaps, event: WaitingEvent, now_us: int, size: int = 1000) -> float:
    """In how many seconds a less urgent file may leave."""
    return (gaps.opens_us(size, [event], free_us=now_us, now_us=now_us) - now_us) / S


@pytest.mark.parametrize(("upload_s", "at_once"), [(0.01, True), (0.63, True), (0.8, False), (0.97, False)])
def test_a_gap_must_hold_most_of_the_upload(upload_s: float, at_once: bool) -> None:
    assert (opens_s(*line(upload_s=upload_s)) == 0) is at_once


def test_a_larger_file_needs_a_longer_gap() -> None:
    gaps, event, now_us = line(upload_s=0.2)
    assert opens_s(gaps, event, now_us, size=1000) == 0
    assert opens_s(gaps, event, now_us, size=10_000) > 0


def test_chunks_that_are_split_for_their_size_say_nothing_of_the_time_between() -> None:
    gaps, event, now_us = line(upload_s=0.3)
    next_us = now_us + 700_000
    gaps.live(event, next_us)
    gaps.live(event, next_us + 5000)
    assert opens_s(gaps, event, next_us + 600_000) == 0


def test_where_no_event_runs_all_may_leave() -> None:
    gaps, _, now_us = line(upload_s=0.97)
    assert gaps.opens_us(1000, [], free_us=now_us, now_us=now_us) == now_us


def test_an_event_without_chunks_yet_holds_up_nothing() -> None:
    gaps, _, now_us = line(upload_s=0.97)
    assert opens_s(gaps, WaitingEvent("cam/day/other", running=True), now_us) == 0


def test_of_several_events_the_next_chunk_counts() -> None:
    gaps, event, now_us = line(upload_s=0.3)
    assert opens_s(gaps, event, now_us) == 0
    other = WaitingEvent("other/day/time", running=True)
    for at_us in (now_us - 1_200_000, now_us - 900_000):
        gaps.live(other, at_us)
    assert gaps.opens_us(1000, [event, other], free_us=now_us, now_us=now_us) > now_us


def test_a_chunk_that_does_not_come_is_not_waited_for() -> None:
    gaps, event, now_us = line(upload_s=0.97, chunks=3)
    assert 0.5 <= opens_s(gaps, event, now_us) <= 0.6


def sent_over(times: float, *, seconds: int = 60) -> tuple[list[float], list[float]]:
    """An event on a line with so many times the video's rate and 300 ms a call, pre-roll always waiting.

    Returns:
        The lengths of its live chunks, which are cut once a second has passed and the line is free, and are there 50 ms
        later; and when pre-roll left.
    """
    gaps, event = Gaps(), WaitingEvent("cam/day/time", running=True)
    now_us = cut_us = 100 * S
    beside_pre_roll = False
    lengths: list[float] = []
    left: list[float] = []
    while now_us < (100 + seconds) * S:
        opens_us = gaps.opens_us(1000, [event], free_us=now_us, now_us=now_us)
        # While pre-roll is on its way, a chunk is cut as usual; while another chunk is, it grows.
        next_cut_us = cut_us + S if beside_pre_roll else max(now_us, cut_us + S)
        ready_us = max(now_us, next_cut_us + 50_000)
        if not lengths or ready_us <= opens_us:
            now_us, beside_pre_roll = ready_us, False
            lengths.append((next_cut_us - cut_us) / S)
            cut_us, size = next_cut_us, round(1000 * lengths[-1])
            gaps.live(event, next_cut_us + 50_000)
        else:
            now_us, size, beside_pre_roll = opens_us, 1000, True
            left.append(now_us / S - 100)
            gaps.other(now_us)
        took_us = round(size / 1000 / times * S) + 300_000
        gaps.sent(size, took_us)
        now_us += took_us
    return lengths, left


@pytest.mark.parametrize(("times", "mean_s"), [(1.5, 1.5), (2.0, 1.3), (3.0, 1.2)])
def test_chunks_stay_short_on_a_line_that_is_fast_enough_for_them(times: float, mean_s: float) -> None:
    lengths, _ = sent_over(times)
    assert statistics.fmean(lengths) <= mean_s
    assert max(lengths) <= 2 * mean_s


@pytest.mark.parametrize("times", [0.8, 1.0, 1.5, 3.0])
def test_pre_roll_gets_on_even_on_the_thinnest_line(times: float) -> None:
    lengths, left = sent_over(times)
    # After ten seconds it goes next, when what is on its way has been sent.
    most_s = 10 + max(lengths) / times + 1
    assert all(later - earlier <= most_s for earlier, later in pairwise([0, *left, 60]))


def test_on_a_fast_line_pre_roll_leaves_beside_each_chunk() -> None:
    lengths, left = sent_over(20.0)
    assert max(lengths) <= 1.2
    assert len(left) >= len(lengths)


def test_forgets_events_that_are_over() -> None:
    gaps, event, now_us = line(upload_s=0.97)
    gaps.opens_us(1000, [], free_us=now_us, now_us=now_us)
    assert opens_s(gaps, event, now_us) == 0
