"""Films of downloaded chunks: the script and the command agree, and neither passes over what is missing or damaged."""

import os
import shutil
import signal
import subprocess
import sys
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from pi_sec_cam.cli.main import main
from pi_sec_cam.media.access_unit import AccessUnit
from tests.unit.downloads import BITS, JPEG, cut, download, journal, key, pictures_of, sealed
from tests.unit.owner_keys import another_private_pem, openssl, private_pem
from tests.unit.streams import decoded_pictures, format_duration, shown_at, stream_entry, units

SCRIPT = Path(__file__).parents[2] / "ancillary/mp4_wrapper.sh"
# The Python that is found first has cryptography.
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

both = pytest.mark.parametrize("tool", ["script", "command"])


def run(tool: str, *arguments: str | Path, **how: object) -> subprocess.CompletedProcess[str]:
    """What is to be run with `how` is a process of its own."""
    if tool == "command" and not how:
        done = CliRunner().invoke(main, ["wrap", *map(str, arguments)])
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)
    program: list[str | Path] = [SCRIPT] if tool == "script" else [sys.executable, "-m", "pi_sec_cam", "wrap"]
    how.setdefault("env", {**os.environ, "PATH": PATH})
    return subprocess.run([*program, *arguments], capture_output=True, text=True, check=False, **how)  # type: ignore[call-overload]


def left_in(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if not path.is_dir())


@pytest.mark.parametrize(
    ("codec", "b_frames", "seal"), [("h264", 0, True), ("h264", 3, False), ("h265", 2, True), ("h265", 0, False)]
)
def test_script_and_command_make_films_of_the_same_pictures(
    tmp_path: Path, codec: str, b_frames: int, seal: bool
) -> None:
    pictures = units(codec, b_frames=b_frames)  # type: ignore[arg-type]
    download(tmp_path / "in/Yard/2026-05-04/12.00.00", pictures, 12 if codec == "h264" else 3, seal)
    option = ["-k", key(tmp_path)] if seal else []
    films = []
    for tool in ("script", "command"):
        done = run(tool, "-i", tmp_path / "in", "-o", tmp_path / tool, "-f", "12.5", *option)
        assert done.returncode == 0, done.stderr
        assert "1 of 1 events wrapped" in done.stderr + done.stdout
        assert left_in(tmp_path / tool) == [
            "Yard/2026-05-04/12.00.00/motion0.jpg",
            "Yard/2026-05-04/12.00.00/video.mp4",
        ]
        film = tmp_path / tool / "Yard/2026-05-04/12.00.00/video.mp4"
        assert film.with_name("motion0.jpg").read_bytes() == JPEG
        at = shown_at(film)
        assert [after - before for before, after in pairwise(at)] == [pytest.approx(0.08, abs=2e-6)] * 99
        assert stream_entry(film, "codec_tag_string") == ("avc1" if codec == "h264" else "hvc1")
        assert film.stat().st_mode & 0o077 == 0
        assert film.read_bytes().find(b"moov") < film.read_bytes().find(b"mdat")
        films.append(film)
    assert format_duration(films[1]) == 8
    found = [pictures_of(film) for film in films]
    assert found[0] == found[1]
    assert len(set(found[0])) == 100


def test_odd_names_and_any_folder_to_start_from(tmp_path: Path) -> None:
    pictures = units(seconds=1)
    download(tmp_path / "-in/-a b\n/c\t'$(x)' é", pictures, 2)
    download(tmp_path / "-in/*/[a]", pictures, 11)
    for tool in ("script", "command"):
        done = run(
            tool,
            "-i",
            "-in",
            "-o",
            f"-out {tool}\n",
            "-f",
            "25",
            cwd=tmp_path,
            env={**os.environ, "PATH": PATH, "CDPATH": "/"},
        )
        assert done.returncode == 0, done.stderr
        for name in ("-a b\n/c\t'$(x)' é", "*/[a]"):
            assert decoded_pictures(tmp_path / f"-out {tool}\n" / name / "video.mp4") == 25


@both
def test_a_missing_chunk_is_an_error_and_the_other_events_are_done(tmp_path: Path, tool: str) -> None:
    pictures = units(seconds=4)
    for name in ("a", "b", "c"):
        download(tmp_path / "in" / name, pictures, 12)
    for number in (0, 1, 2, 6):
        (tmp_path / f"in/b/video{number}.h264").unlink()
    arguments = ("-i", tmp_path / "in", "-o", tmp_path / "out", "-f", "25")
    done = run(tool, *arguments)
    assert done.returncode == 1
    assert "b: chunks are missing: 0 to 2, 6 (of 0 to 11)" in done.stderr
    assert "2 of 3 events wrapped" in done.stderr + done.stdout
    assert left_in(tmp_path / "out") == ["a/motion0.jpg", "a/video.mp4", "c/motion0.jpg", "c/video.mp4"]
    done = run(tool, "-i", tmp_path / "in/b", "-o", tmp_path / "some", "-f", "25", "-p")
    assert done.returncode == 1, "what is missing stays missing"
    assert left_in(tmp_path / "some") == ["motion0.jpg", "video-2.mp4", "video.mp4"]
    # Chunks 3 to 5 begin with a keyframe, 7 to 11 do not: 25 pictures, and those from the keyframe at 75 on.
    assert decoded_pictures(tmp_path / "some/video.mp4") == 25
    if tool == "command":
        assert decoded_pictures(tmp_path / "some/video-2.mp4") == 25


@both
def test_names_do_not_control_the_terminal(tmp_path: Path, tool: str) -> None:
    folder = tmp_path / "in/\x1b[2J"
    folder.mkdir(parents=True)
    (folder / "video0.h264").write_bytes(b"no video")
    (folder / "video2.h264").write_bytes(b"no video")
    done = run(tool, "-i", tmp_path / "in", "-o", tmp_path / "out", "-f", "25")
    assert done.returncode == 1
    assert "\x1b" not in done.stderr
    assert "[2J: chunks are missing: 1 " in done.stderr


@both
def test_a_rehearsal_is_no_event_and_a_picture_alone_is_one_without_video(tmp_path: Path, tool: str) -> None:
    download(tmp_path / "in/Yard/2026-05-04/18.30.12", units(seconds=1), 2)
    for folder in ("rehearsal/2026-05-04_18.00.00", "2026-05-04/19.00.00"):
        (tmp_path / "in/Yard" / folder).mkdir(parents=True)
        (tmp_path / "in/Yard" / folder / "motion0.jpg").write_bytes(JPEG)
    done = run(tool, "-i", tmp_path / "in", "-o", tmp_path / "out", "-f", "25")
    assert "rehearsal/" not in done.stderr
    assert "19.00.00: chunks are missing: all of them. Are" in done.stderr
    assert "1 of 2 events wrapped" in done.stderr + done.stdout
    done = run(tool, "-i", tmp_path / "in/Yard/rehearsal/2026-05-04_18.00.00", "-o", tmp_path / "none", "-f", "25")
    assert (done.returncode, "no event found" in done.stderr) == (1, True)


def test_a_journal_of_a_later_version_is_an_error_of_its_event_only(tmp_path: Path) -> None:
    pictures = units(seconds=1)
    for name in ("a", "b"):
        download(tmp_path / "in" / name, pictures, 2)
    (tmp_path / "in/a/offsite.jsonl").write_bytes(b'{"version":2}\n')
    done = run("command", "-i", tmp_path / "in", "-o", tmp_path / "out", "-f", "25")
    assert done.returncode == 1
    assert "a: offsite.jsonl is of version 2: a later version of this program is needed" in done.stderr
    assert "1 of 2 events wrapped" in done.stdout
    assert left_in(tmp_path / "out") == ["b/motion0.jpg", "b/video.mp4"]


@both
def test_what_is_refused(tmp_path: Path, tool: str) -> None:
    pictures = units(seconds=1)
    top, private = tmp_path / "in", key(tmp_path)
    other = tmp_path / "other.pem"
    other.write_bytes(another_private_pem(BITS))
    download(top / "plain", pictures, 2)
    download(top / "sealed", pictures, 2, seal=True)
    (download(top / "twice", pictures, 2, seal=True) / "video1.h265").write_bytes(sealed(b"\x00\x00\x00\x01"))
    (download(top / "empty", pictures, 2, seal=True) / "video1.h264").write_bytes(b"")
    cut_off = download(top / "cut", pictures, 2, seal=True) / "video1.h264"
    cut_off.write_bytes(cut_off.read_bytes()[:-1])
    junk = download(top / "junk", pictures, 2, seal=True)
    for chunk in junk.glob("video*"):
        chunk.write_bytes(sealed(b"no video at all" * 99))
    for name in ("plain", "sealed"):
        done = run(tool, "-i", top / name, "-o", tmp_path / "out", "-f", "25")
        assert (done.returncode == 0) == (name == "plain")
    assert "sealed; give the owner's private key with -k" in done.stderr
    done = run(tool, "-i", top / "plain", "-o", tmp_path / "out", "-f", "25")
    assert done.returncode == 1
    assert " exists; take it away" in done.stderr
    done = run(tool, "-i", top, "-o", tmp_path / "out2", "-f", "25", "-k", private)
    assert done.returncode == 1
    assert "1 of 6 events wrapped" in done.stderr + done.stdout
    for name, said in {
        "plain: video0.h264": "sealed",
        "twice: video1": "twice",
        "empty: video1.h264": "is empty",
        "cut: video1.h264": "",
        "junk: ": "",
    }.items():
        assert any(name in line and said in line for line in done.stderr.splitlines()), (name, done.stderr)
    assert left_in(tmp_path / "out2") == ["sealed/motion0.jpg", "sealed/video.mp4"]
    done = run(tool, "-i", top / "sealed", "-o", tmp_path / "out3", "-f", "25", "-k", other)
    assert done.returncode == 1
    assert "another key" in done.stderr
    assert left_in(tmp_path / "out3") == []
    for arguments in (["-i", top], ["-o", tmp_path], ["-i", top / "none", "-o", tmp_path / "x", "-f", "25"]):
        assert run(tool, *arguments).returncode == 2, arguments
    for arguments in (["-f", "0"], ["-f", "many"], ["-f", "25", "-k", top / "no.pem"], ["-f", "25", "-z"]):
        assert run(tool, "-i", top, "-o", tmp_path / "x", *arguments).returncode != 0, arguments
    assert run(tool, "-i", top, "-o", top, "-f", "25").returncode == 2
    (tmp_path / "nothing").mkdir()
    assert "no event found" in run(tool, "-i", tmp_path / "nothing", "-o", tmp_path / "x", "-f", "25").stderr
    assert "-f FPS" in run(tool, "-h").stdout


@both
def test_a_passphrase_is_taken_from_the_environment(tmp_path: Path, tool: str) -> None:
    download(tmp_path / "in", units(seconds=1), 3, seal=True)
    protected = tmp_path / "private.pem"
    protected.write_bytes(openssl("pkey", "-aes256", "-passout", "pass:over there", data=private_pem(BITS)))
    arguments = ("-i", tmp_path / "in", "-o", tmp_path / "out", "-f", "25", "-k", protected)
    asked = run(tool, *arguments, stdin=subprocess.DEVNULL)
    assert asked.returncode == 2
    assert "PI_SEC_CAM_PASSPHRASE" in asked.stderr
    wrong = run(tool, *arguments, env={**os.environ, "PATH": PATH, "PI_SEC_CAM_PASSPHRASE": "over here"})
    assert wrong.returncode == 1
    assert "passphrase" in wrong.stderr
    right = run(tool, *arguments, env={**os.environ, "PATH": PATH, "PI_SEC_CAM_PASSPHRASE": "over there"})
    assert right.returncode == 0, right.stderr
    assert decoded_pictures(tmp_path / "out/video.mp4") == 25


def only_tools(directory: Path, *more: str) -> dict[str, str]:
    """An environment with what the script needs besides ffmpeg and Python, and these."""
    directory.mkdir()
    usual = "awk bash cat dirname env find grep head mkdir mktemp mv rm sh sleep sort tr"
    for command in (*usual.split(), *more):
        found = shutil.which(command, path=PATH)
        assert found, command
        (directory / command).write_text(f'#!/bin/sh\nexec "{found}" "$@"\n')
        (directory / command).chmod(0o755)
    return {**os.environ, "PATH": str(directory)}


def test_the_script_names_the_tool_that_is_missing(tmp_path: Path) -> None:
    download(tmp_path / "in", units(seconds=1), 3)
    environment = only_tools(tmp_path / "bin")
    done = run("script", "-i", tmp_path / "in", "-o", tmp_path / "out", "-f", "25", env=environment)
    assert done.returncode == 2
    assert "ffmpeg" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_no_clear_video_stays_behind_when_the_script_is_interrupted(tmp_path: Path, how: signal.Signals) -> None:
    download(tmp_path / "in", units(seconds=1), 3, seal=True)
    environment = only_tools(tmp_path / "bin", "python3", "ffprobe")
    hangs = tmp_path / "bin/ffmpeg"
    hangs.write_text("#!/bin/sh\necho wrapping\nexec sleep 60\n")
    hangs.chmod(0o755)
    arguments = ["-i", tmp_path / "in", "-o", tmp_path / "out", "-f", "25", "-k", key(tmp_path)]
    with subprocess.Popen(
        [SCRIPT, *arguments], env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as script:
        assert script.stderr is not None
        assert "wrapping" in script.stderr.readline()
        assert any(path.name == "joined.h264" for path in (tmp_path / "out").rglob("*"))
        os.killpg(script.pid, how)
        assert script.wait(20) == 128 + how
    assert list((tmp_path / "out").iterdir()) == []


def test_with_the_cameras_notes_each_picture_has_its_own_time(tmp_path: Path) -> None:
    folder = tmp_path / "in/event"
    pictures = units(b_frames=2)
    download(folder, pictures, 4, seal=True)
    # A camera whose rate changes: in the dark it takes fewer pictures.
    gaps = [40_000] * 50 + [125_000] * 50
    times = [0, *accumulate(gaps)]
    turn = {unit.pts_us: number for number, unit in enumerate(sorted(pictures, key=lambda unit: unit.pts_us))}
    timed = [
        AccessUnit(unit.data, 7_000_000 + times[turn[unit.pts_us]], unit.dts_us, unit.keyframe, unit.info)
        for unit in pictures
    ]
    journal(folder, cut(timed, 4))
    done = run("command", "-i", tmp_path / "in", "-o", tmp_path / "out", "-k", key(tmp_path))
    assert done.returncode == 0, done.stderr
    film = tmp_path / "out/event/video.mp4"
    assert shown_at(film) == [at / 1e6 for at in times[:100]]
    assert len(set(pictures_of(film))) == 100
    (folder / "video3.h264").unlink()
    done = run("command", "-i", tmp_path / "in", "-o", tmp_path / "out2", "-k", key(tmp_path))
    assert "event: chunks are missing: 3 (of 0 to 3)" in done.stderr, "the notes say that there was another one"
    assert done.returncode == 1


def test_without_notes_and_without_a_rate_nobody_knows_the_times(tmp_path: Path) -> None:
    download(tmp_path / "in", units(seconds=1), 2)
    done = run("command", "-i", tmp_path / "in", "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "wrap -f" in done.stderr
    assert left_in(tmp_path / "out") == []


def test_a_camera_that_changes_its_picture_begins_another_film(tmp_path: Path) -> None:
    first, second = units(seconds=2), units(seconds=2, size=(176, 112))
    third = units("h265", seconds=1)
    folder = tmp_path / "in"
    download(folder, [*first, *second], 4)
    (folder / "video4.h265").write_bytes(b"".join(unit.data for unit in third))
    done = run("command", "-i", folder, "-o", tmp_path / "out", "-f", "25")
    assert done.returncode == 0, done.stderr
    films = [tmp_path / "out" / name for name in ("video.mp4", "video-2.mp4", "video-3.mp4")]
    assert left_in(tmp_path / "out") == ["motion0.jpg", *sorted(film.name for film in films)]
    assert [decoded_pictures(film) for film in films] == [50, 50, 25]
    assert [stream_entry(film, "width") for film in films] == ["160", "176", "160"]
    done = run("script", "-i", folder, "-o", tmp_path / "out2", "-f", "25")
    assert done.returncode == 0, done.stderr
    assert left_in(tmp_path / "out2") == ["motion0.jpg", "video-2.mp4", "video.mp4"]
    assert decoded_pictures(tmp_path / "out2/video.mp4") == 100
