"""What the real daemon sends, whatever happens to it, is whole: to the engine, to the command, and to the checker."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pi_sec_cam.evidence.verdict import Verdict, Verification
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.system.camera_life import Life, Stored
from tests.system.judged_evidence import WHOLE, WRONG, checker, command, faults, findings, verified
from tests.system.two_stores import events_in

MEGABYTES = 10_000_000  # the least that can be configured as a bound


@pytest.fixture(scope="module")
def owner() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)


@pytest.fixture(scope="module")
def dropbox() -> Iterator[LoopbackDropbox]:
    with LoopbackDropbox() as running:
        yield running


@pytest.fixture(scope="module")
def lived(
    tmp_path_factory: pytest.TempPathFactory, owner: rsa.RSAPrivateKey, dropbox: LoopbackDropbox
) -> dict[str, Stored]:
    """One camera's life: what its stores had after each chapter."""
    home = Life(tmp_path_factory.mktemp("life"), owner, dropbox)
    after: dict[str, Stored] = {}
    home.run(dropbox={"public_pem_path": str(home.pem)})
    after["one run"] = home.stored()
    for files in random.Random(5).sample(range(2, 12), 3):
        home.run_until_killed(files)
    home.run()
    after["a store was added, and three kills"] = home.stored()
    dropbox.go_away()
    home.run()
    after["an outage"] = home.stored()
    clock_goes_back_and_an_event_is_deleted(home)
    home.run()
    after["the clock went back, and an event was deleted"] = home.stored()
    shutil.copytree(home.storage / "evidence", home.folder / "older")
    home.run()
    shutil.rmtree(home.storage / "evidence")
    (home.folder / "older").rename(home.storage / "evidence")
    home.run()
    after["an older copy of the evidence"] = home.stored()
    shutil.rmtree(home.storage / "evidence")
    shutil.rmtree(home.storage / "identity")
    home.run()
    after["installed anew"] = home.stored()
    assert len(home.keys) == 2
    return after


def clock_goes_back_and_an_event_is_deleted(home: Life) -> None:
    """While Dropbox is away, so that events wait: one of them is deleted by the daemon, one without it."""
    home.watch("loop")
    with home.running() as daemon:
        before = len(home.events())
        home.until(lambda: len(home.events()) > before + 1, 20)
        home.set_clock(-86_400, vouched=True)
        seen = len(home.events())
        home.until(lambda: len(home.events()) > seen + 1, 20)
        ended = [event["id"] for event in home.events() if event["state"] == "complete"]
        assert home.command("events", "delete", ended[0], "--yes").returncode == 0
        assert home.stop(daemon) < 5
        assert daemon.returncode == 0, home.log
    home.set_clock(0, vouched=True)
    waiting = {path.parent for path in (home.storage / "outbox" / "dropbox").glob("Yard/2*/*/video0.h264")}
    event = min(waiting).relative_to(home.storage / "outbox" / "dropbox").as_posix()
    assert home.command("events", "delete", event, "--yes").returncode == 0
    home.dropbox.come_back()


CHAPTERS = {
    "one run": (set(), None),
    "a store was added, and three kills": (set(), {Verdict.OUTSIDE}),
    "an outage": (set(), {Verdict.OUTSIDE}),
    "the clock went back, and an event was deleted": (set(), {Verdict.OUTSIDE, Verdict.DROPPED}),
    "an older copy of the evidence": (set(), {Verdict.OUTSIDE, Verdict.DROPPED}),
    "installed anew": (set(), {Verdict.OUTSIDE, Verdict.DROPPED}),
}
"""What is to be explained after each, in the folder and in Dropbox (None: nothing is there)."""


def assert_whole(top: Path, keys: tuple[Ed25519PublicKey, ...], explained: set[Verdict]) -> Verification:
    """For the engine and for the checker; and this, and only this, is to be explained."""
    found = verified(top, keys)
    assert faults(found) == [], findings(found)
    assert {finding.verdict for finding in found.findings} == explained, findings(found)
    assert {event.verdict for event in found.events} <= {Verdict.WHOLE, *explained}
    said = checker(top, keys)
    assert said.returncode == WHOLE, said.stdout + said.stderr
    return found


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_after_each_chapter_of_its_life_all_is_whole(lived: dict[str, Stored], chapter: str) -> None:
    stored, (in_folder, in_dropbox) = lived[chapter], CHAPTERS[chapter]
    for top, explained in ((stored.folder, in_folder), (stored.dropbox, in_dropbox)):
        if explained is None:
            assert list(top.iterdir()) == []
            continue
        found = assert_whole(top, stored.keys, explained)
        assert len(found.events) == len(events_in(path.relative_to(top).as_posix() for path in top.rglob("*")))


@pytest.mark.parametrize("store", ["folder", "dropbox"])
def test_the_command_says_so_too(lived: dict[str, Stored], store: str) -> None:
    stored = lived["installed anew"]
    assert command(getattr(stored, store), stored.keys).returncode == WHOLE
    assert command(getattr(stored, store), stored.keys[:1]).returncode == WRONG, "what another key has signed"


def test_what_a_full_outbox_gives_up_is_explained(
    tmp_path: Path, owner: rsa.RSAPrivateKey, dropbox: LoopbackDropbox
) -> None:
    home = Life(tmp_path, owner, dropbox, loud=True)
    dropbox.go_away()
    for _ in range(2):
        home.run(storage={"outbox_max_bytes": MEGABYTES, "min_free_bytes": 0}, cam_name="Loud")
    dropbox.come_back()
    home.run(storage={"outbox_max_bytes": MEGABYTES, "min_free_bytes": 0}, cam_name="Loud")
    stored = home.stored()
    assert_whole(stored.folder, stored.keys, set())
    found = assert_whole(stored.dropbox / "Loud", stored.keys, {Verdict.DROPPED})
    assert len(found.events) == 3


def test_what_sealed_mode_deletes_to_make_room_is_explained(
    tmp_path: Path, owner: rsa.RSAPrivateKey, dropbox: LoopbackDropbox
) -> None:
    home = Life(tmp_path, owner, dropbox, loud=True)
    limits = {"sealed": True, "max_bytes": MEGABYTES, "min_free_bytes": 0}
    dropbox.go_away()
    for _ in range(2):
        home.run(storage=limits, cam_name="Sealed")
    dropbox.come_back()
    home.run(storage=limits, cam_name="Sealed")
    stored = home.stored()
    assert_whole(stored.folder, stored.keys, set())
    assert_whole(stored.dropbox / "Sealed", stored.keys, {Verdict.DROPPED})


def test_several_cameras_have_a_chain_each(tmp_path: Path, owner: rsa.RSAPrivateKey, dropbox: LoopbackDropbox) -> None:
    names = ["Front door", "Höf"]
    home = Life(tmp_path, owner, dropbox)
    home.run(cameras=[{"cam_name": name} for name in names], dropbox={"public_pem_path": str(home.pem)})
    home.run(cameras=[{"cam_name": name} for name in names], dropbox={"public_pem_path": str(home.pem)})
    found = assert_whole(home.store, tuple(home.keys), set())
    assert sorted(camera.camera for camera in found.cameras) == names
    assert len(found.events) == 4
