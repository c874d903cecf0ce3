"""The commands `fetch` and `prune`, as they are typed."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pi_sec_cam.cli.main import main
from pi_sec_cam.evidence.camera_key import raw
from pi_sec_cam.home.destination import ASIDE
from pi_sec_cam.home.manifest import NAME
from tests.unit.camera_made import MadeCamera
from tests.unit.terminal import talk


class AtHome:
    """A store with two events a week apart, and somebody at a computer."""

    def __init__(self, directory: Path) -> None:
        self.store = directory / "store"
        self.out = directory / "footage"
        camera = MadeCamera(self.store)
        self.old = camera.event()
        camera.clock.advance(7 * 86400)
        self.new = camera.event()
        camera.stop()
        for event, day in ((self.old, 1), (self.new, 8)):  # a store's own clock says when it got them
            got = datetime(2026, 3, day, 12, tzinfo=UTC).timestamp()
            for file in event.folder.iterdir():
                os.utime(file, (got, got))
        self.key = raw(camera.public_key).hex()

    def run(self, *arguments: str | Path) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    def fetch(self, *arguments: str | Path) -> Result:
        return self.run("fetch", self.store, "-o", self.out, "-p", self.key, *arguments)

    def verdict(self, where: Path) -> str:
        """What `verify` finds, in its own words."""
        said = json.loads(self.run("verify", where, "-p", self.key, "--json").stdout)
        return str(said["verdict"])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AtHome:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return AtHome(tmp_path)


def test_what_is_fetched_is_verified(home: AtHome) -> None:
    result = home.fetch()
    assert result.exit_code == 0, result.output
    assert "2 events, 10 files, 26.1 kB" in result.stderr
    assert "fetched" in result.stdout
    assert "Yard: whole until" in result.stdout


def test_what_is_not_there_is_told_with_what_is(home: AtHome) -> None:
    result = home.fetch("Gate/2026-03-01")
    assert result.exit_code == 1
    assert "has nothing of Gate/2026-03-01. It has events of Yard" in result.output


def test_a_file_for_a_folder_is_said_and_a_forgotten_colon_is_guessed(home: AtHome, tmp_path: Path) -> None:
    file = tmp_path / "Yard.pem"
    file.touch()
    assert "is a file, and no folder" in home.run("fetch", file, "-o", home.out).output
    assert "written with a colon" in home.run("fetch", "dropbox", "-o", home.out).output


def test_without_the_key_nobody_vouches_for_it(home: AtHome) -> None:
    result = home.run("fetch", home.store, "-o", home.out)
    assert result.exit_code == 3, result.output
    assert "key was not given" in result.stdout


def test_what_was_not_asked_for_is_not_missing_then_or_later(home: AtHome) -> None:
    assert home.fetch(home.new.name).exit_code == 0
    assert home.verdict(home.out) == "outside"
    assert home.fetch(home.old.name).exit_code == 0
    assert home.verdict(home.out) == "whole"


def test_what_was_asked_for_and_is_gone_is_missing(home: AtHome) -> None:
    for file in home.old.folder.iterdir():
        file.unlink()
    result = home.fetch()
    assert result.exit_code == 1, result.output
    assert "missing" in result.stdout
    assert home.fetch("--camera", "Yard", "--from", "2026-03-05").exit_code == 1, "it was asked for before"


def test_what_was_altered_is_named_and_kept_aside(home: AtHome) -> None:
    video = home.new.folder / "video1.h264"
    video.write_bytes(b"x" * len(video.read_bytes()))
    result = home.fetch()
    assert result.exit_code == 1
    assert f"{home.new.name}/video1.h264: what is there now is not what the camera has sent" in result.stderr
    assert "1 file did not come" in result.stdout
    assert [path.read_bytes() for path in (home.out / ASIDE).rglob("video1*")] == [video.read_bytes()]


def test_a_file_in_the_way_is_a_failure_also_where_nobody_vouches_for_it(home: AtHome) -> None:
    late = home.store / "Yard/2026-03-09/10.00.00/video0.h264"
    late.parent.mkdir(parents=True)
    late.write_bytes(b"not signed yet")
    assert home.fetch().exit_code == 3
    (home.out / late.relative_to(home.store)).write_bytes(b"mine")
    assert home.fetch().exit_code == 1


def test_a_place_that_keeps_nothing_says_so(home: AtHome) -> None:
    result = home.fetch("--deleted")
    assert result.exit_code == 1
    assert "snapshots" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([".."], "no event, day or camera"),
        (["--from", "yesterdy"], "no time"),
        (["--camera", "a//b"], "no event, day or camera"),
    ],
)
def test_a_command_line_at_fault(home: AtHome, arguments: list[str], says: str) -> None:
    result = home.fetch(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert not home.out.exists()


def test_into_the_store_itself_is_refused(home: AtHome) -> None:
    result = home.run("fetch", home.store, "-o", home.store / "Yard" / "copy")
    assert result.exit_code == 2
    assert "outside" in result.stderr


@pytest.mark.parametrize("there", ["a file", "a damaged note"])
def test_a_folder_that_cannot_be_used_is_said(home: AtHome, there: str) -> None:
    if there == "a file":
        home.out.write_text("")
    else:
        home.out.mkdir()
        (home.out / NAME).write_text("{")
    result = home.fetch()
    assert result.exit_code == 1
    assert str(home.out) in result.stderr


def test_an_interruption_says_how_to_go_on(home: AtHome) -> None:
    fifo = home.old.folder / "video0.h264"
    data = fifo.read_bytes()
    command = [sys.executable, "-c", _INTERRUPTED, "fetch", home.store, "-o", home.out, "-p", home.key]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1, done.stderr
    left = [path for path in sent_of(home) if not (home.out / path).exists()]
    assert 0 < len(left) < 10
    assert f"left to fetch: {len(left)} files" in done.stderr
    assert "the same command goes on" in done.stderr
    assert "Traceback" not in done.stderr
    said = CliRunner().invoke(main, ["verify", str(home.out), "-p", home.key])
    assert said.exit_code == 1
    assert "was broken off" in said.stderr
    result = home.fetch()
    assert result.exit_code == 0, result.output
    assert (home.out / home.old.name / "video0.h264").read_bytes() == data
    assert "broken off" not in CliRunner().invoke(main, ["verify", str(home.out), "-p", home.key]).stderr


def sent_of(home: AtHome) -> list[Path]:
    """The files of the store's events, the camera's own chain apart."""
    return [path.relative_to(home.store) for event in (home.old, home.new) for path in event.folder.iterdir()]


# A fetch whose user presses Ctrl+C in the middle of the third file that it reads.
_INTERRUPTED = """
import os, signal
from pi_sec_cam.evidence.footage import FolderFootage
from pi_sec_cam.cli.main import main
whole, opened = FolderFootage.read, []
def read(self, path, begin=0):
    opened.append(path)
    for piece in whole(self, path, begin):
        if path.endswith("video0.h264"):
            yield piece[:100]
            os.kill(os.getpid(), signal.SIGINT)
        yield piece
FolderFootage.read = read
main()
"""


def test_on_a_terminal_there_is_a_bar_and_all_is_said_beside_it(home: AtHome, tmp_path: Path) -> None:
    video = home.new.folder / "video1.h264"
    video.write_bytes(b"x" * len(video.read_bytes()))
    code, shown = talk("fetch", home.store, "-o", home.out, "-p", home.key, answers=[], cwd=tmp_path)
    assert code == 1
    assert "2 events, 10 files" in shown
    assert f"{home.new.name}/video1.h264: what is there now" in shown.replace("\n", "")


# prune


def prune(home: AtHome, *arguments: str, code: int = 0) -> str:
    result = home.run("prune", home.store, *arguments)
    assert result.exit_code == code, result.output
    return result.output


def test_without_a_terminal_nothing_goes_unless_it_is_said(home: AtHome) -> None:
    said = prune(home, "--most", "5K")
    assert "to go: 1 of 2 events (9.9 kB of" in said
    assert "add --yes" in said
    assert len(list(home.old.folder.iterdir())) == 5
    assert home.verdict(home.store) == "whole"


def test_what_was_pruned_is_not_missing(home: AtHome) -> None:
    assert "deleted 1 event (9.9 kB)" in prune(home, "--most", "5K", "--yes")
    assert [path.name for path in home.old.folder.iterdir()] == ["evidence0.jsonl"]
    assert home.verdict(home.store) == "pruned"
    assert home.fetch().exit_code == 0
    assert home.verdict(home.out) == "pruned"
    for file in home.new.folder.glob("video*"):
        file.unlink()
    assert home.verdict(home.store) == "missing"


def test_on_a_terminal_it_asks(home: AtHome, tmp_path: Path) -> None:
    code, shown = talk("prune", home.store, "--most", "5K", answers=[("[y/N]: ", "n")], cwd=tmp_path)
    assert code == 1, shown
    assert len(list(home.old.folder.iterdir())) == 5
    code, shown = talk("prune", home.store, "--most", "5K", answers=[("[y/N]: ", "y")], cwd=tmp_path)
    assert code == 0, shown
    assert "deleted 1 event" in shown


def test_the_stores_own_clock_keeps_what_it_got_lately(home: AtHome) -> None:
    os.utime(home.old.folder / "video0.h264")
    assert home.old.name.rpartition("/")[0] not in prune(home, "--most", "5K")


@pytest.mark.parametrize("size", ["50", "G", "5 0G", "-5G", "5G5", "1e9G", "50X", ""])
def test_a_size_that_is_none(home: AtHome, size: str) -> None:
    assert "is no size" in prune(home, f"--most={size}", code=2)


@pytest.mark.parametrize("age", ["90", "d", "-5d", "1.5d", "3m", "90 d", "1d12h", ""])
def test_an_age_that_is_none(home: AtHome, age: str) -> None:
    assert "is no age" in prune(home, f"--older-than={age}", code=2)


def test_what_should_go_has_to_be_said(home: AtHome) -> None:
    assert "--older-than 90d" in prune(home, code=2)


def test_a_folder_of_another_level_is_refused(home: AtHome) -> None:
    result = home.run("prune", home.store / "Yard", "--most", "5K", "--yes")
    assert result.exit_code == 1
    assert "the one that it is in" in result.output


def test_a_camera_that_is_not_there(home: AtHome) -> None:
    assert "no footage of Yrad" in prune(home, "--most", "5K", "--camera", "Yrad", code=1)


def test_a_cameras_own_storage_is_refused(home: AtHome) -> None:
    (home.store.parent / "storage-id").write_text("0" * 32)
    assert "camera's own storage" in prune(home, "--most", "5K", "--yes", code=1)
    (home.store / "pi_sec_cam-store").write_text("0" * 32)  # but a store may lie on such a disk
    assert "deleted 1 event" in prune(home, "--most", "5K", "--yes")
