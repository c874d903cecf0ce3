"""Films of chunks with the camera's records: true times, and nothing passes that the camera has not recorded."""

import os
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from pi_sec_cam.evidence.camera_key import raw
from tests.system.test_wrapping import PATH, both, left_in, only_tools, run
from tests.unit.camera_made import MadeCamera, MadeEvent, made_key, read_evidence, resigned, write_evidence
from tests.unit.downloads import JPEG, key, pictures_of
from tests.unit.sent_event import TIMES, sent
from tests.unit.streams import format_duration, packets, shown_at


def wrapped(tool: str, tmp_path: Path, *arguments: str | Path, to: str = "") -> subprocess.CompletedProcess[str]:
    return run(tool, "-i", tmp_path / "in", "-o", tmp_path / (to or tool), *arguments)


def film_of(tmp_path: Path, tool: str, event: MadeEvent, name: str = "video.mp4") -> Path:
    return tmp_path / tool / event.name / name


@pytest.mark.parametrize(("b_frames", "seal"), [(0, False), (2, True)])
def test_script_and_command_show_each_picture_when_it_was_taken(tmp_path: Path, b_frames: int, seal: bool) -> None:
    event = sent(tmp_path / "in", b_frames=b_frames, seal=seal)
    films = []
    for tool in ("script", "command"):
        done = wrapped(tool, tmp_path, *(["-k", key(tmp_path)] if seal else []))
        assert done.returncode == 0, done.stderr
        assert "1 of 1 events wrapped" in done.stderr + done.stdout, "the camera's own chain is no event"
        assert left_in(tmp_path / tool) == [f"{event.name}/motion0.jpg", f"{event.name}/video.mp4"]
        films.append(film_of(tmp_path, tool, event))
    for film in films:
        assert shown_at(film) == [at / 1e6 for at in TIMES]
        assert format_duration(film) == pytest.approx((TIMES[-1] + 125_000) / 1e6, abs=0.001)
    assert packets(films[0]) == packets(films[1])
    if b_frames:
        found = [pictures_of(film) for film in films]
        assert found[0] == found[1]
        assert len(set(found[0])) == 100


@both
def test_that_the_last_chunks_are_missing_shows_by_the_records(tmp_path: Path, tool: str) -> None:
    event = sent(tmp_path / "in", chunks=12)
    for number in (10, 11):
        (event.folder / f"video{number}.h264").unlink()
    done = wrapped(tool, tmp_path)
    assert done.returncode == 1
    assert f"{event.name}: chunks are missing: 10 to 11 (of 0 to 11)" in done.stderr
    for path in [*event.folder.glob("video*"), event.folder / "motion0.jpg"]:
        path.unlink()
    assert "chunks are missing: 0 to 11 (of 0 to 11)" in wrapped(tool, tmp_path).stderr, "all of it was taken away"
    for path in event.folder.glob("evidence*"):
        if b'"kind":"end"' not in path.read_bytes():
            path.unlink()
    (event.folder / "video0.h264").write_bytes(b"\x00\x00\x00\x01")
    assert "chunks are missing: 1 to 11 (of 0 to 11)" in wrapped(tool, tmp_path).stderr, "only the end says how many"
    assert left_in(tmp_path / tool) == []


@both
def test_the_times_are_right_behind_a_gap(tmp_path: Path, tool: str) -> None:
    """What comes before the first keyframe cannot be shown; the others keep their own times."""
    event = sent(tmp_path / "in", chunks=12)
    (event.folder / "video0.h264").unlink()
    assert wrapped(tool, tmp_path, "-p").returncode == 1
    first = TIMES.index(TIMES[25])
    assert shown_at(film_of(tmp_path, tool, event)) == [
        pytest.approx((at - TIMES[first]) / 1e6) for at in TIMES[first:]
    ]


@both
def test_a_chunk_that_is_not_the_recorded_one_is_named(tmp_path: Path, tool: str) -> None:
    event = sent(tmp_path / "in")
    whole = {path.name: path.read_bytes() for path in event.folder.glob("[vm]*")}
    second = whole["video1.h264"]
    changes = {
        "video1.h264 is not the file of its record": {"video1.h264": second[:-1] + bytes([second[-1] ^ 1])},
        f"video1.h264 is cut: {len(second) - 1} of its {len(second)} bytes": {"video1.h264": second[:-1]},
        "video1.h264 is not": {"video1.h264": second + b"\x00"},
        "motion0.jpg is not": {"motion0.jpg": JPEG + b"!"},
    }
    for said, change in changes.items():
        for name, data in (whole | change).items():
            (event.folder / name).write_bytes(data)
        done = wrapped(tool, tmp_path)
        assert done.returncode == 1
        assert said in done.stderr
        assert left_in(tmp_path / tool) == []


@both
def test_times_that_no_film_can_hold_are_said(tmp_path: Path, tool: str) -> None:
    event = sent(tmp_path / "in")
    for path in event.folder.glob("evidence[123].jsonl"):
        (record,) = (each for each in read_evidence(path) if "pts_us" in each.fields)
        first, *others = record.fields["pts_us"]
        times = [first, *((1 << 53) - 1 - number for number in range(len(others)))]
        write_evidence(path, [resigned(record, event.camera.key, {"pts_us": times})])
    done = wrapped(tool, tmp_path)
    assert done.returncode == 1
    assert "fit no film" in done.stderr
    assert "Traceback" not in done.stderr
    assert left_in(tmp_path / tool) == []


def test_what_left_before_its_records_goes_on_as_the_rest_did(tmp_path: Path) -> None:
    """The camera was taken away: its last seconds are what is most wanted."""
    event = sent(tmp_path / "in", b_frames=2, end=False)
    sorted(event.folder.glob("evidence*"))[-1].unlink()
    for tool in ("script", "command"):
        done = wrapped(tool, tmp_path)
        assert done.returncode == 0, done.stderr
    shown = [shown_at(film_of(tmp_path, tool, event)) for tool in ("script", "command")]
    mean = TIMES[74] / 74 / 1e6
    assert len(shown[0]) == len(shown[1]) == 100
    for at in shown:
        # The last picture with a record is shown before the last one without: B-frames.
        assert at[:70] == [pytest.approx(each / 1e6) for each in TIMES[:70]]
        assert [after - before for before, after in pairwise(at[78:])] == [pytest.approx(mean, rel=0.05)] * 21
    assert shown[0] == pytest.approx(shown[1], abs=1e-4)


@both
def test_chunks_without_records_in_between_need_a_rate(tmp_path: Path, tool: str) -> None:
    event = sent(tmp_path / "in")
    (event.folder / "evidence1.jsonl").unlink()
    done = wrapped(tool, tmp_path)
    assert done.returncode == 1
    assert "video1.h264 were taken" in done.stderr
    assert "-f" in done.stderr
    for path in event.folder.glob("evidence*"):
        path.unlink()
    done = wrapped(tool, tmp_path)
    assert done.returncode == 1
    assert "-f" in done.stderr
    assert left_in(tmp_path / tool) == []
    assert wrapped(tool, tmp_path, "-f", "25").returncode == 0


@both
def test_of_several_records_of_a_name_the_one_of_the_file_counts(tmp_path: Path, tool: str) -> None:
    """After a power cut a camera may have recorded a chunk twice; and people put two events into one folder."""
    event = sent(tmp_path / "in")
    other = MadeCamera(tmp_path / "other").event(chunks=4)
    for number, path in enumerate(sorted(other.folder.glob("evidence*"))):
        (event.folder / f"evidence{number + 20}.jsonl").write_bytes(path.read_bytes())
    done = wrapped(tool, tmp_path)
    assert done.returncode == 0, done.stderr
    assert shown_at(film_of(tmp_path, tool, event)) == [at / 1e6 for at in TIMES]


def test_with_the_cameras_key_only_what_it_has_signed_is_taken(tmp_path: Path) -> None:
    event = sent(tmp_path / "in")
    digits = raw(event.camera.public_key).hex()
    others = raw(made_key("another").public_key()).hex()
    done = wrapped("command", tmp_path, "--public-key", others, "--public-key", digits)
    assert done.returncode == 0, done.stderr
    done = wrapped("command", tmp_path, "--public-key", others, to="out")
    assert "evidence0.jsonl: line 1 is not signed with the camera's key" in done.stderr
    second = event.folder / "evidence1.jsonl"
    before = second.read_bytes()
    for change in (
        lambda: write_evidence(second, [resigned(each, made_key("thief"), {}) for each in read_evidence(second)]),
        lambda: second.write_bytes(before.replace(b'"width":1280', b'"width":1281')),
        lambda: second.write_bytes(b"nothing\n" + before),
        lambda: second.write_bytes(before[:-1]),
        second.unlink,
        lambda: [path.unlink() for path in event.folder.glob("evidence*")],
    ):
        change()
        done = wrapped("command", tmp_path, "--public-key", digits, "-f", "25", to="out")
        assert done.returncode == 1, "it was taken"
        assert event.name in done.stderr
        assert "Traceback" not in done.stderr
    assert left_in(tmp_path / "out") == []
    assert "64 digits" in wrapped("command", tmp_path, "--public-key", "abc", to="out").stderr


def test_without_python_the_script_says_that_it_cannot_read_the_records(tmp_path: Path) -> None:
    sent(tmp_path / "in")
    environment = only_tools(tmp_path / "bin", "ffmpeg", "ffprobe")
    for arguments, code in (([], 1), (["-f", "25"], 0)):
        done = run("script", "-i", tmp_path / "in", "-o", tmp_path / "out", *arguments, env=environment)
        assert done.returncode == code
        assert "no python3 to read them" in done.stderr


def test_the_reader_of_records_needs_nothing_but_python(tmp_path: Path) -> None:
    event = sent(tmp_path / "in")
    script = Path(__file__).parents[2] / "ancillary/timing/records.py"
    command = ["python3", "-S", "-s", script]
    done = subprocess.run(
        [*command, "check", event.folder], capture_output=True, text=True, check=True, env={**os.environ, "PATH": PATH}
    )
    expected, rate = done.stdout.split()
    assert expected == "4"
    assert float(rate) == pytest.approx(99e6 / TIMES[-1])
