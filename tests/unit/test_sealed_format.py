"""The sealed format as openssl understands it: it opens what we seal, and we open what it seals.

The programs are those of docs/sealed-format.md, so the document is tried out too.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pi_sec_cam.offsite.envelope import Envelope, open_sealed
from tests.unit.owner_keys import SIZES, private_key, private_pem, public_key, public_pem

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/sealed-format.md").read_text(encoding="utf-8")
PREFIX = {1024: b"172 ", 2048: b"344 ", 3072: b"512 ", 4096: b"684 "}
EDGES = [b"", b"x" * 15, b"y" * 16, b"z" * 17]  # around a block of AES
LARGE = bytes(range(256)) * 274

every_size = pytest.mark.parametrize("bits", SIZES)


def contents(bits: int) -> list[bytes]:
    """What is tried with a key of this size: the edges once only, since the key has nothing to do with them."""
    return [*(EDGES if bits == min(SIZES) else []), LARGE]


class Bench:
    """A folder with the keys of one size and the programs of the document."""

    def __init__(self, folder: Path, bits: int) -> None:
        self.folder = folder
        (folder / "private.pem").write_bytes(private_pem(bits))
        (folder / "public.pem").write_bytes(public_pem(bits))

    def run(self, name: str, key: str, data: bytes) -> bytes:
        """What one of the document's programs makes of `data`."""
        ((language, program),) = re.findall(rf"<!-- test: {name} -->\n```(\w+)\n(.*?)```", DOCUMENT, re.DOTALL)
        (self.folder / "program").write_text(program, encoding="utf-8")
        (self.folder / "in").write_bytes(data)
        interpreter = {"bash": "bash", "python": sys.executable}[language]
        subprocess.run([interpreter, "program", f"{key}.pem", "in", "out"], cwd=self.folder, check=True)
        return (self.folder / "out").read_bytes()


@pytest.fixture
def bench(tmp_path: Path, bits: int) -> Bench:
    return Bench(tmp_path, bits)


@every_size
def test_what_openssl_sealed_opens(bench: Bench, bits: int) -> None:
    for content in contents(bits):
        sealed = bench.run("seal", "public", content)
        assert sealed.startswith(PREFIX[bits])
        assert open_sealed(sealed, private_key(bits)) == content
    assert decrypted_alone(bench, sealed) == LARGE


@every_size
def test_openssl_opens_what_was_sealed(bench: Bench, bits: int) -> None:
    for content in contents(bits):
        sealed = Envelope(public_key(bits)).seal(content)
        assert sealed.startswith(PREFIX[bits])
        assert len(sealed) == 4 + int(PREFIX[bits]) + 4 * -(-(57 + 16 * (len(content) // 16 + 1)) // 3)
        assert bench.run("open", "private", sealed) == content
    assert bench.run("python", "private", sealed) == LARGE


def decrypted_alone(bench: Bench, sealed: bytes) -> bytes:
    """What decrypt.py makes of it, in an interpreter that finds nothing of ours."""
    (bench.folder / "sealed").write_bytes(sealed)
    out = bench.folder / "alone"
    out.unlink(missing_ok=True)
    program = bench.folder / "decrypt.py"
    program.write_bytes((ROOT / "ancillary/decryption/decrypt.py").read_bytes())
    arguments = ["-k", "private.pem", "-i", "sealed", "-o", "alone"]
    subprocess.run([sys.executable, "-I", "decrypt.py", *arguments], cwd=bench.folder, check=True)
    return out.read_bytes()
