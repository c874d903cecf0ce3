"""Retention deletes what it must, the oldest first, and nothing that it must not, whatever clocks and disks say."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_sec_cam.record.retention import RESERVE_BYTES, Limits, Plan, Usage, is_due, plan

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
GB, MB = 10**9, 10**6
DAY_S = 86400.0


@dataclass(frozen=True)
class Event:
    """What retention sees of an event."""

    id: str
    sequence: int
    bytes: int = 100 * MB
    offsite: bool = False
    end: datetime = NOW - timedelta(hours=1)
    clock_synchronised: bool = True


def events(*sizes: int, **other: object) -> list[Event]:
    return [Event(f"e{n}", n, size, **other) for n, size in enumerate(sizes, 1)]  # type: ignore[arg-type]


def aged(*days: float) -> list[Event]:
    return [Event(f"e{n}", n, end=NOW - timedelta(days=age)) for n, age in enumerate(days, 1)]


def decide(
    limits: Limits,
    candidates: list[Event],
    *,
    free: int = 500 * GB,
    inodes: int | None = None,
    others: int = 0,
    now: datetime | None = NOW,
    watched_s: float = 0,
) -> Plan[Event]:
    """The plan for a disk with `others` bytes in events that are locked or running."""
    total = others + sum(event.bytes for event in candidates)
    usage = Usage(free_bytes=free, free_inodes=inodes, events_bytes=total)
    return plan(limits, usage, candidates, now=now, watched_s=watched_s)


def deleted(made: Plan[Event]) -> list[tuple[str, str]]:
    return [(deletion.event.id, deletion.why) for deletion in made.deletions]


def test_while_all_limits_are_kept_nothing_is_deleted() -> None:
    limits = Limits(max_bytes=GB, min_free_bytes=GB, max_age_days=14)
    assert decide(limits, events(500 * MB, 500 * MB), inodes=256) == Plan((), ())
    assert decide(limits, [], free=GB) == Plan((), ())


def test_the_oldest_go_until_the_total_is_kept_and_one_more() -> None:
    limits = Limits(max_bytes=GB, min_free_bytes=0)
    made = decide(limits, events(*[100 * MB] * 11))
    assert deleted(made) == [("e1", "total"), ("e2", "total")]
    assert made.obstacles == ()


def test_the_oldest_make_room_on_the_disk() -> None:
    made = decide(Limits(min_free_bytes=GB), events(*[100 * MB] * 9), free=850 * MB)
    assert deleted(made) == [("e1", "free space"), ("e2", "free space"), ("e3", "free space")]


def test_one_per_cent_more_than_wanted_comes_free() -> None:
    made = decide(Limits(min_free_bytes=100 * GB), events(*[10 * MB] * 500), free=100 * GB - 1)
    assert len(made.deletions) == 101


def test_what_is_off_site_goes_first() -> None:
    candidates = [Event("a", 1), Event("b", 2, offsite=True), Event("c", 3), Event("d", 4, offsite=True)]
    made = decide(Limits(max_bytes=150 * MB, min_free_bytes=0), candidates)
    assert [event_id for event_id, _ in deleted(made)] == ["b", "d", "a"]


def test_oldest_is_what_came_first_whatever_its_clock_said() -> None:
    first = Event("in 2036", 1, end=NOW + timedelta(days=3650))
    second = Event("in 1970", 2, end=datetime(1970, 1, 1, tzinfo=UTC), clock_synchronised=False)
    made = decide(Limits(max_bytes=150 * MB, min_free_bytes=0), [first, second])
    assert deleted(made) == [("in 2036", "total")]


def test_what_is_too_old_goes_uploaded_or_not() -> None:
    candidates = [*aged(30, 15, 13, 1), Event("e5", 5, offsite=True, end=NOW - timedelta(days=20))]
    made = decide(Limits(min_free_bytes=0, max_age_days=14), candidates)
    assert deleted(made) == [("e1", "age"), ("e2", "age"), ("e5", "age")]


def test_what_goes_by_age_counts_for_the_other_limits() -> None:
    made = decide(Limits(max_bytes=200 * MB, min_free_bytes=GB, max_age_days=14), aged(30, 2, 1), free=900 * MB)
    assert deleted(made) == [("e1", "age")]


def test_without_a_believed_clock_nothing_is_too_old() -> None:
    assert decide(Limits(min_free_bytes=0, max_age_days=1), aged(300, 30), now=None) == Plan((), ())


def test_an_event_whose_own_clock_was_not_believed_is_never_too_old() -> None:
    candidates = [Event("e1", 1, end=datetime(1970, 1, 1, tzinfo=UTC), clock_synchronised=False), *aged(1)]
    assert decide(Limits(min_free_bytes=0, max_age_days=1), candidates) == Plan((), ())


def test_a_time_years_after_the_newest_event_is_not_believed_at_once() -> None:
    limits = Limits(min_free_bytes=0, max_age_days=14)
    late = NOW + timedelta(days=3650)
    assert decide(limits, aged(2, 1), now=late, watched_s=DAY_S - 1) == Plan((), ())
    assert len(decide(limits, aged(2, 1), now=late, watched_s=DAY_S).deletions) == 2


def test_a_new_event_at_the_wrong_time_does_not_make_it_right() -> None:
    limits = Limits(min_free_bytes=0, max_age_days=14)
    candidates = [*aged(2, 1), Event("e3", 3, end=NOW + timedelta(days=3650))]
    late = NOW + timedelta(days=3650, hours=23)
    assert decide(limits, candidates, now=late) == Plan((), ())
    assert len(decide(limits, candidates, now=late + timedelta(hours=1)).deletions) == 2


def test_an_event_from_a_future_that_was_wrong_does_not_keep_the_others() -> None:
    candidates = [*aged(20, 1), Event("e3", 3, end=NOW + timedelta(days=3650))]
    assert deleted(decide(Limits(min_free_bytes=0, max_age_days=14), candidates)) == [("e1", "age")]


def test_where_something_else_fills_the_disk_the_footage_is_not_destroyed_for_it() -> None:
    made = decide(Limits(min_free_bytes=10 * GB), events(*[100 * MB] * 50), free=10 * MB)
    assert deleted(made) == [("e1", "free space")]
    assert len(made.obstacles) == 1
    assert "something else fills the disk" in made.obstacles[0]
    assert decide(Limits(min_free_bytes=10 * GB), events(*[100 * MB] * 50), free=RESERVE_BYTES).deletions == ()


def test_the_last_room_is_shared_between_old_events_and_new_ones() -> None:
    made = decide(Limits(min_free_bytes=GB), events(*[4 * MB] * 10), free=0)
    assert len(made.deletions) == 5


def test_that_locked_events_stand_in_the_way_is_said() -> None:
    made = decide(Limits(min_free_bytes=GB), events(10 * MB), free=500 * MB, others=900 * MB)
    assert made.deletions == ()
    assert "locked, running or undeletable (900 MB): unlock" in made.obstacles[0]


def test_where_locked_events_fill_the_limit_the_newest_others_stay() -> None:
    made = decide(Limits(max_bytes=GB, min_free_bytes=0), events(*[10 * MB] * 10), others=2 * GB)
    assert [event_id for event_id, _ in deleted(made)] == ["e1", "e2", "e3", "e4"]
    assert "locked, running or undeletable take 2 GB" in made.obstacles[0]


def test_a_disk_without_inodes_gets_some_back() -> None:
    made = decide(Limits(min_free_bytes=0), events(*[1] * 200), inodes=10)
    assert set(deleted(made)) == {(f"e{n}", "inodes") for n in range(1, 83)}
    made = decide(Limits(min_free_bytes=0), events(*[1] * 20), inodes=0)
    assert len(made.deletions) == 10
    assert "inodes" in made.obstacles[0]
    assert decide(Limits(min_free_bytes=0), events(1), inodes=None) == Plan((), ())


def test_a_full_disk_gets_room_also_if_none_is_to_be_kept_free() -> None:
    assert len(decide(Limits(min_free_bytes=0), events(*[MB] * 20), free=0).deletions) == 9


def test_a_disk_that_refuses_for_reasons_of_its_own_gets_a_little_room_at_a_time() -> None:
    limits = Limits(min_free_bytes=GB)
    refusing = Usage(free_bytes=500 * GB, free_inodes=None, events_bytes=0, refused=True)
    assert is_due(limits, refusing)
    for candidates, gone in ((events(*[10 * MB] * 50), 7), (events(*[10 * MB] * 4), 2), ([], 0)):
        made = plan(limits, refusing, candidates, now=NOW, watched_s=0)
        assert deleted(made) == [(f"e{n}", "free space") for n in range(1, gone + 1)]


@pytest.mark.parametrize(
    ("limits", "usage", "due"),
    [
        (Limits(min_free_bytes=GB), (GB, None, 9 * GB), False),
        (Limits(min_free_bytes=GB), (GB - 1, None, 0), True),
        (Limits(min_free_bytes=0), (0, None, 0), True),
        (Limits(min_free_bytes=0, max_bytes=GB), (GB, None, GB), False),
        (Limits(min_free_bytes=0, max_bytes=GB), (GB, None, GB + 1), True),
        (Limits(min_free_bytes=0), (GB, 256, 0), False),
        (Limits(min_free_bytes=0), (GB, 255, 0), True),
    ],
)
def test_whether_it_is_worth_looking_is_known_without_the_events(
    limits: Limits, usage: tuple[int, int | None, int], due: bool
) -> None:
    free, inodes, total = usage
    assert is_due(limits, Usage(free_bytes=free, free_inodes=inodes, events_bytes=total)) is due


_sizes = st.integers(0, 300 * MB)
_ends = st.integers(-20 * 366, 30).map(lambda days: NOW + timedelta(days=days))
_candidates = st.lists(st.tuples(_sizes, st.booleans(), _ends, st.booleans()), max_size=30).map(
    lambda rows: [Event(f"e{n}", n, *row) for n, row in enumerate(rows)]
)
_limits = st.builds(
    Limits,
    max_bytes=st.none() | st.integers(10 * MB, 5 * GB),
    min_free_bytes=st.integers(0, 5 * GB),
    max_age_days=st.none() | st.floats(0.01, 5000),
)
_disk = {"free": st.integers(0, 6 * GB), "inodes": st.none() | st.integers(0, 400), "others": st.integers(0, 3 * GB)}
_clock = {"now": st.none() | st.just(NOW), "watched_s": st.floats(0, 2 * DAY_S)}


@given(limits=_limits, candidates=_candidates, disk=st.fixed_dictionaries(_disk), clock=st.fixed_dictionaries(_clock))
def test_each_deletion_is_needed_in_order_and_enough(
    limits: Limits,
    candidates: list[Event],
    disk: dict[str, int],
    clock: dict[str, float],
) -> None:
    made = decide(limits, candidates, **disk, **clock)  # type: ignore[arg-type]
    by_age = [d.event for d in made.deletions if d.why == "age"]
    for_space = [d.event for d in made.deletions if d.why != "age"]
    # Nothing twice, and nothing that is no candidate (locked, running).
    assert len({event.id for event in [*by_age, *for_space]}) == len(made.deletions)
    assert {event.id for event in [*by_age, *for_space]} <= {event.id for event in candidates}
    # Too old means: old, by clocks that were believed.
    for event in by_age:
        assert clock["now"] is not None
        assert limits.max_age_days is not None
        assert event.clock_synchronised
        assert NOW - event.end > timedelta(days=limits.max_age_days)
    # For space a beginning of the order, off-site first.
    left = [event for event in candidates if event not in by_age]
    order = [e for e in left if e.offsite] + [e for e in left if not e.offsite]
    assert for_space == order[: len(for_space)]

    def short_of(gone: list[Event], spare: int = 0) -> list[str]:
        """The limits that are crossed once these events are gone, with `spare` bytes less free."""
        freed = sum(event.bytes for event in gone) - spare
        total = disk["others"] + sum(event.bytes for event in candidates) - freed
        crossed = ["free"] if disk["free"] + freed < max(limits.min_free_bytes, 8 * MB) else []
        if limits.max_bytes is not None and total > limits.max_bytes:
            crossed.append("total")
        if disk["inodes"] is not None and disk["inodes"] + 3 * len(gone) < 256:
            crossed.append("inodes")
        return crossed

    # What can be kept is kept; what cannot is said, and does not cost everything.
    impossible = short_of(candidates)
    assert len(made.obstacles) == len(impossible)
    assert set(short_of(by_age + for_space)) <= set(impossible)
    if not short_of(by_age):
        assert for_space == []
    if for_space and not impossible:
        # No more than needed but for the little more: one per cent, or the mean event, and the last event's rest.
        spare = max((limits.max_bytes or 0) // 100, max(limits.min_free_bytes, 8 * MB) // 100)
        spare = max(spare, sum(event.bytes for event in left) // len(left))
        assert short_of(by_age + for_space[:-1], spare)
