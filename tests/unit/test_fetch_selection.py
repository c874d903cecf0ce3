"""Which events are meant by what people type."""

from datetime import UTC, datetime, timedelta

import pytest

from pi_sec_cam.home.selection import Selection, Span, event_of, in_chain, names, span_in_name, span_of

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVENT = "Yard/2026-05-04/18.30.12"


@pytest.mark.parametrize(
    ("what", "meant"),
    [
        (EVENT, True),
        ("Yard/2026-05-04", True),
        ("Yard", True),
        ("2026-05-04", True),
        ("2026-05-04/18.30.12", True),
        ("18.30.12", False),
        ("Yar", False),
        ("2026-05", False),
        ("Yard/2026-05-04/18.30", False),
        ("Yard/2026-05-04/18.30.12/video0.h264", False),
    ],
)
def test_an_event_a_day_a_camera(what: str, meant: bool) -> None:
    assert names(what, EVENT) is meant
    assert Selection((what,)).has(EVENT, None) is meant


def test_an_events_name_means_the_rest_of_it_too_which_lies_beside_it() -> None:
    assert names(EVENT, f"{EVENT}-2")
    assert not names(f"{EVENT}-2", EVENT)
    assert not names("Yard/2026", "Yard/2026-05/18.30.12")


def test_days_may_be_folders_in_folders() -> None:
    assert names("Yard/2026/05", "Yard/2026/05/04/18.30.12")
    assert event_of("Yard/2026/05/04/18.30.12/video0.h264") == "Yard/2026/05/04/18.30.12"


@pytest.mark.parametrize(
    ("began", "ended", "inside"),
    [(-2, -1, False), (-2, 0, True), (-1, 3, True), (0, 0, True), (1.9, 5, True), (2, 5, False)],
)
def test_a_span_has_what_touches_it(began: float, ended: float, inside: bool) -> None:
    selection = Selection(begin=NOON, until=NOON + 2 * HOUR)
    assert selection.has(EVENT, Span(NOON + began * HOUR, NOON + ended * HOUR)) is inside


def test_what_nobody_knows_the_time_of_is_taken() -> None:
    assert span_of("Yard/Monday/noon", {}) is None
    assert Selection(begin=NOON).has("Yard/Monday/noon", None)


def test_the_cameras_word_goes_before_the_folders_name() -> None:
    signed = Span(NOON, NOON + HOUR)
    assert span_of(EVENT, {EVENT: signed}) == signed
    assert span_in_name(f"{EVENT}-2") == span_in_name(EVENT)
    assert span_in_name("Yard/2026-05-04/99.30.12") is None


@pytest.mark.parametrize(
    "path",
    [
        "Yard/evidence/000001-ab/evidence0.jsonl",
        "Yard/rehearsal/18.30.12/motion0.jpg",
        "Yard/18.30.12/motion0.jpg",
        "pi_sec_cam-store",
        "Yard/2026-05-04/.18.30.12/x",
        "Yard/2026-05-04/18.30.12/.video0.h264.part",
    ],
)
def test_what_is_no_events(path: str) -> None:
    assert event_of(path) is None


def test_a_cameras_own_chain() -> None:
    assert in_chain("Yard/evidence/000001-ab/evidence0.jsonl")
    assert not in_chain("Yard/2026-05-04/18.30.12/evidence0.jsonl")


def test_whose_chain_is_needed() -> None:
    known = ["Door", "Yard"]
    assert Selection().cameras_among(known) == known
    assert Selection(("Yard/2026-05-04",)).cameras_among(known) == ["Yard"]
    assert Selection(("2026-05-04",)).cameras_among(known) == known
    assert Selection(("2026-05-04",), cameras=("Door",)).cameras_among(known) == ["Door"]
    assert Selection(cameras=("Gone",)).cameras_among(known) == ["Gone"]
