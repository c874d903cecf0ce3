"""Every way to tamper with what a camera sent is found, and called by its name."""

import shutil
from pathlib import Path

import pytest

from pi_sec_cam.evidence.record import SignedRecord
from pi_sec_cam.evidence.scope import Scope
from pi_sec_cam.evidence.verdict import Verdict
from tests.unit.camera_made import MadeCamera, made_key, read_evidence, resigned, write_evidence
from tests.unit.verified import event_at, texts, verdicts, verified, wrong


@pytest.fixture
def camera(tmp_path: Path) -> MadeCamera:
    """Two starts, four events; `first` is the first of them."""
    camera = MadeCamera(tmp_path / "store", chunk_bytes=200)
    camera.event(6)
    camera.event(2)
    camera.power_cut()
    camera.start()
    camera.event(3)
    camera.event(2)
    camera.write_head()
    return camera


@pytest.fixture
def first(camera: MadeCamera) -> Path:
    return camera.top / "Yard/2026-03-01/12.00.00"


def second(first: Path) -> Path:
    return first.parent / "12.01.06"


def segment(camera: MadeCamera, ordinal: int) -> Path:
    return next((camera.top / "Yard/evidence").glob(f"00000{ordinal}-*"))


def test_what_nobody_has_touched_is_whole(camera: MadeCamera, first: Path) -> None:
    found = verified(camera, heads=[camera.head])
    assert found.findings == ()
    assert found.verdict is Verdict.WHOLE
    (of_camera,) = found.cameras
    assert of_camera.whole_until == camera.clock.wall()
    assert of_camera.head == camera.head
    event = event_at(found, first)
    assert (event.verdict, event.files, event.pictures, event.duration_s) == (Verdict.WHOLE, 7, 120, 6)
    assert event.bytes == 6 * 200 + 900
    assert event.picture == "Yard/2026-03-01/12.00.00/motion0.jpg"
    assert event.began is not None
    assert f"{event.began:%H.%M.%S}" == "12.00.00"
    assert event.synchronised is True


def test_a_deleted_file_is_missing(camera: MadeCamera, first: Path) -> None:
    (first / "video2.h264").unlink()
    found = verified(camera)
    assert verdicts(found) == {(Verdict.MISSING, "video2.h264")}
    assert event_at(found, first).verdict is Verdict.MISSING
    assert event_at(found, second(first)).verdict is Verdict.WHOLE
    (of_camera,) = found.cameras
    assert f"{of_camera.whole_until:%H:%M:%S}" == "12:00:01"  # video1 was the last before it


def test_all_files_deleted_are_named_one_by_one(camera: MadeCamera, first: Path) -> None:
    for path in first.glob("video*"):
        path.unlink()
    assert verdicts(verified(camera)) == {(Verdict.MISSING, f"video{number}.h264") for number in range(6)}


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda data: data[:-1], Verdict.CUT),
        (lambda _: b"", Verdict.CUT),
        (lambda data: data + b"\0", Verdict.ALTERED),
        (lambda data: data[:50] + bytes([data[50] ^ 1]) + data[51:], Verdict.ALTERED),
    ],
)
def test_a_changed_file_is_cut_or_altered(camera: MadeCamera, first: Path, change, verdict: Verdict) -> None:  # type: ignore[no-untyped-def]
    path = first / "video3.h264"
    path.write_bytes(change(path.read_bytes()))
    assert verdicts(verified(camera)) == {(verdict, "video3.h264")}


def test_two_files_that_have_changed_places_are_swapped(camera: MadeCamera, first: Path) -> None:
    one, other = first / "video1.h264", first / "video4.h264"
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    assert verdicts(verified(camera)) == {(Verdict.SWAPPED, "video1.h264"), (Verdict.SWAPPED, "video4.h264")}


def test_a_file_of_another_event_is_replayed(camera: MadeCamera, first: Path) -> None:
    shutil.copy(first / "video1.h264", second(first) / "video1.h264")
    found = verified(camera)
    assert verdicts(found) == {(Verdict.REPLAYED, "video1.h264")}
    assert "12.00.00" in texts(found)


@pytest.mark.parametrize("day", ["2026-03-02", "2026-03-10"])
def test_an_old_event_under_a_new_date_is_replayed(camera: MadeCamera, first: Path, day: str) -> None:
    new = first.parent.parent / day / "01.00.00"
    shutil.copytree(first, new)
    found = verified(camera)
    assert verdicts(found) == {(Verdict.REPLAYED, "01.00.00")}
    assert event_at(found, new).verdict is Verdict.REPLAYED
    assert event_at(found, first).verdict is Verdict.WHOLE


def test_an_old_event_in_the_place_of_another_is_replayed_and_the_other_missing(
    camera: MadeCamera, first: Path
) -> None:
    shutil.rmtree(second(first))
    shutil.copytree(first, second(first))
    found = verified(camera)
    assert {(Verdict.REPLAYED, "12.01.06"), (Verdict.MISSING, "12.01.06")} <= verdicts(found)
    assert event_at(found, first).verdict is Verdict.WHOLE


def test_an_event_with_the_number_of_a_renamed_one_is_replayed(camera: MadeCamera, first: Path) -> None:
    shutil.copytree(first, first.parent / "12.00.00-2")
    assert verdicts(verified(camera)) == {(Verdict.REPLAYED, "12.00.00-2")}


def test_another_events_records_in_a_folder_are_replayed(camera: MadeCamera, first: Path) -> None:
    shutil.copy(first / "evidence0.jsonl", second(first) / "evidence7.jsonl")
    assert {verdict for verdict, _ in verdicts(verified(camera))} == {Verdict.REPLAYED}


def test_an_altered_record_is_forged(camera: MadeCamera, first: Path) -> None:
    path = first / "evidence0.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"bytes":200', b'"bytes":201', 1))
    found = verified(camera)
    assert {(Verdict.FORGED, "evidence0.jsonl"), (Verdict.MISSING, "12.00.00")} <= verdicts(found)
    assert "not signed by the camera" in texts(found)


def test_a_line_that_is_no_record_is_forged(camera: MadeCamera, first: Path) -> None:
    path = first / "evidence0.jsonl"
    path.write_bytes(path.read_bytes() + b"hello\n")
    assert verdicts(verified(camera)) == {(Verdict.FORGED, "evidence0.jsonl")}


def test_a_record_taken_out_of_the_middle_is_missing(camera: MadeCamera, first: Path) -> None:
    path = first / "evidence0.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    found = verified(camera)
    assert (Verdict.MISSING, "12.00.00") in verdicts(found)
    assert (Verdict.FOREIGN, "video0.h264") in verdicts(found) or (Verdict.UNATTESTED, "video0.h264") in verdicts(found)
    assert "record 2 of this event is not here" in texts(found)


def test_lines_in_another_order_or_twice_mean_nothing(camera: MadeCamera, first: Path) -> None:
    path = first / "evidence0.jsonl"
    records = read_evidence(path)
    write_evidence(path, [*reversed(records), records[1], records[0]])
    assert verified(camera).findings == ()


def test_a_cut_evidence_file_is_cut(camera: MadeCamera, first: Path) -> None:
    path = first / "evidence1.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    found = verified(camera)
    assert (Verdict.CUT, "evidence1.jsonl") in verdicts(found)
    assert (Verdict.MISSING, "12.00.00") in verdicts(found)  # the end that the camera's chain names


@pytest.mark.parametrize("name", ["evidence0.jsonl", "evidence1.jsonl"])
def test_a_deleted_evidence_file_is_missing_records(camera: MadeCamera, first: Path, name: str) -> None:
    (first / name).unlink()
    found = verified(camera)
    assert (Verdict.MISSING, "12.00.00") in verdicts(found)
    assert "of this event are not here" in texts(found)


def test_an_event_without_its_records_is_missing_them(camera: MadeCamera, first: Path) -> None:
    for path in first.glob("evidence*"):
        path.unlink()
    found = verified(camera)
    assert verdicts(found) == {(Verdict.MISSING, "12.00.00")}
    assert event_at(found, first).verdict is Verdict.MISSING


def test_the_end_of_the_last_event_taken_away_before_the_camera_said_so_is_open(tmp_path: Path) -> None:
    camera = MadeCamera(tmp_path)
    event = camera.begin()
    for _ in range(10):
        event.chunk()
    camera.send()
    sorted(event.folder.glob("evidence*"))[-1].unlink()
    found = verified(camera)
    assert {verdict for verdict, _ in verdicts(found)} == {Verdict.UNATTESTED}
    assert {place for _, place in verdicts(found)} == {"12.00.00", *(f"video{n}.h264" for n in range(8, 10))}
    (of_camera,) = found.cameras
    assert f"{of_camera.whole_until:%H:%M:%S}" == "12:00:07"


def test_the_end_taken_away_from_an_event_that_was_interrupted_is_missing(tmp_path: Path) -> None:
    """Only what the start before had named may have been lost with the power."""
    camera = MadeCamera(tmp_path)
    event = camera.begin()
    event.chunk()
    camera.power_cut()
    camera.start()
    for _ in range(5):
        event.chunk()
    event.end()
    sorted(event.folder.glob("evidence*"))[-1].unlink()
    assert (Verdict.MISSING, "12.00.00") in verdicts(verified(camera))


def test_records_of_another_key_are_foreign(camera: MadeCamera, first: Path) -> None:
    thief = MadeCamera(camera.top.parent / "thief", key=made_key("thief"), chunk_bytes=200)
    thief.event(2)
    shutil.rmtree(first)
    shutil.copytree(thief.top / "Yard/2026-03-01/12.00.00", first)
    found = verified(camera)
    assert {(Verdict.FOREIGN, "12.00.00"), (Verdict.MISSING, "12.00.00")} <= verdicts(found)
    assert event_at(found, first).verdict.wrong
    assert "another key" in texts(found)


def test_a_record_signed_anew_with_another_key_is_forged(camera: MadeCamera, first: Path) -> None:
    path = first / "evidence0.jsonl"
    records = read_evidence(path)
    records[2] = resigned(records[2], made_key("thief"), {})
    write_evidence(path, records)
    assert {(Verdict.FORGED, "evidence0.jsonl"), (Verdict.MISSING, "12.00.00")} <= verdicts(verified(camera))


def test_an_event_that_is_gone_is_missing(camera: MadeCamera, first: Path) -> None:
    shutil.rmtree(second(first))
    found = verified(camera)
    assert verdicts(found) == {(Verdict.MISSING, "12.01.06")}
    assert f"{found.cameras[0].whole_until:%H:%M:%S}" == "12:00:06"  # the first event's `ended`


@pytest.mark.parametrize("ordinal", [1, 2])
def test_a_chain_of_the_camera_without_its_end_is_found(camera: MadeCamera, ordinal: int) -> None:
    """By the next start; the end of the last by a head that somebody has kept."""
    head = camera.head
    sorted(segment(camera, ordinal).glob("evidence*"), key=lambda path: int(path.stem[8:]))[-1].unlink()
    found = verified(camera, heads=[head])
    assert (Verdict.MISSING, segment(camera, ordinal).name) in verdicts(found)


def test_the_end_of_the_last_start_is_not_missed_without_a_head(camera: MadeCamera) -> None:
    """That is what a camera leaves that was switched off then: docs/evidence.md says so."""
    sorted(segment(camera, 2).glob("evidence*"), key=lambda path: int(path.stem[8:]))[-1].unlink()
    assert verified(camera).findings == ()


@pytest.mark.parametrize("ordinal", [1, 2])
def test_a_start_that_is_gone_is_missing(tmp_path: Path, ordinal: int) -> None:
    camera = MadeCamera(tmp_path)
    for _ in range(2):
        camera.event(1)
        camera.stop()
        camera.start()
    camera.event(1)
    shutil.rmtree(segment(camera, ordinal))
    found = verified(camera)
    assert (Verdict.MISSING, segment(camera, ordinal + 1).name) in verdicts(found)


def test_records_of_another_start_in_the_folder_of_a_start_are_replayed(camera: MadeCamera) -> None:
    shutil.copy(segment(camera, 1) / "evidence0.jsonl", segment(camera, 2) / "evidence9.jsonl")
    assert verdicts(verified(camera)) == {(Verdict.REPLAYED, "evidence9.jsonl")}


def test_the_last_start_gone_leaves_its_events_open(camera: MadeCamera) -> None:
    shutil.rmtree(segment(camera, 2))
    assert (Verdict.UNATTESTED, "Yard") in verdicts(verified(camera))
    assert verified(camera, heads=[camera.head]).verdict is Verdict.MISSING


def test_a_chain_that_contradicts_a_head_is_forged(camera: MadeCamera) -> None:
    chain, n, digest = camera.head.split(":")
    found = verified(camera, heads=[f"{chain}:{n}:{digest[::-1]}"])
    assert (Verdict.FORGED, segment(camera, 2).name) in verdicts(found)


def test_a_head_of_an_unknown_chain_is_missing(camera: MadeCamera) -> None:
    assert verified(camera, heads=[f"{'0' * 32}:7:{'1' * 64}"]).verdict is Verdict.MISSING


def test_all_of_the_cameras_own_chain_gone_is_missing_where_all_should_be_here(camera: MadeCamera) -> None:
    shutil.rmtree(camera.top / "Yard/evidence")
    assert verdicts(verified(camera)) == {(Verdict.MISSING, "Yard")}
    assert verdicts(verified(camera, scope=Scope())) == {(Verdict.ABSENT, "Yard")}
    assert verdicts(verified(camera, scope=Scope(only_here=True))) == {(Verdict.OUTSIDE, "Yard")}


def test_an_event_without_records_is_foreign_while_the_camera_ran_and_open_after(
    camera: MadeCamera, first: Path
) -> None:
    day = first.parent
    for name in ("12.00.30", "23.59.59"):
        (day / name).mkdir()
        (day / name / "video0.h264").write_bytes(b"made up")
    found = verified(camera)
    assert wrong(found) == {(Verdict.FOREIGN, "12.00.30"), (Verdict.UNATTESTED, "23.59.59")}
    shutil.rmtree(first)  # without an event whose time is known, only what lies between others is certain
    for folder in list(day.iterdir()):
        if folder.name not in {"12.00.30", "23.59.59"}:
            shutil.rmtree(folder)
    assert (Verdict.FOREIGN, "12.00.30") in wrong(verified(camera))


def test_an_event_without_records_after_the_last_one_is_foreign_if_the_camera_still_ran(camera: MadeCamera) -> None:
    camera.clock.advance(7200)
    camera.write_head()
    made_up = camera.top / "Yard/2026-03-01/13.30.00/video0.h264"
    made_up.parent.mkdir()
    made_up.write_bytes(b"made up")
    assert verdicts(verified(camera)) == {(Verdict.FOREIGN, "13.30.00")}


def test_an_event_without_records_from_before_the_first_record_is_open(camera: MadeCamera) -> None:
    folder = camera.top / "Yard/2025-01-01/10.00.00"
    folder.mkdir(parents=True)
    (folder / "video0.h264").write_bytes(b"of an older program")
    assert verdicts(verified(camera)) == {(Verdict.UNATTESTED, "10.00.00")}


@pytest.mark.parametrize("name", ["video6.h264", "video99.h265", "motion1.jpg", "notes.txt", "video03.h264"])
def test_a_file_that_no_record_speaks_of_is_foreign(camera: MadeCamera, first: Path, name: str) -> None:
    (first / name).write_bytes(b"made up")
    assert verdicts(verified(camera)) == {(Verdict.FOREIGN, name)}


@pytest.mark.parametrize(
    "path", ["Yard/rehearsal/12.30.00/video0.h264", "Yard/rehearsal/motion0.jpg", "Yard/rehearsal/a/b/motion0.jpg"]
)
def test_what_is_no_rehearsal_is_no_less_seen_for_lying_there(camera: MadeCamera, path: str) -> None:
    (camera.top / path).parent.mkdir(parents=True)
    (camera.top / path).write_bytes(b"footage that nobody has signed")
    found = verified(camera)
    assert found.verdict.open or found.verdict.wrong


def test_a_file_after_the_last_record_of_a_running_event_is_open(tmp_path: Path) -> None:
    camera = MadeCamera(tmp_path)
    event = camera.begin()
    event.chunk()
    camera.send()
    event.chunk()
    found = verified(camera)
    assert verdicts(found) == {(Verdict.UNATTESTED, "12.00.00"), (Verdict.UNATTESTED, "video1.h264")}


@pytest.mark.parametrize(("step", "verdict"), [(-400, Verdict.FOREIGN), (0, Verdict.UNATTESTED)])
def test_a_signed_event_that_the_cameras_chain_does_not_know(
    camera: MadeCamera, monkeypatch: pytest.MonkeyPatch, step: int, verdict: Verdict
) -> None:
    """A thief has the key, and makes an event: of the time before, or of now. Only that may be one that still runs."""
    camera.clock.advance(500)
    camera.write_head()
    camera.clock.step_wall(step)
    monkeypatch.setattr(camera, "sign", lambda kind, **fields: None)
    event = camera.event(1)
    assert verdicts(verified(camera)) == {(verdict, event.folder.name)}


def test_a_copy_under_a_name_that_the_camera_might_give_is_foreign(camera: MadeCamera, first: Path) -> None:
    shutil.copy(first / "video1.h264", first / "video6.h264")
    found = verified(camera)
    assert verdicts(found) == {(Verdict.FOREIGN, "video6.h264")}
    assert "a copy of video1.h264" in texts(found)


def test_an_altered_opening_is_forged_also_where_no_key_was_given(camera: MadeCamera, first: Path) -> None:
    shutil.rmtree(camera.top / "Yard/evidence")
    for path in camera.top.glob("Yard/*/*/evidence0.jsonl"):
        data = path.read_bytes()
        path.write_bytes(data.replace(b'"program":"1.0"', b'"program":"1.1"', 1))
    found = verified([], camera.top)
    assert (Verdict.FORGED, "evidence0.jsonl") in verdicts(found)
    assert all(event.chain is None for event in found.events)


def test_a_start_without_events_that_is_gone_is_missing(tmp_path: Path) -> None:
    camera = MadeCamera(tmp_path)
    camera.event(1)
    camera.start()
    camera.start()
    shutil.rmtree(segment(camera, 2))
    assert verdicts(verified(camera)) == {(Verdict.MISSING, segment(camera, 3).name)}


def test_a_start_that_names_another_record_than_the_last_before_it_is_forged(camera: MadeCamera) -> None:
    path = segment(camera, 2) / "evidence0.jsonl"
    opening, *rest = read_evidence(path)
    previous = {**opening.fields["previous"], "hash": "1" * 64}
    write_evidence(path, [resigned(opening, camera.key, {"previous": previous}), *rest])
    assert (Verdict.FORGED, segment(camera, 2).name) in verdicts(verified(camera))


def test_a_number_of_a_start_that_was_left_out_is_missing(camera: MadeCamera) -> None:
    camera.records.clear()
    camera.start(ordinal=4)
    assert verdicts(verified(camera)) == {(Verdict.MISSING, segment(camera, 4).name)}


def test_of_two_files_of_a_name_the_one_that_the_camera_went_on_with_has_to_be_here(camera: MadeCamera) -> None:
    """A record left and was lost with the power, and the name was used again: the other file lies beside the first."""
    event = camera.begin()
    event.chunk()
    first = event.chunk()
    camera.power_cut(forgotten=1)
    event.chunks -= 1
    event.rename()
    camera.start()
    second = event.chunk(b"what came after the power was back")
    event.end()
    assert first.name == second.name
    found = verified(camera)
    assert found.findings == ()
    assert event_at(found, event.name).files == 4
    content = second.read_bytes()
    second.unlink()
    assert wrong(verified(camera)) == {(Verdict.MISSING, second.name)}
    second.write_bytes(b"?" * len(content))
    assert (Verdict.MISSING, second.name) in wrong(verified(camera))
    second.write_bytes(content)
    first.unlink()
    assert verified(camera).findings == (), "of this one the camera knows nothing any more: it may never have left"


def test_many_missing_files_are_named_up_to_a_number(tmp_path: Path) -> None:
    camera = MadeCamera(tmp_path, chunk_bytes=1)
    event = camera.event(130)
    for path in event.folder.glob("video*"):
        path.unlink()
    found = verified(camera)
    assert len(found.findings) == 101
    assert "30 more files" in texts(found)


def test_two_records_in_one_place_of_the_cameras_chain_are_forged(camera: MadeCamera) -> None:
    path = segment(camera, 1) / "evidence1.jsonl"
    records = read_evidence(path)
    write_evidence(path, [*records, resigned(records[0], camera.key, {"event": "Yard/2026-03-01/12.00.09"})])
    assert (Verdict.FORGED, segment(camera, 1).name) in verdicts(verified(camera))


def test_two_records_in_one_place_are_forged(camera: MadeCamera, first: Path) -> None:
    path = first / "evidence0.jsonl"
    records = read_evidence(path)
    other = resigned(records[2], camera.key, {"bytes": 1})
    write_evidence(path, [*records, other])
    found = verified(camera)
    assert (Verdict.FORGED, "12.00.00") in verdicts(found)
    assert "somebody else has had its key" in texts(found)


def test_a_record_after_the_end_is_forged(camera: MadeCamera, first: Path) -> None:
    path = first / "evidence1.jsonl"
    records = read_evidence(path)
    end: SignedRecord = records[-1]
    more = resigned(
        end, camera.key, {"kind": "file", "n": end.fields["n"] + 1, "prev": end.hash, "name": "x", "bytes": 1}
    )
    write_evidence(path, [*records, more])
    assert (Verdict.FORGED, "12.00.00") in verdicts(verified(camera))


@pytest.mark.parametrize("changes", [{"prev": "0" * 64}, {"kind": "file"}])
def test_a_chain_without_a_proper_beginning_is_forged(camera: MadeCamera, first: Path, changes: dict[str, str]) -> None:
    for path, name in ((first / "evidence0.jsonl", "12.00.00"), (segment(camera, 1) / "evidence0.jsonl", "")):
        records = read_evidence(path)
        kept = path.read_bytes()
        kind = {"kind": "head"} if "kind" in changes and not name else changes
        write_evidence(path, [resigned(records[0], camera.key, kind), *records[1:]])
        assert (Verdict.FORGED, name or segment(camera, 1).name) in verdicts(verified(camera))
        path.write_bytes(kept)


def test_an_opening_that_names_another_key_is_forged(camera: MadeCamera, first: Path) -> None:
    path = first / "evidence0.jsonl"
    records = read_evidence(path)
    records[0] = resigned(records[0], camera.key, {"key": "0" * 64})
    write_evidence(path, records)
    assert (Verdict.FORGED, "12.00.00") in verdicts(verified(camera))


def test_a_stamp_that_is_gone_or_another_one_is_found(camera: MadeCamera) -> None:
    folder = segment(camera, 2)
    (folder / "stamp0.tsr").write_bytes(b"a stamp")
    (folder / "stamp1.tsr").write_bytes(b"another")
    digest = "0" * 64
    camera.sign("stamped", head=camera.head, file="stamp0.tsr", sha256=digest)
    camera.sign("stamped", head=camera.head, file="stamp2.tsr", sha256=digest)
    camera.send()
    assert verdicts(verified(camera)) == {
        (Verdict.ALTERED, "stamp0.tsr"),
        (Verdict.MISSING, "stamp2.tsr"),
    }
