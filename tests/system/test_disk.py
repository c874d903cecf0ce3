"""The storage's disk on real mounts: missing, swapped, read-only, full, behind a link, a bind mount and an overlay."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.record.archive import Archive
from tests.system.daemon import Home
from tests.system.filesystems import Mounts
from tests.unit.events import NOON, record

MOVING: dict[str, Any] = {
    "cam_name": "Yard",
    "video_size": [320, 180],
    "framerate": 10,
    "motion": {"rec_sec_before": 2, "rec_sec_after": 1, "max_event_time": 8},
    "camera": {"backend": "scene"},
}


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    with Mounts() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "storage").mkdir()
    return Home(tmp_path)


@pytest.fixture
def disks(tmp_path: Path) -> tuple[Path, Path]:
    """The contents of two disks, to be bound to a mount point."""
    for name in ("disk", "other"):
        (tmp_path / name).mkdir()
    return tmp_path / "disk", tmp_path / "other"


def storage(home: Home, mounts: Mounts, *arguments: str) -> dict[str, Any]:
    """What the command says inside; its exit code fits."""
    done = home.command("storage", *arguments, "--json", before=mounts.inside)
    assert done.stderr == ""
    said = json.loads(done.stdout)
    assert isinstance(said, dict)
    assert done.returncode == (0 if said["kind"] in {"ready", "new"} else 1)
    return said


def test_a_disk_that_is_not_mounted_and_another_one_are_noticed(
    home: Home, mounts: Mounts, disks: tuple[Path, Path]
) -> None:
    mounts.mount("--bind", disks[0], home.storage)
    mine = storage(home, mounts, "accept")["storage_id"]
    mounts.unmount(home.storage)
    assert storage(home, mounts)["kind"] == "missing"
    assert list(home.storage.iterdir()) == [], "something was made in the disk's place"
    (disks[1] / "storage-id").write_text("f" * 32)
    mounts.mount("--bind", disks[1], home.storage)
    said = storage(home, mounts)
    assert said["kind"] == "wrong"
    assert mine in said["detail"]
    mounts.mount("--bind", disks[0], home.storage)
    assert storage(home, mounts)["kind"] == "ready"


def test_a_new_disk_is_noticed_until_it_is_accepted(home: Home, mounts: Mounts) -> None:
    mounts.mount("-t", "tmpfs", "-o", "size=8m", "first", home.storage)
    device = storage(home, mounts, "accept")["device"]
    mounts.mount("-t", "tmpfs", "-o", "size=8m", "second", home.storage)
    (mounts.seen(home.storage) / "recordings").mkdir()
    said = storage(home, mounts)
    assert said["kind"] == "missing"
    assert said["device"] != device
    assert storage(home, mounts, "accept")["kind"] == "ready"
    mounts.unmount(home.storage)
    assert storage(home, mounts)["kind"] == "wrong", "the old disk passes for the new one"


def test_a_disk_that_became_read_only_is_said_to_be(home: Home, mounts: Mounts, disks: tuple[Path, Path]) -> None:
    mounts.mount("--bind", disks[0], home.storage)
    storage(home, mounts, "accept")
    mounts.mount("-o", "remount,bind,ro", home.storage)
    said = storage(home, mounts)
    assert said["kind"] == "read-only"
    assert "mount it writable" in said["detail"]
    mounts.mount("-o", "remount,bind,rw", home.storage)
    assert storage(home, mounts)["kind"] == "ready"


def test_a_disk_that_is_mounted_read_only_is_not_written_to_at_first_use(home: Home, mounts: Mounts) -> None:
    mounts.mount("-t", "tmpfs", "-o", "ro", "disk", home.storage)
    assert storage(home, mounts)["kind"] == "read-only"
    done = home.command("storage", "accept", before=mounts.inside)
    assert done.returncode == 1
    assert "mounted read-only" in done.stderr


def test_a_disk_without_bytes_or_without_inodes_is_full(home: Home, mounts: Mounts) -> None:
    mounts.mount("-t", "tmpfs", "-o", "size=8m,nr_inodes=40", "disk", home.storage)
    said = storage(home, mounts, "accept")
    assert (said["kind"], said["total_bytes"], said["free_inodes"]) == ("ready", 8 * 2**20, 38)
    inside = mounts.seen(home.storage)
    (inside / "large").write_bytes(bytes(6 * 2**20))
    said = storage(home, mounts)
    assert (said["kind"], said["free_inodes"]) == ("full", 37)
    assert said["free_bytes"] < 2 * 2**20
    (inside / "large").unlink()
    for number in range(30):
        (inside / f"{number}").touch()
    said = storage(home, mounts)
    assert said["kind"] == "full"
    assert "inodes" in said["detail"]


def test_a_file_system_without_a_table_of_inodes_has_no_limit(home: Home, mounts: Mounts) -> None:
    mounts.mount("-t", "tmpfs", "-o", "size=8m,nr_inodes=0", "disk", home.storage)
    said = storage(home, mounts, "accept")
    assert (said["kind"], said["free_inodes"]) == ("ready", None)


def test_an_overlay_and_a_link_are_disks_too(home: Home, mounts: Mounts, tmp_path: Path) -> None:
    layers = tmp_path / "layers"
    layers.mkdir()
    mounts.mount("-t", "tmpfs", "layers", layers)
    for name in ("lower", "upper", "work", "merged"):
        (mounts.seen(layers) / name).mkdir()
    where = f"lowerdir={layers}/lower,upperdir={layers}/upper,workdir={layers}/work"
    mounts.mount("-t", "overlay", "-o", where, "overlay", layers / "merged")
    home.storage.rmdir()
    home.storage.symlink_to(layers / "merged")
    mine = storage(home, mounts, "accept")["storage_id"]
    assert storage(home, mounts)["kind"] == "ready"
    assert (mounts.seen(layers) / "upper/storage-id").read_text().strip() == mine
    mounts.unmount(layers / "merged")
    assert storage(home, mounts)["kind"] == "missing"
    home.storage.unlink()
    home.storage.symlink_to("/nowhere")
    said = storage(home, mounts)
    assert said["kind"] == "missing"
    assert "leads to /nowhere" in said["detail"]


def recordings(directory: Path, number: int, size: int) -> Archive:
    """So many events of an earlier version, without anything beside them."""
    archive = Archive(directory)
    archive.prepare()
    for hour in range(number):
        stamp = WallStamp(NOON + timedelta(hours=hour), 0, synchronised=True)
        folder = archive.begin("Yard", stamp)
        folder.write_record(record(stamp.wall, id=folder.id, bytes=size, sequence=hour + 1))
        (folder.path / "video.mp4").write_bytes(bytes(size))
    return archive


def use_up_inodes(directory: Path) -> Path:
    """A folder on the disk with so many files that no other can be made."""
    others = directory / "others"
    others.mkdir()
    with suppress(OSError):
        for number in range(10_000):
            (others / str(number)).touch()
    return others


@pytest.mark.parametrize("has_id", [True, False])
def test_a_start_on_a_full_disk_makes_room(has_id: bool, home: Home, mounts: Mounts) -> None:
    home.write(camera={"backend": "scene", "scene": {"people": False, "cat": False}}, storage={"min_free_bytes": 0})
    mounts.mount("-t", "tmpfs", "-o", "size=24m", "disk", home.storage)
    if has_id:
        storage(home, mounts, "accept")
    archive = recordings(mounts.seen(home.storage), 6, 3 * 2**20)
    with suppress(OSError), (archive.directory / "something else").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    with home.running(before=mounts.inside) as daemon:
        home.until(lambda: home.status()["storage"]["disk"] == "ready" and home.status()["storage"]["events"], 15)
        home.until(lambda: home.status()["state"] == "working", 15)
        listed = json.loads((home.command("events", "--json", before=mounts.inside)).stdout)
        assert [event["sequence"] for event in listed] == [4, 5, 6]
        home.stop(daemon)
    assert (archive.directory / "something else").exists()


def test_a_start_without_inodes_makes_some_and_records(home: Home, mounts: Mounts) -> None:
    home.write(**MOVING)
    mounts.mount("-t", "tmpfs", "-o", "size=64m,nr_inodes=200", "disk", home.storage)
    inside = mounts.seen(home.storage)
    archive = recordings(inside, 40, 1000)
    use_up_inodes(inside)
    with home.running(before=mounts.inside) as daemon:
        home.until(lambda: home.status()["cameras"][0]["recorder"]["events_recorded"], 40)
        said = home.status()["storage"]
        assert said["disk"] == "ready"
        assert said["disk_id"] == (inside / "storage-id").read_text().strip()
        kept = sorted(event.sequence for event in archive.scan() if event.sequence <= 40)
        assert kept == list(range(41 - len(kept), 41)), "not the oldest were deleted"
        assert len(kept) >= 20
        home.stop(daemon)


def test_the_first_start_on_a_disk_without_inodes_waits_for_some(home: Home, mounts: Mounts) -> None:
    home.write(**MOVING)
    mounts.mount("-t", "tmpfs", "-o", "size=64m,nr_inodes=100", "disk", home.storage)
    inside = mounts.seen(home.storage)
    others = use_up_inodes(inside)
    with home.running(before=mounts.inside) as daemon:
        home.until(lambda: home.status()["cameras"][0]["recorder"]["trouble"], 30)
        status = home.status()
        assert status["storage"]["disk"] == "full"
        assert "full" in " ".join(status["problems"])
        assert [path.name for path in inside.iterdir()] == ["others"]
        for number in range(50):
            (others / str(number)).unlink()
        home.until(lambda: home.status()["cameras"][0]["recorder"]["events_recorded"], 40)
        assert home.status()["storage"]["disk"] == "ready"
        home.stop(daemon)


def test_the_daemon_waits_for_its_disk_and_writes_nothing_in_its_place(
    home: Home, mounts: Mounts, disks: tuple[Path, Path]
) -> None:
    home.write(**MOVING)
    mine, other = disks
    mounts.mount("--bind", mine, home.storage)
    storage(home, mounts, "accept")
    mounts.unmount(home.storage)
    with home.running(before=mounts.inside) as daemon:
        home.until(lambda: home.status()["cameras"][0]["recorder"]["trouble"], 30)
        status = home.status()
        assert status["storage"]["disk"] == "missing"
        assert "mounted?" in " ".join(status["problems"])
        assert list(home.storage.iterdir()) == [], "something was made in the disk's place"

        mounts.mount("--bind", mine, home.storage)
        home.until(lambda: list(mine.rglob("video.mp4")), 10)
        (event,) = json.loads((home.command("events", "--json", before=mounts.inside)).stdout)
        assert Path(event["path"]).parts[-3] == "Yard"

        (other / "storage-id").write_text("f" * 32)
        mounts.mount("--bind", other, home.storage)
        home.until(lambda: home.status()["storage"]["disk"] == "wrong", 10)
        home.until(lambda: home.status()["cameras"][0]["recorder"]["trouble"], 60)
        assert [path.name for path in other.iterdir()] == ["storage-id"]

        storage(home, mounts, "accept")
        home.until(lambda: list(other.rglob("video.mp4")), 10)
        assert home.stop(daemon) < 5
        assert daemon.returncode == 0, home.log
    assert "Traceback" not in home.log
