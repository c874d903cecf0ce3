"""Export of an event that is kept sealed: with the owner's key, every picture at its time; refused without."""

from dataclasses import replace
from pathlib import Path

import pytest

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_folder import EventFolder
from tests.unit.command_home import Home
from tests.unit.downloads import JPEG, cut, journal, key, pictures_of, sealed
from tests.unit.events import NOON, record
from tests.unit.owner_keys import another_private_pem
from tests.unit.streams import packets, units


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def sealed_event(home: Home) -> EventFolder:
    """Four seconds in four chunks, as the camera keeps them in sealed mode."""
    home.archive.prepare()
    folder = home.archive.begin("Yard", WallStamp(NOON, 0, synchronised=True))
    chunks = cut(units(b_frames=2), 4)
    for number, chunk in enumerate(chunks):
        (folder.path / f"video{number}.h264").write_bytes(sealed(b"".join(unit.data for unit in chunk)))
    (folder.path / "motion0.jpg").write_bytes(sealed(JPEG))
    journal(folder.path, chunks)
    event = folder.write_record(replace(record(id=folder.id), parts=()))
    with Catalogue(home.archive.catalogue_path) as catalogue:
        catalogue.put(event)
    return folder


def test_with_the_key_a_sealed_event_is_exported_like_any_other(home: Home, tmp_path: Path) -> None:
    folder, out = sealed_event(home), tmp_path / "clip.mp4"
    result = home.run("export", "last", str(out), "-k", str(key(tmp_path)))
    assert result.exit_code == 0, result.output
    assert f"wrote {out}" in result.stdout
    first = min(unit.pts_us for unit in units(b_frames=2))
    assert sorted(float(packet["pts_time"]) for packet in packets(out)) == sorted(
        (unit.pts_us - first) / 1e6 for unit in units(b_frames=2)
    )
    assert len(set(pictures_of(out))) == 100
    assert out.stat().st_mode & 0o077 == 0
    assert "exists" in home.run("export", folder.id, str(out), "-k", str(tmp_path / "private.pem")).output
    (folder.path / "video2.h264").unlink()
    result = home.run("export", folder.id, str(out), "-k", str(tmp_path / "private.pem"), "--force")
    assert result.exit_code == 1
    assert "missing: 2" in result.stderr
    assert (tmp_path / "clip-2.mp4").exists()


def test_without_the_key_nothing_is_written(home: Home, tmp_path: Path) -> None:
    folder, out = sealed_event(home), tmp_path / "clip.mp4"
    result = home.run("export", folder.id, str(out))
    assert result.exit_code == 1
    assert "sealed" in result.stderr
    assert "-k" in result.stderr
    other = tmp_path / "other.pem"
    other.write_bytes(another_private_pem(1024))
    result = home.run("export", folder.id, str(out), "-k", str(other))
    assert result.exit_code == 1
    assert "video0.h264: sealed for another key" in result.stderr
    assert "there is no private key" in home.run("export", folder.id, str(out), "-k", str(tmp_path / "no")).stderr
    assert list(tmp_path.glob("*clip*")) == []
