"""Events leave while they happen: whole, sealed, in the right order, and after a kill -9 as long as the clip here."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pi_sec_cam.media.access_unit import Codec
from pi_sec_cam.offsite.envelope import open_sealed
from pi_sec_cam.offsite.journal import Journal, number_of, read_journal
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import id_of_folder
from pi_sec_cam.record.stored_units import stored_units
from tests.system.daemon import Home, scene
from tests.system.films import RATE, walk
from tests.unit.streams import decoded_pictures

YARD = {"video_size": [320, 180], "framerate": 10, "cam_name": "Yard"}
MOTION: dict[str, float] = {"rec_sec_before": 3, "rec_sec_after": 2}

# A start that only sends what is left.
NOBODY = scene(scene={"people": False, "cat": False, "duration_s": 3})


@pytest.fixture(scope="session")
def owner() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


class Elsewhere:
    """A camera with a folder as its store, to which everything goes sealed for its owner."""

    def __init__(self, folder: Path, owner: rsa.RSAPrivateKey) -> None:
        self.owner = owner
        self.store = folder / "store"
        self.store.mkdir()
        self.pem = folder / "owner.pem"
        self.pem.write_bytes(owner.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        self.home = Home(folder)
        self.motion = MOTION
        self.write(scene())

    def write(self, camera: dict[str, Any], **more: Any) -> None:
        stores = [{"kind": "directory", "path": str(self.store)}]
        dropbox = {"public_pem_path": str(self.pem), **more}
        self.home.write(**YARD, motion=self.motion, camera=camera, stores=stores, dropbox=dropbox)

    def events(self) -> list[Path]:
        """The folders off-site, in the order of time."""
        return sorted({path.parent for path in self.store.glob("Yard/2*/*/*") if not path.name.startswith(".")})

    def files(self, event: Path) -> list[Path]:
        """As they arrived."""
        return sorted(event.iterdir(), key=lambda path: path.stat().st_mtime_ns)

    def plain(self, path: Path) -> bytes:
        return open_sealed(path.read_bytes(), self.owner)

    def chunks(self, event: Path) -> list[bytes]:
        """What is in the chunks, in the order of their numbers, of which none is missing."""
        chunks = sorted(event.glob("video*"), key=lambda path: number_of(path.name))
        assert [number_of(path.name) for path in chunks] == list(range(len(chunks)))
        return [self.plain(path) for path in chunks]

    def folder(self, event: Path) -> EventFolder:
        """Where the event is kept here."""
        name = event.relative_to(self.store).as_posix()
        return EventFolder(id_of_folder(name), self.home.storage / "recordings" / name)

    def journal(self, event: Path) -> Journal:
        journal = read_journal(self.folder(event).path)
        assert journal is not None
        return journal

    def recorded(self, event: Path) -> list[bytes]:
        """The access units of the clip here."""
        folder = self.folder(event)
        record = folder.read_record()
        assert record is not None
        return [unit.data for unit in stored_units(folder, record)]


def test_what_has_left_is_the_clip_byte_for_byte(tmp_path: Path, owner: rsa.RSAPrivateKey) -> None:
    elsewhere = Elsewhere(tmp_path, owner)
    elsewhere.write(scene(scene={"duration_s": 60}))
    done = elsewhere.home.command("run")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    kept = elsewhere.home.events()
    assert kept
    assert len(elsewhere.events()) == len(kept)
    for event in elsewhere.events():
        chunks = elsewhere.chunks(event)
        assert b"".join(chunks) == b"".join(elsewhere.recorded(event))
        assert elsewhere.plain(event / "motion0.jpg") == (elsewhere.folder(event).path / "motion.jpg").read_bytes()
        assert elsewhere.journal(event).final
        record = json.loads((elsewhere.folder(event).path / "event.json").read_text())
        assert record["offsite"]
        stream = tmp_path / "joined.h264"
        stream.write_bytes(b"".join(chunks))
        assert decoded_pictures(stream) == elsewhere.journal(event).pictures
    assert all(event["offsite"] for event in kept)


def hard_film(path: Path, codec: Codec) -> str:
    """Somebody walks about; B-frames, and long GOPs that are open. Returns the path as text."""
    params = "bframes=3:b-adapt=0:keyint=25:min-keyint=25:scenecut=0:open-gop=1"
    library, option = ("libx264", "-x264-params") if codec == "h264" else ("libx265", "-x265-params")
    encoding = ["-c:v", library, option, params, "-pix_fmt", "yuv420p", "-tag:v", "avc1" if codec == "h264" else "hvc1"]
    command = ["ffmpeg", "-v", "error", "-f", "h264", "-framerate", str(RATE), "-i", "-", *encoding, str(path)]
    subprocess.run(command, input=b"".join(walk()), check=True, capture_output=True)
    return str(path)


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_so_it_is_with_b_frames_open_gops_and_events_that_go_on_in_others(
    tmp_path: Path, owner: rsa.RSAPrivateKey, codec: Codec
) -> None:
    elsewhere = Elsewhere(tmp_path, owner)
    film = hard_film(tmp_path / "film.mp4", codec)
    elsewhere.motion = {"rec_sec_before": 1, "rec_sec_after": 1, "max_event_time": 5}
    elsewhere.write({"backend": "stream", "url": film, "pace": "fast", "at_end": "exit"}, file_chunk_megs=0.01)
    done = elsewhere.home.command("run")
    assert done.returncode == 0, done.stderr
    assert len(elsewhere.events()) == len(elsewhere.home.events()) > 1
    for event in elsewhere.events():
        chunks = elsewhere.chunks(event)
        assert max(len(chunk) for chunk in chunks) <= 0.01 * 1048576
        assert b"".join(chunks) == b"".join(elsewhere.recorded(event))
        assert {path.suffix for path in event.glob("video*")} == {f".{codec}"}


def test_what_happens_now_leaves_before_what_was_before_it(tmp_path: Path, owner: rsa.RSAPrivateKey) -> None:
    elsewhere = Elsewhere(tmp_path, owner)
    elsewhere.write({"backend": "scene"})
    with elsewhere.home.running() as daemon:
        elsewhere.home.until(lambda: any(len(elsewhere.files(event)) > 7 for event in elsewhere.events()), 40)
        (event, *_) = elsewhere.events()
        arrived = [path.name for path in elsewhere.files(event)]
        elsewhere.home.stop(daemon)
    elsewhere.write(NOBODY)
    assert elsewhere.home.command("run").returncode == 0
    assert arrived[0] == "motion0.jpg"
    newest = number_of(arrived[1])
    assert newest > 1, arrived
    before = [number_of(name) for name in arrived[1:] if number_of(name) < newest]
    assert sorted(before, reverse=True) == before, "of what was before, the newest leaves first"
    assert sorted(before) == list(range(newest))
    lines = {number_of(line["file"]): line for line in elsewhere.journal(event).video}
    trigger_us = json.loads((elsewhere.folder(event).path / "event.json").read_text())["trigger_pts_us"]
    assert lines[0]["pts_us"][0] <= trigger_us - 3_000_000
    assert lines[newest]["pts_us"][0] <= trigger_us <= lines[newest]["pts_us"][-1]
    assert all(line["duration_s"] < 1.15 for number, line in lines.items() if number != newest)
    assert b"".join(elsewhere.chunks(event)) == b"".join(elsewhere.recorded(event)), "a stop cuts the rest"


@pytest.mark.parametrize("chunks", [1, 6])
def test_after_a_kill_what_is_here_and_what_is_elsewhere_end_alike(
    tmp_path: Path, owner: rsa.RSAPrivateKey, chunks: int
) -> None:
    elsewhere = Elsewhere(tmp_path, owner)
    elsewhere.write({"backend": "scene"})
    with elsewhere.home.running() as daemon:
        elsewhere.home.until(lambda: any(len(list(event.glob("video*"))) >= chunks for event in elsewhere.events()), 40)
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
    (event,) = elsewhere.events()
    clip = b"".join(elsewhere.recorded(event))
    left = sorted(event.glob("video*"), key=lambda path: number_of(path.name))
    assert all(elsewhere.plain(path) in clip for path in left), "the disk is never behind"
    elsewhere.write(NOBODY)
    done = elsewhere.home.command("run")
    assert done.returncode == 0, done.stderr
    assert elsewhere.journal(event).final
    recorded = elsewhere.recorded(event)
    assert b"".join(recorded) == clip
    assert b"".join(elsewhere.chunks(event)) == clip
    assert elsewhere.journal(event).pictures == len(recorded)
    assert elsewhere.plain(event / "motion0.jpg").startswith(b"\xff\xd8")
    (kept,) = elsewhere.home.events()
    assert kept["offsite"]
    assert list((elsewhere.home.storage / "outbox").glob("*/Yard/2*/*/*")) == []
