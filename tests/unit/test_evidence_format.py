"""The evidence format as the document has it: its test vectors, and its programs with openssl.

No key is kept in the project: that of the vectors comes from a phrase, and Ed25519 always signs the same text alike.
"""

import base64
import re
import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pi_sec_cam.evidence.camera_key import fingerprint, public_pem, raw
from pi_sec_cam.evidence.record import RecordMalformed, SignedRecord, canonical, parse_line, signed

DOCUMENT = (Path(__file__).parents[2] / "docs/evidence.md").read_text(encoding="utf-8")
PHRASE = b"pi_sec_cam evidence test vectors 1"
KEY = Ed25519PrivateKey.from_private_bytes(sha256(PHRASE).digest())
PUBLIC = raw(KEY.public_key()).hex()

EVENT = "Yard/2026-05-04/18.30.12"
OF = "e0" * 16
SEGMENT = "5e" * 16
STARTED = 1_777_919_412_250_000
OPENED = {"version": 1, "camera": "Yard", "key": PUBLIC, "program": "1.0", "stores": ["dropbox"], "synchronised": True}
FILES = {"motion0.jpg": b"one picture\n", "video0.h264": b"two pictures of video\n"}
VIDEO = {"codec": "h264", "width": 1280, "height": 720, "pts_us": [40_000, 90_000], "duration_us": 100_000}


def chain(identity: str, *records: dict[str, Any]) -> Iterator[SignedRecord]:
    """Each record says what it is given, and comes a second after the one before."""
    previous = ""
    for n, record in enumerate(records):
        place = {"chain": identity, "n": n, "prev": previous, "at_us": STARTED + n * 1_000_000}
        made = signed(place | record, KEY)
        yield made
        previous = made.hash


def file_record(name: str) -> dict[str, Any]:
    """That of one of the two files."""
    return {"kind": "file", "name": name, "bytes": len(FILES[name]), "sha256": sha256(FILES[name]).hexdigest()}


def vectors() -> dict[str, list[SignedRecord]]:
    """The two evidence files of the document: path, and the records in it."""
    opening = {"kind": "event", "event": EVENT, "segment": SEGMENT, "started_us": STARTED, "media_us": 8_000_000}
    event = list(
        chain(
            OF,
            OPENED | opening,
            file_record("motion0.jpg"),
            file_record("video0.h264") | VIDEO,
            {"kind": "end", "files": 2, "pictures_lost": 0},
        )
    )
    size = sum(map(len, FILES.values()))
    own = chain(
        SEGMENT,
        OPENED | {"kind": "segment", "ordinal": 1, "previous": None, "since": {"dropbox": 1}},
        {"kind": "began", "event": EVENT, "of": OF},
        {"kind": "ended", "event": EVENT, "of": OF, "last": {"hash": event[-1].hash, "n": 3}, "bytes": size},
    )
    return {f"{EVENT}/evidence0.jsonl": event, f"Yard/evidence/000001-{SEGMENT[:8]}/evidence0.jsonl": list(own)}


def block(name: str) -> str:
    """The block of the document with this name."""
    ((content,),) = (re.findall(rf"<!-- test: {re.escape(name)} -->\n```\w*\n(.*?)```", DOCUMENT, re.DOTALL),)
    return str(content)


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """The document's example in a folder, with the public key in `camera_public.pem`."""
    top = tmp_path / "footage"
    for path in vectors():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(block(path), encoding="ascii")
    for name, data in FILES.items():
        (top / EVENT / name).write_bytes(data)
    (tmp_path / "camera_public.pem").write_bytes(public_pem(KEY.public_key()))
    return top


def by_hand(name: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """One of the document's programs, run."""
    return subprocess.run(
        ["bash", "-c", block(name), name, *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("path", list(vectors()))
def test_the_vectors_are_what_is_signed(path: str) -> None:
    assert block(path) == b"".join(record.line for record in vectors()[path]).decode()
    for line, record in zip(block(path).splitlines(), vectors()[path], strict=True):
        read = parse_line(line.encode())
        assert (read, read.line) == (record, line.encode() + b"\n")
        assert read.signed_by(KEY.public_key())


def test_the_key_and_the_hashes_are_those_of_the_document() -> None:
    records = [record for file in vectors().values() for record in file]
    for expected in (PHRASE.decode(), PUBLIC, fingerprint(KEY.public_key()), *(record.hash for record in records)):
        assert f"`{expected}`" in DOCUMENT


def test_the_canonical_form_of_odd_text() -> None:
    text = 'Hof "Süd"/\\\t\x1f\x7f\u2028\U0001f600'
    assert canonical({"b": [1, -2, True, None, {}], "a": text}).decode() + "\n" == block("canonical")


RECORD = vectors()[f"{EVENT}/evidence0.jsonl"][0]


OTHER_FORMS = [
    pytest.param(RECORD.text.replace(b",", b", ", 1), id="white space"),
    pytest.param(RECORD.text.replace(b"{", b'{"at_us":1,', 1), id="a key twice"),
    pytest.param(b'{"z":1,' + RECORD.text[1:], id="keys not in order"),
    pytest.param(RECORD.text.replace(b'"1.0"', b"1.0"), id="no integer"),
    pytest.param(RECORD.text.replace(b'"1.0"', b"9007199254740992"), id="an integer that a double does not hold"),
    pytest.param(RECORD.text.replace(b'"1.0"', b"-0"), id="minus nought"),
    pytest.param(RECORD.text.replace(b'"1.0"', b"NaN"), id="NaN"),
    pytest.param(RECORD.text.replace(b'"1.0"', b'"\\u00E9"'), id="capital digits"),
    pytest.param(RECORD.text.replace(b'"1.0"', b'"\\u0041"'), id="escaped without need"),
    pytest.param(RECORD.text.replace(b'"1.0"', b'"\\/"'), id="an escaped slash"),
    pytest.param(RECORD.text.replace(b'"1.0"', b'"\x7f"'), id="DEL as it is"),
    pytest.param(RECORD.text.replace(b'"1.0"', '"é"'.encode()), id="not ASCII"),
    pytest.param(RECORD.text.replace(b'"1.0"', b'"\\ud800"'), id="half a surrogate pair"),
    pytest.param(RECORD.text.replace(b'"program"', b'"pro\\u00e9"'), id="a key that is not ASCII"),
    pytest.param(RECORD.text.replace(b'"n":0', b'"n":-1'), id="no place in the chain"),
    pytest.param(RECORD.text.replace(b'"n":0', b'"n":false'), id="no number"),
    pytest.param(RECORD.text.replace(b'"kind":"event",', b""), id="no kind"),
    pytest.param(RECORD.text + b"\r", id="another end of line"),
    pytest.param(b"[]", id="no object"),
    pytest.param(b"[" * 50_000, id="deep"),
    pytest.param(b"\xff", id="no text"),
]


@pytest.mark.parametrize("text", OTHER_FORMS)
def test_another_form_is_no_record(text: bytes) -> None:
    signature = RECORD.line[:86]
    assert text != RECORD.text
    with pytest.raises(RecordMalformed):
        parse_line(signature + b" " + text + b"\n")


def test_a_signature_has_one_form() -> None:
    raised = 0
    signature = signed({"n": 0}, KEY).signature
    while not {b"-", b"_"} <= {signature_text(signature)[i : i + 1] for i in range(86)}:
        raised += 1
        signature = signed({"n": raised}, KEY).signature
    good = signature_text(signature)
    last = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    left_over = good[:-1] + last[last.index(good[-1:]) + 1 :][:1]
    parse_line(good + b" " + RECORD.text)
    for other in (
        good.replace(b"-", b"+"),
        good.replace(b"_", b"/"),
        left_over,
        good + b"==",
        good[:-1],
        b"!" + good[1:],
    ):
        with pytest.raises(RecordMalformed):
            parse_line(other + b" " + RECORD.text)


def signature_text(signature: bytes) -> bytes:
    return base64.urlsafe_b64encode(signature).rstrip(b"=")


@pytest.mark.parametrize("path", list(vectors()))
def test_openssl_verifies_each_record(footage: Path, path: str) -> None:
    for line in range(1, len(vectors()[path]) + 1):
        done = by_hand("record", footage.parent / "camera_public.pem", footage / path, str(line))
        assert (done.returncode, done.stdout) == (0, "Signature Verified Successfully\n")


def test_a_key_from_its_digits(tmp_path: Path) -> None:
    by_hand("key", PUBLIC, tmp_path / "camera_public.pem")
    assert (tmp_path / "camera_public.pem").read_bytes() == public_pem(KEY.public_key())


def test_openssl_refuses_an_altered_record(footage: Path) -> None:
    evidence = footage / EVENT / "evidence0.jsonl"
    evidence.write_text(evidence.read_text().replace('"bytes":12', '"bytes":13'))
    codes = [by_hand("record", footage.parent / "camera_public.pem", evidence, line).returncode for line in "1234"]
    assert [code == 0 for code in codes] == [True, False, True, True]


def test_the_chain_and_the_files_by_hand(footage: Path) -> None:
    done = by_hand("event", footage / EVENT)
    assert (done.returncode, done.stdout.splitlines()) == (0, [*(f"{name}: OK" for name in FILES), "whole"])


@pytest.mark.parametrize(
    ("harm", "shows"),
    [
        ("altered file", "video0.h264: FAILED"),
        ("deleted file", "motion0.jpg: FAILED open or read"),
        ("deleted record", "the chain is broken before"),
        ("deleted end", "the end is not here"),
        ("other chain", "the chain is broken before"),
    ],
)
def test_by_hand_it_shows(footage: Path, harm: str, shows: str) -> None:
    folder, evidence = footage / EVENT, footage / EVENT / "evidence0.jsonl"
    lines = evidence.read_text().splitlines(keepends=True)
    match harm:
        case "altered file":
            (folder / "video0.h264").write_bytes(b"Two pictures of video\n")
        case "deleted file":
            (folder / "motion0.jpg").unlink()
        case "deleted record":
            evidence.write_text("".join([lines[0], *lines[2:]]))
        case "deleted end":
            evidence.write_text("".join(lines[:-1]))
        case "other chain":
            shutil.copy(next((footage / "Yard/evidence").rglob("evidence0.jsonl")), folder / "evidence1.jsonl")
    done = by_hand("event", folder)
    assert done.returncode != 0
    assert shows in done.stdout
    assert "whole" not in done.stdout
