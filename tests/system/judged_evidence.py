"""What three judges say of a folder with all that a store has: the engine, the command, the checker of one file."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pi_sec_cam.evidence.camera_key import raw
from pi_sec_cam.evidence.footage import FolderFootage
from pi_sec_cam.evidence.scope import Scope
from pi_sec_cam.evidence.verdict import Verification
from pi_sec_cam.evidence.verify import verify
from tests.system.daemon import COMMAND

CHECKER = Path(__file__).parents[2] / "ancillary" / "verification" / "verify.py"
WHOLE, WRONG, OPEN = 0, 1, 3
"""Exit codes of the command and of the checker."""


def write_download(stored: Mapping[str, bytes], top: Path) -> Path:
    """A folder with these files."""
    for path, data in stored.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(data)
    return top


def verified(top: Path, keys: Sequence[Ed25519PublicKey], heads: Sequence[str] = ()) -> Verification:
    """All that the cameras have sent should be here."""
    return verify(FolderFootage(top), keys, heads=heads, scope=Scope(complete=True))


def findings(verification: Verification) -> list[str]:
    """For messages and comparisons: verdict, place and text."""
    return [f"{found.verdict}  {found.place}  {found.text}" for found in verification.findings]


def faults(verification: Verification) -> list[str]:
    """Those that are wrong or open."""
    return [
        f"{found.verdict}  {found.place}  {found.text}"
        for found in verification.findings
        if found.verdict.wrong or found.verdict.open
    ]


def checker(top: Path, keys: Sequence[Ed25519PublicKey], *more: str) -> subprocess.CompletedProcess[str]:
    return _said([sys.executable, CHECKER, *_given(keys), "--complete", *more, top])


def command(top: Path, keys: Sequence[Ed25519PublicKey], *more: str) -> subprocess.CompletedProcess[str]:
    return _said([COMMAND, "verify", top, *_given(keys), "--complete", *more])


def _given(keys: Sequence[Ed25519PublicKey]) -> list[str]:
    return [word for key in keys for word in ("-p", raw(key).hex())]


def _said(words: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
