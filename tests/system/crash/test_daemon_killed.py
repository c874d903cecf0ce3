"""kill -9 of the real daemon, again and again, while it records as fast as it can and deletes what is too much."""

import random
import signal
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.record.archive import Archive
from tests.system.crash.examination import Examination
from tests.system.daemon import Home, scene
from tests.unit.events import NOON, PART, record
from tests.unit.mp4_files import clip, write

_KILLS = 4
_OLD_EVENTS = 20
_OLD_EVENT_BYTES = 1_000_000


def test_killed_again_and_again(tmp_path: Path, examination: Examination) -> None:
    home = Home(
        tmp_path,
        cam_name="Yard",
        video_size=[320, 180],
        framerate=10,
        motion={"rec_sec_before": 1, "rec_sec_after": 1, "max_event_time": 5},
        camera=scene(at_end="loop"),
        storage={"max_bytes": 10_000_000},
    )
    chance = random.Random(4)
    for day in range(_KILLS):
        make_old_events(home.storage, NOON + timedelta(days=day))
        asked = time.monotonic()
        with home.running() as daemon:
            assert time.monotonic() - asked < 10
            time.sleep(chance.uniform(0, 1))
            home.stop(daemon, signal.SIGKILL)
    assert "movement" in home.log
    assert len(list(home.storage.rglob("Gate/*/*"))) < _KILLS * _OLD_EVENTS
    assert examination.faults(home.storage, {}) == []


def make_old_events(storage: Path, first: datetime) -> None:
    """Events of another camera, more than may be kept; the next start lists them, and deletes some."""
    archive = Archive(storage)
    archive.prepare()
    for number in range(_OLD_EVENTS):
        start = first + timedelta(minutes=number)
        folder = archive.begin("Gate", WallStamp(start, 0, synchronised=True))
        write(folder.video_path(1), b"".join(clip()))
        write(folder.path / "motion.jpg", b"\xff\xd8%b\xff\xd9" % bytes(_OLD_EVENT_BYTES))
        part = replace(PART, pictures=100, bytes=folder.video_path(1).stat().st_size)
        made = record(start, id=folder.id, camera="Gate", parts=(part,), bytes=folder.media_bytes())
        folder.write_record(made)
