"""What a command makes that root runs belongs to whom the storage directory belongs to, whose daemon needs it."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.local_socket import DaemonLock
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.part import PartWriter
from tests.unit.command_home import Home
from tests.unit.events import NOON, record
from tests.unit.streams import units

OWNER = (65534, 65533)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A storage directory of somebody else, without a lock and a catalogue, with an event that is theirs."""
    made = Home(tmp_path)
    made.directory.mkdir()
    os.chown(made.directory, *OWNER)
    made.event()
    for path in made.directory.rglob("*"):
        os.chown(path, *OWNER)
    made.archive.catalogue_path.unlink()
    yield made
    shutil.rmtree(made.directory)


def of_others(home: Home) -> list[str]:
    """What in the storage directory is not its owner's."""
    stats = {path: path.stat() for path in home.directory.rglob("*")}
    assert stats
    return [str(path) for path, stat in stats.items() if (stat.st_uid, stat.st_gid) != OWNER]


def test_a_rebuild_by_root_leaves_the_owner_all(home: Home) -> None:
    assert home.run("catalogue", "rebuild").exit_code == 0
    assert home.archive.catalogue_path.exists()
    assert (home.directory / "daemon.lock").exists()
    assert of_others(home) == []


def test_a_word_of_roots_leaves_the_owner_all(home: Home) -> None:
    assert home.run("catalogue", "rebuild").exit_code == 0
    assert home.run("events", "lock", "last").exit_code == 0
    assert of_others(home) == []


def test_the_files_beside_an_open_catalogue_are_the_owners(home: Home) -> None:
    with Catalogue(home.archive.catalogue_path) as catalogue:
        catalogue.put(record())
        assert sorted(path.name for path in home.directory.glob("catalogue*")) == [
            "catalogue.sqlite3",
            "catalogue.sqlite3-shm",
            "catalogue.sqlite3-wal",
        ]
        assert of_others(home) == []


def test_folders_of_a_new_event_are_the_owners(home: Home) -> None:
    folder = home.archive.begin("Another", WallStamp(NOON, 0, synchronised=True))
    folder.write_picture(b"picture")
    folder.write_record(record(id=folder.id))
    assert of_others(home) == []


def test_a_link_in_place_of_the_lock_gives_nothing_away(home: Home, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of root")
    for name in ("daemon.lock", "catalogue.sqlite3"):
        (home.directory / name).symlink_to(secret)
    with pytest.raises(OSError, match=r"daemon\.lock"), DaemonLock(home.directory):
        pass
    with pytest.raises(OSError, match="catalogue"):
        Catalogue(home.archive.catalogue_path)
    assert secret.stat().st_uid == 0
    assert secret.read_text() == "of root"


def test_in_a_directory_of_roots_all_stays_with_root(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.prepare()
    assert archive.recordings.stat().st_uid == 0
    assert stat.S_ISDIR(archive.recordings.stat().st_mode)


def test_what_a_daemon_of_root_records_is_the_owners(home: Home) -> None:
    folder = home.archive.begin("Yard", WallStamp(NOON, 0, True))
    found = units(seconds=1)
    writer = PartWriter(folder.video_path(1), found[0])
    for unit in found:
        writer.add(unit)
    writer.close()
    assert folder.video_path(1).exists()
    assert of_others(home) == []
