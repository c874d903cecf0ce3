"""Times and lengths as people type them."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_sec_cam.cli.moments import parse_length, parse_moment


@pytest.fixture(autouse=True, scope="module")
def berlin() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def now() -> datetime:
    return datetime.fromisoformat("2026-05-04T17:45:30+02:00")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", "2026-05-04T17:45:30+02:00"),
        ("today", "2026-05-04T00:00:00+02:00"),
        ("Yesterday", "2026-05-03T00:00:00+02:00"),
        ("yesterday 18:30", "2026-05-03T18:30:00+02:00"),
        ("18:30", "2026-05-04T18:30:00+02:00"),
        ("8:05", "2026-05-04T08:05:00+02:00"),
        ("8:05:09", "2026-05-04T08:05:09+02:00"),
        ("2026-01-31 8:05", "2026-01-31T08:05:00+01:00"),
        ("18:30:15", "2026-05-04T18:30:15+02:00"),
        ("2026-01-31", "2026-01-31T00:00:00+01:00"),
        ("2026-01-31 18:30", "2026-01-31T18:30:00+01:00"),
        ("2026-01-31T18:30:15.5", "2026-01-31T18:30:15.5+01:00"),
        ("2026-01-31 18:30+05:45", "2026-01-31T18:30:00+05:45"),
        ("2026-01-31T18:30Z", "2026-01-31T18:30:00+00:00"),
        ("90s", "2026-05-04T17:44:00+02:00"),
        ("30m", "2026-05-04T17:15:30+02:00"),
        ("30min", "2026-05-04T17:15:30+02:00"),
        ("1h30m", "2026-05-04T16:15:30+02:00"),
        ("1.5h", "2026-05-04T16:15:30+02:00"),
        ("3d", "2026-05-01T17:45:30+02:00"),
        ("2w", "2026-04-20T17:45:30+02:00"),
    ],
)
def test_what_people_type(text: str, meant: str) -> None:
    assert parse_moment(text, now()) == datetime.fromisoformat(meant)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("today", "2026-05-05T00:00:00+02:00"),
        ("2026-03-29", "2026-03-30T00:00:00+02:00"),  # a day of 23 hours
        ("20260329", "2026-03-30T00:00:00+02:00"),
        ("2026-03-29 12:00", "2026-03-29T12:00:00+02:00"),
        ("yesterday 18:30", "2026-05-03T18:30:00+02:00"),
        ("2h", "2026-05-04T15:45:30+02:00"),
    ],
)
def test_a_day_as_an_end_is_all_of_it(text: str, meant: str) -> None:
    assert parse_moment(text, now(), end_of_day=True) == datetime.fromisoformat(meant)


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "12", "2026", "5 parrots", "25:00", "2026-02-30", "-3d", "3", "h", "today 3d", "1..5h"]
)
def test_what_means_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (its message is for us; the option has its own)
        parse_moment(text, now())


def test_longer_ago_than_time_itself_is_refused() -> None:
    with pytest.raises(OverflowError):
        parse_moment("999999999w", now())


@given(st.text(max_size=20))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        assert parse_moment(text, now()).tzinfo is not None
    except (ValueError, OverflowError):
        return


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("20", 20), ("1.5", 1.5), ("90s", 90), ("2m", 120), ("1h30m", 5400), (" 3 ", 3)]
)
def test_lengths(text: str, seconds: float) -> None:
    assert parse_length(text) == seconds


@pytest.mark.parametrize("text", ["", "nan", "inf", "-1", "1e9", "x", "1 2", "9" * 400, "9" * 400 + "h"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_length(text)


def test_now_is_in_the_zone_of_the_test() -> None:
    assert now().astimezone().utcoffset() == timedelta(hours=2)
