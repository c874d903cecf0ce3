"""What a verification comes to: in words, in JSON, and as a page that holds no surprise for who opens it."""

import base64
import hashlib
import json
import re
from collections import Counter
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from pi_sec_cam.evidence.footage import FolderFootage
from pi_sec_cam.evidence.reporting.as_json import report_object
from pi_sec_cam.evidence.reporting.as_text import report_lines
from pi_sec_cam.evidence.reporting.outcome import Outcome, answer, outcome
from pi_sec_cam.evidence.reporting.page import ReportedCheck, html_report
from pi_sec_cam.evidence.reporting.wording import EXPLANATIONS
from pi_sec_cam.evidence.verdict import CameraResult, Finding, Verdict, Verification
from pi_sec_cam.home.event_pictures import WIDTH, events_to_show, small_picture, small_pictures
from pi_sec_cam.media.picture import jpeg
from pi_sec_cam.offsite.envelope import Envelope
from tests.unit.owner_keys import private_key, public_key
from tests.unit.verifications import BEGAN, HEAD, KEY, event, finding, verification

CHECK = ReportedCheck(BEGAN, "pi_sec_cam 1.0", [KEY], [], "pi-sec-cam verify footage -p 00")
HOSTILE = "<script>alert('1')</script>\"'>&{{ 7*7 }}\x1b[31m\u202e\n\udc80`<b>`"


class Page(HTMLParser):
    """What a browser makes of it."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.style = ""
        self._in = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._in = tag

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "style":
            self.style += data
        else:
            self.text += data

    def values(self, name: str) -> list[str]:
        return [value for _, of, value in self.attributes if of == name]


def page_of(found: Verification, **pictures: bytes) -> Page:
    return Page(html_report(found, CHECK, pictures, UTC))


def lines(found: Verification) -> list[str]:
    return [line.text for line in report_lines(found, UTC)]


def of_each_weight() -> Verification:
    first, second, third = event(0, Verdict.DROPPED), event(1, Verdict.MISSING), event(2, Verdict.UNATTESTED)
    found = [
        finding(Verdict.DROPPED, first),
        finding(Verdict.MISSING, second, "video1.h264"),
        finding(Verdict.ALTERED, second, "video2.h264"),
        finding(Verdict.UNATTESTED, third),
    ]
    return verification([first, second, third], found)


def test_the_answer_comes_first_and_says_until_when_and_how_much() -> None:
    whole = verification([event(number) for number in range(14)])
    assert answer(whole, UTC) == "Yard: whole until 2026-05-04 17:30:12. 14 events, 812 files, 639.8 MB."
    assert answer(whole, timezone(timedelta(hours=2))).startswith("Yard: whole until 2026-05-04 19:30:12.")
    assert lines(whole)[0] == answer(whole, UTC)
    assert "NOT whole: 2 things are wrong (whole until 2026" in answer(of_each_weight(), UTC)


def test_the_answer_does_not_call_a_part_the_whole() -> None:
    part = verification([event()], [finding(Verdict.OUTSIDE, event(1))])
    assert "what is here is whole, until 2026-05-04 17:30:12; not everything is here" in answer(part, UTC)
    assert "What is here is whole" in page_of(part).text
    absent = verification([event()], [finding(Verdict.ABSENT, event(1))])
    assert "what is here is whole, until 2026-05-04 17:30:12; not everything is here" in answer(absent, UTC)
    assert outcome(absent) is Outcome.OPEN
    for verdict in (Verdict.DROPPED, Verdict.PRUNED):
        given_up = verification([event()], [finding(verdict, event())])
        assert "whole until 2026-05-04 17:30:12, but for what was given up" in answer(given_up, UTC)


@pytest.mark.parametrize("verdict", list(Verdict)[1:])
def test_what_is_explained_is_whole_and_what_is_wrong_outweighs_what_is_open(verdict: Verdict) -> None:
    explained = {Verdict.DROPPED, Verdict.PRUNED, Verdict.OUTSIDE}
    still_open = {Verdict.ABSENT, Verdict.UNATTESTED}
    expected = Outcome.WHOLE if verdict in explained else Outcome.OPEN if verdict in still_open else Outcome.WRONG
    one = event(0, verdict)
    assert outcome(verification([one], [finding(verdict, one)])) is expected
    both = verification([one], [finding(verdict, one), finding(Verdict.UNATTESTED, one)])
    assert outcome(both) is (Outcome.WRONG if expected is Outcome.WRONG else Outcome.OPEN)
    trusted = verification([one], [finding(verdict, one)], key_given=False)
    assert outcome(trusted) is (Outcome.WRONG if expected is Outcome.WRONG else Outcome.OPEN)


def test_without_a_key_nobody_vouches() -> None:
    found = verification([event()], key_given=False)
    assert "nobody vouches" in answer(found, UTC)
    assert "taken on trust" in "".join(lines(found))
    assert "anyone could have made all of this" in page_of(found).text


def test_lines_go_from_the_serious_to_the_harmless_and_name_files_once_below_their_event() -> None:
    said = lines(of_each_weight())
    places = [said.index(line) for line in ("Wrong:", "Open:", "Explained:")]
    assert places == sorted(places)
    assert said[places[0] + 1 : places[0] + 4] == [
        "  Yard/2026-05-04/16.31.12",
        "    altered     video2.h264: The camera has signed it so.",
        "    missing     video1.h264: The camera has signed it so.",
    ]
    assert said[-1] == f"  newest head: {HEAD}"


def test_very_many_findings_are_counted_not_listed() -> None:
    events = [event(number, Verdict.MISSING) for number in range(50)]
    found = verification(
        events, [finding(Verdict.MISSING, each, f"video{i}.h264") for each in events for i in range(20)]
    )
    said = lines(found)
    assert len(said) < 400
    assert "    … and 12 more (--json has all)" in said
    assert "  … and 400 more, in 20 other places (--json has all)" in said
    assert "and 900 more findings" in page_of(found).text
    assert len(report_object(found, checked_at=BEGAN, keys=[])["findings"]) == 1000


def test_the_object_keeps_its_keys() -> None:
    found = report_object(of_each_weight(), checked_at=BEGAN, keys=[KEY])
    assert json.loads(json.dumps(found)) == found
    assert list(found) == [
        "format", "outcome", "verdict", "where", "checked_at", "key_given", "keys", "counts", "cameras", "events",
        "findings",
    ]  # fmt: skip
    assert (found["format"], found["outcome"], found["verdict"]) == (1, "wrong", "altered")
    assert found["counts"] == {
        "events": 3,
        "files": 174,
        "bytes": 137_100_000,
        "pictures": 2700,
        "findings": {"altered": 1, "dropped": 1, "missing": 1, "unattested": 1},
    }
    assert list(found["cameras"][0]) == ["camera", "verdict", "whole_until", "head", "key", "stamped"]
    assert list(found["events"][0]) == [
        "event", "folder", "camera", "chain", "verdict", "began", "synchronised", "files", "bytes", "pictures",
        "duration_s", "picture",
    ]  # fmt: skip
    assert found["findings"][1] == {
        "weight": "wrong",
        "verdict": "missing",
        "place": "Yard/2026-05-04/16.31.12/video1.h264",
        "text": "The camera has signed it so.",
        "event": "Yard/2026-05-04/16.31.12",
        "camera": "Yard",
        "at": "2026-05-04T16:31:12.000000+00:00",
    }


def test_the_page_needs_nothing_else_and_runs_nothing() -> None:
    page = page_of(of_each_weight(), **{event().folder: b"\xff\xd8\xff picture"})
    assert not {"script", "link", "iframe", "object", "embed", "form", "base", "a"} & set(page.tags)
    assert page.values("src") == ["data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8\xff picture").decode()]
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name in {"style", "href"}]
    assert not re.search(r"url\(|@import|http", page.style)
    policy = next(value for value in page.values("content") if "default-src" in value)
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("found", "word", "symbol"),
    [
        (verification([event()]), "Whole", "✓"),
        (verification([event()], [finding(Verdict.UNATTESTED, event())]), "Nothing wrong, something open", "?"),
        (verification([event()], [finding(Verdict.CUT, event())]), "Not whole", "✗"),
    ],
)
def test_the_page_answers_in_words_and_by_a_symbol(found: Verification, word: str, symbol: str) -> None:
    page = page_of(found)
    banner = " ".join(page.text.partition("complete and unaltered?")[2].partition("What was checked")[0].split())
    assert banner == f"{symbol} {word} {answer(found, UTC)}"


def test_each_verdict_that_was_given_is_explained_once() -> None:
    found = of_each_weight()
    page = page_of(found)
    given = {each.verdict for each in found.findings}
    for verdict, explanation in EXPLANATIONS.items():
        assert page.text.count(explanation.means.replace("`", "")) == (verdict in given), verdict
    assert set(EXPLANATIONS) == set(Verdict)


def test_hostile_names_stay_text() -> None:
    spoilt_event = _spoilt(event(0, Verdict.MISSING))
    found = Verification(
        HOSTILE,
        True,
        (_spoilt(CameraResult("", Verdict.MISSING, BEGAN, "", "")),),
        (spoilt_event,),
        (_spoilt(Finding(Verdict.MISSING, "", "", "", "", BEGAN)),),
    )
    check = ReportedCheck(BEGAN, "pi_sec_cam 1.0", [KEY], [HOSTILE], HOSTILE)
    page = Page(html_report(found, check, {}, UTC))
    plain = page_of(verification([event(0, Verdict.MISSING)], [finding(Verdict.MISSING, event())]))
    assert set(page.tags) <= set(plain.tags)
    assert {name for _, name, _ in page.attributes} == {name for _, name, _ in plain.attributes}
    for text in (page.text, *lines(found)):
        assert text.replace("\n", "").isprintable()
        assert "alert('1')" in text or "script" not in text
    assert json.loads(json.dumps(report_object(found, checked_at=BEGAN, keys=[])))["where"] == HOSTILE
    json.dumps(report_object(found, checked_at=BEGAN, keys=[])).encode()


def _spoilt(result: object) -> object:
    """With a hostile text wherever there is a text."""
    texts = [each.name for each in fields(result) if type(getattr(result, each.name)) is str]  # type: ignore[arg-type]
    return replace(result, **dict.fromkeys(texts, HOSTILE))  # type: ignore[type-var]


@pytest.mark.parametrize("at", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
@pytest.mark.parametrize("hours", [-12, 14])
def test_a_time_at_the_end_of_the_calendar_is_shown(at: datetime, hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    camera = CameraResult("Yard", Verdict.WHOLE, at, HEAD, KEY)
    found = Verification(
        "footage", True, (camera,), (replace(event(), began=at),), (replace(finding(Verdict.CUT, event()), at=at),)
    )
    for zone_of in (zone, None):
        assert f"{at:%Y}"[-4:] in html_report(found, CHECK, {}, zone_of).decode()
        assert [*report_lines(found, zone_of)]


def test_a_page_of_five_thousand_events_can_still_be_sent_by_mail() -> None:
    events = [event(number, Verdict.MISSING if number < 1000 else Verdict.WHOLE) for number in range(5000)]
    found = verification(events, [finding(Verdict.MISSING, each) for each in events[:1000]])
    shown = events_to_show(found)
    assert shown[-100:] == events[-100:]
    assert len(shown) == 500
    assert {each.verdict for each in shown[:-100]} == {Verdict.MISSING}
    page = html_report(found, CHECK, {each.folder: b"p" * 15_000 for each in shown}, UTC)
    assert len(page) < 20_000_000
    assert page.count(b"<tr>") == 5001


def test_pictures_together_have_a_bound_and_the_newest_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pi_sec_cam.home.event_pictures.small_picture", lambda _stored, _key: b"p" * 1_000_000)
    events = [event(number) for number in range(20)]
    for each in events:
        (tmp_path / each.folder).mkdir(parents=True)
        (tmp_path / each.folder / "motion0.jpg").write_bytes(b"")
    found = dict(small_pictures(FolderFootage(tmp_path), verification(events), None))
    assert list(found) == [each.folder for each in reversed(events[8:])]


def test_a_picture_that_is_not_the_recorded_one_is_not_shown_as_it() -> None:
    good, bad = event(0), event(1, Verdict.ALTERED)
    assert events_to_show(verification([good, bad], [finding(Verdict.ALTERED, bad, "motion0.jpg")])) == [good]
    assert events_to_show(verification([replace(good, picture=None)])) == []


def test_a_picture_of_which_no_record_speaks_is_not_shown_as_the_cameras() -> None:
    unsigned = replace(event(1), chain=None, verdict=Verdict.FOREIGN)
    found = verification([event(0), unsigned], [Finding(Verdict.FOREIGN, unsigned.folder, "unsigned", unsigned.folder)])
    assert events_to_show(found) == [event(0)]


def test_pictures_are_opened_with_the_key_and_made_small() -> None:
    large = jpeg(np.full((720, 1280, 3), 90, np.uint8))
    stored = Envelope(public_key(1024)).seal(large)
    assert small_picture(stored, None) is None
    assert small_picture(stored, private_key(2048)) is None
    assert small_picture(stored[:-1], private_key(1024)) is None
    for small in (small_picture(stored, private_key(1024)), small_picture(large, None)):
        assert small is not None
        assert cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR).shape == (180, WIDTH, 3)


@pytest.mark.parametrize("stored", [b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0 no picture", b"\x00\x00\x00\x01video"])
def test_what_is_no_picture_is_left_out(stored: bytes) -> None:
    assert small_picture(stored, None) is None


def test_a_picture_that_would_fill_the_memory_is_left_out() -> None:
    for side, shown in ((4000, True), (7200, False)):
        large = cv2.imencode(".jpg", np.zeros((side, side), np.uint8))[1].tobytes()
        assert (small_picture(large, None) is not None) == shown
