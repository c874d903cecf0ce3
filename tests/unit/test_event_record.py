"""event.json: what is written is read again, what is wrong is refused by name, what is new is kept."""

import json
import os
import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.event_record import (
    EventRecord,
    RecordDamaged,
    RecordTooNew,
    folder_of_id,
    from_json,
    id_of_folder,
    to_json,
)
from tests.unit.events import record, records


@given(records)
def test_what_is_written_is_read_again(event: EventRecord) -> None:
    assert from_json(to_json(event), "event.json") == event


def test_the_file_is_as_the_format_says() -> None:
    written = json.loads(to_json(record(camera="Front door", newer={"weather": "rain"})))
    assert written["version"] == 1
    assert written["id"] == "Front%20door/2026-05-04/12.00.00"
    assert written["path"] == "recordings/Front door/2026-05-04/12.00.00"
    assert written["duration_s"] == 20.0
    assert written["parts"][0]["file"] == "video.mp4"
    assert written["weather"] == "rain"


def test_times_are_written_in_local_time_with_its_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        written = json.loads(to_json(record()))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert written["start"] == "2026-05-04T17:45:00.000000+05:45"


def changed(**values: object) -> bytes:
    return json.dumps({**json.loads(to_json(record())), **values}).encode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("start", 1_700_000_000),
        ("start", "2026-05-04T12:00:00"),
        ("end", "noon"),
        ("bytes", True),
        ("bytes", -1),
        ("bytes", 1.5),
        ("duration_s", "20"),
        ("duration_s", float("nan")),
        ("duration_s", float("inf")),
        ("locked", 1),
        ("labels", "cat"),
        ("labels", ["cat", 7]),
        ("state", "finished"),
        ("areas", [{"left": 0.1}]),
        ("parts", [{}]),
        ("camera", None),
    ],
)
def test_a_wrong_value_is_named(name: str, value: object) -> None:
    with pytest.raises(RecordDamaged, match=rf"^yard/event\.json is damaged: {name}"):
        from_json(changed(**{name: value}), "yard/event.json")


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\x00" * 400, b"[]", b"null", b'"text"', b"\xff\xfe", b"{}", b'{"version": true}', b"[" * 100_000],
)
def test_what_is_no_record_is_damaged(data: bytes) -> None:
    with pytest.raises(RecordDamaged, match=r"^event\.json "):
        from_json(data, "event.json")


@given(st.integers(0, 2000))
def test_a_torn_file_is_damaged(length: int) -> None:
    whole = to_json(record())
    if length < len(whole) - 1:  # the last byte is a line break
        with pytest.raises(StorageError):
            from_json(whole[:length], "event.json")


def test_a_later_version_is_not_misread() -> None:
    with pytest.raises(RecordTooNew, match="later version"):
        from_json(changed(version=2, start="tomorrow"), "event.json")


@pytest.mark.parametrize(
    ("start", "sequence"), [("2026-05-04T12:00:00+00:00", 1_777_896_000_000_000), ("1969-07-20T20:17:40+00:00", 1)]
)
def test_a_file_of_the_first_version_has_the_order_of_its_beginning(start: str, sequence: int) -> None:
    values = json.loads(changed(start=start))
    del values["sequence"], values["revision"]
    read = from_json(json.dumps(values).encode(), "event.json")
    assert (read.sequence, read.revision) == (sequence, 0)


@pytest.mark.parametrize(
    ("name", "largest"), [("bytes", 2**53), ("sequence", 2**62), ("revision", 2**62), ("trigger_pts_us", 2**62)]
)
def test_a_number_that_the_catalogue_could_not_count_on_from_is_refused(name: str, largest: int) -> None:
    assert from_json(changed(**{name: largest}), "event.json")
    with pytest.raises(RecordDamaged, match=name):
        from_json(changed(**{name: largest + 1}), "event.json")


def test_unknown_keys_are_kept_on_rewriting() -> None:
    read = from_json(changed(weather={"rain": True}, newer=3), "event.json")
    assert json.loads(to_json(read))["weather"] == {"rain": True}
    assert json.loads(to_json(read))["newer"] == 3


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_an_id_names_one_folder_and_is_plain(folder: str) -> None:
    event_id = id_of_folder(folder)
    assert folder_of_id(event_id) == folder
    assert not set(event_id) & set(" \t\n\"'\\$&|;<>()*?[]#!`{}^")
    assert event_id.isascii()


def test_times_must_have_a_zone() -> None:
    naive = json.loads(to_json(record()))["start"][:26]
    assert datetime.fromisoformat(naive).tzinfo is None
    with pytest.raises(RecordDamaged, match="start"):
        from_json(changed(start=naive), f"{os.sep}event.json")
