"""The first packets wait until their times are known; none is lost or reordered."""

from typing import cast

import av
import pytest
from av.video.stream import VideoStream

from pi_sec_cam.camera.demux import Received
from pi_sec_cam.camera.lead_in import LeadIn

FRAME = 40_000
NOW = 5_000_000_000


def packet(pts_us: int | None, dts_us: int | None, arrival_us: int) -> Received:
    return Received(cast("av.Packet[VideoStream]", av.Packet(b"x")), pts_us, dts_us, arrival_us)


def times(packets: list[Received]) -> list[tuple[int | None, int | None]]:
    return [(p.pts_us, p.dts_us) for p in packets]


def test_a_live_stream_waits_until_its_buffers_are_empty() -> None:
    lead_in = LeadIn(live=True, interval_us=FRAME)
    # A second of video comes at once, then each picture at its time.
    pictures = [packet(i * FRAME, i * FRAME, NOW + max(1_000_000, i * FRAME)) for i in range(60)]
    passed: list[list[Received]] = [lead_in.passed(p, p.arrival_us) for p in pictures]
    first = next(i for i, batch in enumerate(passed) if batch)
    assert 25 < first < 36
    assert len(passed[first]) == first + 1
    assert [p for batch in passed for p in batch] == pictures


def test_a_live_stream_without_a_backlog_waits_a_moment_only() -> None:
    lead_in = LeadIn(live=True, interval_us=FRAME)
    pictures = [packet(i * FRAME, i * FRAME, NOW + i * FRAME) for i in range(20)]
    waited = next(p.arrival_us for p in pictures if lead_in.passed(p, p.arrival_us)) - NOW
    assert waited == pytest.approx(300_000, abs=FRAME)


def test_a_picture_is_not_held_back_for_the_next_one() -> None:
    lead_in = LeadIn(live=True, interval_us=1_000_000)
    only = packet(0, 0, NOW)
    assert lead_in.passed(only, NOW) == []
    assert lead_in.passed(None, NOW + 100_000) == []
    assert lead_in.passed(None, NOW + 300_000) == [only]


def test_a_backlog_that_never_ends_is_not_waited_for() -> None:
    lead_in = LeadIn(live=True, interval_us=FRAME)
    waited = 0
    for i in range(1000):
        picture = packet(i * 2 * FRAME, i * 2 * FRAME, NOW + i * FRAME)
        if lead_in.passed(picture, picture.arrival_us):
            waited = picture.arrival_us - NOW
            break
    assert waited == 2_000_000


def test_first_times_that_rtsp_leaves_out_are_filled_in() -> None:
    # As FFmpeg gives them for I P B B P B B with a decoding delay of two pictures; the nominal rate is a bad guess.
    lead_in = LeadIn(live=True, interval_us=FRAME // 7)
    given = [(None, None), (3, None), (1, None), (2, 1), (6, 2), (4, 3), (5, 4)]
    for i, (pts, dts) in enumerate(given):
        known = packet(None if pts is None else pts * FRAME, None if dts is None else dts * FRAME, NOW + i)
        assert lead_in.passed(known, NOW + i) == []
    shown, decoded = [0, 3, 1, 2, 6, 4, 5], [-2, -1, 0, 1, 2, 3, 4]
    assert times(lead_in.rest()) == [(p * FRAME, d * FRAME) for p, d in zip(shown, decoded, strict=True)]


def test_a_file_waits_for_the_first_decoding_time() -> None:
    lead_in = LeadIn(live=False, interval_us=FRAME)
    assert lead_in.passed(packet(0, None, NOW), NOW) == []
    assert lead_in.passed(packet(FRAME, None, NOW), NOW) == []
    filled = lead_in.passed(packet(2 * FRAME, 0, NOW), NOW)
    assert times(filled) == [(0, -2 * FRAME), (FRAME, -FRAME), (2 * FRAME, 0)]
    after = packet(3 * FRAME, FRAME, NOW)
    assert lead_in.passed(after, NOW) == [after]


def test_a_file_without_decoding_times_is_not_held_up() -> None:
    lead_in = LeadIn(live=False, interval_us=FRAME)
    passed = [lead_in.passed(packet(i * FRAME, None, NOW), NOW) for i in range(40)]
    assert sum(map(len, passed)) == 40
    assert next(i for i, batch in enumerate(passed) if batch) < 20


def test_a_source_that_ends_early_gives_what_it_had() -> None:
    lead_in = LeadIn(live=True, interval_us=FRAME)
    assert lead_in.rest() == []
    lead_in = LeadIn(live=False, interval_us=FRAME)
    lead_in.passed(packet(None, None, NOW), NOW)
    assert times(lead_in.rest()) == [(None, None)]
