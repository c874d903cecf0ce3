"""Whatever is done to what a real camera has sent, each of the judges sees it, and the engine calls it by its name."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pi_sec_cam.evidence.camera_key import raw
from pi_sec_cam.evidence.record import SignedRecord, parse_line, signed
from pi_sec_cam.evidence.verdict import Verdict
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.system.camera_life import Life
from tests.system.judged_evidence import OPEN, WHOLE, WRONG, checker, command, faults, findings, verified
from tests.system.two_stores import events_in


@dataclass
class Download:
    """A copy of all that a camera has sent, to be tampered with: events in order, and its starts."""

    top: Path
    keys: list[Ed25519PublicKey]
    head: str

    @property
    def events(self) -> list[Path]:
        return [self.top / name for name in events_in(path.relative_to(self.top).as_posix() for path in self.files)]

    @property
    def starts(self) -> list[Path]:
        return sorted((self.top / "Yard" / "evidence").iterdir())

    @property
    def files(self) -> list[Path]:
        return [path for path in self.top.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Download]:
    """Three starts, with an event in each; the last was stopped in order."""
    with LoopbackDropbox() as dropbox:
        home = Life(tmp_path_factory.mktemp("life"), rsa.generate_private_key(65537, 1024), dropbox)
        for _ in range(3):
            home.run(dropbox={"public_pem_path": str(home.pem), "file_chunk_megs": 0.01})
        top = home.stored().folder
        head = verified(top, home.keys).cameras[0].head
        assert head is not None
        yield Download(top, home.keys, head)


@pytest.fixture
def download(sent: Download, tmp_path: Path) -> Download:
    shutil.copytree(sent.top, tmp_path / "download")
    return Download(tmp_path / "download", sent.keys, sent.head)


def records(path: Path) -> list[SignedRecord]:
    return [parse_line(line) for line in path.read_bytes().splitlines()]


def delete_a_file(download: Download) -> None:
    (download.events[1] / "video2.h264").unlink()


def truncate(download: Download) -> None:
    path = download.events[1] / "video2.h264"
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(download: Download) -> None:
    path = download.events[0] / "video1.h264"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def swap_two(download: Download) -> None:
    one, two = (download.events[1] / f"video{number}.h264" for number in (1, 2))
    held = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(held)


def replay_an_event(download: Download) -> None:
    first, second = download.events[:2]
    shutil.rmtree(second)
    shutil.copytree(first, second)


def replay_a_file(download: Download) -> None:
    first, second = download.events[:2]
    shutil.copy(first / "video1.h264", second / "video1.h264")


def forge_by_another_key(download: Download) -> None:
    """Somebody takes the last chunk away, and signs all of the event anew, as if it had ended before."""
    key, folder = Ed25519PrivateKey.generate(), download.events[1]
    kept = sorted(folder.glob("video*"))[-1]
    prev, lines = "", b""
    for path in sorted(folder.glob("evidence*")):
        for record in records(path):
            if record.fields.get("name") == kept.name:
                continue
            changes = {"key": raw(key.public_key()).hex()} if "key" in record.fields else {}
            anew = signed({**record.fields, **changes, "prev": prev}, key)
            prev, lines = anew.hash, lines + anew.line
        path.unlink()
    kept.unlink()
    (folder / "evidence0.jsonl").write_bytes(lines)


def change_a_record(download: Download) -> None:
    for path in download.events[1].glob("evidence*"):
        path.write_bytes(path.read_bytes().replace(b'"pictures_lost":0', b'"pictures_lost":1'))


def remove_an_event(download: Download) -> None:
    shutil.rmtree(download.events[1])


def remove_the_last_evidence_of_an_event(download: Download) -> None:
    sorted(download.events[1].glob("evidence*"))[-1].unlink()


def remove_the_last_evidence_of_a_start(download: Download) -> None:
    sorted(download.starts[1].glob("evidence*"))[-1].unlink()


def remove_a_start(download: Download) -> None:
    shutil.rmtree(download.starts[1])


def add_a_file(download: Download) -> None:
    (download.events[1] / "video99.h264").write_bytes(b"from elsewhere")


def add_an_event(download: Download) -> None:
    shutil.copytree(download.events[0], added := download.events[0].with_name("00.00.01"))
    for path in added.glob("evidence*"):
        path.unlink()


def remove_all_since_the_last_start(download: Download) -> None:
    shutil.rmtree(download.starts[2])
    shutil.rmtree(download.events[2])


Tampering = Callable[[Download], None]
NAMED: dict[Tampering, set[Verdict]] = {
    delete_a_file: {Verdict.MISSING},
    truncate: {Verdict.CUT},
    flip_a_bit: {Verdict.ALTERED},
    swap_two: {Verdict.SWAPPED},
    replay_an_event: {Verdict.REPLAYED, Verdict.MISSING},
    replay_a_file: {Verdict.REPLAYED},
    forge_by_another_key: {Verdict.FOREIGN, Verdict.MISSING},
    change_a_record: {Verdict.FORGED, Verdict.MISSING},
    remove_an_event: {Verdict.MISSING},
    remove_the_last_evidence_of_an_event: {Verdict.MISSING},
    remove_the_last_evidence_of_a_start: {Verdict.MISSING, Verdict.UNATTESTED},
    remove_a_start: {Verdict.MISSING},
    add_a_file: {Verdict.FOREIGN},
    add_an_event: {Verdict.UNATTESTED},
}


def test_untouched_it_is_whole(sent: Download) -> None:
    assert findings(verified(sent.top, sent.keys, heads=[sent.head])) == []
    assert checker(sent.top, sent.keys, "--head", sent.head).returncode == WHOLE


@pytest.mark.parametrize("tamper", NAMED)
def test_each_tampering_has_its_name(download: Download, tamper: Tampering) -> None:
    tamper(download)
    found = verified(download.top, download.keys)
    assert {finding.verdict for finding in found.findings if finding.verdict.wrong or finding.verdict.open} == NAMED[
        tamper
    ], faults(found)
    wrong = any(verdict.wrong for verdict in NAMED[tamper])
    said = checker(download.top, download.keys)
    assert said.returncode == (WRONG if wrong else OPEN), said.stdout


def test_the_command_names_the_file(download: Download) -> None:
    flip_a_bit(download)
    said = command(download.top, download.keys)
    assert said.returncode == WRONG
    assert download.events[0].relative_to(download.top).as_posix() in said.stdout
    assert "altered" in said.stdout
    assert "video1.h264" in said.stdout


def test_an_end_that_was_taken_away_shows_by_a_head(download: Download) -> None:
    remove_all_since_the_last_start(download)
    assert faults(verified(download.top, download.keys)) == [], "as it was when that start had not been yet"
    found = verified(download.top, download.keys, heads=[download.head])
    assert {finding.verdict for finding in found.findings} == {Verdict.MISSING}
    assert checker(download.top, download.keys, "--head", download.head).returncode == WRONG
