"""A time-stamp authority and the real daemon: stamps arrive, once a day, and a silent authority holds up nothing."""

import json
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from pi_sec_cam.evidence.camera_key import raw, read_camera_key
from pi_sec_cam.evidence.record import parse_line
from pi_sec_cam.evidence.timestamp import check_stamp, read_authorities
from tests.system.daemon import COMMAND, Home, scene
from tests.timestamp_authority import Answer, TimestampAuthority


def home(folder: Path, authority: TimestampAuthority) -> Home:
    (folder / "store").mkdir()
    camera = scene(scene={"people": False, "cat": False}, pace="realtime")
    stores = [{"kind": "directory", "path": str(folder / "store")}]
    stamps = {"timestamp_url": authority.url}
    return Home(folder, cam_name="Yard", video_size=[320, 180], camera=camera, stores=stores, evidence=stamps)


def test_what_the_camera_signs_is_stamped_and_a_restart_does_not_ask_again(tmp_path: Path) -> None:
    with TimestampAuthority(tmp_path / "authority") as authority:
        yard, own = home(tmp_path, authority), tmp_path / "store" / "Yard" / "evidence"
        with yard.running() as daemon:
            yard.until(lambda: list(own.glob("*/stamp0.tsr")) and yard.status()["offsite"]["evidence"]["stamps"], 40)
            said = yard.status()["offsite"]["evidence"]["stamps"]
            assert (said["authority"], said["last_error"]) == ("127.0.0.1", None)
            assert said["last_stamp"] is not None
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(20) == 0, yard.log
        with yard.running() as daemon:
            yard.until(lambda: len(list(own.iterdir())) == 2, 40)
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(20) == 0, yard.log
    assert len(authority.asked) == 1
    (stamp,) = own.glob("*/*.tsr")
    lines = b"".join(path.read_bytes() for path in stamp.parent.glob("*.jsonl")).splitlines()
    (said,) = (record.fields for record in map(parse_line, lines) if record.fields["kind"] == "stamped")
    assert said["file"] == stamp.name
    assert check_stamp(stamp.read_bytes(), said["head"], read_authorities(authority.root))
    key = read_camera_key(yard.storage / "identity")
    assert key is not None
    command = [COMMAND, "verify", tmp_path / "store", "-p", raw(key.public_key()).hex(), "--tsa-ca", authority.root]
    done = subprocess.run([*command, "--complete", "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["cameras"][0]["stamped"]["head"] == said["head"]


@pytest.mark.parametrize("silent", [True, False])
def test_an_authority_that_says_nothing_good_holds_up_nothing(tmp_path: Path, silent: bool) -> None:
    go_on = threading.Event()

    def answer(_: bytes) -> Answer:
        if silent:
            go_on.wait(60)
        return Answer(b"<html>Please log in</html>")

    with TimestampAuthority(tmp_path / "authority") as authority:
        authority.answer = answer
        yard, store = home(tmp_path, authority), tmp_path / "store"
        with yard.running() as daemon:
            yard.until(lambda: authority.asked and list(store.glob("Yard/evidence/*/evidence0.jsonl")), 40)
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(20) == 0, yard.log
        go_on.set()
    assert "did not end" not in yard.log
    assert not list(store.rglob("*.tsr"))
