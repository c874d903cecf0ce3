"""Whatever others put below recordings/ or into an event.json: the start goes on, and with our own errors at worst."""

import json
import logging
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.record import recovery
from pi_sec_cam.record.annotation import annotate
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.catalogue_file import CatalogueDamaged
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import EventRecord, RecordDamaged, epoch_us, from_json, to_json
from pi_sec_cam.record.rebuild import open_or_rebuild
from pi_sec_cam.record.recovery import Recovered, recover
from pi_sec_cam.record.repair import repair
from tests.unit.events import NOON, record

few = settings(max_examples=40, derandomize=True, database=None, deadline=None)
_separator_or_nul = (ord("/"), 0)
file_names = st.binary(min_size=1, max_size=40).filter(
    lambda name: not any(byte in name for byte in _separator_or_nul) and name not in (b".", b"..")
)


def start(archive: Archive) -> Recovered:
    """A daemon's start, and what is asked and said of the events after it, in an hour of winter."""
    catalogue, _ = open_or_rebuild(archive)
    with catalogue:
        done = recover(archive, catalogue)
        listed = catalogue.find()
        catalogue.deletable(before=NOON)
        catalogue.bytes_total()
        assert {event.id for event in listed} == set(catalogue.states())
        for event in listed:
            to_json(event)
            annotate(archive, catalogue, event.id, locked=True)
            assert catalogue.get(event.id).locked
        return done


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path)
    made.prepare()
    return made


def finished(archive: Archive) -> EventRecord:
    folder = archive.begin("Yard", WallStamp(NOON, 0, synchronised=True))
    folder.write_picture(b"picture")
    archive.running.clear()
    return folder.write_record(record(id=folder.id))


ODD_NAMES = [
    b"Yard/.x\xff.deleting",
    b"Yard/..x.deleting",
    b"Yard/.a\tb.deleting",
    b"Yard/x\xff",
    b"Yard/\xed\xa0\x80/10.00.00",
    b"\xff/2026-05-04/10.00.00",
    b"Yard/0001-01-01/00.00.00",
    b"Yard/9999-12-31/23.59.59",
    b"Yard/2500-01-01/00.00.00",
]


@pytest.fixture(params=["Europe/Berlin", "America/New_York"])
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """East or west of Greenwich: the first or the last day that there is cannot be told in UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("file", [None, b"video.mp4", b"motion.jpg", b"event.json"])
def test_an_odd_name_does_not_keep_an_event_from_being_listed(
    archive: Archive, name: bytes, file: bytes | None
) -> None:
    place = os.path.join(os.fsencode(archive.recordings), name)
    os.makedirs(place)
    if file is not None:
        Path(os.fsdecode(os.path.join(place, file))).write_bytes(b"x")
    event = finished(archive)
    start(archive)
    with Catalogue(archive.catalogue_path, read_only=True) as catalogue:
        assert catalogue.get(event.id).locked


def test_folders_may_lie_deeper_than_python_recurses(archive: Archive) -> None:
    event = finished(archive)
    above = os.open(archive.recordings, os.O_RDONLY)
    for _ in range(sys.getrecursionlimit() + 200):
        os.mkdir("d", dir_fd=above)
        within = os.open("d", os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = within
    os.close(above)
    try:
        assert start(archive).added == [event.id]
    finally:  # Python's own way to remove them recurses
        subprocess.run(["rm", "-rf", archive.recordings / "d"], check=True)


@few
@given(st.lists(file_names, min_size=1, max_size=3), st.sampled_from([b"", b"video.mp4", b"motion.jpg"]))
@example([b".a\nb.deleting"], b"video.mp4")
def test_any_name_may_stand_below_recordings(names: list[bytes], file: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        archive = Archive(Path(directory))
        archive.prepare()
        place = os.path.join(os.fsencode(archive.recordings), *names)
        os.makedirs(place)
        if file:
            Path(os.fsdecode(os.path.join(place, file))).write_bytes(b"x")
        event = finished(archive)
        done = start(archive)
        assert done.failed == []
        assert event.id in done.added


_numbers = st.sampled_from([-1, 0, 2**53, 2**53 + 1, 2**62, 2**62 + 1, 2**63 - 1, 2**63, 2**64, 10**400]) | st.floats()
_times = st.sampled_from(
    [
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00+00:00",
        "1800-01-01T00:00:00+00:00",
        "2300-01-01T00:00:00+00:00",
        "9999-12-31T23:59:59-12:00",
        "9999-12-31T23:59:59.999999+00:00",
    ]
)
_values = st.none() | st.booleans() | _numbers | _times | st.text() | st.just("\ud800") | st.lists(_numbers, max_size=2)
_changes = st.dictionaries(
    st.sampled_from([*json.loads(to_json(record())), "newer", "of later"]), _values, min_size=1, max_size=3
)
event_jsons = st.binary(max_size=200) | _changes.map(
    lambda changes: json.dumps({**json.loads(to_json(record())), **changes}).encode()
)


@few
@given(event_jsons)
@example(json.dumps({**json.loads(to_json(record())), "revision": 2**62}).encode())
@example(json.dumps({**json.loads(to_json(record())), "revision": 2**63 - 1}).encode())
@example(json.dumps({**json.loads(to_json(record())), "state": "recording", "duration_s": 9e9}).encode())
def test_anything_may_stand_in_event_json(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        archive = Archive(Path(directory))
        archive.prepare()
        event = finished(archive)
        (archive.directory / event.path / "event.json").write_bytes(data)
        done = start(archive)
        too_new = event.id in done.failed
        assert too_new or event.id in [*done.added, *done.interrupted]


@pytest.mark.parametrize("name", ["start", "end", "motion_start", "motion_end"])
@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2300-01-01T00:00:01Z"])
def test_a_time_that_no_clock_shows_is_damage(name: str, time: str) -> None:
    values = {**json.loads(to_json(record())), name: time}
    with pytest.raises(RecordDamaged, match=name):
        from_json(json.dumps(values).encode(), "event.json")


def test_a_sequence_that_no_clock_has_led_to_is_not_followed(archive: Archive) -> None:
    event = finished(archive)
    (archive.directory / event.path / "event.json").write_bytes(to_json(replace(event, sequence=2**62)))
    for _ in range(2):  # from the file, then from the row
        start(archive)
        assert archive.next_sequence(WallStamp(NOON, 0, synchronised=True)) == epoch_us(NOON)
        archive = Archive(archive.directory)


def test_a_file_of_the_far_future_is_adopted_within_what_a_record_can_say(archive: Archive) -> None:
    folder = archive.recordings / "Yard/some day"
    folder.mkdir(parents=True)
    picture = folder / "motion.jpg"
    picture.write_bytes(b"picture")
    os.utime(picture, (1e12, 1e12))  # ext4 makes of it the year 2446, other file systems keep it
    assert start(archive).interrupted == ["Yard/some%20day"]
    adopted = archive.folder("Yard/some%20day").read_record()
    assert adopted is not None
    assert adopted.start.year in {2299, 2300}


@pytest.mark.parametrize("column", ["areas", "parts"])
def test_a_row_that_makes_no_sense_is_said_and_at_the_next_start_made_anew(archive: Archive, column: str) -> None:
    event = finished(archive)
    start(archive)
    with closing(sqlite3.connect(archive.catalogue_path)) as database, database:
        database.execute(f"UPDATE events SET {column} = '[{{'")
    with (
        Catalogue(archive.catalogue_path, read_only=True) as catalogue,
        pytest.raises(CatalogueDamaged, match="catalogue rebuild"),
    ):
        catalogue.find()
    assert start(archive).added == [event.id]


@pytest.mark.parametrize("change", ["start_us = 9e18", "end_us = 'noon'", "areas = '[{}]'", "parts = '[7]'"])
def test_a_value_that_makes_no_sense_is_damage(archive: Archive, change: str) -> None:
    finished(archive)
    start(archive)
    with closing(sqlite3.connect(archive.catalogue_path)) as database, database:
        database.execute(f"UPDATE events SET {change}")
    with Catalogue(archive.catalogue_path) as catalogue, pytest.raises(CatalogueDamaged, match="makes no sense"):
        catalogue.find()


def test_an_event_that_fails_as_nobody_thought_of_keeps_no_other_from_being_listed(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    strange, event = finished(archive), finished(archive)

    def fails(folder: EventFolder, *arguments: object) -> object:
        if folder.id == strange.id:
            raise OverflowError("nobody thought of this")
        return repair(folder, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(recovery, "repair", fails)
    with caplog.at_level(logging.ERROR):
        done = start(archive)
    assert (done.failed, done.added) == ([strange.id], [event.id])
    assert "nobody thought of this" in caplog.text
    assert str(archive.directory / strange.path) in caplog.text
    monkeypatch.undo()
    assert start(archive).added == [strange.id]


def test_a_stop_leaves_the_rest_for_the_next_start(archive: Archive) -> None:
    events = [finished(archive) for _ in range(5)]
    (archive.directory / events[0].path).rename(archive.recordings / "moved away")
    with Catalogue(archive.catalogue_path) as catalogue:
        catalogue.put_all([replace(events[0], state="complete"), events[1]])
        looks = 0

        def stopping() -> bool:
            nonlocal looks
            looks += 1
            return looks > 7  # five folders, two events

        first = recover(archive, catalogue, stopping=stopping)
        assert len(first.added) == 2
        recover(archive, catalogue, stopping=lambda: True)
        assert events[1].id in catalogue.states()
        second = recover(archive, catalogue)
        assert len(first.added) + len(second.added) == 4
        assert len(catalogue.find()) == 5


def test_progress_is_said_for_each_folder_and_event(archive: Archive) -> None:
    for _ in range(5):
        finished(archive)
    said = []
    with Catalogue(archive.catalogue_path) as catalogue:
        recover(archive, catalogue, on_progress=lambda: said.append(1))
    assert len(said) >= 10
