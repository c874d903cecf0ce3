"""Ordinary life does not look like tampering, however unlucky it is."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.evidence.scope import Scope
from pi_sec_cam.evidence.verdict import Verdict
from pi_sec_cam.home.places import of_store
from tests.unit.camera_made import MadeCamera, made_key, place_of, read_evidence, resigned, write_evidence
from tests.unit.verified import event_at, texts, verdicts, verified, wrong

DAY = "2026-03-01"


@pytest.fixture
def camera(tmp_path: Path) -> MadeCamera:
    return MadeCamera(tmp_path / "store", chunk_bytes=200)


def test_a_power_cut_and_what_was_resumed(camera: MadeCamera) -> None:
    event = camera.begin()
    event.chunk()
    camera.write_head()
    camera.power_cut()
    camera.start()
    event.chunk()
    event.end()
    assert verified(camera).findings == ()


def test_an_event_interrupted_for_good_is_open(camera: MadeCamera) -> None:
    event = camera.begin()
    event.chunk()
    camera.power_cut()
    camera.running.clear()
    camera.start()
    camera.event(1)
    found = verified(camera)
    assert verdicts(found) == {(Verdict.UNATTESTED, "12.00.00")}
    assert event_at(found, event.folder).verdict is Verdict.UNATTESTED


def test_an_event_that_ended_after_the_next_start(camera: MadeCamera) -> None:
    event = camera.begin()
    event.chunk()
    camera.power_cut()
    camera.start()
    camera.sign("began", event=event.name, of=event.chain.id)  # found after the start
    event.end()
    assert verified(camera).findings == ()


def test_records_that_left_and_were_lost_with_the_power_are_a_branch(camera: MadeCamera) -> None:
    event = camera.begin()
    for _ in range(6):
        event.chunk()
    camera.power_cut(forgotten=3)
    camera.start()
    event.chunk()
    event.end()
    found = verified(camera)
    assert found.findings == ()
    assert event_at(found, event.folder).files == 8
    names = sorted(event.folder.glob("evidence*"))
    for path in names:
        path.rename(path.with_suffix(".x"))
    for path, name in zip(reversed(names), names, strict=True):
        path.with_suffix(".x").rename(name)
    assert verified(camera).findings == ()  # in whatever order they are read


def test_an_event_that_ended_without_saying_so_itself(camera: MadeCamera) -> None:
    event = camera.begin()
    last = event.records[-1]
    camera.running.clear()
    event.sender.send()
    camera.sign("ended", event=event.name, of=event.chain.id, last={"hash": last.hash, "n": last.fields["n"]}, bytes=0)
    camera.send()
    assert verified(camera).findings == ()


def test_what_a_head_named_and_the_power_took_away_is_open(camera: MadeCamera) -> None:
    event = camera.begin()
    event.chunk()
    lost = event.sign("file", name="video1.h264", bytes=1, sha256="0" * 64)
    camera.sign("head", open=[{"event": event.name, **place_of(lost, "of")}])
    camera.sender.send()
    event.sender.unsigned(lost)
    camera.power_cut()
    camera.start()
    event.chunk()
    event.end()
    found = verified(camera)
    assert verdicts(found) == {(Verdict.UNATTESTED, "12.00.00")}


def test_a_start_that_goes_on_before_the_last_record_of_the_one_before(camera: MadeCamera) -> None:
    """The camera's disk did not have the last records of its own chain, or got an older copy back."""
    camera.event(1)
    older = camera.records[-1]
    camera.event(1)
    camera.start(previous=older)
    camera.event(1)
    camera.start(previous=older, ordinal=2)
    camera.event(1)
    assert verified(camera).findings == ()


def test_what_the_camera_gave_up_is_dropped(camera: MadeCamera) -> None:
    event = camera.event(3)
    camera.tombstone("dropped", event, "video0.h264", "video1.h264")
    camera.tombstone("refused", event, "motion0.jpg")
    found = verified(camera)
    assert {verdict for verdict, _ in verdicts(found)} == {Verdict.DROPPED}
    assert "video0.h264, video1.h264" in texts(found)
    assert event_at(found, event.folder).verdict is Verdict.DROPPED
    assert found.cameras[0].whole_until == camera.clock.wall()
    (event.folder / "video2.h264").unlink()
    assert (Verdict.MISSING, "video2.h264") in verdicts(verified(camera))


def test_a_tombstone_of_another_store_explains_nothing_here(camera: MadeCamera) -> None:
    """Else who holds one store could take away what another never got."""
    first, second = camera.event(2), camera.event(2)
    camera.tombstone("dropped", first, "video0.h264")
    camera.stores = ["other"]
    camera.tombstone("dropped", second, "video1.h264")
    found = verified(camera)
    assert {verdict for verdict, _ in verdicts(found)} == {Verdict.DROPPED, Verdict.MISSING}


def test_what_another_store_never_got_explains_nothing_where_it_is_known_what_was_looked_into(tmp_path: Path) -> None:
    camera = MadeCamera(tmp_path / "store", stores=["directory-0a1b", "dropbox"], chunk_bytes=200)
    event = camera.event(2)
    camera.tombstone("dropped", event, "video0.h264")  # by the first of them
    scopes = [(of_store("folder"), Verdict.DROPPED), (of_store("dropbox"), Verdict.MISSING)]
    for of, verdict in scopes:
        found = verified(camera, scope=Scope(complete=True, of_store=of))
        assert {each for each, _ in verdicts(found)} == {verdict}
    assert "of directory-0a1b" in texts(verified(camera))


def test_a_kind_of_store_that_the_camera_does_not_have_by_that_name_may_be_any_of_its_stores(tmp_path: Path) -> None:
    """What is a bucket for its owner may be a mounted folder for the camera."""
    camera = MadeCamera(tmp_path / "store", stores=["directory-0a1b"], chunk_bytes=200)
    camera.tombstone("dropped", camera.event(2), "video0.h264")
    found = verified(camera, scope=Scope(complete=True, of_store=of_store("s3")))
    assert {verdict for verdict, _ in verdicts(found)} == {Verdict.DROPPED}


def test_a_tombstone_of_an_event_whose_records_the_camera_has_lost_goes_by_its_name(camera: MadeCamera) -> None:
    event = camera.event(1)
    camera.sign("dropped", event=event.name, of="", store="directory", names=["video0.h264"], why="")
    camera.sign("dropped", event=event.name, of="0" * 32, store="directory", names=["motion0.jpg"], why="")
    camera.send()
    for name in ("video0.h264", "motion0.jpg"):
        (event.folder / name).unlink()
    assert verdicts(verified(camera)) == {(Verdict.DROPPED, "video0.h264"), (Verdict.MISSING, "motion0.jpg")}


def test_evidence_that_was_given_up_takes_the_records_with_it(camera: MadeCamera) -> None:
    event = camera.event(6)
    camera.tombstone("dropped", event, "evidence1.jsonl", "video5.h264")
    found = verified(camera)
    assert not any(verdict.wrong for verdict, _ in verdicts(found))


def test_an_event_withdrawn_before_any_of_it_had_left(camera: MadeCamera) -> None:
    event = camera.event(1)
    camera.tombstone("withdrawn", event, *(path.name for path in event.folder.iterdir()))
    event.folder.rmdir()
    assert {verdict for verdict, _ in verdicts(verified(camera))} == {Verdict.DROPPED}


def test_pictures_that_could_not_be_sent_are_dropped(camera: MadeCamera) -> None:
    event = camera.begin()
    event.chunk()
    event.end(pictures_lost=7)
    found = verified(camera)
    assert verdicts(found) == {(Verdict.DROPPED, "12.00.00")}
    assert "7 pictures" in texts(found)


def test_a_store_that_was_added_in_mid_event_lacks_what_came_before(camera: MadeCamera) -> None:
    event = camera.begin()
    event.chunk()
    camera.power_cut()
    camera.stores = ["directory", "new"]
    camera.start()
    event.chunk()
    event.end()
    (event.folder / "video0.h264").unlink()
    (event.folder / "motion0.jpg").unlink()
    found = verified(camera)
    assert {verdict for verdict, _ in verdicts(found)} == {Verdict.OUTSIDE}
    (event.folder / "video1.h264").unlink()
    assert (Verdict.MISSING, "video1.h264") in verdicts(verified(camera))


def test_a_store_that_was_taken_away_in_mid_event_lacks_what_came_after(camera: MadeCamera) -> None:
    camera.stores = ["directory", "old"]
    event = camera.begin()
    event.chunk()
    camera.power_cut()
    camera.stores = ["directory"]
    camera.start()
    event.chunk()
    event.end()
    (event.folder / "video1.h264").unlink()
    assert {verdict for verdict, _ in verdicts(verified(camera))} == {Verdict.OUTSIDE}


def test_a_store_that_was_added_later_lacks_the_starts_before(camera: MadeCamera) -> None:
    camera.event(1)
    camera.stop()
    shutil.rmtree(camera.top)
    camera.stores = ["directory", "new"]
    camera.start()
    camera.event(1)
    found = verified(camera)
    assert {verdict for verdict, _ in verdicts(found)} == {Verdict.OUTSIDE}
    assert found.cameras[0].whole_until is not None
    for kind, verdict in (("new", Verdict.OUTSIDE), ("directory", Verdict.MISSING)):
        found = verified(camera, scope=Scope(complete=True, of_store=lambda store, kind=kind: store == kind))
        assert {each for each, _ in verdicts(found)} == {verdict}, "the one store was there from the beginning"


def test_all_before_a_start_taken_away_is_missing_where_no_store_was_added_then(camera: MadeCamera) -> None:
    camera.event(1)
    camera.stop()
    shutil.rmtree(camera.top)
    camera.start()
    camera.event(1)
    assert {verdict for verdict, _ in verdicts(verified(camera))} == {Verdict.MISSING}
    assert {verdict for verdict, _ in verdicts(verified(camera, scope=Scope()))} == {Verdict.ABSENT}


def test_one_event_downloaded_by_hand_is_whole(camera: MadeCamera, tmp_path: Path) -> None:
    first = camera.event(1)
    camera.event(1)
    event = event_at(verified(camera, first.folder, scope=Scope()), "")
    assert (event.event, event.verdict, event.files) == (first.name, Verdict.WHOLE, 2)


@pytest.mark.parametrize("level", ["Yard", f"Yard/{DAY}", ""])
def test_a_download_may_begin_at_any_level(camera: MadeCamera, level: str) -> None:
    camera.event(1)
    camera.event(1)
    found = verified(camera, camera.top / level, scope=Scope(only_here=True))
    assert [event.event for event in found.events] == [f"Yard/{DAY}/12.00.00", f"Yard/{DAY}/12.01.01"]
    assert found.cameras[0].camera == "Yard"
    assert not found.verdict.wrong
    assert not found.verdict.open


def test_some_events_downloaded_by_hand_leave_it_open_where_the_others_are(camera: MadeCamera) -> None:
    for _ in range(4):
        camera.event(1)
    shutil.rmtree(camera.top / f"Yard/{DAY}/12.01.01")
    shutil.rmtree(camera.top / f"Yard/{DAY}/12.02.02")
    found = verified(camera, scope=Scope())
    assert verdicts(found) == {(Verdict.ABSENT, "Yard")}
    assert "2 events" in texts(found)
    assert "not downloaded, or deleted" in texts(found)
    assert found.cameras[0].whole_until == verified(camera, scope=Scope(only_here=True)).cameras[0].whole_until
    assert verdicts(verified(camera, scope=Scope(only_here=True))) == {(Verdict.OUTSIDE, "Yard")}


def test_what_was_not_asked_for_is_outside_and_what_was_is_missing(camera: MadeCamera) -> None:
    first = camera.event(1)
    second = camera.event(1)
    for event in (first, second):
        shutil.rmtree(event.folder)
    found = verified(camera, scope=Scope(asked={first.name}.__contains__))
    assert verdicts(found) == {(Verdict.MISSING, "12.00.00"), (Verdict.OUTSIDE, "Yard")}


def test_what_its_owner_has_deleted_is_pruned(camera: MadeCamera) -> None:
    whole = camera.event(1)
    partly = camera.event(1)
    shutil.rmtree(whole.folder)
    (partly.folder / "video0.h264").unlink()
    found = verified(camera, pruned={whole.name, partly.name}.__contains__)
    assert verdicts(found) == {(Verdict.PRUNED, "Yard"), (Verdict.PRUNED, "12.01.01")}


def test_a_clock_that_steps_back_and_forth(tmp_path: Path) -> None:
    clock = SimulatedClock(datetime(2026, 1, 1, tzinfo=UTC), synchronised=False)
    camera = MadeCamera(tmp_path, clock=clock, chunk_bytes=200)
    event = camera.begin()
    event.chunk()
    clock.step_wall(86400 * 60)
    clock.vouch()
    event.chunk()
    event.end()
    camera.event(1)
    clock.step_wall(-86400 * 3)
    camera.event(1)
    camera.write_head()
    found = verified(camera)
    assert found.findings == ()
    assert event_at(found, event.folder).synchronised is False
    assert found.cameras[0].whole_until == clock.wall()


def test_a_camera_that_was_installed_anew(camera: MadeCamera) -> None:
    """It has a new key and counts from 1 again; its clock may even give names anew."""
    camera.event(1)
    camera.stop()
    anew = MadeCamera(camera.top, key=made_key("anew"), clock=camera.clock, chunk_bytes=200)
    anew.event(1)
    assert verified([camera, anew]).findings == ()
    assert verified(camera).verdict is Verdict.FOREIGN


def test_what_the_camera_has_forgotten_is_open(camera: MadeCamera) -> None:
    """Two chunks left out of memory, their records did not; after the start, one of the names is used again."""
    event = camera.begin()
    event.chunk()
    for number in (1, 2):
        (event.folder / f"video{number}.h264").write_bytes(b"its record was lost with the power")
    camera.power_cut()
    camera.start()
    event.rename()
    event.chunk()
    event.end()
    found = verified(camera)
    assert wrong(found) == {(Verdict.UNATTESTED, "video1.h264"), (Verdict.UNATTESTED, "video2.h264")}
    assert event_at(found, event.name).files == 3


def test_a_start_whose_folder_had_to_be_another(camera: MadeCamera) -> None:
    camera.event(1)
    other = camera.folder.with_name(f"{camera.folder.name}-2")
    other.mkdir()
    shutil.move(sorted(camera.folder.iterdir())[-1], other)
    assert verified(camera).findings == ()


def test_a_store_that_was_added_before_the_camera_was_installed_anew(camera: MadeCamera) -> None:
    """Both chains begin in mid-life there, each by its own key; the order is that of the keys, then of the starts."""
    camera.event(1)
    camera.stop()
    shutil.rmtree(camera.top / "Yard")
    camera.stores = ["directory", "new"]
    camera.start()
    camera.event(1)
    camera.stop()
    anew = MadeCamera(camera.top, key=made_key("anew"), clock=camera.clock, chunk_bytes=200)
    anew.event(1)
    found = verified([camera, anew])
    assert {finding.verdict for finding in found.findings} == {Verdict.OUTSIDE}
    assert found.cameras[0].head == anew.head


def test_two_events_of_the_same_name_lie_beside_each_other(camera: MadeCamera) -> None:
    """The second, of a camera that was installed anew, found its name taken in the store."""
    first = camera.event(1)
    anew = MadeCamera(camera.top.parent / "anew", key=made_key("anew"), chunk_bytes=200)
    event = anew.begin()
    event.rename()
    event.chunk()
    event.end()
    shutil.copytree(anew.top / event.name, camera.top / f"{event.name}-2")
    shutil.copytree(event.folder, camera.top / f"{event.name}-2", dirs_exist_ok=True)
    shutil.copytree(anew.folder, camera.top / "Yard/evidence" / anew.folder.name)
    found = verified([camera, anew])
    assert found.findings == ()
    assert [(each.folder, each.event, each.files) for each in found.events] == [
        (first.name, first.name, 2),
        (f"{first.name}-2", first.name, 2),
    ]


def test_an_event_that_was_renamed_in_its_store(camera: MadeCamera) -> None:
    event = camera.begin()
    event.chunk()
    event.rename()
    event.chunk()
    event.end()
    found = verified(camera)
    assert found.findings == ()
    (only,) = found.events
    assert (only.event, only.files) == (f"Yard/{DAY}/12.00.00", 3)


def test_records_that_stand_in_two_files(camera: MadeCamera) -> None:
    event = camera.event(6)
    records = read_evidence(event.folder / "evidence0.jsonl")
    write_evidence(event.folder / "evidence2.jsonl", records[1:])
    assert verified(camera).findings == ()


def test_an_outage_in_which_nothing_is_known_of_the_wall_time(camera: MadeCamera) -> None:
    event = camera.begin(started=False)
    camera.clock.advance(86400)
    event.chunk()
    event.end()
    found = verified(camera)
    assert found.findings == ()
    assert event_at(found, event.folder).began is None


def test_two_cameras_in_one_folder_are_judged_each_by_itself(camera: MadeCamera) -> None:
    garden = MadeCamera(camera.top, "Garden", chunk_bytes=200)
    camera.event(1)
    (garden.event(1).folder / "video0.h264").unlink()
    found = verified([camera, garden])
    assert {each.camera: each.verdict for each in found.cameras} == {
        "Garden": Verdict.MISSING,
        "Yard": Verdict.WHOLE,
    }


def test_what_people_and_their_machines_put_beside_it(camera: MadeCamera) -> None:
    event = camera.event(1)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", ".dropbox", "offsite.jsonl", "event.json", "._video0.h264"):
        (event.folder / name).write_bytes(b"something")
    for path in ("notes.txt", "Yard/notes.txt", f"Yard/{DAY}/notes.txt", ".trash/video0.h264", "films/12.00.mp4"):
        (camera.top / path).parent.mkdir(exist_ok=True)
        (camera.top / path).write_bytes(b"something")
    rehearsal = camera.top / "Yard/rehearsal/12.00.00"
    rehearsal.mkdir(parents=True)
    (rehearsal / "motion0.jpg").write_bytes(b"a rehearsal")
    os.symlink("/etc/passwd", event.folder / "video7.h264")
    (event.folder / "video8.h264").mkdir()
    assert verified(camera).findings == ()


def test_copies_and_unfinished_downloads_are_named_and_not_wrong(camera: MadeCamera) -> None:
    event = camera.event(2)
    shutil.copy(event.folder / "video1.h264", event.folder / "video1 (1).h264")
    shutil.copy(event.folder / "evidence0.jsonl", event.folder / "evidence0 - Copy.jsonl")
    (event.folder / "video0.h264.part").write_bytes(b"half")
    found = verified(camera)
    assert {verdict for verdict, _ in verdicts(found)} == {Verdict.OUTSIDE}
    assert len(found.findings) == 3
    (event.folder / "video0 (1).h264").write_bytes(b"not a copy")
    assert (Verdict.FOREIGN, "video0 (1).h264") in verdicts(verified(camera))


def test_copies_and_unfinished_downloads_of_the_cameras_own_chain_too(camera: MadeCamera) -> None:
    camera.event(1)
    (camera.folder / "evidence7.jsonl.part").write_bytes(b"half")
    (camera.folder / "stamp0.tsr.crdownload").write_bytes(b"half")
    shutil.copy(camera.folder / "evidence0.jsonl", camera.folder / "evidence0 (1).jsonl")
    found = verified(camera)
    assert {verdict for verdict, _ in verdicts(found)} == {Verdict.OUTSIDE}
    assert len(found.findings) == 3
    (camera.folder / "evidence0 (1).jsonl").write_bytes(b"not a copy")
    (camera.folder / "letter.txt.part").write_bytes(b"half")
    assert wrong(verified(camera)) == {
        (Verdict.FOREIGN, "evidence0 (1).jsonl"),
        (Verdict.FOREIGN, "letter.txt.part"),
    }


@pytest.mark.parametrize("name", ["my burglary", f"{DAY} the cat"])
def test_a_folder_that_a_person_has_renamed_is_known_by_its_records(camera: MadeCamera, name: str) -> None:
    event = camera.event(2)
    camera.event(1)
    event.folder.rename(camera.top / name)
    found = verified(camera)
    assert found.findings == ()
    assert event_at(found, name).event == event.name


def test_a_cameras_folder_that_a_person_has_renamed(camera: MadeCamera) -> None:
    camera.event(2)
    (camera.top / "Yard").rename(camera.top / "old things")
    assert verified(camera).findings == ()


def test_without_a_key_all_is_open_and_says_by_which_key(camera: MadeCamera) -> None:
    event = camera.event(1)
    found = verified([], camera.top)
    assert not found.key_given
    assert verdicts(found) == {(Verdict.UNATTESTED, "Yard")}
    assert found.cameras[0].key is not None
    assert found.cameras[0].key in texts(found)
    assert found.cameras[0].whole_until is None
    (event.folder / "video0.h264").write_bytes(b"other")
    assert (Verdict.CUT, "video0.h264") in verdicts(verified([], camera.top))


def test_a_key_that_does_not_belong_is_said_once(camera: MadeCamera) -> None:
    for _ in range(3):
        camera.event(1)
    other = MadeCamera(camera.top.parent / "other", key=made_key("other"))
    found = verified(other, camera.top)
    (finding,) = found.findings
    assert finding.verdict is Verdict.FOREIGN
    assert finding.camera == "Yard"
    assert {event.verdict for event in found.events} == {Verdict.FOREIGN}


def test_a_later_version_is_open(camera: MadeCamera) -> None:
    event = camera.event(1)
    path = event.folder / "evidence0.jsonl"
    records = read_evidence(path)
    write_evidence(path, [resigned(records[0], camera.key, {"version": 2})])
    found = verified(camera)
    assert event_at(found, event.folder).verdict is Verdict.UNATTESTED
    assert not found.verdict.wrong


def test_times_of_an_event_that_is_hours_long(camera: MadeCamera) -> None:
    event = camera.begin()
    for _ in range(3):
        event.chunk()
        camera.clock.advance(3600)
        camera.write_head()
    found = verified(camera)
    assert verdicts(found) == {(Verdict.UNATTESTED, "12.00.00")}
    until = found.cameras[0].whole_until
    assert until is not None
    assert until >= camera.clock.wall() - timedelta(hours=2)


def test_what_waits_on_the_camera_is_open_in_that_store_until_nothing_does(camera: MadeCamera) -> None:
    """After an outage, records come first, and footage after them."""
    here = camera.event(1)
    partly = camera.event(1)
    none = camera.event(1)
    camera.sign("head", open=[], waiting={"directory": partly.name})
    camera.send()
    (partly.folder / "video0.h264").unlink()
    shutil.rmtree(none.folder)
    found = verified(camera)
    assert verdicts(found) == {(Verdict.UNATTESTED, "video0.h264"), (Verdict.UNATTESTED, "12.02.02")}
    assert "on its way to directory" in texts(found)
    (here.folder / "video0.h264").unlink()
    assert (Verdict.MISSING, "video0.h264") in verdicts(verified(camera)), "that one had left"
    camera.sign("head", open=[], waiting={})
    camera.send()
    assert {verdict for verdict, _ in verdicts(verified(camera))} == {Verdict.MISSING}


def test_of_an_event_that_runs_files_may_be_on_their_way(camera: MadeCamera) -> None:
    camera.event(1)
    event = camera.begin()
    event.chunk()
    event.chunk()
    camera.send()
    (event.folder / "video0.h264").unlink()
    assert {verdict for verdict, _ in verdicts(verified(camera))} == {Verdict.UNATTESTED}
    shutil.rmtree(event.folder)
    assert {verdict for verdict, _ in verdicts(verified(camera))} == {Verdict.UNATTESTED}
    camera.start()
    camera.running.clear()
    camera.event(1)
    assert Verdict.MISSING in {verdict for verdict, _ in verdicts(verified(camera))}, "a later start says no more of it"
