"""`storage` says whether the right disk is there, `storage accept` that it is; exit codes are for scripts."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pi_sec_cam.cli.main import main
from pi_sec_cam.record.disk import Disk
from pi_sec_cam.remembered import Remembered


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    (tmp_path / "config.json").write_text(json.dumps({"storage": {"directory": "footage"}}))
    return tmp_path / "footage"


@pytest.fixture
def used(directory: Path) -> Path:
    """The storage directory after a first use."""
    assert Disk(directory, Remembered(directory)).claim().kind == "ready"
    return directory


def run(directory: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["storage", *arguments, "-c", str(directory.parent / "config.json")])


def test_before_the_first_use_nothing_is_wrong_and_nothing_is_made(directory: Path) -> None:
    result = run(directory)
    assert result.exit_code == 0
    assert "not there yet" in result.stdout
    assert [path.name for path in directory.parent.iterdir()] == ["config.json"]


def test_the_right_disk_is_shown(used: Path) -> None:
    result = run(used)
    assert result.exit_code == 0
    said = (used / "storage-id").read_text().strip()
    assert result.stdout.splitlines()[0] == f"{used}: ready"
    assert result.stdout.count(said) == 2
    assert " GB free" in result.stdout


def test_json_for_scripts(used: Path) -> None:
    said = json.loads(run(used, "--json").stdout)
    assert (said["directory"], said["kind"], said["detail"]) == (str(used), "ready", "")
    assert said["storage_id"] == said["remembered_id"]
    assert said["free_bytes"] > 0
    assert Path(said["remembered_in"]).is_file()


def test_a_missing_disk_is_1_until_it_is_accepted(used: Path) -> None:
    shutil.rmtree(used)
    result = run(used)
    assert result.exit_code == 1
    assert "mounted?" in result.stdout
    assert not used.exists()
    assert run(used, "accept").exit_code == 0
    assert run(used).exit_code == 0


def test_what_cannot_be_accepted_is_a_message(used: Path) -> None:
    shutil.rmtree(used)
    used.write_text("no directory")
    result = run(used, "accept")
    assert result.exit_code == 1
    assert "is a file" in result.stderr


def test_what_cannot_be_remembered_is_said(directory: Path) -> None:
    (directory.parent / "state").write_text("no directory")
    result = run(directory)
    assert result.exit_code == 0
    assert f"cannot read {directory.parent}/state" in result.stdout
    result = run(directory, "accept")
    assert result.exit_code == 1
    assert "cannot remember" in result.stderr


def test_another_word_is_2(used: Path) -> None:
    assert run(used, "explode").exit_code == 2
