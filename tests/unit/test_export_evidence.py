"""`export --evidence`: one zip that others can check with nothing of this program."""

import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.evidence.camera_key import public_pem, raw, read_or_make_camera_key
from pi_sec_cam.offsite.journal import JournalFile, file_line, record_line
from pi_sec_cam.offsite.outgoing import OutgoingFile, Video
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_folder import EventFolder
from tests.unit.camera_made import MadeEvent, made_key
from tests.unit.command_home import Home
from tests.unit.downloads import JPEG, key, pictures_of
from tests.unit.events import NOON, record
from tests.unit.owner_keys import another_private_pem
from tests.unit.sent_event import TIMES, sent
from tests.unit.streams import shown_at

DIGITS = raw(made_key().public_key()).hex()
CHECKER = Path(__file__).parents[2] / "ancillary/verification/verify.py"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def export(home: Home, folder: Path | str, out: Path, *arguments: str | Path) -> Result:
    return home.run("export", "--evidence", str(folder), str(out), *map(str, arguments))


def unpacked(out: Path, to: Path) -> Path:
    """As others unpack it, after they have tested it."""
    subprocess.run(["unzip", "-tq", out], check=True, capture_output=True)
    subprocess.run(["unzip", "-q", out, "-d", to], check=True)
    subprocess.run(["sha256sum", "-c", "--quiet", "--strict", "SHA256SUMS"], cwd=to, check=True)
    listed = (to / "SHA256SUMS").read_text().splitlines()
    assert len(listed) == sum(path.is_file() for path in to.rglob("*")) - 1, "of each but itself"
    return to


def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    """What the checker in the zip says; it is alone with its Python."""
    command = [sys.executable, "-I", "verify.py", "-p", "camera_public.pem", "--only-here", "footage"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("key_text", ["nothing.pem", "1234", __file__])
def test_the_checker_in_the_zip_says_in_a_line_that_a_key_is_none(key_text: str, tmp_path: Path) -> None:
    command = [sys.executable, CHECKER, "-p", key_text, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is no key" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_was_fetched_is_proven_by_one_zip(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    event, out = sent(tmp_path / "in", b_frames=2, seal=True), tmp_path / "event.zip"
    event.camera.clock.advance(60)
    event.camera.event()
    done = export(home, event.folder, out, "-k", key(tmp_path), "-p", DIGITS)
    assert done.exit_code == 0, done.output
    assert out.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(out) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2026, 3, 1, 12, 0, 0)}
        assert archive.namelist()[0] == "README.txt"
        names = {name.replace(event.name, "EVENT").partition("/0")[0] for name in archive.namelist()}
    assert names == {
        *("README.txt", "SHA256SUMS", "camera_public.pem", "clip.mp4", "motion.jpg", "report.html", "report.txt"),
        *("verify.py", "decrypt.py", "footage/Yard/evidence", "footage/EVENT/motion0.jpg"),
        *(f"footage/EVENT/video{number}.h264" for number in range(4)),
        *(f"footage/EVENT/evidence{number}.jsonl" for number in range(5)),
    }
    folder = unpacked(out, tmp_path / "unpacked")
    assert shown_at(folder / "clip.mp4") == [at / 1e6 for at in TIMES]
    assert (folder / "motion.jpg").read_bytes() == JPEG
    assert (folder / "camera_public.pem").read_bytes() == public_pem(event.camera.public_key)
    said = checked(folder)
    assert said.returncode == 0, said.stdout + said.stderr
    (told,) = (line for line in (folder / "README.txt").read_text().splitlines() if "pi-sec-cam verify" in line)
    monkeypatch.chdir(folder)
    verified = home.run_plain(*told.split()[1:])
    assert verified.exit_code == 0, verified.output
    sealed = f"footage/{event.name}/video0.h264"
    page = (folder / "README.txt").read_text()
    assert DIGITS in page
    opening = [line.strip() for line in page.splitlines() if "decrypt.py -k" in line]
    assert opening == [f'python3 decrypt.py -k OWNERS_PRIVATE_KEY.pem -i "{sealed}" -o video.h264']
    command = [sys.executable, "-I", "decrypt.py", "-k", tmp_path / "private.pem", "-i", sealed, "-o", "video.h264"]
    subprocess.run(command, cwd=folder, check=True)
    assert (folder / "video.h264").read_bytes().startswith(b"\x00\x00\x00\x01")
    assert sorted(path.name for path in tmp_path.glob(".*")) == [], "clear video stays nowhere"


def test_nothing_else_of_the_owners_gets_into_the_zip(home: Home, tmp_path: Path) -> None:
    """What was downloaded may hold links, and the zip is for others."""
    event, out = sent(tmp_path / "in"), tmp_path / "event.zip"
    private = tmp_path / "private"
    (private / "chain").mkdir(parents=True)
    (private / "key.pem").write_text("mine")
    (private / "chain/evidence0.jsonl").write_text("mine")
    (event.folder / "link").symlink_to(private / "key.pem")
    (event.folder / "notes").mkdir()
    (event.folder / "notes/aunt.txt").write_text("mine")
    (event.camera.folder / "link").symlink_to(private / "key.pem")
    event.camera.folder.with_name("000009-abcdef01").symlink_to(private / "chain")
    assert export(home, event.folder, out, "-p", DIGITS).exit_code == 0
    with zipfile.ZipFile(out) as archive:
        assert all(archive.read(name) != b"mine" for name in archive.namelist())
    (event.folder / os.fsdecode(b"\xff")).write_text("no text that others could read")
    refused = export(home, event.folder, tmp_path / "other.zip", "-p", DIGITS)
    assert (refused.exit_code, "characters that are none" in refused.output) == (1, True)


def test_the_same_event_makes_the_same_zip_but_for_when_it_was_verified(home: Home, tmp_path: Path) -> None:
    event = sent(tmp_path / "in")
    outs = [tmp_path / "1.zip", tmp_path / "2.zip"]
    for out in outs:
        assert export(home, event.folder, out, "-p", DIGITS).exit_code == 0
    with zipfile.ZipFile(outs[0]) as first, zipfile.ZipFile(outs[1]) as second:
        assert first.namelist() == second.namelist()
        for name in first.namelist():
            assert name in {"report.html", "SHA256SUMS"} or first.read(name) == second.read(name), name


@pytest.mark.parametrize("place", ["Yard/2026-03-01/12.00.00-2", "Garden/first day/event", "event"])
def test_folders_may_have_been_renamed(home: Home, tmp_path: Path, place: str) -> None:
    """By the camera, where another event had its name, or by people."""
    event, out = sent(tmp_path / "in"), tmp_path / "event.zip"
    top = tmp_path / "renamed"
    (top / place).parent.mkdir(parents=True)
    event.folder.rename(top / place)
    (tmp_path / "evidence/holidays").mkdir(parents=True)
    (tmp_path / "evidence/holidays/beach.jpg").write_bytes(JPEG)
    if "/" in place:
        event.camera.folder.parent.rename(top / place.partition("/")[0] / "evidence")
    done = export(home, top / place, out, "-p", DIGITS)
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(out) as archive:
        folders = {name.rpartition("/")[0] for name in archive.namelist() if name.startswith("footage/")}
    assert f"footage/{event.name}{'-2' if place.endswith('-2') else ''}" in folders
    assert f"footage/Yard/evidence/{event.camera.folder.name}" in folders or "/" not in place
    assert len(folders) == (2 if "/" in place else 1)


def test_without_the_owners_key_there_is_no_film_and_all_else(home: Home, tmp_path: Path) -> None:
    event, out = sent(tmp_path / "in", seal=True), tmp_path / "event.zip"
    done = export(home, event.folder, out)
    assert done.exit_code == 0, done.output
    assert "no film" in done.stdout
    folder = unpacked(out, tmp_path / "unpacked")
    assert not list(folder.glob("clip*"))
    assert checked(folder).returncode == 0
    assert "anyone can make a key" in (folder / "README.txt").read_text(), "nobody has said whose key it is"


def test_an_altered_event_is_evidence_too(home: Home, tmp_path: Path) -> None:
    event, out = sent(tmp_path / "in"), tmp_path / "event.zip"
    chunk = event.folder / "video1.h264"
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"!")
    done = export(home, event.folder, out, "-p", DIGITS)
    assert done.exit_code == 1
    assert "video1.h264 is not the file of its record" in done.stderr
    folder = unpacked(out, tmp_path / "unpacked")
    assert "altered" in (folder / "report.txt").read_text()
    assert checked(folder).returncode == 1
    chunk.unlink()
    done = export(home, event.folder, out, "-p", DIGITS, "--force")
    assert done.exit_code == 1
    assert "chunks are missing: 1" in done.stderr
    assert {"clip.mp4", "clip-2.mp4"} <= set(zipfile.ZipFile(out).namelist())


def test_what_is_refused(home: Home, tmp_path: Path) -> None:
    event, out = sent(tmp_path / "in", seal=True), tmp_path / "event.zip"
    other = raw(made_key("another").public_key()).hex()
    assert "not signed with the camera's key" in export(home, event.folder, out, "-p", other).stderr
    wrong = tmp_path / "other.pem"
    wrong.write_bytes(another_private_pem(1024))
    assert "another key" in export(home, event.folder, out, "-k", wrong).stderr
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "video0.h264").write_bytes(b"\x00\x00\x00\x01")
    assert "has no records" in export(home, bare, out).stderr
    assert "no directory" in export(home, event.folder, tmp_path / "nowhere/event.zip").stderr
    assert list(tmp_path.glob("*.zip*")) == list(tmp_path.glob(".*")) == []
    out.write_bytes(b"mine")
    done = export(home, event.folder, out)
    assert (done.exit_code, out.read_bytes()) == (1, b"mine")
    assert "--force" in done.stderr
    assert home.run("export", "last", str(out), "-p", DIGITS).exit_code == 2
    home.config.unlink()  # at home there is none
    assert "pi-sec-cam wrap" in home.run("export", str(event.folder), str(tmp_path / "clip.mp4")).stderr
    mistyped = home.run("export", "--evidence", str(tmp_path / "in/Yard/nothing"), str(tmp_path / "new.zip"))
    assert mistyped.exit_code == 2
    assert "there is no folder" in mistyped.stderr


def kept(home: Home, tmp_path: Path, *, sealed: bool) -> tuple[MadeEvent, EventFolder]:
    """The same event on the camera's own disk: the journals have what has left."""
    signer, _ = read_or_make_camera_key(home.directory / "identity")
    event = sent(tmp_path / "off-site", seal=sealed, key=signer)
    folder = home.archive.begin("Yard", WallStamp(NOON, 0, synchronised=True))
    said = {each.fields["name"]: each.fields.get("pts_us", ()) for each in event.records if "name" in each.fields}
    files = [event.folder / name for name in said]
    videos = {name: Video("h264", 160, 96, len(at), tuple(at), 1.0, "", 0, True) for name, at in said.items() if at}
    lines = [OutgoingFile(path.name, path.read_bytes(), "live", videos.get(path.name)) for path in files]
    journal = JournalFile(folder.path / "offsite.jsonl", event.name)
    journal.append([*(file_line(line, ["nas"]) for line in lines), *map(record_line, event.records)])
    own = home.directory / "evidence/Yard" / event.camera.folder.name
    own.mkdir(parents=True)
    JournalFile(own / "offsite.jsonl", f"Yard/evidence/{own.name}").append([*map(record_line, event.camera.records)])
    for path in files if sealed else ():
        (folder.path / path.name).write_bytes(path.read_bytes())
    known = folder.write_record(replace(record(id=folder.id), parts=()))
    with Catalogue(home.archive.catalogue_path) as catalogue:
        catalogue.put(known)
    return event, folder


def test_a_camera_that_keeps_what_it_sends_makes_the_zip_itself(home: Home, tmp_path: Path) -> None:
    home.archive.prepare()
    event, _ = kept(home, tmp_path, sealed=True)
    out = tmp_path / "event.zip"
    done = export(home, "last", out, "-k", key(tmp_path))
    assert done.exit_code == 0, done.output
    folder = unpacked(out, tmp_path / "unpacked")
    assert shown_at(folder / "clip.mp4") == [at / 1e6 for at in TIMES]
    said = checked(folder)
    assert said.returncode == 0, said.stdout + said.stderr
    assert (folder / "footage" / event.name / "video3.h264").exists()
    assert "made on the camera" in (folder / "README.txt").read_text()


def test_a_camera_that_keeps_a_clear_copy_says_what_is_not_in_the_zip(home: Home, tmp_path: Path) -> None:
    home.event()
    event, folder = kept(home, tmp_path, sealed=False)
    video = home.archive.folder(folder.id).path / "video.mp4"
    video.write_bytes(next(home.archive.recordings.rglob("video.mp4")).read_bytes())
    out = tmp_path / "event.zip"
    done = export(home, folder.id, out)
    assert done.exit_code == 0, done.output
    assert "fetch" in done.stdout
    unzipped = unpacked(out, tmp_path / "unpacked")
    assert len(set(pictures_of(unzipped / "clip.mp4"))) == 100
    assert [path.name for path in (unzipped / "footage" / event.name).iterdir()] == ["evidence0.jsonl"]
    assert not (unzipped / "report.html").exists(), "it could only say that everything is missing"
    assert "it keeps none" in (unzipped / "README.txt").read_text()
