"""`check` says ok and what a daemon would do, or all faults; its exit code is for scripts."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from pi_sec_cam.cli.check import check, schema
from pi_sec_cam.cli.options import CONFIG_FILES, config_option
from pi_sec_cam.evidence import timestamp
from pi_sec_cam.offsite.owner_key import read_public_key
from pi_sec_cam.offsite.rehearsal import note_rehearsed
from pi_sec_cam.offsite.stores import s3
from tests.unit.configurations import EVERYTHING, FIRST_GENERATION, REPOSITORY
from tests.unit.owner_keys import public_pem


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(check, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "camera_config.json"


def test_a_good_file_is_ok_with_a_summary(file: Path) -> None:
    (file.parent / "owner.pem").write_bytes(public_pem(2048))
    dropbox = EVERYTHING["dropbox"] | {"public_pem_path": "owner.pem"}
    file.write_text(json.dumps(EVERYTHING | {"dropbox": dropbox}))
    result = run("-c", str(file))
    assert result.exit_code == 0
    assert result.stdout.startswith(f"ok: {file}\n")
    for said in (
        "Door: watches rtsp://user:***@10.0.0.2/main",
        "Yard: records from 8 s before a movement until 8 s after it, 60 s at most; looks 4 times a second",
        "Door: servo on pin 11, sound from USB",
        f"recordings: {file.parent}/footage/recordings (the oldest are deleted after 14 days or beyond 10 GB in all "
        "or when less than 1 GB are free; sealed)",
        "off-site: Dropbox, /mnt/nas, S3 bucket b; sealed",
        "remote: Garage at https://me:***@garage:8080",
    ):
        assert said in result.stdout
    assert "geheim" not in result.output
    assert result.stderr == ""


def test_what_works_but_may_not_be_meant_is_noted(file: Path) -> None:
    file.write_text(json.dumps(FIRST_GENERATION | {"motion": {"max_event_time": 5}}))
    result = run("-c", str(file))
    assert result.exit_code == 0
    assert "note: PiSecCam: motion.max_event_time (5 s) is not longer than rec_sec_after (8 s)" in result.stdout
    assert "note: nothing leaves this machine" in result.stdout
    file.write_text(json.dumps({"dropbox": {"token": "geheim"}}))
    said = run("-c", str(file)).stdout
    assert "off-site: Dropbox; NOT sealed" in said
    assert "note: what goes off-site is not sealed" in said


def test_the_key_is_looked_at(file: Path) -> None:
    storage, pem = {"directory": str(file.parent / "storage")}, file.parent / "owner.pem"
    file.write_text(json.dumps({"storage": storage, "dropbox": {"token": "geheim", "public_pem_path": str(pem)}}))
    result = run("-c", str(file))
    assert result.exit_code == 1
    assert result.stdout.startswith(f"ok, but the camera does not start with it here: {file}\n")
    assert f"does not start: dropbox.public_pem_path: there is no public key {pem}" in result.stdout
    pem.write_bytes(public_pem(2048))
    (file.parent / "storage").mkdir()
    never = "note: nobody has tried yet to open what is sealed"
    assert never in run("-c", str(file)).stdout
    note_rehearsed(file.parent / "storage/identity", read_public_key(pem), datetime(2026, 5, 4, tzinfo=UTC))
    assert never not in run("-c", str(file)).stdout


def test_a_store_whose_library_is_missing_is_noted(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = {"kind": "s3", "bucket": "b", "access_key_id": "a", "secret_access_key": "geheim"}
    file.write_text(json.dumps({"stores": [store]}))
    assert "botocore" not in run("-c", str(file)).stdout
    monkeypatch.setattr(s3, "find_spec", lambda _: None)
    result = run("-c", str(file))
    assert result.exit_code == 1
    assert "does not start: stores: " in result.stdout
    assert "pip install botocore" in result.stdout


def test_who_stamps_is_said_and_when_its_library_is_missing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(json.dumps({"evidence": {"timestamp_url": "https://user:geheim@stamps.example/tsa"}}))
    result = run("-c", str(file))
    assert result.exit_code == 0
    assert "time stamps: once a day by stamps.example\n" in result.stdout
    assert "geheim" not in result.stdout
    monkeypatch.setattr(timestamp, "find_spec", lambda _: None)
    result = run("-c", str(file))
    assert result.exit_code == 1
    assert "does not start: evidence.timestamp_url: time stamps need a library" in result.stdout
    assert "pip install rfc3161-client" in result.stdout


def test_all_faults_go_to_stderr_and_the_exit_code_is_2(file: Path) -> None:
    file.write_text('{"framerate": 0, "motoin": {}}')
    result = run("-c", str(file))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"{file} cannot be used: 2 faults",
        "  framerate: 0 is not allowed; it must be a number from 1 to 120",
        '  motoin: unknown key; did you mean "motion"?',
    ]


def test_json_for_scripts(file: Path) -> None:
    file.write_text("{}")
    result = run("--json", "-c", str(file))
    said = json.loads(result.stdout)
    assert (result.exit_code, said["ok"], said["file"], said["faults"], said["message"]) == (0, True, str(file), [], "")
    assert said["summary"]
    file.write_text('{"framerate": 0}')
    result = run("--json", "-c", str(file))
    said = json.loads(result.stdout)
    assert (result.exit_code, said["ok"], said["summary"], len(said["faults"])) == (2, False, [], 1)
    assert result.stderr == ""


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"a": 1}', b"\xff\xfe", b"\xff"])
def test_every_bad_file_is_a_message_and_2(file: Path, content: Any) -> None:
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = run("-c", str(file))
    assert result.exit_code == 2
    assert str(file) in result.stderr
    assert "Traceback" not in result.output


def test_a_name_that_is_no_text_is_a_message_too() -> None:
    assert "there is no such file" in run("-c", "/nowhere/\udcff.json").stderr


def test_the_file_is_found_where_the_help_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command
    @config_option
    def show(config: Path) -> None:
        click.echo(str(config))

    def shown(*arguments: str) -> str:
        return CliRunner().invoke(show, arguments).output.strip()

    system = tmp_path / "etc" / "camera_config.json"
    monkeypatch.setattr("pi_sec_cam.cli.options.CONFIG_FILES", (CONFIG_FILES[0], system))
    monkeypatch.chdir(tmp_path)
    assert shown() == "config/camera_config.json"
    system.parent.mkdir()
    system.touch()
    assert shown() == str(system)
    (tmp_path / "config").mkdir()
    (tmp_path / CONFIG_FILES[0]).touch()
    assert shown() == "config/camera_config.json"
    assert shown("-c", "other.json") == shown("--config", "other.json") == "other.json"
    text = "".join(CliRunner().invoke(show, ["--help"]).output.split())
    assert all(str(path) in text for path in CONFIG_FILES)


def test_the_example_passes() -> None:
    assert run("-c", str(REPOSITORY / "config" / "camera_config.json")).exit_code == 0


def test_the_schema_is_printed_whole() -> None:
    result = CliRunner().invoke(schema, ["-c", "absent.json"])
    assert result.exit_code == 0
    assert "framerate" in json.loads(result.output)["properties"]
