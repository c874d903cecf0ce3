"""decrypt.py as it is called: it appends all that was sealed or nothing, and ends without a traceback."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from pi_sec_cam.offsite.envelope import Envelope
from tests.unit.owner_keys import openssl, private_pem, public_key, public_pem

PROGRAM = Path(__file__).parents[2] / "ancillary/decryption/decrypt.py"
BITS = 1024


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "key.pem").write_bytes(private_pem(BITS))
    for number in range(2):
        (tmp_path / f"video{number}.h264").write_bytes(Envelope(public_key(BITS)).seal(b"<%d>" % number))
    return tmp_path


def decrypt(
    desk: Path, sealed: str = "video0.h264", key: str = "key.pem", out: str = "out", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", PROGRAM, "--private-pem", key, "--file-path", sealed, "--output-path", out],
        cwd=desk,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        start_new_session=True,
        check=False,
    )


def test_it_appends(desk: Path) -> None:
    for number in range(2):
        done = decrypt(desk, f"video{number}.h264")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (desk / "out").read_bytes() == b"<0><1>"


def test_what_cannot_be_opened_leaves_the_output_as_it_was(desk: Path) -> None:
    sealed = (desk / "video0.h264").read_bytes()
    (desk / "cut").write_bytes(sealed[:-4])
    (desk / "public.pem").write_bytes(public_pem(BITS))
    (desk / "other.pem").write_bytes(private_pem(2048))
    (desk / "out").write_bytes(b"before")
    for arguments, says in (
        ({"sealed": "cut"}, "decrypt.py: cut: cut"),
        ({"sealed": "nothing"}, "decrypt.py: nothing: No such file"),
        ({"sealed": "key.pem"}, "key.pem: not a sealed file"),
        ({"key": "public.pem"}, "public.pem is no private key"),
        ({"key": "other.pem"}, "sealed for an RSA key of 1024 bits, and this private key has 2048"),
        ({"out": "video0.h264"}, "is the sealed file itself"),
        ({"out": "nowhere/out"}, "nowhere/out: No such file"),
        ({"out": "/dev/full"}, "/dev/full: No space left"),
    ):
        done = decrypt(desk, **arguments)
        assert done.returncode == 1, arguments
        assert says in done.stderr
        assert done.stderr.count("\n") == 1  # a message, no traceback
    assert (desk / "out").read_bytes() == b"before"
    assert (desk / "video0.h264").read_bytes() == sealed


def test_it_needs_nothing_but_an_old_python_and_cryptography() -> None:
    program = ast.parse(PROGRAM.read_text(encoding="utf-8"), feature_version=(3, 9))
    names = {alias.name for node in ast.walk(program) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(program) if isinstance(node, ast.ImportFrom) and node.module}
    assert {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) == {"cryptography"}


def test_a_faulty_command_line_is_said(desk: Path) -> None:
    done = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--private-pem" in done.stderr


@pytest.mark.parametrize("how", [("pkcs8", "-topk8"), ("rsa", "-traditional", "-aes256")])
def test_a_protected_key_is_opened_with_its_passphrase(desk: Path, how: tuple[str, ...]) -> None:
    (desk / "key.pem").write_bytes(openssl(*how, "-passout", "pass:open sesame", data=private_pem(BITS)))
    assert "given up" in decrypt(desk).stderr  # nobody is there to be asked
    wrong = decrypt(desk, PI_SEC_CAM_PASSPHRASE="wrong")
    assert wrong.returncode == 1
    assert "this passphrase does not open key.pem" in wrong.stderr
    assert not (desk / "out").exists()
    assert decrypt(desk, PI_SEC_CAM_PASSPHRASE="open sesame").returncode == 0
    assert (desk / "out").read_bytes() == b"<0>"
