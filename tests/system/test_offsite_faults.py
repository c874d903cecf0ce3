"""Off-site in trouble: whatever Dropbox says, a login and a key that change, stops and kills in mid-upload."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.loopback_dropbox.answer import portal_page, server_error, too_many_as_text
from tests.loopback_dropbox.faults import Fault
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.loopback_dropbox.tokens import APP_KEY
from tests.system.crooked_camera import CrookedCamera
from tests.system.daemon import COMMAND, scene
from tests.system.two_stores import TwoStores, public_pem
from tests.system.walked_yard import WalkedYard

BACK_OFF_S = 20  # the first pauses of an uploader, together
STOP_S = 5


@pytest.fixture(scope="module")
def owner() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def dropbox() -> Iterator[LoopbackDropbox]:
    with LoopbackDropbox() as running:
        yield running


@pytest.fixture
def yard() -> Iterator[tuple[WalkedYard, str]]:
    """A yard and its camera's address."""
    walked = WalkedYard()
    with CrookedCamera(walked.serve) as camera:
        yield walked, f"rtsp://{camera.address}/cam"


@pytest.fixture
def home(tmp_path: Path, owner: rsa.RSAPrivateKey, dropbox: LoopbackDropbox, yard: tuple[WalkedYard, str]) -> TwoStores:
    return TwoStores(tmp_path, owner, dropbox, camera={"backend": "stream", "url": yard[1]})


@contextmanager
def connected(home: TwoStores) -> Iterator[subprocess.Popen[str]]:
    """The daemon, once Dropbox has what it says at its start."""
    with home.running() as daemon:
        home.until(home.all_left, 10)
        yield daemon


def arrived_everywhere(home: TwoStores, events: int, seconds: float = BACK_OFF_S) -> None:
    """Wait until both stores have all; then each file is in each once, and whole."""
    home.until(home.all_left, seconds)
    home.until(lambda: not home.state()["offsite"]["in_memory"]["events_unsettled"], 5)
    assert home.in_dropbox() == home.in_folder()
    assert len(home.whole(home.in_dropbox())) == events
    assert [event["offsite"] for event in home.events()] == [True] * events
    assert list((home.storage / "outbox").glob("*/Yard/*/*/*")) == []


def quiet_ending(home: TwoStores) -> None:
    """No traceback in the log, and nothing that is secret."""
    assert "Traceback" not in home.log
    assert home.login not in home.log
    with home.dropbox.lock:
        assert not [token for token in home.dropbox.tokens.grants if token in home.log]


def test_a_store_that_is_away_holds_up_nobody_and_gets_all_of_it_later(
    tmp_path: Path, owner: rsa.RSAPrivateKey, dropbox: LoopbackDropbox
) -> None:
    """Also what was recorded before there was an outbox: that stays here."""
    home = TwoStores(tmp_path, owner, dropbox)
    home.write(camera=scene(scene={"duration_s": 20}), stores=[], dropbox={})
    assert home.command("run").returncode == 0
    before = len(home.events())
    home.write(camera=scene(scene={"duration_s": 60}))
    dropbox.go_away()
    done = home.command("run")
    assert done.returncode == 0, "where the end of the film is the end of the program, nobody waits for a dead store"
    assert "cannot reach Dropbox: the connection is refused" in done.stderr
    there = home.in_folder()
    assert f"dropbox: {len(there)} files have not left" in done.stderr
    events = home.whole(there)
    assert before > 0
    assert len(events) > 1
    assert [event["offsite"] for event in home.events()] == [False] * before + [True] * len(events)
    dropbox.come_back()
    home.write(camera=scene(scene={"people": False, "cat": False, "duration_s": 3}))
    done = home.command("run")
    assert (done.returncode, done.stderr) == (0, "")
    assert there.items() <= home.in_dropbox().items(), "the same bytes"
    assert home.in_dropbox() == home.in_folder()
    assert [path for path in (home.storage / "outbox").rglob("*") if path.is_file()] == []


def test_whatever_dropbox_answers_all_of_it_arrives_once(home: TwoStores, yard: tuple[WalkedYard, str]) -> None:
    faults = home.dropbox.faults
    with connected(home) as daemon:
        faults.next(Fault("answer", "files/upload", answer=too_many_as_text("1.5")))
        faults.next(Fault("lose reply", "files/upload"))
        home.walk(yard[0])
        arrived_everywhere(home, 1)
        faults.next(Fault("answer", "files/upload", answer=server_error()))
        faults.next(Fault("answer", "files/upload", answer=portal_page()))
        faults.next(Fault("wrong hash", "files/upload"))
        home.walk(yard[0])
        arrived_everywhere(home, 2)
        status = home.command("status").stdout
        assert home.stop(daemon) < STOP_S
    assert "dropbox app folder: idle, all has left" in status
    for said in (
        "too many requests",
        "the connection broke off",
        "trouble of its own (HTTP status 503)",
        "does this network want a login in a browser first?",
        "is not what was sent",
    ):
        assert home.log.count(said) == 1, said
    quiet_ending(home)


def test_a_revoked_login_is_said_at_once_and_a_new_one_taken_up_without_a_restart(
    home: TwoStores, yard: tuple[WalkedYard, str]
) -> None:
    with connected(home) as daemon:
        with home.dropbox.lock:
            home.dropbox.tokens.disconnect_app()
        home.walk(yard[0])
        home.until(lambda: home.at("dropbox")["state"] == "refused", 5)
        (problem,) = home.state()["problems"]
        assert "takes nothing: Dropbox: the login was revoked, or is wrong; run `pi-sec-cam dropbox login`" in problem
        home.until(lambda: home.all_left("directory"), 5)
        refused = home.command("status").stdout
        log_in(home)
        arrived_everywhere(home, 1)
        assert home.state()["problems"] == []
        home.stop(daemon)
    assert f"does not work: {problem}" in refused
    assert re.search(
        r"refused, \d+ files .* wait, the oldest for \d+ s; since 2\S+: Dropbox: the login was rev", refused
    )
    quiet_ending(home)


def log_in(home: TwoStores) -> None:
    """As a person does it, with the browser."""
    command = [COMMAND, "dropbox", "login", "-c", home.config, "--app-key", APP_KEY]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=home.environment
    ) as login:
        assert login.stdin is not None
        assert login.stdout is not None
        address = next(line for line in login.stdout if "oauth2/authorize" in line)
        with home.dropbox.lock:
            code = home.dropbox.tokens.approve(address.strip())
        login.stdin.write(f"{code}\n")
        login.stdin.close()
        assert "The camera can write." in login.stdout.read()
    assert login.returncode == 0


def test_a_key_that_is_exchanged_is_said_and_not_used(home: TwoStores, yard: tuple[WalkedYard, str]) -> None:
    other = rsa.generate_private_key(65537, 1024)
    with home.running() as daemon:
        home.pem.write_bytes(public_pem(other))
        home.until(lambda: home.state()["problems"], 10)
        (problem,) = home.state()["problems"]
        assert f"{home.pem} is another key now" in problem
        assert "until the daemon is started anew" in problem
        home.walk(yard[0])
        arrived_everywhere(home, 1)  # which opens it with the owner's
        home.stop(daemon)
    assert home.log.count(problem) == 1


@pytest.mark.parametrize("what", ["nothing", "no key", "the private key"])
def test_without_the_key_nothing_starts(
    tmp_path: Path, owner: rsa.RSAPrivateKey, dropbox: LoopbackDropbox, what: str
) -> None:
    home = TwoStores(tmp_path, owner, dropbox)
    home.write(camera=scene(scene={"duration_s": 10}))
    private = owner.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    {
        "nothing": home.pem.unlink,
        "no key": lambda: home.pem.write_text("rubbish"),
        "the private key": lambda: home.pem.write_bytes(private),
    }[what]()
    done = home.command("run")
    assert done.returncode == 2
    assert done.stderr.startswith("pi-sec-cam: cannot seal (dropbox.public_pem_path): ")
    assert str(home.pem) in done.stderr
    assert "Traceback" not in done.stderr
    assert home.in_folder() == home.in_dropbox() == {}


@pytest.mark.parametrize(
    ("how", "fault"),
    [
        (signal.SIGTERM, Fault("hang", "files/upload")),
        (signal.SIGKILL, Fault("slow", "files/upload", bytes_per_s=3000)),
    ],
)
def test_an_end_in_mid_event_and_mid_upload_loses_nothing(
    home: TwoStores, yard: tuple[WalkedYard, str], how: signal.Signals, fault: Fault
) -> None:
    with connected(home) as daemon:
        home.dropbox.faults.lasting(fault)
        home.walk(yard[0], leave=False)
        home.until(lambda: len(home.in_folder()) > 4, 10)
        home.until(lambda: home.at("dropbox")["state"] == "sending", 5)
        assert home.stop(daemon, how) < STOP_S
        assert daemon.returncode == (0 if how == signal.SIGTERM else -how)
    waiting = len(list((home.storage / "outbox" / "dropbox").glob("Yard/*/*/*")))
    assert waiting
    home.dropbox.faults.clear()
    yard[0].walking.clear()
    with home.running() as daemon:
        home.until(lambda: home.state()["offsite"]["in_memory"]["events_unsettled"] == 0, BACK_OFF_S)
        assert home.in_dropbox() == home.in_folder()
        assert len(home.whole(home.in_dropbox())) == 1
        assert [event["offsite"] for event in home.events()] == [True]
        home.stop(daemon)
    quiet_ending(home)


def test_what_its_owner_deletes_never_leaves(home: TwoStores, yard: tuple[WalkedYard, str]) -> None:
    with connected(home) as daemon:
        home.dropbox.faults.lasting(Fault("hang", "files/upload"))
        home.walk(yard[0])
        home.walk(yard[0])
        deleted, stays = home.events()
        left_behind = home.storage / "outbox/a-former-store" / deleted["id"]
        left_behind.mkdir(parents=True)
        (left_behind / "video0.h264").write_bytes(b"nobody sends it")
        done = home.command("events", "delete", deleted["id"], "--yes")
        assert done.returncode == 0, done.stderr
        home.dropbox.faults.clear()
        home.until(lambda: home.all_left("dropbox"), BACK_OFF_S)
        assert home.whole(home.in_dropbox()) == [stays["id"]]
        assert list((home.storage / "outbox").glob(f"*/{deleted['id']}*")) == []
        home.stop(daemon)
    quiet_ending(home)
