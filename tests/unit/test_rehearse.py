"""`keys rehearse` sends a sealed picture and believes only who has opened it; here the place off-site is a folder."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from click.testing import CliRunner, Result

from pi_sec_cam.cli.main import main
from pi_sec_cam.media.picture import jpeg
from pi_sec_cam.offsite.envelope import open_sealed
from pi_sec_cam.offsite.rehearsal import are_the_words, code_words, rehearsed
from pi_sec_cam.offsite.rehearsal_picture import rehearsal_picture
from tests.unit.command_home import Home
from tests.unit.owner_keys import private_key, private_pem, public_key, public_pem

BITS = 1024
WORDS = "silver otter"


class Camera:
    """A camera that is set up, and the folder that it sends to."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.identity = self.home.directory / "identity"
        self.store = folder / "nas"
        self.store.mkdir()
        self.key = folder / "public.pem"
        self.key.write_bytes(public_pem(BITS))
        self.configure(public_pem_path="public.pem", stores=["nas"])

    def configure(self, *, public_pem_path: str | None, stores: list[str]) -> None:
        said = {
            "cam_name": "Yard",
            "storage": {"directory": "footage"},
            "dropbox": {"public_pem_path": public_pem_path},
            "stores": [{"kind": "directory", "path": path} for path in stores],
        }
        self.home.config.write_text(json.dumps(said))

    def rehearse(self, *arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(main, ["keys", "rehearse", "-c", str(self.home.config), *arguments], input=typed)

    def received(self) -> np.ndarray:
        """The one picture that was sent, opened with the private key."""
        (path,) = self.store.glob("Yard/rehearsal/*/motion0.jpg")
        return pixels(open_sealed(path.read_bytes(), private_key(BITS)))


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(simplejpeg.decode_jpeg(data, colorspace="BGR")).astype(int)


@pytest.fixture
def camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Camera:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setattr("pi_sec_cam.cli.rehearse.code_words", lambda: WORDS)
    return Camera(tmp_path)


def test_who_types_the_words_has_rehearsed_this_key(camera: Camera) -> None:
    assert not rehearsed(camera.identity, public_key(BITS))
    result = camera.rehearse(typed="  Silver   OTTER\n")
    assert result.exit_code == 0, result.output
    assert rehearsed(camera.identity, public_key(BITS))
    assert not rehearsed(camera.identity, public_key(2048))
    assert f"to directory {camera.store}" in result.stdout
    assert "Right: your private key opens" in result.stdout
    assert WORDS not in result.stdout
    assert camera.received().shape == (720, 1280, 3)


def test_wrong_words_are_not_believed(camera: Camera) -> None:
    result = camera.rehearse(typed="silver\notter silver\n\n")
    assert result.exit_code == 1
    assert result.stderr.count("Those are not the words") == 3
    assert "is not the other half of" in result.stderr
    assert WORDS not in result.output
    assert not rehearsed(camera.identity, public_key(BITS))


def test_who_mistypes_may_try_again(camera: Camera) -> None:
    assert camera.rehearse(typed=f"silver\n{WORDS}\n").exit_code == 0
    assert rehearsed(camera.identity, public_key(BITS))


def test_nobody_there_to_type_is_no_rehearsal(camera: Camera) -> None:
    assert camera.rehearse().exit_code == 1
    assert not rehearsed(camera.identity, public_key(BITS))


def test_it_can_only_be_sent(camera: Camera) -> None:
    result = camera.rehearse("--no-wait")
    assert result.exit_code == 0, result.output
    assert f"They should be: {WORDS}" in result.stdout
    assert camera.received() is not None
    assert not rehearsed(camera.identity, public_key(BITS))


def test_the_newest_events_picture_is_sent(camera: Camera) -> None:
    event = camera.home.event()
    seen = jpeg(np.full((240, 320, 3), (30, 160, 90), np.uint8))
    (camera.home.archive.folder(event.id).path / "motion.jpg").write_bytes(seen)
    assert camera.rehearse(typed=f"{WORDS}\n").exit_code == 0
    received = camera.received()
    assert received.shape == (240, 320, 3)
    assert np.abs(received[:60] - (30, 160, 90)).max() < 12


def test_a_place_that_does_not_take_it_is_named_and_the_others_are_used(camera: Camera, tmp_path: Path) -> None:
    camera.configure(public_pem_path="public.pem", stores=["away", "nas"])
    result = camera.rehearse(typed=f"{WORDS}\n")
    assert result.exit_code == 1
    assert f"directory {tmp_path / 'away'} did not take it: " in result.stderr
    assert rehearsed(camera.identity, public_key(BITS))


def test_without_any_place_that_takes_it_nothing_is_asked(camera: Camera) -> None:
    camera.configure(public_pem_path="public.pem", stores=["away"])
    result = camera.rehearse(typed=f"{WORDS}\n")
    assert result.exit_code == 1
    assert "no place off-site took the picture" in result.stderr
    assert not rehearsed(camera.identity, public_key(BITS))


def test_what_is_missing_for_a_rehearsal_is_said(camera: Camera) -> None:
    camera.configure(public_pem_path=None, stores=["nas"])
    result = camera.rehearse()
    assert result.exit_code == 2
    assert "names no dropbox.public_pem_path" in result.stderr
    camera.configure(public_pem_path="public.pem", stores=[])
    result = camera.rehearse()
    assert result.exit_code == 2
    assert "names no place off-site" in result.stderr
    camera.configure(public_pem_path="public.pem", stores=["nas"])
    camera.key.write_bytes(private_pem(BITS))
    result = camera.rehearse()
    assert result.exit_code == 1
    assert "must not be on the camera" in result.stderr
    assert os.listdir(camera.store) == []


@pytest.mark.parametrize("note", [b"", b"[]", b"\xff", b'{"version": 1, "fingerprint": null}'])
def test_a_damaged_note_means_that_nobody_rehearsed(tmp_path: Path, note: bytes) -> None:
    (tmp_path / "rehearsed.json").write_bytes(note)
    assert not rehearsed(tmp_path, public_key(BITS))


def test_the_words_are_two_and_others_each_time() -> None:
    found = {code_words() for _ in range(20)}
    assert len(found) > 15
    assert all(len(words.split()) == 2 for words in found)
    assert are_the_words("Apple  ZEBRA", "apple zebra")
    assert not are_the_words("applezebra", "apple zebra")
    assert not are_the_words("", "apple zebra")


@pytest.mark.parametrize("seen", [None, b"", b"\xff\xd8\xff cut"])
def test_the_words_stand_in_the_picture_and_nothing_else_differs(seen: bytes | None) -> None:
    one, other = (pixels(rehearsal_picture(seen, words, "below")) for words in ("apple zebra", "tiger tower"))
    rows = np.flatnonzero(np.abs(one - other).max(axis=(1, 2)) > 60)
    assert 0.3 * 720 < rows.min() < rows.max() < 0.6 * 720
    assert len(rows) > 60  # large letters


@pytest.mark.parametrize("size", [(16, 16), (1080, 1920), (720, 400)])
def test_pictures_of_any_size_are_written_on(size: tuple[int, int]) -> None:
    seen = jpeg(np.zeros((*size, 3), np.uint8))
    assert pixels(rehearsal_picture(seen, WORDS, "below")).shape == (*size, 3)
