"""`decrypt` opens files, several of them and folders; it overwrites nothing and says of each what is wrong."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pi_sec_cam.cli.main import main
from pi_sec_cam.offsite.envelope import Envelope
from tests.unit.owner_keys import openssl, private_pem, public_key
from tests.unit.terminal import talk

BITS = 1024
PASSPHRASE = "open sesame"


class Desk:
    """A computer at home: the key, and what was fetched."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(folder)
        Path("key.pem").write_bytes(private_pem(BITS))
        self._envelope = Envelope(public_key(BITS))

    def fetched(self, name: str, content: bytes) -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._envelope.seal(content))
        return path

    def decrypt(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["decrypt", "-k", "key.pem", *arguments])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def files() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*") if path.is_file() and path.name != "key.pem")


def test_without_out_it_stands_beside_with_a_clear_name(desk: Desk) -> None:
    desk.fetched("motion0.jpg", b"a picture")
    result = desk.decrypt("motion0.jpg")
    assert result.exit_code == 0, result.output
    assert result.stdout == "wrote clear-motion0.jpg (9 bytes)\n"
    assert Path("clear-motion0.jpg").read_bytes() == b"a picture"


def test_one_file_goes_to_a_file_or_into_a_folder(desk: Desk) -> None:
    desk.fetched("video0.h264", b"a video")
    Path("there").mkdir()
    assert desk.decrypt("video0.h264", "-o", "new/a.h264").exit_code == 0
    assert desk.decrypt("video0.h264", "-o", "there").exit_code == 0
    assert desk.decrypt("video0.h264", "-o", "later/").exit_code == 0
    for path in ("new/a.h264", "there/video0.h264", "later/video0.h264"):
        assert Path(path).read_bytes() == b"a video"


def test_a_folder_is_opened_with_all_that_is_below_it(desk: Desk) -> None:
    for name in ("motion0.jpg", "video0.h264", "video10.h264", "video9.h265"):
        desk.fetched(f"Yard/2026-05-04/18.30.12/{name}", name.encode())
    Path("Yard/2026-05-04/18.30.12/offsite.jsonl").write_text("{}")
    result = desk.decrypt("Yard", "-o", "opened")
    assert result.exit_code == 0, result.output
    event = Path("opened/2026-05-04/18.30.12")
    assert sorted(path.name for path in event.iterdir()) == [
        "motion0.jpg",
        "video0.h264",
        "video10.h264",
        "video9.h265",
    ]
    assert (event / "video10.h264").read_bytes() == b"video10.h264"
    assert [path.stat().st_mode & 0o077 for path in (event, event / "video10.h264")] == [0, 0]


def test_what_was_opened_before_is_not_taken_for_a_sealed_file(desk: Desk) -> None:
    desk.fetched("event/video0.h264", b"a video")
    assert desk.decrypt("event").exit_code == 0
    assert desk.decrypt("event", "--force").exit_code == 0
    assert files() == ["event/clear-video0.h264", "event/video0.h264"]


def test_standard_output_gets_the_files_in_their_order(desk: Desk) -> None:
    for number in (10, 9, 0):
        desk.fetched(f"event/video{number}.h264", b"<%d>" % number)
    assert desk.decrypt("event", "-o", "-").stdout_bytes == b"<0><9><10>"
    assert desk.decrypt("event/video9.h264", "event/video0.h264", "-o", "-").stdout_bytes == b"<9><0>"


def test_nothing_is_overwritten_without_force(desk: Desk) -> None:
    desk.fetched("motion0.jpg", b"a picture")
    Path("out.jpg").write_bytes(b"mine")
    result = desk.decrypt("motion0.jpg", "-o", "out.jpg")
    assert result.exit_code == 1
    assert "out.jpg exists" in result.stderr
    assert Path("out.jpg").read_bytes() == b"mine"
    assert desk.decrypt("motion0.jpg", "-o", "out.jpg", "--force").exit_code == 0
    assert Path("out.jpg").read_bytes() == b"a picture"


@pytest.mark.parametrize("out", [".", "motion0.jpg", "./"])
def test_the_sealed_file_itself_is_never_replaced(desk: Desk, out: str) -> None:
    sealed = desk.fetched("motion0.jpg", b"a picture").read_bytes()
    result = desk.decrypt("motion0.jpg", "-o", out, "--force")
    assert result.exit_code == 1
    assert "is the sealed file itself" in result.stderr
    assert Path("motion0.jpg").read_bytes() == sealed


def test_a_damaged_file_is_named_and_the_others_are_opened(desk: Desk) -> None:
    for number in range(3):
        desk.fetched(f"event/video{number}.h264", bytes(100))
    path = Path("event/video1.h264")
    path.write_bytes(path.read_bytes()[:-40])
    result = desk.decrypt("event", "-o", "opened")
    assert result.exit_code == 1
    assert "event/video1.h264: cut or altered" in result.stderr
    assert "1 of 3 files could not be opened" in result.stderr
    assert [name for name in files() if "opened" in name] == ["opened/video0.h264", "opened/video2.h264"]


def test_a_picture_of_the_first_generation_in_a_folder_is_no_failure(desk: Desk) -> None:
    desk.fetched("event/video0.h264", b"a video")
    Path("event/motion0.jpg").write_bytes(b"\xff\xd8\xff\xe0 clear")
    result = desk.decrypt("event")
    assert result.exit_code == 0
    assert "event/motion0.jpg is not sealed, and stays as it is" in result.stderr
    result = desk.decrypt("event/motion0.jpg")
    assert result.exit_code == 1
    assert "event/motion0.jpg: not sealed" in result.stderr


def test_two_files_that_would_become_one_are_refused(desk: Desk) -> None:
    desk.fetched("a/video0.h264", b"a")
    desk.fetched("b/video0.h264", b"b")
    result = desk.decrypt("a/video0.h264", "b/video0.h264", "-o", "out")
    assert result.exit_code == 2
    assert "out/video0.h264" in result.stderr
    assert not Path("out").exists()


def test_what_is_not_there_is_named(desk: Desk) -> None:
    Path("empty").mkdir()
    assert "cannot read nothing.h264" in desk.decrypt("nothing.h264").stderr
    assert "no sealed picture or video in empty" in desk.decrypt("empty").stderr
    desk.fetched("video0.h264", b"a video")
    result = CliRunner().invoke(main, ["decrypt", "-k", "other.pem", "video0.h264"])
    assert result.exit_code == 1
    assert "there is no private key other.pem" in result.stderr


def protect() -> None:
    Path("key.pem").write_bytes(
        openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", f"pass:{PASSPHRASE}", data=private_pem(BITS))
    )


def test_scripts_give_the_passphrase_in_the_environment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    protect()
    desk.fetched("motion0.jpg", b"a picture")
    result = desk.decrypt("motion0.jpg")
    assert result.exit_code == 2
    assert "PI_SEC_CAM_PASSPHRASE" in result.stderr
    monkeypatch.setenv("PI_SEC_CAM_PASSPHRASE", "wrong")
    result = desk.decrypt("motion0.jpg")
    assert result.exit_code == 1
    assert "this passphrase does not open key.pem" in result.stderr
    monkeypatch.setenv("PI_SEC_CAM_PASSPHRASE", PASSPHRASE)
    assert desk.decrypt("motion0.jpg").exit_code == 0


def test_at_a_terminal_there_are_three_tries(desk: Desk, tmp_path: Path) -> None:
    protect()
    desk.fetched("motion0.jpg", b"a picture")
    question = "Passphrase of key.pem: "
    decrypt = ("decrypt", "-k", "key.pem", "motion0.jpg")
    tries = [(question, "wrong"), (question, ""), (question, "wrong again")]
    code, shown = talk(*decrypt, answers=tries, cwd=tmp_path)
    assert code == 1, shown
    assert files() == ["motion0.jpg"]
    code, shown = talk(*decrypt, answers=[*tries[:2], (question, PASSPHRASE)], cwd=tmp_path)
    assert code == 0, shown
    assert PASSPHRASE not in shown
    assert files() == ["clear-motion0.jpg", "motion0.jpg"]
