"""The ring keeps enough to look back, no more than its bounds, and says what a slow reader missed."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo
from pi_sec_cam.media.ring import Cursor, Ring

INFO = StreamInfo("h264", 64, 36, b"")


def unit(index: int, *, key: bool, size: int = 100, period_us: int = 100_000) -> AccessUnit:
    return AccessUnit(bytes(size), index * period_us, index * period_us, key, INFO)


def fill(ring: Ring, count: int, *, gop: int, start: int = 0, size: int = 100) -> None:
    for index in range(start, start + count):
        ring.append(unit(index, key=index % gop == 0, size=size))


def read_all(cursor: Cursor) -> list[AccessUnit]:
    units = []
    while (found := cursor.read(0)) is not None:
        units.append(found)
    return units


def test_a_clip_can_begin_as_long_ago_as_asked() -> None:
    ring = Ring(seconds=3, max_bytes=10**6)
    fill(ring, 100, gop=10)
    newest_us = 99 * 100_000
    first = ring.cursor(from_pts_us=newest_us - 3_000_000).read(0)
    assert first is not None
    assert first.keyframe
    assert first.pts_us <= newest_us - 3_000_000


def test_no_more_is_kept_than_the_gops_that_are_needed() -> None:
    ring = Ring(seconds=3, max_bytes=10**6)
    fill(ring, 1000, gop=10)
    assert ring.held()["pictures"] <= 3 * 10 + 2 * 10


def test_the_newest_gop_is_never_dropped_for_time() -> None:
    ring = Ring(seconds=0.1, max_bytes=10**6)
    fill(ring, 95, gop=100)
    assert len(read_all(ring.cursor())) == 95


def test_a_cursor_without_a_time_begins_at_the_newest_keyframe() -> None:
    ring = Ring(seconds=5, max_bytes=10**6)
    fill(ring, 25, gop=10)
    assert [u.pts_us // 100_000 for u in read_all(ring.cursor())] == [20, 21, 22, 23, 24]


def test_a_time_before_all_that_is_held_gives_the_oldest_keyframe() -> None:
    ring = Ring(seconds=5, max_bytes=10**6)
    fill(ring, 25, gop=10)
    first = ring.cursor(from_pts_us=-(10**9)).read(0)
    assert first is not None
    assert first.pts_us == 0


def test_a_clip_does_not_begin_with_pictures_from_before_a_pause() -> None:
    ring = Ring(seconds=60, max_bytes=10**6)
    fill(ring, 20, gop=10)
    fill(ring, 20, gop=10, start=600)  # after a minute without pictures
    assert [u.pts_us // 100_000 for u in read_all(ring.cursor(from_pts_us=58_000_000))] == list(range(600, 620))
    assert next(u.pts_us // 100_000 for u in read_all(ring.cursor(from_pts_us=2_500_000))) == 10


def test_a_cleared_ring_has_nothing_to_look_back_to() -> None:
    ring = Ring(seconds=60, max_bytes=10**6)
    fill(ring, 20, gop=10)
    ring.clear()
    assert ring.held()["bytes"] == 0
    assert ring.gop_at(1_000_000) == []
    fill(ring, 10, gop=10, start=20)
    assert [u.pts_us // 100_000 for u in read_all(ring.cursor(from_pts_us=0))] == list(range(20, 30))


def test_clearing_leaves_pinned_readers_what_they_have_not_read() -> None:
    ring = Ring(seconds=60, max_bytes=10**6)
    fill(ring, 20, gop=10)
    cursor = ring.cursor(from_pts_us=1_000_000, pinned=True)
    assert cursor.read(0) is not None
    ring.clear()
    assert [u.pts_us // 100_000 for u in read_all(cursor)] == list(range(11, 20))
    assert cursor.dropped == 0


def test_a_pinned_cursor_misses_nothing_within_the_bound() -> None:
    ring = Ring(seconds=1, max_bytes=10**6)
    fill(ring, 20, gop=10)
    cursor = ring.cursor(from_pts_us=0, pinned=True)
    fill(ring, 500, gop=10, start=20)
    assert [u.pts_us // 100_000 for u in read_all(cursor)] == list(range(520))
    assert cursor.dropped == 0


def test_what_a_pinned_cursor_has_read_may_go() -> None:
    ring = Ring(seconds=1, max_bytes=10**6)
    fill(ring, 20, gop=10)
    cursor = ring.cursor(from_pts_us=0, pinned=True)
    read_all(cursor)
    fill(ring, 500, gop=10, start=20)
    read_all(cursor)
    fill(ring, 20, gop=10, start=520)
    assert ring.held()["pictures"] <= 40


@pytest.mark.parametrize(("pinned", "first"), [(True, 180), (False, 220)])
def test_a_reader_that_lags_behind_the_bound_goes_on_at_a_keyframe_and_the_loss_is_counted(
    pinned: bool, first: int
) -> None:
    """At the oldest that is left if it wants to have all, else at the newest."""
    ring = Ring(seconds=1, max_bytes=5000)  # fifty units
    fill(ring, 20, gop=10)
    cursor = ring.cursor(from_pts_us=0, pinned=pinned)
    assert cursor.read(0) is not None
    fill(ring, 205, gop=10, start=20)
    units = read_all(cursor)
    assert units[0].keyframe
    assert [u.pts_us // 100_000 for u in units] == list(range(first, 225))
    assert cursor.dropped == first - 1


def test_a_pinned_reader_keeps_what_it_needs_while_all_that_came_later_goes() -> None:
    ring = Ring(seconds=1, max_bytes=10_000)  # a hundred units
    fill(ring, 20, gop=10)
    cursor = ring.cursor(from_pts_us=0, pinned=True)
    fill(ring, 15, gop=10, start=20)
    cursor.end(3_300_000)
    fill(ring, 1000, gop=10, start=35)
    assert ring.held()["pictures"] <= 40 + 30
    assert (cursor.unread().pictures, cursor.unread().bytes) == (40, 4000)
    assert cursor.unread().seconds == pytest.approx(3.9)
    units = [u.pts_us // 100_000 for u in read_all(cursor)]
    assert units[:40] == list(range(40))
    assert units[40] % 10 == 0, "after the hole it goes on at a keyframe"
    assert cursor.dropped == 0, "what it did not want is not missed"
    assert cursor.unread().pictures == 0


def test_of_an_ended_event_the_gops_that_begin_up_to_its_last_moment_are_kept_too() -> None:
    ring = Ring(seconds=1, max_bytes=10_000)
    fill(ring, 15, gop=10)
    cursor = ring.cursor(from_pts_us=0, pinned=True)
    cursor.end(2_500_000)  # an encoder may be late
    fill(ring, 500, gop=10, start=15)
    assert [u.pts_us // 100_000 for u in read_all(cursor)][:30] == list(range(30))


def test_beyond_the_bytes_the_oldest_goes_first_pinned_or_not() -> None:
    ring = Ring(seconds=1, max_bytes=5000)
    fill(ring, 20, gop=10)
    first = ring.cursor(from_pts_us=0, pinned=True)
    first.end(1_900_000)
    fill(ring, 100, gop=10, start=20)
    second = ring.cursor(from_pts_us=10_000_000, pinned=True)
    fill(ring, 25, gop=10, start=120)
    assert ring.held()["bytes"] <= 5000
    assert read_all(second)[0].pts_us // 100_000 == 100
    assert second.dropped == 0
    read_all(first)
    assert first.dropped == 20


def test_bytes_are_bounded_even_without_any_further_keyframe() -> None:
    ring = Ring(seconds=1, max_bytes=5000)
    reader = None
    for index in range(1000):
        ring.append(unit(index, key=index == 0))
        reader = reader or ring.cursor()
        assert reader.read(0) is not None  # whoever keeps up notices nothing
        assert ring.held()["bytes"] <= 5000
    assert reader is not None
    assert reader.dropped == 0


def test_a_gop_without_its_keyframe_is_not_where_a_reader_begins() -> None:
    ring = Ring(seconds=1, max_bytes=5000)
    fill(ring, 80, gop=1000)
    late = ring.cursor()
    assert late.read(0) is None
    fill(ring, 5, gop=1000, start=80)
    assert late.read(0) is None
    fill(ring, 5, gop=1, start=85)
    first = late.read(0)
    assert first is not None
    assert first.keyframe


def test_gop_at_gives_the_gop_that_holds_a_time() -> None:
    ring = Ring(seconds=5, max_bytes=10**6)
    fill(ring, 35, gop=10)
    assert [u.pts_us // 100_000 for u in ring.gop_at(1_550_000)] == list(range(10, 20))
    assert [u.pts_us // 100_000 for u in ring.gop_at(9_000_000)] == list(range(30, 35))
    assert ring.gop_at(-1) == []


def test_a_finished_ring_is_read_to_its_end_and_says_so() -> None:
    ring = Ring(seconds=5, max_bytes=10**6)
    fill(ring, 5, gop=10)
    cursor = ring.cursor()
    ring.finish()
    assert len(read_all(cursor)) == 5
    assert cursor.drained


def test_closing_a_cursor_wakes_its_reader() -> None:
    cursor = Ring(seconds=5, max_bytes=10**6).cursor()
    reader = threading.Thread(target=cursor.read, args=(60,))
    reader.start()
    cursor.close()
    reader.join(10)
    assert not reader.is_alive()


def test_wait_read_holds_a_fast_source_back_until_pinned_readers_have_caught_up() -> None:
    ring = Ring(seconds=1, max_bytes=5000)
    fill(ring, 10, gop=10)
    cursor = ring.cursor(from_pts_us=0, pinned=True)
    fill(ring, 20, gop=10, start=10)
    assert not ring.wait_read(0)
    read_all(cursor)
    assert ring.wait_read(0)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    gops=st.lists(st.tuples(st.integers(1, 30), st.integers(1, 300)), min_size=1, max_size=40),
    seconds=st.floats(0, 5),
    reads=st.integers(0, 10),
)
def test_readers_see_each_unit_once_in_order_or_have_it_counted(
    gops: list[tuple[int, int]], seconds: float, reads: int
) -> None:
    ring = Ring(seconds=seconds, max_bytes=8000)
    cursor, seen, index = None, [], 0
    for length, size in gops:
        for place in range(length):
            ring.append(unit(index, key=place == 0, size=size))
            index += 1
            assert ring.held()["bytes"] <= 8000
            cursor = cursor or ring.cursor(pinned=True)
        for _ in range(reads):
            if (found := cursor.read(0)) is not None:
                seen.append(found.pts_us // 100_000)
    seen += [u.pts_us // 100_000 for u in read_all(cursor)]
    assert seen == sorted(set(seen))
    assert len(seen) + cursor.dropped == index
