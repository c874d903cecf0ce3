"""Deleting on a disk that is really full: nothing can be written any more, and room is made all the same."""

import os
import subprocess
import sys
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.annotation import annotate
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.deletion import delete_event
from pi_sec_cam.record.recovery import Recovered, recover
from tests.system.filesystems import Mounts
from tests.unit.events import NOON, record


def fill(disk: Path) -> None:
    for size in (65536, 4096, 1):
        for number in range(10_000):
            try:
                (disk / f"fill-{size}-{number}").write_bytes(b"x" * size)
            except OSError:
                break


def test_events_are_deleted_from_a_full_disk(tmp_path: Path) -> None:
    with Mounts() as mounts:
        mounts.mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", tmp_path)
        # By its file, with the checkout as the place to import from: in there the working directory is another.
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        program: list[str | Path] = [*mounts.inside, sys.executable, __file__, tmp_path]
        done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def delete_from_full(disk: Path) -> None:
    """Files that are called fill-* are there to fill the disk."""
    archive = Archive(disk, zone=UTC)
    archive.prepare()
    with Catalogue(archive.catalogue_path) as catalogue:
        ids = []
        for minute in range(20):
            start = NOON + timedelta(minutes=minute)
            folder = archive.begin("Yard", WallStamp(start, 0, synchronised=True))
            folder.video_path(1).write_bytes(b"x" * 20_000)
            catalogue.put(folder.write_record(record(start, id=folder.id)))
            archive.running.discard(folder.id)
            ids.append(folder.id)
        fill(disk)
        with pytest.raises(StorageError, match="full"):
            annotate(archive, catalogue, ids[0], note="x" * 10_000)
        for count, event_id in enumerate(ids[:5], 1):
            fill(disk)
            delete_event(archive, catalogue, event_id)
            assert catalogue.count() == 20 - count
            assert not archive.folder(event_id).path.exists()
        assert catalogue.deleting() == []
        assert sorted(archive.scan(), key=lambda event: event.start) == catalogue.find()[::-1]
        assert recover(archive, catalogue) == Recovered()


if __name__ == "__main__":
    delete_from_full(Path(sys.argv[1]))
