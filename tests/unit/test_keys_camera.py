"""`keys camera`: shows the camera's public key in forms that other programs understand, and makes it once."""

import json
import re
import stat
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from pi_sec_cam.evidence.camera_key import read_public_key
from tests.unit.command_home import Home
from tests.unit.owner_keys import openssl, public_pem


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_key_is_made_once_and_shown_as_openssl_has_it(home: Home, tmp_path: Path) -> None:
    first = home.run("keys", "camera")
    assert first.exit_code == 0, first.output
    assert "made just now" in first.stdout
    private = home.directory / "identity/camera_key.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    der = openssl("pkey", "-pubout", "-outform", "DER", data=private.read_bytes())
    again = home.run("keys", "camera")
    assert "made just now" not in again.stdout
    lines = [line.strip() for line in again.stdout.splitlines()]
    assert der[-32:].hex() in lines
    digest = subprocess.run(["sha256sum"], input=der, capture_output=True, check=True).stdout
    assert digest.split()[0].decode() in lines, "the fingerprint"
    assert "█" not in again.stdout, "a QR code is for terminals"
    pem = openssl("pkey", "-pubout", data=private.read_bytes())
    assert home.run("keys", "camera", "--pem").stdout.encode() == pem
    said = json.loads(home.run("keys", "camera", "--json").stdout)
    assert said == {"key": der[-32:].hex(), "fingerprint": digest.split()[0].decode(), "pem": pem.decode()}
    out = tmp_path / "camera_public.pem"
    assert home.run("keys", "camera", "--out", str(out)).exit_code == 0
    assert out.read_bytes() == pem
    for given in (str(out), der[-32:].hex().upper(), " ".join(re.findall("....", der[-32:].hex()))):
        assert read_public_key(given) == read_public_key(str(out))


def test_another_key_is_not_written_over(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "camera_public.pem"
    out.write_bytes(public_pem(1024))
    done = home.run("keys", "camera", "--out", str(out))
    assert done.exit_code == 1
    assert "exists" in done.stderr
    assert out.read_bytes() == public_pem(1024)


def test_the_qr_code_of_a_terminal_is_read_by_another_program(home: Home) -> None:
    shown = home.run_in_terminal("keys", "camera")
    digits = re.search(r"^  ([0-9a-f]{64})$", shown, re.MULTILINE)
    assert digits
    drawn = [line for line in shown.splitlines() if line and set(line) <= set(" █▀▄")]
    light = {" ": (0, 0), "█": (255, 255), "▀": (255, 0), "▄": (0, 255)}
    rows = [[light[character][half] for character in line] for line in drawn for half in (0, 1)]
    picture = np.kron(np.array(rows, np.uint8), np.ones((8, 8), np.uint8))
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == digits[1]


@pytest.mark.parametrize("damage", [b"", b"junk", public_pem(1024)])
def test_a_damaged_key_is_said_and_left_as_it_is(home: Home, damage: bytes) -> None:
    home.run("keys", "camera")
    private = home.directory / "identity/camera_key.pem"
    private.write_bytes(damage)
    done = home.run("keys", "camera")
    assert done.exit_code == 1
    assert "camera_key.pem is damaged" in done.stderr
    assert "Traceback" not in done.output
    assert private.read_bytes() == damage


def test_nothing_is_made_on_a_disk_that_is_not_the_right_one(home: Home) -> None:
    home.run("keys", "camera")
    (home.directory / "storage-id").write_text("0" * 32)
    (home.directory / "identity/camera_key.pem").unlink()
    done = home.run("keys", "camera")
    assert done.exit_code == 1
    assert "storage accept" in done.stderr
    assert not (home.directory / "identity/camera_key.pem").exists()
