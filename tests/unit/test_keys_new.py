"""`keys new` makes a pair that works, protects it, overwrites nothing, and leaves no halves behind."""

import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pi_sec_cam.cli.main import main
from pi_sec_cam.offsite import new_key_pair
from pi_sec_cam.offsite.new_key_pair import PRIVATE_NAME, PUBLIC_NAME
from tests.unit.owner_keys import openssl, private_key
from tests.unit.terminal import talk

PASSPHRASE = "a long passphrase"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of 4096 bits take seconds to make; the number of bits that was asked for is kept."""
    monkeypatch.setattr("pi_sec_cam.cli.keys.new_private_key", private_key)


def new(folder: Path, *arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ["keys", "new", "--out", str(folder), *arguments], input=typed)


def test_a_pair_of_4096_bits_with_a_passphrase(tmp_path: Path) -> None:
    result = new(tmp_path, "--passphrase-stdin", typed=f"{PASSPHRASE}\n")
    assert result.exit_code == 0, result.output
    private, public = tmp_path / PRIVATE_NAME, tmp_path / PUBLIC_NAME
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert private.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    opened = openssl("pkey", "-in", private, "-passin", f"pass:{PASSPHRASE}", "-text")
    assert b"Private-Key: (4096 bit" in opened
    assert openssl("pkey", "-in", private, "-passin", f"pass:{PASSPHRASE}", "-pubout") == public.read_bytes()
    assert public.read_text().startswith("-----BEGIN PUBLIC KEY-----")
    der = openssl("pkey", "-pubin", "-in", public, "-outform", "DER")
    assert openssl("dgst", "-sha256", "-r", data=der).split()[0].decode() in result.stdout
    for said in ("OFF the camera", "two places", "lost key means lost footage", f'"public_pem_path": "{public}"'):
        assert said in result.stdout
    assert PASSPHRASE not in result.output


def test_without_a_passphrase_that_is_said(tmp_path: Path) -> None:
    result = new(tmp_path, "--no-passphrase", "--bits", "2048")
    assert result.exit_code == 0
    assert "has no passphrase" in result.stderr
    assert b"2048 bit" in openssl("pkey", "-in", tmp_path / PRIVATE_NAME, "-noout", "-text")


@pytest.mark.parametrize("standing", [PRIVATE_NAME, PUBLIC_NAME])
@pytest.mark.parametrize("linked", [False, True])
def test_a_key_is_never_overwritten(tmp_path: Path, standing: str, linked: bool) -> None:
    if linked:
        (tmp_path / standing).symlink_to("nowhere")
    else:
        (tmp_path / standing).write_text("mine")
    result = new(tmp_path, "--no-passphrase")
    assert result.exit_code == 1
    assert f"{tmp_path / standing} exists" in result.stderr
    assert os.listdir(tmp_path) == [standing]


def test_of_two_at_the_same_time_one_wins_and_the_other_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_key_pair, "check_room", lambda _: None)
    monkeypatch.setattr("pi_sec_cam.cli.keys.check_room", lambda _: None)
    (tmp_path / PUBLIC_NAME).write_text("the other's")
    result = new(tmp_path, "--no-passphrase")
    assert result.exit_code == 1
    assert os.listdir(tmp_path) == [PUBLIC_NAME]
    assert (tmp_path / PUBLIC_NAME).read_text() == "the other's"


@pytest.mark.parametrize(
    ("arguments", "typed", "says"),
    [
        (["--passphrase-stdin"], "short\n", "8 to 200 characters"),
        (["--passphrase-stdin"], "", "8 to 200 characters"),
        (["--passphrase-stdin"], "with a \t tab\n", "can be printed"),
        (["--passphrase-stdin", "--no-passphrase"], "", "exclude each other"),
        (["--bits", "1024"], "", "--bits"),
        ([], "", "there is no terminal to ask at; use --passphrase-stdin"),
    ],
)
def test_a_faulty_command_line_makes_nothing(tmp_path: Path, arguments: list[str], typed: str, says: str) -> None:
    result = new(tmp_path, *arguments, typed=typed)
    assert result.exit_code == 2
    assert says in result.stderr
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = new(tmp_path / "nowhere", "--no-passphrase")
    assert result.exit_code == 1
    assert f"there is no directory {tmp_path / 'nowhere'}" in result.stderr


def test_at_a_terminal_the_passphrase_is_asked_for_twice_and_not_shown(tmp_path: Path) -> None:
    answers = [
        ("(8 characters or more): ", PASSPHRASE),
        ("The same again: ", "something else"),
        ("(8 characters or more): ", PASSPHRASE),
        ("The same again: ", PASSPHRASE),
    ]
    code, shown = talk("keys", "new", "--bits", "2048", answers=answers, cwd=tmp_path)
    assert code == 0, shown
    assert PASSPHRASE not in shown
    openssl("pkey", "-in", tmp_path / PRIVATE_NAME, "-passin", f"pass:{PASSPHRASE}", "-noout")
