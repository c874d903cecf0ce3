"""A recorder on real disks that get full, break, go away and stall in mid-event: nothing is missing afterwards."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.recovery import recover
from tests.system.daemon import Home
from tests.system.filesystems import Ext4, Mounts
from tests.unit.streams import decoded_pictures, packets

_RECOVERS_S = 10


class Program:
    """recording_program.py, running inside `mounts` on a storage directory there."""

    def __init__(self, mounts: Mounts, storage: Path) -> None:
        self._mounts = mounts
        self._storage = storage
        command = [*mounts.inside, sys.executable, "-m", "tests.system.recording_program", storage]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        self.status: dict[str, Any] = {}
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        self.until(lambda: self.status.get("shown", 0) > 60, 30)

    def tell(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()

    def until(self, true: Callable[[], object], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert self._process.poll() is None, "the program has ended"
            assert time.monotonic() < deadline, self.status
            time.sleep(0.05)

    def goes_on(self, seconds: float) -> None:
        """The pictures go on; the recorder is in trouble all the time."""
        until = self.status["shown"] + 25 * seconds
        self.until(lambda: self.status["shown"] >= until, 3 * seconds + 5)
        assert self.status["trouble"], self.status

    def troubled(self) -> None:
        self.until(lambda: self.status["trouble"], 20)

    def well(self) -> None:
        """All that waited in memory is on the disk."""
        self.until(lambda: not self.status["trouble"] and self.status["waiting_seconds"] < 0.5, _RECOVERS_S)
        assert self.status["pictures_dropped"] == 0

    def finish(self, number: int = 1) -> None:
        self.tell("end")
        self.until(lambda: len(self.status["finished"]) == number, _RECOVERS_S)

    def quit(self) -> None:
        """Stop the recorder, and the program. May be called again."""
        if self._process.poll() is None:
            self.tell("quit")
            self._process.wait(20)
        self._listener.join()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()

    def records(self) -> list[EventRecord]:
        """What stands on the disk, in order."""
        archive = Archive(self._mounts.seen(self._storage))
        return sorted(archive.scan(), key=lambda record: record.sequence)

    def whole(self, record: EventRecord) -> None:
        """One part, its pictures 40 ms apart, from two seconds before the trigger to the last."""
        (part,) = record.parts
        assert (record.state, record.dropped_pictures) == ("complete", 0)
        file = self._mounts.seen(self._storage) / record.path / part.file
        shown = [round(float(packet["pts_time"]) * 1e6) for packet in packets(file)]
        assert shown == [40_000 * index for index in range(len(shown))]
        assert decoded_pictures(file) == len(shown) == part.pictures
        assert part.bytes == file.stat().st_size
        assert (record.motion_start - record.start).total_seconds() >= 1.96
        assert record.motion_end <= record.end
        assert (record.end - record.motion_end).total_seconds() <= 0.05
        assert (self._mounts.seen(self._storage) / record.path / "motion.jpg").stat().st_size > 0

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.status = json.loads(line)


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    with Mounts() as made:
        yield made


@pytest.fixture
def mount_point(tmp_path: Path) -> Path:
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


@pytest.fixture
def start(mounts: Mounts, mount_point: Path) -> Iterator[Callable[[], Program]]:
    programs: list[Program] = []

    def begin() -> Program:
        programs.append(Program(mounts, mount_point / "storage"))
        return programs[-1]

    yield begin
    for program in programs:
        program.quit()


@pytest.fixture
def ext4(mounts: Mounts, tmp_path: Path, mount_point: Path) -> Iterator[Ext4]:
    disk = Ext4(mounts, tmp_path / "ext4", mount_point, mebibytes=24)
    yield disk
    disk.close()


def fill(mounts: Mounts, place: Path) -> Path:
    """Leave no room on a disk but for less than a second of video."""
    filler = place / "filler"
    free = os.statvfs(mounts.seen(place))
    blocks = free.f_bavail * free.f_frsize // 4096 - 20
    with suppress(subprocess.CalledProcessError):  # the program wrote meanwhile: the disk is all the fuller
        mounts.run("dd", "if=/dev/zero", f"of={filler}", "bs=4096", f"count={blocks}")
    return filler


def use_up_inodes(mounts: Mounts, place: Path) -> list[Path]:
    seen = mounts.seen(place)
    made = []
    while True:
        try:
            (seen / f"inode{len(made)}").touch()
        except OSError:
            return made
        made.append(seen / f"inode{len(made)}")


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_a_disk_that_gets_full(
    mounts: Mounts, mount_point: Path, kind: str, start: Callable[[], Program], request: pytest.FixtureRequest
) -> None:
    if kind == "ext4":
        request.getfixturevalue("ext4")
    else:
        mounts.mount("-t", "tmpfs", "-o", "size=24m", "tmpfs", mount_point)
    program = start()
    program.tell("begin")
    program.until(lambda: program.status["event"], 10)
    filler = fill(mounts, mount_point)
    program.troubled()
    assert "the disk is full" in program.status["trouble"]
    program.goes_on(2)
    mounts.seen(filler).unlink()
    program.well()
    program.finish()
    (record,) = program.records()
    program.whole(record)
    program.quit()


def test_a_disk_without_inodes(mounts: Mounts, mount_point: Path, start: Callable[[], Program]) -> None:
    """Once when the event begins, once when it ends."""
    mounts.mount("-t", "tmpfs", "-o", "size=24m,nr_inodes=40", "tmpfs", mount_point)
    program = start()
    used = use_up_inodes(mounts, mount_point)
    program.tell("begin")
    program.troubled()
    program.goes_on(2)
    for file in used:
        file.unlink()
    program.well()
    used = use_up_inodes(mounts, mount_point)
    program.tell("end")
    program.troubled()
    program.tell("begin")
    program.goes_on(2)
    for file in used:
        file.unlink()
    program.well()
    program.finish(2)
    for record in program.records():
        program.whole(record)
    assert len(program.records()) == 2


def test_a_file_system_that_breaks_down_is_gone_on_with_after_its_repair(
    mounts: Mounts, ext4: Ext4, mount_point: Path, start: Callable[[], Program]
) -> None:
    program = start()
    program.tell("begin")
    program.until(lambda: program.status["event"], 10)
    ext4.break_down()
    program.troubled()
    assert "read-only" in program.status["trouble"]
    ext4.take_away()
    program.goes_on(2)
    assert list(mounts.seen(mount_point).iterdir()) == [], "something was made where the disk belongs"
    ext4.repair()
    ext4.mount()
    program.well()
    program.finish()
    (record,) = program.records()
    program.whole(record)
    program.quit()


def test_a_disk_that_is_taken_away_and_comes_back_after_the_events(
    mounts: Mounts, ext4: Ext4, mount_point: Path, start: Callable[[], Program]
) -> None:
    program = start()
    program.tell("begin")
    program.until(lambda: program.status["event"], 10)
    ext4.take_away()
    program.tell("end")
    program.troubled()
    program.tell("begin")
    program.goes_on(2)
    program.tell("end")
    program.goes_on(1)
    assert list(mounts.seen(mount_point).iterdir()) == [], "something was made where the disk belongs"
    ext4.mount()
    program.until(lambda: len(program.status["finished"]) == 2, _RECOVERS_S)
    program.well()
    for record in program.records():
        program.whole(record)
    program.quit()


def test_a_disk_that_does_not_answer(
    mounts: Mounts, ext4: Ext4, mount_point: Path, start: Callable[[], Program]
) -> None:
    program = start()
    program.tell("begin")
    program.until(lambda: program.status["event"], 10)
    with ext4.frozen():
        program.troubled()
        assert "has not answered for" in program.status["trouble"]
        program.goes_on(3)
        program.tell("end")
        program.tell("begin")
        program.goes_on(1)
    program.until(lambda: len(program.status["finished"]) == 1, _RECOVERS_S)
    program.finish(2)
    for record in program.records():
        program.whole(record)
    program.quit()


def test_a_stop_on_a_broken_disk_is_quick_and_what_was_written_is_listed(
    mounts: Mounts, ext4: Ext4, mount_point: Path, tmp_path: Path, start: Callable[[], Program]
) -> None:
    program = start()
    program.tell("begin")
    program.until(lambda: program.status["event"], 10)
    ext4.break_down()
    program.troubled()
    program.goes_on(2)
    program.quit()
    assert program.status["alive"] is False
    lost = program.status["pictures_dropped"]
    assert lost >= 50
    ext4.take_away()
    ext4.repair()
    ext4.mount()
    storage = mounts.seen(mount_point / "storage")
    with Catalogue(tmp_path / "catalogue.sqlite3") as catalogue:
        recover(Archive(storage), catalogue)
        (event,) = catalogue.find()
    assert event.state == "interrupted"
    assert decoded_pictures(storage / event.path / event.parts[0].file) == event.parts[0].pictures > 0


def test_the_daemon_goes_on_after_its_file_system_was_repaired(
    mounts: Mounts, ext4: Ext4, mount_point: Path, tmp_path: Path
) -> None:
    """It must let go of the broken file system for that: of what it writes, and of the list of events."""
    home = Home(
        tmp_path,
        cam_name="Yard",
        video_size=[320, 180],
        framerate=10,
        motion={"rec_sec_before": 2, "rec_sec_after": 1, "max_event_time": 8},
        camera={"backend": "scene"},
        storage={"directory": str(mount_point)},
    )

    def recorder() -> dict[str, Any]:
        found: dict[str, Any] = home.status()["cameras"][0]["recorder"]
        return found

    with home.running(before=mounts.inside) as daemon:
        home.until(lambda: recorder()["event"], 40)
        begun = recorder()["event"]
        ext4.break_down()
        home.until(lambda: recorder()["trouble"], 20)
        ext4.take_away()
        home.until(lambda: home.status()["storage"]["disk"] == "missing", 10)
        ext4.repair()
        ext4.mount()
        home.until(lambda: not recorder()["trouble"] and recorder()["waiting_seconds"] < 1.5, _RECOVERS_S)
        done = recorder()["events_recorded"]
        home.until(lambda: recorder()["events_recorded"] > done, 30)
        assert recorder()["pictures_dropped"] == 0
        listed = json.loads(home.command("events", "--json", before=mounts.inside).stdout)
        assert begun in [event["id"] for event in listed]
        assert home.stop(daemon) < 5
    for record in Archive(mounts.seen(mount_point)).scan():
        assert (record.state, record.dropped_pictures) == ("complete", 0)
        (part,) = record.parts
        assert decoded_pictures(mounts.seen(mount_point) / record.path / part.file) == part.pictures
    assert "Traceback" not in home.log
