"""`verify` at the command line: exit codes, what scripts read, and folders that are something else."""

import base64
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from pi_sec_cam.cli.main import main
from pi_sec_cam.evidence.camera_key import fingerprint, public_pem, raw
from pi_sec_cam.evidence.footage import FoundFile
from pi_sec_cam.home.folder import FolderPlace
from pi_sec_cam.home.manifest import NAME, Manifest
from pi_sec_cam.home.names import well_named
from pi_sec_cam.home.selection import Selection
from pi_sec_cam.media.picture import jpeg
from pi_sec_cam.offsite.envelope import Envelope
from tests.unit import camera_made
from tests.unit.camera_made import MadeCamera, made_key
from tests.unit.events import NOON
from tests.unit.owner_keys import private_pem, public_key

HEX = raw(made_key("Yard").public_key()).hex()
HOSTILE = "\x1b[2J<script>alert(1).h264"


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def camera() -> MadeCamera:
    """What has been sent by a camera that was stopped in order: two events, in the folder `footage`."""
    camera = MadeCamera(Path("footage"))
    camera.event()
    camera.event()
    camera.stop()
    return camera


def verify(*arguments: str | Path, where: str = "footage") -> Result:
    return CliRunner().invoke(main, ["verify", where, *map(str, arguments)])


def verify_with_key(*arguments: str | Path) -> Result:
    return verify("-p", HEX, *arguments)


def found(*arguments: str | Path) -> dict[str, object]:
    result = verify("--json", *arguments)
    shown = json.loads(result.stdout)
    assert isinstance(shown, dict)
    assert {"whole": 0, "wrong": 1, "open": 3}[shown["outcome"]] == result.exit_code
    return shown


def videos() -> list[Path]:
    return sorted(Path("footage").rglob("video*.h264"))


def test_whole_is_0(camera: MadeCamera) -> None:
    result = verify_with_key()
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Yard: whole until 2026-03-01 ")
    assert " 2 events, " in result.stdout.splitlines()[0]
    assert camera.head in result.stdout


def test_the_key_may_be_a_file_and_each_of_several_is_taken(camera: MadeCamera) -> None:
    Path("Yard.pem").write_bytes(public_pem(camera.public_key))
    assert verify("-p", "Yard.pem").exit_code == 0
    other = MadeCamera(Path("footage"), "Garden")
    other.event()
    other.stop()
    assert verify("-p", "Yard.pem").exit_code == 1
    shown = found("-p", "Yard.pem", "-p", raw(other.public_key).hex())
    assert shown["outcome"] == "whole"
    assert shown["keys"] == [fingerprint(camera.public_key), fingerprint(other.public_key)]


def test_something_wrong_is_1_and_named(camera: MadeCamera) -> None:
    gone, *_, cut = videos()
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:100])
    result = verify_with_key()
    assert result.exit_code == 1
    assert "NOT whole: 2 things are wrong" in result.stdout.splitlines()[0]
    assert result.stdout.index(f"cut         {cut.name}: ") < result.stdout.index(f"missing     {gone.name}: ")


def test_without_a_key_it_is_3_and_loudly_said(camera: MadeCamera) -> None:
    result = verify()
    assert result.exit_code == 3
    assert "nobody vouches for it: the camera's key was not given" in result.stdout.splitlines()[0]
    assert fingerprint(camera.public_key) in result.stdout


def test_what_nobody_vouches_for_is_3(camera: MadeCamera) -> None:
    camera.clock.advance(60)
    camera.start()
    running = camera.begin()
    running.chunk()
    camera.send()
    assert verify_with_key().exit_code == 3


def test_heads_that_were_noted_show_an_end_that_was_taken_away(camera: MadeCamera) -> None:
    assert verify_with_key("--head", camera.head).exit_code == 0
    newest = sorted(camera.folder.iterdir())[-1]
    newest.unlink()
    assert verify_with_key().exit_code != 1
    assert verify_with_key("--head", camera.head).exit_code == 1
    result = verify_with_key("--head", "no head")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "no head" in result.stderr


def test_complete_misses_whole_events(camera: MadeCamera) -> None:
    for file in videos()[0].parent.iterdir():
        file.unlink()
    assert verify_with_key().exit_code == 3, "not downloaded, or deleted: nobody knows"
    assert verify_with_key("--complete").exit_code == 1
    assert verify_with_key("--only-here").exit_code == 0
    assert verify_with_key("--only-here", "--complete").exit_code == 2


def test_the_object_for_scripts(camera: MadeCamera) -> None:
    shown = found("-p", HEX)
    assert shown["key_given"] is True
    assert shown["findings"] == []
    assert [event["verdict"] for event in shown["events"]] == ["whole", "whole"]  # type: ignore[attr-defined]
    assert shown["cameras"][0]["head"] == camera.head  # type: ignore[index]


def test_hostile_names_are_shown_harmless(camera: MadeCamera) -> None:
    (videos()[0].parent / HOSTILE).write_bytes(b"x")
    result = verify_with_key("--report", "report.html")
    assert result.exit_code == 1
    assert "\\x1b[2J<script>" in result.stdout
    assert "\x1b" not in result.output
    page = Path("report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "\\x1b[2J&lt;script&gt;alert(1).h264" in page


def test_names_that_lead_elsewhere_are_said_and_the_rest_is_verified(
    camera: MadeCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hostile(FolderPlace):
        def files(self, under: str = "") -> Iterator[FoundFile]:
            return well_named(self.where, [*super().files(under), FoundFile("../../etc/passwd", 1)])

    monkeypatch.setattr("pi_sec_cam.cli.verify.open_place", lambda *_, **__: Hostile(Path("footage")))
    shown = found("-p", HEX)
    assert shown["counts"]["events"] == 2  # type: ignore[index]
    (finding,) = shown["findings"]  # type: ignore[misc]
    assert finding["verdict"] == "foreign"
    assert "../../etc/passwd" in finding["text"]


def test_what_stands_in_an_error_does_not_control_the_terminal(camera: MadeCamera) -> None:
    result = verify("-p", "\x1b[2J\u202e.pem")
    assert result.exit_code == 1
    assert "\\x1b[2J" in result.stderr
    assert not {"\x1b", "\u202e"} & set(result.stderr)


def test_the_store_does_not_say_what_should_be_there(camera: MadeCamera) -> None:
    """A note of a fetch is downloaded as any other file: whoever holds the store could have put it there."""
    first, second = sorted({video.parent for video in videos()})
    for file in second.iterdir():
        file.unlink()
    event = first.relative_to("footage").as_posix()
    Path("footage", NAME).write_text(json.dumps({"version": 1, "events": [event], "fetches": []}))
    result = verify_with_key()
    assert result.exit_code == 3, result.output
    assert "absent" in result.stdout
    assert "not written by you" in result.stderr


def test_all_is_expected_of_a_store_and_what_was_asked_for_of_a_fetched_folder(
    camera: MadeCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, kept = (path.parent for path in (videos()[0], videos()[-1]))
    for file in gone.iterdir():
        file.unlink()
    for asked, code in ((kept, 0), (gone, 1)):
        event = asked.relative_to("footage").as_posix()
        Manifest().with_fetch("dropbox:", Selection(), [event], NOON).write(Path("footage"))
        assert verify_with_key().exit_code == code
    Path("footage", NAME).unlink()
    assert verify_with_key().exit_code == 3
    store = FolderPlace(Path("footage"))
    store.kind = "s3"
    monkeypatch.setattr("pi_sec_cam.cli.verify.open_place", lambda *_, **__: store)
    assert verify_with_key().exit_code == 1


def test_on_a_terminal_the_answer_has_a_colour_unless_nobody_wants_one(
    camera: MadeCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["verify", "footage", "-p", HEX]
    assert "\x1b[32m" in CliRunner().invoke(main, arguments, color=True).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in CliRunner().invoke(main, arguments, color=True).stdout


class TestReport:
    def test_is_for_its_user_alone_and_never_overwrites(self, camera: MadeCamera) -> None:
        assert verify_with_key("--report", "report.html").exit_code == 0
        assert Path("report.html").stat().st_mode & 0o777 == 0o600
        Path("report.html").write_bytes(b"mine")
        result = verify_with_key("--report", "report.html")
        assert result.exit_code == 1
        assert "--force" in result.stderr
        assert Path("report.html").read_bytes() == b"mine"
        assert verify_with_key("--report", "report.html", "--force").exit_code == 0
        assert b"<!DOCTYPE html>" in Path("report.html").read_bytes()
        assert [name for name in os.listdir() if "report" in name] == ["report.html"]

    def test_is_repeated_by_the_command_in_it(self, camera: MadeCamera) -> None:
        verify_with_key("--report", "report.html", "--head", camera.head, "--complete")
        page = Path("report.html").read_text(encoding="utf-8")
        assert f"pi-sec-cam verify footage -p {HEX} --head {camera.head} --complete" in page
        assert fingerprint(camera.public_key) in page

    def test_shows_sealed_pictures_to_who_has_the_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sealed = Envelope(public_key(1024)).seal(jpeg(np.zeros((48, 64, 3), np.uint8)))
        monkeypatch.setattr(camera_made, "made_bytes", lambda _seed, _count: sealed)
        MadeCamera(Path("footage")).event(chunks=0)
        Path("key.pem").write_bytes(private_pem(1024))
        verify_with_key("--report", "without.html")
        verify_with_key("--report", "with.html", "-k", "key.pem")
        assert b"data:image/jpeg" not in Path("without.html").read_bytes()
        picture = re.findall(rb'"data:image/jpeg;base64,([^"]+)"', Path("with.html").read_bytes())
        assert len(picture) == 1
        assert cv2.imdecode(np.frombuffer(base64.b64decode(picture[0]), np.uint8), 0).shape == (48, 64)

    @pytest.mark.parametrize("out", ["nowhere/report.html", "footage"])
    def test_says_beforehand_that_it_cannot_be_written(self, camera: MadeCamera, out: str) -> None:
        result = verify_with_key("--report", out)
        assert result.exit_code == 1
        assert out.partition("/")[0] in result.stderr

    def test_needs_no_private_key_but_a_private_key_needs_it(self, camera: MadeCamera) -> None:
        assert verify_with_key("-k", "key.pem").exit_code == 2


class TestSomethingElse:
    def test_no_such_folder(self) -> None:
        result = verify(where="nowhere")
        assert result.exit_code == 2
        assert "nowhere" in result.stderr

    def test_a_file(self) -> None:
        Path("footage").write_bytes(b"")
        assert verify().exit_code == 2

    def test_a_folder_of_something_else(self) -> None:
        Path("footage/holidays").mkdir(parents=True)
        Path("footage/holidays/beach.jpg").write_bytes(b"\xff\xd8\xff")
        result = verify()
        assert result.exit_code == 1
        assert result.stdout == ""
        assert "footage" in result.stderr
        assert "Traceback" not in result.output

    def test_an_empty_folder(self) -> None:
        Path("footage").mkdir()
        assert verify().exit_code == 1

    def test_a_private_key_in_place_of_the_cameras(self, camera: MadeCamera) -> None:
        Path("key.pem").write_bytes(private_pem(1024))
        result = verify("-p", "key.pem")
        assert result.exit_code == 1
        assert "key.pem" in result.stderr

    def test_a_folder_without_rights(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with tempfile.TemporaryDirectory() as name:
            top = Path(name, "footage")
            MadeCamera(top).event()
            Path(name).chmod(0o755)
            monkeypatch.setenv("XDG_STATE_HOME", f"{name}/state")
            assert verify("-p", HEX, where=str(top)).exit_code == 0  # what is imported late is imported now
            (top / "Yard/2026-03-01").chmod(0)
            if os.geteuid() == 0:
                os.seteuid(65534)
            try:
                result = verify("-p", HEX, where=str(top))
            finally:
                os.seteuid(os.getuid())
                (top / "Yard/2026-03-01").chmod(0o700)
        assert result.exit_code == 1
        assert re.search(r"cannot read .*Yard/2026-03-01: user \w+ may not", result.stderr)
