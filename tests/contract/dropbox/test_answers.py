"""What Dropbox may answer to an upload, and what others answer in its place."""

import json
import os

import pytest

from pi_sec_cam.errors import TemporaryError
from pi_sec_cam.offsite.stores.dropbox import DropboxStore
from tests.contract.dropbox.trial import PATH, UPLOAD, put, refusal
from tests.loopback_dropbox import answer
from tests.loopback_dropbox.faults import Fault
from tests.loopback_dropbox.server import LoopbackDropbox

NOT_DROPBOX = [
    answer.portal_page(),
    answer.portal_redirect(),
    answer.Answer(200, b"<html>", "application/json"),
    answer.Answer(200, b"[]", "application/json"),
    answer.Answer(200, b"null", "application/json"),
    answer.Answer(200, b'{"size": "many"}', "application/json"),
    answer.Answer(204, b"", "text/plain"),
    answer.Answer(401, b"who are you?", "text/html"),
    answer.Answer(403, b"blocked by your administrator", "text/html"),
    answer.Answer(404, b"not here", "text/plain"),
    answer.Answer(409, b"{}", "application/json"),
    answer.Answer(409, b'{"error": {".tag": "of another time"}}', "application/json"),
    answer.Answer(511, b"log in first", "text/html"),
]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (answer.too_many(7), 7),
        (answer.too_many_as_text("3"), 3),
        (answer.too_many_as_text("1.5"), 1.5),
        (answer.too_many_as_text(None), None),
        (answer.too_many_as_text("soon"), None),
        (answer.too_many_as_text("nan"), None),
        (answer.Answer(429, b"", "text/html", {"Retry-After": "4"}), 4),
        (answer.Answer(429, b"{", "application/json", {"Retry-After": "4"}), 4),
        (answer.Answer(429, answer.too_many(9).body, "application/json", {"Retry-After": "1.5"}), 9),
        (answer.Answer(429, answer.too_many(2).body, "application/json; charset=utf-8"), 2),
        (
            answer.Answer(
                429,
                b"",
                "text/plain",
                {"Date": "Fri, 01 Jan 1971 00:00:00 GMT", "Retry-After": "Fri, 01 Jan 1971 00:00:20 GMT"},
            ),
            20,
        ),
        (answer.Answer(503, b"", "text/plain", {"Retry-After": "11"}), 11),
        (answer.server_error(500), None),
    ],
)
def test_too_many_requests_say_how_long_to_wait(
    dropbox: LoopbackDropbox, store: DropboxStore, said: answer.Answer, seconds: float | None
) -> None:
    dropbox.faults.next(Fault("answer", UPLOAD, said))
    error = refusal(store)
    assert type(error) is TemporaryError
    assert error.retry_after_s == seconds
    assert len(dropbox.requests(UPLOAD)) == 1, "whoever sends tries again, not the SDK"
    put(store)


def test_a_rate_limit_is_obeyed_by_whoever_reads_the_seconds(dropbox: LoopbackDropbox, store: DropboxStore) -> None:
    dropbox.writes_in_a_minute = 2
    put(store, path="a/1")
    put(store, path="a/2")
    error = refusal(store, path="a/3")
    assert isinstance(error, TemporaryError)
    assert 55 <= (error.retry_after_s or 0) <= 60


@pytest.mark.parametrize(
    ("route", "said"),
    [
        *((UPLOAD, said) for said in NOT_DROPBOX),
        *(("oauth2/token", said) for said in NOT_DROPBOX if said.status != 409),
    ],
)
def test_what_is_not_dropboxs_answer_is_tried_again(
    dropbox: LoopbackDropbox, store: DropboxStore, route: str, said: answer.Answer
) -> None:
    dropbox.faults.next(Fault("answer", route, said))
    assert type(refusal(store)) is TemporaryError
    put(store)


@pytest.mark.parametrize("kind", ["drop", "lose reply", "wrong hash"])
@pytest.mark.parametrize("size", [6, 3_000_000])
def test_what_breaks_on_the_way_is_mended_by_another_try(
    dropbox: LoopbackDropbox, store: DropboxStore, kind: str, size: int
) -> None:
    data = os.urandom(size)
    dropbox.faults.next(Fault(kind, UPLOAD, after_bytes=size // 2))  # type: ignore[arg-type]
    assert type(refusal(store, data)) is TemporaryError
    put(store, data)
    assert {path: file.data for path, file in dropbox.stored().items()} == {f"/{PATH}": data}


@pytest.mark.parametrize(
    ("kind", "headers", "padding"),
    [
        ("application/json; charset=utf-8", {}, 0),
        ("application/json", {"Connection": "close"}, 0),
        ("application/json", {"Connection": "close"}, 500_000),  # the rest of it comes after its head
    ],
)
def test_an_answer_of_dropbox_may_look_a_little_different(
    dropbox: LoopbackDropbox, store: DropboxStore, kind: str, headers: dict[str, str], padding: int
) -> None:
    put(store)
    said = {**dropbox.stored()[f"/{PATH}"].metadata(), "of another time": "x" * padding}
    dropbox.faults.next(Fault("answer", UPLOAD, answer.Answer(200, json.dumps(said).encode(), kind, headers)))
    put(store)
    put(store)


def test_an_answer_that_does_not_end_is_not_read_to_its_end(dropbox: LoopbackDropbox, store: DropboxStore) -> None:
    dropbox.faults.next(Fault("answer", UPLOAD, answer.Answer(200, b'"' + b"x" * 30_000_000 + b'"')))
    error = refusal(store)
    assert type(error) is TemporaryError
    assert "does not end" in str(error)
