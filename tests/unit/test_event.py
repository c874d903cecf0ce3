"""The event machine: when events begin, are extended, are cut, and end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pi_sec_cam.motion.event import Area, EventEnded, EventMachine, EventStarted

FRAME_US = 200_000
HERE = (Area(0.4, 0.4, 0.1, 0.2),)
THERE = (Area(0.6, 0.4, 0.1, 0.2),)


def machine(**changed: float) -> EventMachine:
    values = {"rec_sec_before": 8, "rec_sec_after": 8, "max_event_time": 60, "min_motion_sec": 0.35} | changed
    return EventMachine(**values)


def play(it: EventMachine, movements: list[tuple[float, float]], seconds: float, fps: float = 5):
    """Frames of `seconds`; movement from–to as given, seconds, both ends included. Returns (pts_us, change) pairs."""
    changes = []
    for k in range(round(seconds * fps) + 1):
        pts_us = round(k * 1e6 / fps)
        since = next((round(a * 1e6) for a, b in movements if a * 1e6 <= pts_us <= b * 1e6), None)
        changes += [(pts_us, c) for c in it.frame(pts_us, HERE if since is not None else (), since)]
    return changes


class TestOneEvent:
    def test_begins_before_the_first_picture_of_the_movement_and_ends_after_the_last(self):
        (_, started), (at_us, ended) = play(machine(), [(20, 30)], 60)
        assert started == EventStarted(1, 20_000_000, 12_000_000, HERE, None, 20_400_000)
        assert ended == EventEnded(1, 30_000_000, 38_000_000, "rest")
        assert at_us == 38_000_000

    def test_is_made_once_the_movement_has_lasted_and_not_before(self):
        ((at_us, _), *_) = play(machine(min_motion_sec=0.35), [(20, 30)], 60)
        assert at_us == 20_400_000

    @pytest.mark.parametrize("fps", [2, 5, 10, 25])
    def test_the_least_time_of_movement_is_of_media_time_at_any_rate(self, fps):
        assert play(machine(min_motion_sec=0.5), [(20, 20.48)], 40, fps) == []
        ((at_us, _), *_) = play(machine(min_motion_sec=0.5), [(20, 22)], 40, fps)
        assert 20_500_000 <= at_us < 20_500_000 + 1e6 / fps

    def test_what_moved_is_what_has_changed_in_the_picture_that_decides(self):
        it = machine()
        it.frame(0, THERE, 0)
        it.frame(FRAME_US, THERE, FRAME_US)
        it.frame(2 * FRAME_US, THERE, FRAME_US)
        (started,) = it.frame(3 * FRAME_US, HERE, FRAME_US)
        assert started.trigger_pts_us == FRAME_US
        assert (started.decided_pts_us, started.areas) == (3 * FRAME_US, HERE)

    def test_states(self):
        it = machine()
        states = []
        for k in range(80):
            pts_us = k * FRAME_US
            it.frame(pts_us, HERE, 5 * FRAME_US) if 5 <= k <= 20 else it.frame(pts_us)
            states.append(it.state)
        assert states[:7] == ["armed"] * 7
        assert states[7:21] == ["active"] * 14
        assert states[21:60] == ["post-roll"] * 39
        assert states[60:] == ["armed"] * 20


class TestPostRoll:
    def test_movement_meanwhile_extends_the_event(self):
        changes = play(machine(), [(20, 25), (32, 33)], 60)
        assert [c for _, c in changes][1] == EventEnded(1, 33_000_000, 41_000_000, "rest")

    def test_movement_too_short_to_make_an_event_does_not_extend_one(self):
        changes = play(machine(), [(20, 25), (32, 32.2)], 60)
        assert [c for _, c in changes][1] == EventEnded(1, 25_000_000, 33_000_000, "rest")

    def test_movement_that_began_before_its_end_and_proves_lasting_after_it_makes_the_next_event(self):
        _, (_, ended), (_, started), _ = play(machine(), [(20, 25), (32.8, 40)], 60)
        assert ended.clip_to_pts_us == 33_000_000
        assert (started.trigger_pts_us, started.clip_from_pts_us) == (32_800_000, 24_800_000)
        assert started.continues is None

    def test_no_post_roll_still_keeps_one_movement_in_one_event(self):
        changes = play(machine(rec_sec_after=0), [(20, 25)], 30)
        assert [type(c) for _, c in changes] == [EventStarted, EventEnded]
        assert changes[1][1] == EventEnded(1, 25_000_000, 25_000_000, "rest")

    def test_a_gap_between_pictures_ends_the_event_where_it_would_have_ended(self):
        it = machine()
        play(it, [(10, 20)], 20)
        ended, started = (*it.frame(100_000_000, HERE, 100_000_000), *it.frame(100_400_000, HERE, 100_000_000))
        assert ended == EventEnded(1, 20_000_000, 28_000_000, "rest")
        assert started.clip_from_pts_us == 92_000_000

    def test_what_moves_at_once_after_such_a_gap_is_another_event(self):
        it = machine(min_motion_sec=0)
        play(it, [(10, 20)], 20)
        ended, started = it.frame(100_000_000, HERE, 100_000_000)
        assert (ended.clip_to_pts_us, started.trigger_pts_us) == (28_000_000, 100_000_000)


class TestLongestTime:
    def test_the_clip_is_cut_and_the_movement_goes_on_in_the_next_without_gap(self):
        changes = play(machine(), [(20, 72), (73, 90)], 120)
        assert [c for _, c in changes] == [
            EventStarted(1, 20_000_000, 12_000_000, HERE, None, 20_400_000),
            EventEnded(1, 72_000_000, 72_000_000, "max_time"),
            EventStarted(2, 73_000_000, 72_000_000, HERE, 1, 73_400_000),
            EventEnded(2, 90_000_000, 98_000_000, "rest"),
        ]

    def test_after_the_cut_nothing_runs(self):
        it = machine()
        changes = play(it, [(20, 72)], 72)
        assert changes[-1][1].reason == "max_time"
        assert it.state == "armed"

    def test_movement_must_be_seen_anew_after_the_cut(self):
        changes = play(machine(), [(20, 72)], 90)
        assert [type(c) for _, c in changes] == [EventStarted, EventEnded]

    def test_movement_long_after_the_cut_is_an_event_of_its_own(self):
        changes = play(machine(), [(20, 72), (81, 90)], 120)
        assert changes[2][1] == EventStarted(2, 81_000_000, 73_000_000, HERE, None, 81_400_000)

    @pytest.mark.parametrize(("before", "after", "cut"), [(8, 1, 72), (1, 8, 79)])
    def test_the_longer_of_pre_roll_and_post_roll_says_how_long_it_may_be_continued(self, before, after, cut):
        it = machine(rec_sec_before=before, rec_sec_after=after)
        changes = play(it, [(20, cut), (cut + 7, 90)], 120)
        assert changes[2][1].continues == 1

    def test_an_event_is_continued_once(self):
        changes = play(machine(rec_sec_after=0), [(20, 72), (73, 74), (76, 77)], 90)
        assert [c.continues for _, c in changes if isinstance(c, EventStarted)] == [None, 1, None]

    def test_movement_that_is_still_counted_from_before_the_cut_triggers_at_the_cut(self):
        changes = play(machine(), [(20, 90)], 120)
        assert changes[2] == (72_200_000, EventStarted(2, 72_000_000, 72_000_000, HERE, 1, 72_200_000))

    def test_a_post_roll_is_cut_too(self):
        changes = play(machine(), [(20, 70)], 90)
        assert changes[1][1] == EventEnded(1, 70_000_000, 72_000_000, "max_time")

    def test_pre_roll_takes_at_most_half_of_it(self):
        (_, started), (_, ended), *_ = play(machine(rec_sec_before=30, max_event_time=10), [(50, 70)], 90)
        assert started.clip_from_pts_us == 45_000_000
        assert ended.clip_to_pts_us == 55_000_000


class TestBreakingOff:
    @pytest.mark.parametrize(("how", "reason"), [("lost", "source_lost"), ("ended", "source_ended"), ("stopped",) * 2])
    def test_ends_the_running_event_at_the_last_picture(self, how, reason):
        it = machine()
        play(it, [(10, 18)], 20)
        assert getattr(it, how)(20_000_000) == [EventEnded(1, 18_000_000, 20_000_000, reason)]
        assert it.state == "armed"
        assert getattr(it, how)(20_000_000) == []

    def test_the_clip_is_no_longer_than_its_post_roll(self):
        it = machine()
        play(it, [(10, 18)], 20)
        assert it.lost(40_000_000) == [EventEnded(1, 18_000_000, 26_000_000, "source_lost")]

    def test_nothing_runs_nothing_ends(self):
        assert machine().stopped(0) == []

    def test_time_that_runs_backwards_ends_the_event_as_lost_and_begins_anew(self):
        it = machine()
        play(it, [(10, 20)], 20)
        assert it.frame(5_000_000) == [EventEnded(1, 20_000_000, 20_000_000, "source_lost")]
        started, ended = (change for _, change in play(it, [(6, 8)], 20))
        assert started == EventStarted(2, 6_000_000, -2_000_000, HERE, None, 6_400_000)
        assert ended == EventEnded(2, 8_000_000, 16_000_000, "rest")


@pytest.mark.parametrize(
    "wrong", [{"rec_sec_before": -1}, {"rec_sec_after": -1}, {"max_event_time": 0}, {"min_motion_sec": -0.1}]
)
def test_impossible_times_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        machine(**wrong)


# --- what must hold whatever happens ---


@st.composite
def days(draw):
    """Settings, and what is given to the machine one after the other: (pts_us, moving, how it is broken off)."""
    setup = {
        "rec_sec_before": draw(st.sampled_from([0, 0.5, 3, 8])),
        "rec_sec_after": draw(st.sampled_from([0, 0.1, 1, 8])),
        "max_event_time": draw(st.sampled_from([5, 12, 60])),
        "min_motion_sec": draw(st.sampled_from([0, 0.35, 1])),
    }
    pts_us, given_to_it = draw(st.integers(0, 10**12)), []
    for _ in range(draw(st.integers(1, 30))):
        moving = draw(st.booleans())
        gap_us = draw(st.sampled_from([40_000, 200_000, 500_000]))
        for _ in range(draw(st.integers(1, 40))):
            pts_us += gap_us
            given_to_it.append((pts_us, moving, None))
        if draw(st.integers(0, 9)) == 0:
            given_to_it.append((pts_us, False, draw(st.sampled_from(["lost", "stopped"]))))
            pts_us += draw(st.sampled_from([100_000, 30_000_000]))
    return setup, given_to_it


@settings(max_examples=200, derandomize=True, deadline=None)
@given(days())
def test_whatever_moves(day):
    setup, given_to_it = day
    min_us, max_us = setup["min_motion_sec"] * 1e6, setup["max_event_time"] * 1e6
    it, seen, lasting, since = machine(**setup), [], [], None
    for pts_us, moving, broken in given_to_it:
        since = (since or pts_us) if moving else None
        if moving and pts_us - since >= min_us:
            lasting.append((since, pts_us))
        changes = getattr(it, broken)(pts_us) if broken else it.frame(pts_us, HERE if moving else (), since)
        if any(isinstance(c, EventEnded) and c.reason == "max_time" for c in changes):
            since = None  # a new base: what moves on is seen anew
        seen += changes
    seen += it.ended(given_to_it[-1][0])
    starts, ends = seen[::2], seen[1::2]

    # every event is ended before the next one starts, numbers rise by one
    assert [type(c) for c in seen] == [EventStarted, EventEnded] * len(starts)
    assert [c.number for c in starts] == [c.number for c in ends] == list(range(1, len(starts) + 1))

    before_us = round(min(setup["rec_sec_before"], setup["max_event_time"] / 2) * 1e6)
    for started, ended in zip(starts, ends, strict=True):
        assert started.clip_from_pts_us <= started.trigger_pts_us <= ended.last_motion_pts_us <= ended.clip_to_pts_us
        assert started.areas == HERE
        # bounded: what proves lasting, and the picture at which the machine sees that the time is over, come on top
        assert ended.clip_to_pts_us - started.clip_from_pts_us <= max_us + min_us + 2 * 500_000
    for former, started in zip(ends, starts[1:], strict=False):
        assert started.trigger_pts_us > former.last_motion_pts_us
        if started.continues is None:  # they overlap by pre-roll alone
            assert started.clip_from_pts_us == started.trigger_pts_us - before_us
        else:  # no gap and no repeated pre-roll
            assert started.continues == former.number
            assert former.reason == "max_time"
            assert started.clip_from_pts_us == former.clip_to_pts_us

    # every movement that lasted is in one clip from its first picture on
    clips = [(a.clip_from_pts_us, b.clip_to_pts_us) for a, b in zip(starts, ends, strict=True)]
    for since, pts_us in lasting:
        assert any(a <= since and pts_us <= b for a, b in clips)
