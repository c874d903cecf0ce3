"""`verify --tsa-ca`: what stamps prove of a camera's records, and what is said of those that prove nothing."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from pi_sec_cam.cli.main import main
from pi_sec_cam.evidence import timestamp
from pi_sec_cam.evidence.camera_key import raw
from tests.timestamp_authority import TimestampAuthority
from tests.unit.camera_made import MadeCamera, made_key


@dataclass
class Yard:
    """A camera with an event before and one after its only stamp, in the folder `footage`."""

    camera: MadeCamera
    authority: TimestampAuthority
    stamp: Path
    head: str


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TimestampAuthority:
    return TimestampAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: TimestampAuthority) -> Yard:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    camera = MadeCamera(Path("footage"))
    camera.event()
    head = camera.head
    stamp = stamped(camera, authority, head)
    camera.event()
    camera.stop()
    return Yard(camera, authority, stamp, head)


def tsr_of(authority: TimestampAuthority, head: str) -> bytes:
    request = TimestampRequestBuilder().data(head.encode()).hash_algorithm(HashAlgorithm.SHA256).build()
    return authority.stamped(request.as_bytes())


def named(camera: MadeCamera, head: str, data: bytes, number: int = 0) -> Path:
    """A stamp as the camera sends it, with its record."""
    path = camera.folder / f"stamp{number}.tsr"
    camera.sign("stamped", head=head, file=path.name, sha256=sha256(data).hexdigest())
    camera.send()
    path.write_bytes(data)
    return path


def stamped(camera: MadeCamera, authority: TimestampAuthority, head: str, number: int = 0) -> Path:
    return named(camera, head, tsr_of(authority, head), number)


def run(*arguments: str | Path) -> Result:
    key = raw(made_key("Yard").public_key()).hex()
    return CliRunner().invoke(main, ["verify", "footage", "-p", key, *map(str, arguments)])


def found(*arguments: str | Path) -> tuple[str, Any, set[tuple[str, str]]]:
    """The outcome, what is stamped, and the verdicts with the names of their places."""
    shown = json.loads(run("--json", *arguments).stdout)
    verdicts = {(finding["verdict"], Path(finding["place"]).name) for finding in shown["findings"]}
    return shown["outcome"], shown["cameras"][0]["stamped"], verdicts


def test_a_stamp_proves_what_is_before_it(yard: Yard) -> None:
    outcome, proven, verdicts = found("--tsa-ca", yard.authority.root)
    assert (outcome, verdicts) == ("whole", set())
    assert (proven["stamps"], proven["head"], proven["authority"]) == (1, yard.head, "stamps of a test")
    assert abs(datetime.fromisoformat(proven["at"]) - datetime.now(UTC)) < timedelta(minutes=5)


def test_it_is_said_to_people(yard: Yard) -> None:
    chain, place, _ = yard.head.split(":")
    result = run("--tsa-ca", yard.authority.root, "--report", "report.html")
    assert result.exit_code == 0, result.output
    (line,) = [line for line in result.stdout.splitlines() if "stamp" in line]
    assert line.startswith(f"  1 time stamp: all records up to {chain[:8]}…:{place} existed by ")
    assert line.endswith("(authority: stamps of a test)")
    page = Path("report.html").read_text()
    assert line.strip() in page
    assert "--tsa-ca root.pem" in page


def test_the_stamp_that_is_furthest_on_counts(yard: Yard) -> None:
    yard.camera.start()
    later = yard.camera.head
    stamped(yard.camera, yard.authority, later)
    _, proven, verdicts = found("--tsa-ca", yard.authority.root)
    assert (proven["stamps"], proven["head"], verdicts) == (2, later, set())


def test_without_the_authoritys_certificates_it_is_looked_whether_stamps_are_here(yard: Yard) -> None:
    assert found() == ("whole", {"stamps": 1, "head": None, "at": None, "authority": None}, set())
    assert "1 time stamp, of which none is known to hold: name the authority's certificates" in run().stdout
    yard.stamp.write_bytes(b"something else")
    assert found()[::2] == ("wrong", {("altered", "stamp0.tsr")})
    yard.stamp.write_bytes(b"\0" * 1_000_000)
    assert found()[::2] == ("wrong", {("altered", "stamp0.tsr")})
    yard.stamp.unlink()
    assert found()[::2] == ("wrong", {("missing", "stamp0.tsr")})


def test_a_camera_without_stamps_says_nothing_of_them(yard: Yard) -> None:
    camera = MadeCamera(Path("footage"), "Door", key=made_key("Yard"))
    camera.stop()
    shown = json.loads(run("--json").stdout)
    assert [(each["camera"], each["stamped"] is None) for each in shown["cameras"]] == [("Door", True), ("Yard", False)]


def test_what_the_camera_gave_up_is_not_missing(yard: Yard) -> None:
    yard.camera.start()
    event, chain = f"Yard/evidence/{yard.stamp.parent.name}", yard.head.partition(":")[0]
    said = {"event": event, "of": chain, "store": "directory", "names": ["stamp0.tsr"], "why": "the outbox is full"}
    yard.camera.sign("dropped", **said)
    yard.camera.send()
    yard.stamp.unlink()
    assert found()[::2] == ("whole", {("dropped", "stamp0.tsr")})


def test_a_stamp_whose_record_was_lost_is_no_fault(yard: Yard) -> None:
    (yard.camera.folder / "stamp1.tsr").write_bytes(tsr_of(yard.authority, yard.head))
    (yard.camera.folder / "stamp01.tsr").write_bytes(b"no camera gives such a name")
    assert found()[2] == {("foreign", "stamp01.tsr")}


def test_an_authority_that_nobody_named_leaves_it_open(yard: Yard, tmp_path: Path) -> None:
    other = TimestampAuthority(tmp_path / "other", "other stamps")
    outcome, proven, verdicts = found("--tsa-ca", other.root)
    assert (outcome, proven["head"], verdicts) == ("open", None, {("unattested", "stamp0.tsr")})
    both = tmp_path / "both.pem"
    both.write_bytes(other.root.read_bytes() + yard.authority.root.read_bytes())
    assert found("--tsa-ca", both)[0] == "whole"


@pytest.mark.parametrize(
    "head_of",
    [
        lambda yard: "no head",
        lambda yard: yard.head.upper(),
        lambda yard: f"{'0' * 32}:99:{'0' * 64}",
        lambda yard: f"{'0' * 32}:{yard.head.partition(':')[2]}",
        lambda yard: f"{yard.head.rpartition(':')[0]}:{'0' * 64}",
    ],
)
def test_a_stamp_of_what_the_camera_never_signed_is_forged(yard: Yard, head_of: Any) -> None:
    stamped(yard.camera, yard.authority, head_of(yard), 1)
    outcome, proven, verdicts = found("--tsa-ca", yard.authority.root)
    assert (outcome, proven["head"], verdicts) == ("wrong", yard.head, {("forged", "stamp1.tsr")})


def test_a_stamp_is_not_to_blame_where_its_record_is_missing(yard: Yard) -> None:
    chain = yard.stamp.parent
    (chain / "evidence1.jsonl").unlink()
    outcome, proven, verdicts = found("--tsa-ca", yard.authority.root)
    assert (outcome, proven["stamps"], proven["head"]) == ("wrong", 1, None)
    assert ("missing", chain.name) in verdicts
    assert not [place for _, place in verdicts if place == yard.stamp.name]


@pytest.mark.parametrize("name", ["", "..", "../..", "/etc/passwd", "a/b", None, "\ud7ff", "x" * 300])
def test_a_record_that_names_no_stamp_ends_nothing(yard: Yard, name: str | None) -> None:
    yard.camera.sign("stamped", head=yard.head, file=name, sha256=7)
    yard.camera.send()
    outcome, _, verdicts = found("--tsa-ca", yard.authority.root)
    assert (outcome, {verdict for verdict, _ in verdicts}) == ("wrong", {"missing"})


def test_a_stamp_that_is_none_or_about_something_else_is_forged(yard: Yard, tmp_path: Path) -> None:
    named(yard.camera, yard.head, b"no stamp", 1)
    named(yard.camera, yard.camera.head, tsr_of(yard.authority, yard.head), 2)
    impostor = TimestampAuthority(tmp_path / "impostor")
    stamped(yard.camera, impostor, yard.head, 3)
    outcome, _, verdicts = found("--tsa-ca", yard.authority.root)
    assert (outcome, verdicts) == ("wrong", {("forged", f"stamp{number}.tsr") for number in (1, 2, 3)})


def test_wrong_certificates_and_a_missing_library_are_said_in_one_line(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run("--tsa-ca", "absent.pem")
    assert result.exit_code == 1
    assert "cannot read absent.pem" in result.output
    monkeypatch.setattr(timestamp, "find_spec", lambda _: None)
    assert run().exit_code == 0
    result = run("--tsa-ca", yard.authority.root)
    assert "pip install rfc3161-client" in result.output
