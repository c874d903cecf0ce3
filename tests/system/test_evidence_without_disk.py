"""The disk takes nothing in mid-event, comes back, the daemon is killed: none of that looks like tampering."""

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pi_sec_cam.evidence.camera_key import read_camera_key
from pi_sec_cam.evidence.verdict import Verdict
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.system.crooked_camera import CrookedCamera
from tests.system.filesystems import Ext4, Mounts
from tests.system.judged_evidence import WRONG, checker, findings, verified, write_download
from tests.system.two_stores import TwoStores
from tests.system.walked_yard import WalkedYard


@dataclass(frozen=True)
class Trouble:
    """What befalls a disk; how it is over while the daemon runs; what is to be done when it does not run any more."""

    begin: Callable[[Ext4, Mounts, Path], None]
    end: Callable[[Ext4, Mounts, Path], None]
    mend: Callable[[Ext4], None] = lambda _: None


def fill(ext4: Ext4, mounts: Mounts, disk: Path) -> None:
    with suppress(CalledProcessError):
        mounts.run("dd", "if=/dev/zero", f"of={disk / 'filler'}", "bs=65536")


def repaired(ext4: Ext4) -> None:
    ext4.take_away()
    ext4.repair()
    ext4.mount()


TROUBLES = {
    "full": Trouble(fill, lambda ext4, mounts, disk: mounts.run("rm", disk / "filler")),
    "away": Trouble(lambda ext4, *_: ext4.take_away(), lambda ext4, *_: ext4.mount()),
    "read-only": Trouble(lambda ext4, *_: ext4.break_down(), lambda *_: None, repaired),
}


@dataclass(frozen=True)
class Sent:
    folder: Path
    dropbox: Path
    keys: list[Ed25519PublicKey]
    log: str


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sent]:
    """What has arrived in the end, after each trouble; all at the same time, since most of it is waiting."""
    owner = rsa.generate_private_key(65537, 1024)
    with ThreadPoolExecutor(len(TROUBLES)) as pool:
        tried = {
            name: pool.submit(lived_through, TROUBLES[name], tmp_path_factory.mktemp("disk"), owner)
            for name in TROUBLES
        }
        return {name: each.result() for name, each in tried.items()}


def lived_through(trouble: Trouble, folder: Path, owner: rsa.RSAPrivateKey) -> Sent:
    yard, disk = WalkedYard(), folder / "disk"
    disk.mkdir()
    with ExitStack() as stack:
        mounts = stack.enter_context(Mounts())
        ext4 = stack.enter_context(closing(Ext4(mounts, folder / "ext4", disk, mebibytes=16)))
        dropbox = stack.enter_context(LoopbackDropbox())
        camera = stack.enter_context(CrookedCamera(yard.serve))
        home = TwoStores(folder, owner, dropbox)
        home.storage = disk / "storage"
        watch = {"backend": "stream", "url": f"rtsp://{camera.address}/cam"}
        home.write(camera=watch, storage={"min_free_bytes": 0})
        with home.running(before=mounts.inside) as daemon:
            home.walk(yard)
            home.walk(yard, leave=False)
            trouble.begin(ext4, mounts, disk)
            known = len(home.in_dropbox())
            home.until(lambda: len(home.in_dropbox()) > known + 6, 20)
            trouble.end(ext4, mounts, disk)
            daemon.send_signal(signal.SIGKILL)
            daemon.wait()
        trouble.mend(ext4)
        yard.walking.clear()
        with home.running(before=mounts.inside) as daemon:
            home.until(lambda: home.state()["cameras"][0]["motion"]["state"] == "armed", 10)
            home.until(lambda: home.all_left() and not home.state()["offsite"]["in_memory"]["events_unsettled"], 20)
            assert home.stop(daemon) < 5
        assert "Traceback" not in home.log
        private = read_camera_key(mounts.seen(home.storage) / "identity")
        assert private is not None
        top = write_download(home.in_folder(), folder / "from folder")
        return Sent(top, write_download(home.in_dropbox(), folder / "from dropbox"), [private.public_key()], home.log)


@pytest.mark.parametrize("store", ["folder", "dropbox"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_it_does_not_look_like_tampering(sent: dict[str, Sent], trouble: str, store: str) -> None:
    found = verified(getattr(sent[trouble], store), sent[trouble].keys)
    assert not [finding for finding in found.findings if finding.verdict.wrong], findings(found)
    assert checker(getattr(sent[trouble], store), sent[trouble].keys).returncode != WRONG


def test_what_was_not_in_trouble_is_whole(sent: dict[str, Sent]) -> None:
    for each in sent.values():
        found = verified(each.folder, each.keys)
        assert [event.verdict for event in found.events][:1] == [Verdict.WHOLE]
