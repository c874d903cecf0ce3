"""Source timestamps become media time: true intervals, never backwards, an epoch for each break."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_sec_cam.camera.timeline import FileTimeline, LiveTimeline, Stamp, Timeline

NOW = 5_000_000_000
FRAME = 40_000


def play(timeline: Timeline, stamps: list[tuple[int | None, int | None, int]]) -> list[Stamp]:
    return [timeline.place(pts, dts, arrival) for pts, dts, arrival in stamps]


def steady(count: int, *, start: int = 0, arrival: int = NOW, step: int = FRAME) -> list[tuple[int, int, int]]:
    """Pictures without reordering that arrive as they are taken."""
    return [(start + i * step, start + i * step, arrival + i * step) for i in range(count)]


def dts(stamps: list[Stamp]) -> list[int]:
    return [stamp.dts_us for stamp in stamps]


@pytest.fixture
def live() -> LiveTimeline:
    timeline = LiveTimeline()
    timeline.begin(25)
    return timeline


@pytest.fixture
def file() -> FileTimeline:
    timeline = FileTimeline()
    timeline.begin(25)
    return timeline


class TestLive:
    def test_media_time_is_the_time_of_arrival_and_intervals_are_the_sources(self, live: LiveTimeline) -> None:
        placed = play(live, steady(100, start=777))
        assert dts(placed) == [NOW + i * FRAME for i in range(100)]
        assert {stamp.epoch for stamp in placed} == {0}

    def test_jitter_of_the_network_does_not_reach_the_timestamps(self, live: LiveTimeline) -> None:
        late = [0, 3_000, 90_000, 12_000, 400_000, 360_000, 320_000, 0] * 20
        placed = play(live, [(p, d, a + late[i]) for i, (p, d, a) in enumerate(steady(160))])
        assert dts(placed) == [NOW + i * FRAME for i in range(160)]

    def test_b_pictures_keep_their_reordering(self, live: LiveTimeline) -> None:
        order = [0, 3, 1, 2, 6, 4, 5]
        placed = play(live, [(n * FRAME, (i - 1) * FRAME, NOW + i * FRAME) for i, n in enumerate(order)])
        assert [(stamp.pts_us - stamp.dts_us) // FRAME for stamp in placed] == [1, 3, 0, 0, 3, 0, 0]

    def test_a_reordered_picture_is_shown_at_the_time_it_was_taken(self, live: LiveTimeline) -> None:
        # The encoder gets picture n at n, and sends P pictures at once and B pictures after the one they wait for.
        order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
        sent = [0, 3, 3, 3, 6, 6, 6, 9, 9, 9]
        pictures = [(n * FRAME, (i - 2) * FRAME, NOW + sent[i] * FRAME) for i, n in enumerate(order)]
        assert [stamp.pts_us for stamp in play(live, pictures)] == [NOW + n * FRAME for n in order]

    @pytest.mark.parametrize("drift", [-100, 100])
    def test_follows_the_drift_of_the_cameras_clock(self, live: LiveTimeline, drift: int) -> None:
        # One hundred parts in a million, over an hour: 0.36 s.
        count = 90_000
        placed = play(live, [(p, d, NOW + d + d * drift // 1_000_000) for p, d, _ in steady(count)])
        arrival_us = NOW + (count - 1) * FRAME * (1_000_000 + drift) // 1_000_000
        assert abs(placed[-1].dts_us - arrival_us) < 2_000
        assert all(abs(b - a - FRAME) <= FRAME // 1000 for a, b in pairwise(dts(placed)))
        assert live.jumps == 0

    def test_a_smaller_delay_is_approached_slowly(self, live: LiveTimeline) -> None:
        # The first pictures came half a second late.
        placed = play(live, [(p, d, a + 500_000 if i < 5 else a) for i, (p, d, a) in enumerate(steady(25 * 100))])
        assert all(FRAME - FRAME // 1000 <= b - a <= FRAME for a, b in pairwise(dts(placed)))
        assert placed[0].dts_us == NOW + 500_000
        lag_us = placed[-1].dts_us - (NOW + (25 * 100 - 1) * FRAME)
        assert 395_000 < lag_us < 405_000  # 100 s at one in a thousand

    def test_what_was_held_back_shows_the_true_delay_at_once(self, live: LiveTimeline) -> None:
        pictures = [(p, d, NOW + 990_000 if i < 20 else a) for i, (p, d, a) in enumerate(steady(40))]
        for _, source_us, arrival_us in pictures[:26]:
            live.observe(source_us, arrival_us)
        assert dts(play(live, pictures)) == [NOW + i * FRAME for i in range(40)]

    def test_a_gap_in_the_stream_is_a_gap_in_media_time(self, live: LiveTimeline) -> None:
        placed = play(live, steady(10) + steady(10, start=4_000_000, arrival=NOW + 4_000_000))
        assert placed[10].dts_us - placed[9].dts_us == 4_000_000 - 9 * FRAME
        assert live.jumps == 0

    @pytest.mark.parametrize("to", [-500_000, -3_600_000_000, 3_600_000_000, 1_500_000])
    def test_a_jump_begins_a_new_epoch_at_the_time_of_arrival(self, live: LiveTimeline, to: int) -> None:
        before = play(live, steady(50))
        after = play(live, steady(50, start=50 * FRAME + to, arrival=NOW + 50 * FRAME))
        assert {stamp.epoch for stamp in before} == {0}
        assert {stamp.epoch for stamp in after} == {1}
        assert dts(after) == [NOW + (50 + i) * FRAME for i in range(50)]
        assert live.jumps == 1

    def test_a_small_step_back_is_a_glitch_and_no_new_epoch(self, live: LiveTimeline) -> None:
        placed = play(
            live, [*steady(5), (3 * FRAME, 3 * FRAME, NOW + 5 * FRAME), (6 * FRAME, 6 * FRAME, NOW + 6 * FRAME)]
        )
        assert {stamp.epoch for stamp in placed} == {0}
        assert placed[5].dts_us == placed[4].dts_us + 1
        assert abs(placed[6].dts_us - (NOW + 6 * FRAME)) < 200

    def test_small_steps_back_that_add_up_are_a_jump(self, live: LiveTimeline) -> None:
        # Each is a glitch by itself: 60 ms back from picture to picture.
        placed = play(live, [(p, p, NOW + i * FRAME) for i, p in enumerate(range(10**9, 10**9 - 60 * 60_000, -60_000))])
        assert placed[-1].dts_us - placed[0].dts_us > 59 * FRAME * 0.4
        assert live.jumps == placed[-1].epoch > 0

    def test_a_few_glitches_in_a_row_are_no_jump_while_they_do_not_add_up(self, live: LiveTimeline) -> None:
        order = [0, 1, 2, 3, 2, 1, 4, 3, 5, 6, 5, 4, 7, 8, 9]
        placed = play(live, [(n * FRAME, n * FRAME, NOW + i * FRAME) for i, n in enumerate(order)])
        assert {stamp.epoch for stamp in placed} == {0}

    def test_equal_timestamps_are_told_apart(self, live: LiveTimeline) -> None:
        placed = play(live, [(p // 2 * 2, d // (2 * FRAME) * 2 * FRAME, a) for p, d, a in steady(10)])
        assert all(b > a for a, b in pairwise(dts(placed)))

    def test_a_backlog_after_an_outage_is_no_jump(self, live: LiveTimeline) -> None:
        # For six seconds nothing arrives, then all that was taken meanwhile comes at once.
        pictures = [(p, d, NOW + 8_000_000 if 2_000_000 < d < 8_000_000 else a) for p, d, a in steady(300)]
        assert dts(play(live, pictures)) == [NOW + i * FRAME for i in range(300)]
        assert live.jumps == 0

    def test_a_source_clock_that_stood_still_is_found_out(self, live: LiveTimeline) -> None:
        # The camera was busy for two seconds and counts on as if nothing had been.
        before = play(live, steady(50))
        after = play(live, steady(500, start=50 * FRAME, arrival=NOW + 50 * FRAME + 2_000_000))
        assert before[-1].epoch == after[0].epoch == 0
        assert after[-1].epoch == 1
        assert after[-1].dts_us == NOW + 549 * FRAME + 2_000_000
        assert live.jumps == 1

    def test_a_new_connection_begins_a_new_epoch(self, live: LiveTimeline) -> None:
        before = play(live, steady(10))
        live.begin(25)
        after = play(live, steady(10, start=123, arrival=NOW + 3_000_000))
        assert (before[-1].epoch, after[0].epoch) == (0, 1)
        assert after[0].dts_us == NOW + 3_000_000
        assert live.jumps == 0

    def test_neither_a_new_connection_nor_a_jump_goes_back_in_time(self, live: LiveTimeline) -> None:
        # The first pictures came half a second late, so media time is that much ahead until it has been slewed.
        ahead = play(live, [(p, d, a + 500_000) for p, d, a in steady(5)])
        live.begin(25)
        again = play(live, steady(5, start=10**9, arrival=NOW + 6 * FRAME))
        jumped = play(live, steady(5, start=0, arrival=NOW + 11 * FRAME))
        expected = [ahead[0].dts_us + i * FRAME for i in range(15)]
        assert dts(ahead + again + jumped) == pytest.approx(expected, abs=400)
        assert [stamp.epoch for stamp in again + jumped] == [1] * 5 + [2] * 5

    def test_missing_decoding_times_keep_the_order_of_showing(self, live: LiveTimeline) -> None:
        order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
        placed = play(live, [(n * FRAME, None, NOW + i * FRAME) for i, n in enumerate(order)])
        shown = [stamp.pts_us for stamp in placed]
        assert sorted(range(10), key=shown.__getitem__) == sorted(range(10), key=order.__getitem__)
        assert live.guessed == 10

    def test_without_any_timestamps_pictures_follow_at_the_nominal_rate(self, live: LiveTimeline) -> None:
        placed = play(live, [(None, None, NOW + i * FRAME) for i in range(10)])
        assert dts(placed) == [NOW + i * FRAME for i in range(10)]


class TestFile:
    def test_begins_now_and_goes_on_as_the_file_says(self, file: FileTimeline) -> None:
        # Read at once: the times of arrival mean nothing.
        placed = play(file, [(p, d, NOW + i) for i, (p, d, _) in enumerate(steady(100, start=9_000_000))])
        assert dts(placed) == [NOW + i * FRAME for i in range(100)]

    def test_plays_again_without_a_seam(self, file: FileTimeline) -> None:
        first = play(file, [(p, d, NOW) for p, d, _ in steady(10)])
        file.repeat()
        second = play(file, [(p, d, NOW + 10**9) for p, d, _ in steady(10)])
        assert dts(first + second) == [NOW + i * FRAME for i in range(20)]
        assert {stamp.epoch for stamp in first + second} == {0}

    @pytest.mark.parametrize("to", [10 * FRAME + 1_200_000, 2 * FRAME, -(10**9), 10**12])
    def test_a_jump_begins_a_new_epoch_one_picture_later(self, file: FileTimeline, to: int) -> None:
        placed = play(file, [(p, d, NOW) for p, d, _ in steady(10) + steady(10, start=to)])
        assert dts(placed) == [NOW + i * FRAME for i in range(20)]
        assert [stamp.epoch for stamp in placed] == [0] * 10 + [1] * 10

    def test_a_pause_below_a_second_is_kept(self, file: FileTimeline) -> None:
        placed = play(file, [(p, d, NOW) for p, d, _ in steady(10) + steady(10, start=9 * FRAME + 900_000)])
        assert placed[10].dts_us - placed[9].dts_us == 900_000
        assert placed[-1].epoch == 0

    def test_a_picture_every_few_seconds_is_no_row_of_jumps(self) -> None:
        timeline = FileTimeline()
        timeline.begin(0.5)
        placed = play(timeline, [(p, d, NOW) for p, d, _ in steady(10, step=2_000_000)])
        assert placed[-1].dts_us - placed[0].dts_us == 18_000_000
        assert timeline.jumps == 0

    def test_opened_anew_it_begins_now_again_and_never_earlier(self, file: FileTimeline) -> None:
        play(file, [(p, d, NOW) for p, d, _ in steady(10)])
        file.begin(25)
        late = play(file, [(0, 0, NOW + 60_000_000)])[0]
        file.begin(25)
        early = play(file, [(0, 0, NOW)])[0]
        assert (late.dts_us, late.epoch) == (NOW + 60_000_000, 1)
        assert (early.dts_us, early.epoch) == (NOW + 60_000_000 + FRAME, 2)


TIMES = st.one_of(st.none(), st.integers(-(10**7), 10**8))


@given(
    stamps=st.lists(st.tuples(TIMES, TIMES, st.integers(0, 200_000), st.integers(0, 30)), max_size=60),
    is_live=st.booleans(),
)
def test_whatever_a_source_says_media_time_rises(
    stamps: list[tuple[int | None, int | None, int, int]], is_live: bool
) -> None:
    timeline: Timeline = LiveTimeline(7) if is_live else FileTimeline(7)
    timeline.begin(25)
    arrival_us, epochs = NOW, 7
    last_us = None
    for pts_us, dts_us, later_us, chance in stamps:
        arrival_us += later_us
        if chance == 0:
            timeline.begin(None)
            epochs += 1
        stamp = timeline.place(pts_us, dts_us, arrival_us)
        assert stamp.pts_us >= stamp.dts_us
        assert last_us is None or stamp.dts_us > last_us
        assert stamp.epoch == epochs + timeline.jumps
        last_us = stamp.dts_us
