"""`events` and `export` as a user meets them: through the command line, on real files and a real catalogue."""

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.record.event_record import EventRecord, folder_of_id
from tests.unit.command_home import Home
from tests.unit.events import NOON, record
from tests.unit.mp4_files import clip, write
from tests.unit.streams import decoded_pictures


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def three(home: Home) -> list[EventRecord]:
    return [
        home.event(NOON, 10.0),
        home.event(NOON + timedelta(hours=1), 30.0, "Front door"),
        home.event(NOON + timedelta(hours=2), 20.0),
    ]


def local(moment: datetime) -> str:
    return moment.astimezone().isoformat()


def test_json_has_what_scripts_rely_on(home: Home) -> None:
    event = home.event(camera="Front door", labels=("cat",), locked=True, note="hello")
    listed = json.loads(home.run("events", "--json").stdout)
    assert len(listed) == 1
    expected = {
        "id": event.id,
        "camera": "Front door",
        "duration": 4.0,
        "path": str(home.directory / "recordings/Front door/2026-05-04/12.00.00"),
        "bytes": event.bytes,
        "labels": ["cat"],
        "offsite": False,
        "locked": True,
        "note": "hello",
        "state": "complete",
        "end_reason": "rest",
    }
    assert {name: listed[0][name] for name in expected} == expected
    for name in ("start", "end", "motion_start", "motion_end"):
        moment = datetime.fromisoformat(listed[0][name])
        assert moment == getattr(event, name)
        assert moment.utcoffset() == moment.astimezone().utcoffset()
    assert (Path(listed[0]["path"]) / listed[0]["parts"][0]["file"]).is_file()


def test_the_oldest_is_first_and_the_limit_keeps_the_newest(home: Home, three: list[EventRecord]) -> None:
    assert home.ids() == [event.id for event in three]
    assert home.ids("--limit", "2") == [event.id for event in three[1:]]


def test_filters(home: Home, three: list[EventRecord]) -> None:
    first, second, third = (event.id for event in three)
    assert home.ids("--camera", "Yard") == [first, third]
    assert home.ids("--min-length", "20") == [second, third]
    assert home.ids("--max-length", "20s") == [first, third]
    assert home.ids("--since", local(NOON + timedelta(seconds=11))) == [second, third]
    assert home.ids("--since", local(NOON + timedelta(seconds=9))) == [first, second, third]
    assert home.ids("--until", local(NOON + timedelta(hours=1))) == [first]
    assert home.ids("--until", f"{NOON.astimezone():%Y-%m-%d}") != []
    assert home.ids("--since", "1h") == []
    assert home.run("events", "label", second, "post van").exit_code == 0
    assert home.ids("--label", "post van") == [second]
    assert home.ids("--label", "post") == []


def test_a_pipe_gets_plain_columns(home: Home, three: list[EventRecord]) -> None:
    result = home.run("events")
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[0] for row in rows] == [event.id for event in three]
    assert [datetime.fromisoformat(row[1]) for row in rows] == [event.start for event in three]
    assert rows[1][2:] == ["30.0", "1300000", ""]


def test_remarks_say_what_is_not_as_usual(home: Home) -> None:
    home.event(
        state="interrupted",
        clock_synchronised=False,
        dropped_pictures=3,
        continues="Yard/before",
        labels=("cat", "person"),
        locked=True,
        offsite=True,
        note="two\nlines",
    )
    remarks = home.run("events").stdout.rstrip("\n").split("\t")[4]
    assert remarks == (
        "interrupted, clock was not set, 3 pictures lost, continues Yard/before, "
        "cat, person, locked, off-site, two lines"
    )


def test_a_terminal_gets_a_table(home: Home, three: list[EventRecord]) -> None:
    shown = home.run_in_terminal("events")
    lines = shown.splitlines()
    assert lines[0].split() == ["Event", "Began", "Length", "Size", "Remarks"]
    for event, line, length in zip(three, lines[1:], ("0:10", "0:30", "0:20"), strict=True):
        assert line.startswith(f"{event.id} ")
        assert f" {length} " in line
        assert f"{event.start.astimezone():%Y-%m-%d %H:%M:%S}" in line


def test_ids_stand_in_one_line_where_there_is_room_and_whole_where_there_is_none(home: Home) -> None:
    three = [
        home.event(NOON + timedelta(hours=hour), note="too long for what is left of the line") for hour in (0, 1, 2)
    ]
    wide = home.run_in_terminal("events", columns=80)
    assert all(f"{event.id} " in wide for event in three)
    narrow = home.run_in_terminal("events", columns=50)
    first = "".join(line.split(" ")[0] for line in narrow.splitlines()[1:])
    assert all(event.id in first for event in three)


@pytest.mark.parametrize("made", [False, True])
def test_no_event_is_no_error_and_nothing_is_created(home: Home, made: bool) -> None:
    if made:
        home.archive.prepare()
    before = sorted(home.config.parent.rglob("*"))
    result = home.run("events")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no event yet" in result.stderr
    result = home.run("events", "--json", "--since", "today")
    assert (result.exit_code, result.stdout) == (0, "[]\n")
    assert sorted(home.config.parent.rglob("*")) == before


def test_no_match_is_said_apart_from_no_event(home: Home, three: list[EventRecord]) -> None:
    result = home.run("events", "--camera", "Attic")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no such event\n")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--since", "soon"], "--since"),
        (["--until", "99:00"], "--until"),
        (["--since", "999999999w"], "--since"),
        (["--min-length", "nan"], "--min-length"),
        (["--max-length", "-3"], "--max-length"),
        (["--limit", "0"], "--limit"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_a_wrong_option_is_named(home: Home, arguments: list[str], named: str) -> None:
    result = home.run("events", *arguments)
    assert result.exit_code == 2
    assert named in result.stderr
    assert result.stdout == ""


def test_a_missing_configuration_is_a_fault_of_the_configuration(home: Home) -> None:
    home.config.unlink()
    for command in (["events"], ["export", "last", "x.mp4"]):
        result = home.run(*command)
        assert result.exit_code == 2
        assert str(home.config) in result.stderr


def test_reading_never_brings_a_list_up_to_date(home: Home) -> None:
    write(home.archive.catalogue_path, b"")
    result = home.run("events")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "start the daemon once" in result.stderr
    assert home.archive.catalogue_path.read_bytes() == b""


def test_a_damaged_list_is_one_line_and_exit_1(home: Home) -> None:
    home.event()
    home.archive.catalogue_path.write_bytes(b"no database" * 1000)
    for command in (["events"], ["export", "last", "x.mp4"]):
        result = home.run(*command)
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1
        assert "rebuilt from the files" in result.stderr


def test_export_last(home: Home, three: list[EventRecord], tmp_path: Path) -> None:
    out = tmp_path / "clip.mp4"
    result = home.run("export", "last", str(out))
    assert result.exit_code == 0, result.stderr
    assert str(out) in result.stdout
    assert decoded_pictures(out) == 100


@pytest.mark.parametrize(
    "wanted",
    [
        "Front%20door/2026-05-04/13.00.00",
        "Front door/2026-05-04/13.00.00",
        "Front",
        "Front d",
        "13.00.00",
        "door/2026-05-04/13.00.00",
        "{directory}/recordings/Front door/2026-05-04/13.00.00",
        "{directory}/recordings/Front door/2026-05-04/13.00.00/",
    ],
)
def test_an_event_may_be_named_in_many_ways(home: Home, three: list[EventRecord], tmp_path: Path, wanted: str) -> None:
    for event in (three[0], three[2]):  # if one of these were taken, there would be no video
        shutil.rmtree(home.directory / event.path)
    result = home.run("export", wanted.format(directory=home.directory), str(tmp_path / "clip.mp4"))
    assert result.exit_code == 0, result.stderr
    assert decoded_pictures(tmp_path / "clip.mp4") == 100


def test_an_event_that_the_list_does_not_know_yet(home: Home, tmp_path: Path) -> None:
    home.event()
    folder = home.archive.begin("Yard", WallStamp(NOON + timedelta(hours=5), 0, synchronised=True))
    write(folder.video_path(1), b"".join(clip()[:2]) + clip()[2][:99])
    folder.write_record(replace(record(id=folder.id), state="recording", parts=()))
    result = home.run("export", folder.id, str(tmp_path / "clip.mp4"))
    assert result.exit_code == 0
    assert "still runs" in result.stdout
    assert decoded_pictures(tmp_path / "clip.mp4") == 50


def test_a_name_that_fits_several_lists_them(home: Home, three: list[EventRecord], tmp_path: Path) -> None:
    result = home.run("export", "Yard", str(tmp_path / "clip.mp4"))
    assert result.exit_code == 1
    assert three[0].id in result.stderr
    assert three[2].id in result.stderr
    assert three[1].id not in result.stderr


@pytest.mark.parametrize("wanted", ["Attic", "", "/", "..", "../../etc", "/etc/passwd", "a%ff", "last"])
def test_what_is_no_event_is_said(home: Home, tmp_path: Path, wanted: str) -> None:
    result = home.run("export", wanted, str(tmp_path / "clip.mp4"))
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "clip.mp4").exists()


def test_export_replaces_only_with_force(home: Home, tmp_path: Path) -> None:
    event = home.event()
    out = write(tmp_path / "clip.mp4", b"mine")
    assert home.run("export", event.id, str(out)).exit_code == 1
    assert out.read_bytes() == b"mine"
    assert home.run("export", event.id, str(out), "--force").exit_code == 0
    assert decoded_pictures(out) == 100


def test_export_never_writes_among_the_recordings(home: Home) -> None:
    event = home.event()
    video = home.directory / event.path / "video.mp4"
    before = video.read_bytes()
    result = home.run("export", event.id, str(video), "--force")
    assert result.exit_code == 2
    assert "among the recordings" in result.stderr
    assert video.read_bytes() == before


def test_a_part_that_cannot_be_read_makes_exit_1(home: Home, tmp_path: Path) -> None:
    event = home.event()
    broken = write(home.directory / event.path / "video-2.mp4", b"no film" * 99)
    result = home.run("export", event.id, str(tmp_path / "clip.mp4"))
    assert result.exit_code == 1
    assert str(broken) in result.stderr
    assert decoded_pictures(tmp_path / "clip.mp4") == 100


def test_export_shows_its_progress_on_a_terminal(home: Home, tmp_path: Path) -> None:
    event = home.event()
    shown = home.run_in_terminal("export", event.id, str(tmp_path / "clip.mp4"))
    assert "copying" in shown
    assert "wrote" in shown


def test_ids_can_be_typed(three: list[EventRecord]) -> None:
    for event in three:
        echoed = subprocess.run(["sh", "-c", f"printf %s {event.id}"], capture_output=True, text=True, check=True)
        assert echoed.stdout == event.id
        assert folder_of_id(event.id).startswith(event.camera)
