"""kill -9 while an event is being recorded: the next start lists it with all that had been written."""

import os
import signal
import subprocess
import sys
from datetime import UTC
from pathlib import Path

import pytest

from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.recovery import Recovered, recover
from tests.unit.streams import decoded_pictures, format_duration

# Records an event whose units it appends one by one, and says so on stdout: the reader decides when it ends.
PROGRAM = """
import sys
from pathlib import Path
from pi_sec_cam.clock import SystemClock
from pi_sec_cam.media.ring import Ring
from pi_sec_cam.motion.event import Area, EventStarted
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.recorder import Recorder
from tests.unit.streams import BASE_US, units

archive = Archive(Path(sys.argv[1]))
archive.prepare()
ring = Ring(seconds=60, max_bytes=50_000_000)
recorder = Recorder(camera="Yard", ring=ring, archive=archive, keep=lambda record: None, clock=SystemClock())
pictures = units(seconds=20)
for unit in pictures[:50]:
    ring.append(unit)
recorder.on_event(EventStarted(1, BASE_US + 1_000_000, BASE_US, (Area(0.1, 0.1, 0.2, 0.2),), None))
recorder.start()
for unit in pictures[50:]:
    ring.append(unit)
    print(flush=True)
    recorder.stopping.wait(0.004)
recorder.stopping.wait(60)
"""


@pytest.mark.parametrize("appended", [1, 60, 137, 301])
def test_what_was_written_is_kept(tmp_path: Path, appended: int) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        for _ in range(appended):
            assert program.stdout.readline()
        os.kill(program.pid, signal.SIGKILL)
    archive = Archive(tmp_path, zone=UTC)
    with Catalogue(archive.catalogue_path) as catalogue:
        done = recover(archive, catalogue)
        events = catalogue.find()
        assert done.interrupted == [event.id for event in events]
        if appended > 50:
            # All but the last fragment, and what the recorder had not come to yet on a busy machine.
            assert sum(part.pictures for part in events[0].parts) > appended / 2
        for event in events:
            assert event.state == "interrupted"
            files = archive.folder(event.id).video_files()
            assert [file.name for file in files] == [part.file for part in event.parts]
            for file, part in zip(files, event.parts, strict=True):
                assert decoded_pictures(file) == part.pictures
                assert format_duration(file) == pytest.approx(part.duration_s)
                assert part.bytes == file.stat().st_size
        assert recover(archive, catalogue) == Recovered()
