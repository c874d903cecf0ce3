"""The disk of the storage is full, gone, or silent while somebody walks by: what they do leaves all the same."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from subprocess import CalledProcessError

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from pi_sec_cam.offsite.envelope import open_sealed
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.system.crooked_camera import CrookedCamera
from tests.system.filesystems import Ext4, Mounts
from tests.system.two_stores import TwoStores, events_in, is_footage
from tests.system.walked_yard import WalkedYard

Trouble = Callable[[Ext4, Mounts, Path], AbstractContextManager[None]]


@contextmanager
def full(ext4: Ext4, mounts: Mounts, disk: Path) -> Iterator[None]:
    filler = disk / "filler"
    free = os.statvfs(mounts.seen(disk))
    with suppress(CalledProcessError):  # the daemon wrote meanwhile: the disk is all the fuller
        mounts.run("dd", "if=/dev/zero", f"of={filler}", "bs=4096", f"count={free.f_bavail * free.f_frsize // 4096}")
    yield
    mounts.run("rm", filler)


@contextmanager
def away(ext4: Ext4, mounts: Mounts, disk: Path) -> Iterator[None]:
    ext4.take_away()
    yield
    ext4.mount()


@contextmanager
def silent(ext4: Ext4, mounts: Mounts, disk: Path) -> Iterator[None]:
    with ext4.frozen():
        yield


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (full, "in memory alone: cannot write {storage}/outbox: the disk is full"),
        (away, "in memory alone: {storage} (storage.directory) is not there: is its disk mounted?"),
        (silent, "the disk has not answered for"),
    ],
)
def test_what_happens_leaves_though_the_disk_takes_nothing(tmp_path: Path, trouble: Trouble, said: str) -> None:
    """What begins before and what begins during the trouble; when it is over, both are here, journals too."""
    owner, yard = rsa.generate_private_key(65537, 2048), WalkedYard()
    disk = tmp_path / "disk"
    disk.mkdir()
    with ExitStack() as stack:
        mounts = stack.enter_context(Mounts())
        ext4 = stack.enter_context(closing(Ext4(mounts, tmp_path / "ext4", disk, mebibytes=40)))
        dropbox = stack.enter_context(LoopbackDropbox())
        camera = stack.enter_context(CrookedCamera(yard.serve))
        home = TwoStores(tmp_path, owner, dropbox)
        home.storage = disk / "storage"
        watch = {"backend": "stream", "url": f"rtsp://{camera.address}/cam"}
        home.write(camera=watch, storage={"min_free_bytes": 0})
        daemon = stack.enter_context(home.running(before=mounts.inside))
        home.walk(yard, leave=False)
        with trouble(ext4, mounts, disk):
            known = len(home.in_dropbox())
            home.until(lambda: len(home.in_dropbox()) > known + 2, 10)
            leave(home, yard)
            home.walk(yard, leave=False)
            home.until(lambda: len(events_in(home.in_dropbox())) == 2, 10)
            assert said.format(storage=home.storage) in " / ".join(home.state()["problems"])
            leave(home, yard)
            left = home.in_dropbox()
            for path in filter(is_footage, left):
                open_sealed(left[path], owner)
        home.until(lambda: not home.state()["offsite"]["in_memory"]["events_unsettled"], 20)
        home.until(lambda: not home.state()["problems"], 10)
        stored = home.in_dropbox()
        assert left.items() <= stored.items()
        assert stored == home.in_folder()
        assert len(home.whole(stored, mounts.seen(home.storage) / "recordings")) == 2
        uploads = [request.path for request in dropbox.requests("files/upload") if request.path]
        assert len(uploads) == len(stored), "something was sent twice"
        listed = home.command("events", "--json", before=mounts.inside)
        assert listed.stdout.count('"offsite": true') == 2
        assert home.stop(daemon) < 5
        assert daemon.returncode == 0
    assert "Traceback" not in home.log


def leave(home: TwoStores, yard: WalkedYard) -> None:
    """The walker goes, and the event ends."""
    yard.walking.clear()
    home.until(lambda: home.state()["cameras"][0]["motion"]["state"] == "armed", 10)
