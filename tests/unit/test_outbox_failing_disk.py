"""A disk that dies: what it can still read leaves, and what it cannot read just now is not given up."""

import errno
from pathlib import Path

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.errors import StorageError
from pi_sec_cam.offsite.second_name import COPYING
from pi_sec_cam.offsite.stores.memory import MemoryStore
from tests.unit.outbox_bench import Bench, chunk, names, picture


class FailingDisk:
    """Lets itself only be read any more, or is away."""

    error: int | None = None
    there = True

    def guard(self) -> None:
        if not self.there:
            refusal = StorageError("the disk says no")
            refusal.errno = self.error
            raise refusal


@pytest.fixture
def disk() -> FailingDisk:
    return FailingDisk()


@pytest.fixture
def bench(tmp_path: Path, disk: FailingDisk) -> Bench:
    return Bench(tmp_path / "storage", {"one": MemoryStore()}, SimulatedClock(), disk=disk)  # type: ignore[arg-type]


def fails(path: Path) -> bytes:
    raise OSError(errno.EIO, "Input/output error", str(path))


def refuses(path: Path, *, missing_ok: bool = False) -> None:
    raise OSError(errno.EROFS, "Read-only file system", str(path))


def test_from_a_disk_that_can_only_be_read_what_waits_leaves(
    bench: Bench, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = bench.event(picture(), chunk(0), over=False)
    disk.there, disk.error = False, errno.EROFS
    bench.writer.round(0)
    bench.outbox.add(name, chunk(1))
    bench.clock.advance(1)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fails)  # for a moment
        bench.uploaders["one"].step(0)
        bench.uploaders["one"].step(0)
    bench.writer.round(0)
    bench.send()
    assert names(bench.stores["one"].files) == ["motion0.jpg", "video0.h264", "video1.h264"]
    assert bench.writer.problems()
    disk.there = True
    bench.outbox.finish(name)
    bench.writer.round(0)
    assert bench.waiting("one") == []
    assert bench.offsite == [name]


def test_from_a_disk_that_could_be_read_only_from_the_start_what_waits_leaves(
    bench: Bench, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = bench.event(picture(), chunk(0))
    outbox = bench.storage / "outbox"
    (outbox / "one" / name / f".video0.h264{COPYING}").write_bytes(b"half a copy")
    (outbox / ".writing" / name).mkdir(parents=True)
    (outbox / "one" / name / "video0.h264").rename(outbox / ".writing" / name / "video0.h264")
    before = {path: path.stat().st_mtime_ns for path in bench.storage.rglob("*")}
    disk.there, disk.error = False, errno.EROFS
    after = bench.restarted(disk=disk)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuses)
        after.writer.round(0)
        after.send()
    assert names(after.stores["one"].files) == ["motion0.jpg"]
    assert {path: path.stat().st_mtime_ns for path in bench.storage.rglob("*")} == before
    disk.there = True
    after.writer.round(0)
    assert after.offsite == []
    after.send()
    assert names(after.stores["one"].files) == ["motion0.jpg", "video0.h264"]
    assert after.offsite == [name]
    assert after.waiting("one") == []


def test_a_disk_that_is_pulled_out_costs_no_file(
    bench: Bench, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.event(chunk(0))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fails)
        bench.uploaders["one"].step(0)
        disk.there = False
        for _ in range(5):
            bench.writer.round(0)
            bench.uploaders["one"].step(0)
    disk.there = True
    bench.writer.round(0)
    assert bench.figures("one")["files_refused"] == 0
    bench.send()
    assert names(bench.stores["one"].files) == ["video0.h264"]


def test_what_has_left_while_the_disk_goes_away_does_not_wait_when_it_is_back(bench: Bench, tmp_path: Path) -> None:
    """Between the look at the disk and the removal of the file's name, that is."""
    name = bench.event(picture(), chunk(0))
    for _ in range(2):
        bench.uploaders["one"].step(0)
    outbox, elsewhere = bench.storage / "outbox", tmp_path / "elsewhere"
    outbox.rename(elsewhere)
    assert bench.writer.round(0) > 0  # is tried again
    elsewhere.rename(outbox)
    bench.writer.round(0)
    assert bench.waiting("one") == []
    assert bench.offsite == [name]


def test_a_torn_file_of_what_has_left_out_of_memory_never_leaves(
    bench: Bench, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk became full in the middle of it, then the file left, then there was room again, and then a crash."""

    def torn(path: Path, data: bytes) -> None:
        path.write_bytes(data[:100])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    name = bench.event(picture(), over=False)
    bench.send()
    with monkeypatch.context() as patch:
        patch.setattr("pi_sec_cam.offsite.outbox_files.write_new", torn)
        bench.outbox.add(name, chunk(0))
        bench.writer.round(0)
        bench.clock.advance(1)
        bench.send()
    bench.writer.round(0)
    assert "video0.h264" in bench.journal().files
    later = bench.restarted()
    later.writer.round(0)
    assert later.waiting("one") == []
