"""A part says at any moment what of it is on the disk, whatever the disk has done."""

import errno
from pathlib import Path
from random import Random

import pytest

from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.clip_file import contents, soundness
from pi_sec_cam.record.part import PartLost, PartWriter
from tests.unit.faulty_disk import FaultyDisk
from tests.unit.streams import decoded_pictures, format_duration, units


def says_what_is_there(writer: PartWriter, path: Path) -> None:
    """What it says was kept is there, and sound; a torn fragment may follow if the disk did not even let us cut."""
    data = path.read_bytes()[: writer.kept_bytes] if writer.kept_bytes else b""
    assert len(data) == writer.kept_bytes == writer.part.bytes
    beginning = path.with_name("beginning.mp4")
    beginning.write_bytes(data)
    assert not soundness(beginning).torn
    found = contents(beginning) if data else None
    assert writer.kept == writer.part.pictures == (found.pictures if found else 0)
    assert writer.part.duration_s * 1e6 == pytest.approx(found.duration_us if found else 0)


@pytest.mark.parametrize("seed", range(8))
def test_on_a_disk_that_fails_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    found = units(seconds=8, b_frames=2)
    undisturbed = PartWriter(tmp_path / "undisturbed.mp4", found[0])
    disk, chance = FaultyDisk(monkeypatch), Random(seed)
    disturbed = PartWriter(tmp_path / "video.mp4", found[0])
    refused = 0

    def insist(writer: PartWriter, *, closing: bool) -> int:
        for tries in range(1000):
            try:
                (writer.close if closing else writer.flush)()
            except StorageError:
                says_what_is_there(writer, tmp_path / "video.mp4")
            else:
                return tries
        raise AssertionError("it never succeeds")

    for unit in found:
        undisturbed.add(unit)
        undisturbed.flush()
        disk.refuse = lambda _: chance.choice([None, None, errno.ENOSPC, errno.EIO])
        disturbed.add(unit)
        refused += insist(disturbed, closing=False)
        disk.well()
        says_what_is_there(disturbed, tmp_path / "video.mp4")
        assert disturbed.kept == undisturbed.kept
    disk.refuse = lambda _: chance.choice([None, errno.EROFS])
    refused += insist(disturbed, closing=True)
    disk.well()
    undisturbed.close()
    assert refused > 5
    assert (tmp_path / "video.mp4").read_bytes() == (tmp_path / "undisturbed.mp4").read_bytes()
    assert disturbed.part.pictures == disturbed.given == decoded_pictures(tmp_path / "video.mp4") == len(found)
    assert disturbed.part.duration_s == pytest.approx(format_duration(tmp_path / "video.mp4"), abs=0.001)


def test_nothing_is_made_while_the_folder_is_gone(tmp_path: Path) -> None:
    found = units(seconds=3)
    folder = tmp_path / "folder"
    folder.mkdir()
    writer = PartWriter(folder / "video.mp4", found[0])
    folder.rename(tmp_path / "away")
    for unit in found[:30]:
        writer.add(unit)
    with pytest.raises(StorageError, match=r"cannot write .*video\.mp4"):
        writer.flush()
    assert not folder.exists()
    (tmp_path / "away").rename(folder)
    writer.flush()
    says_what_is_there(writer, folder / "video.mp4")
    assert writer.kept > 0
    writer.close()
    writer.close()


def test_a_file_that_was_cut_off_keeps_its_whole_fragments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = units(seconds=6)
    disk = FaultyDisk(monkeypatch)
    path = tmp_path / "video.mp4"
    writer = PartWriter(path, found[0])
    for unit in found[:75]:
        writer.add(unit)
        writer.flush()
    before = writer.kept
    disk.full()
    for unit in found[75:100]:
        writer.add(unit)
    with pytest.raises(StorageError):
        writer.flush()
    disk.well()
    with path.open("r+b") as file:
        file.truncate(writer.kept_bytes - 1)
    with pytest.raises(PartLost):
        writer.flush()
    says_what_is_there(writer, path)
    assert 0 < writer.kept < before
    assert decoded_pictures(path) == writer.kept
    writer.abandon()
