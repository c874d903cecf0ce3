"""Sealed mode in the real daemon: what leaves is the recording, and nothing clear is on the disk at any time."""

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.system.daemon import COMMAND, Home, scene
from tests.unit.downloads import key, pictures_of
from tests.unit.owner_keys import public_pem

# Parameter sets with a start code, as every keyframe of ours has; MP4's boxes, with their size; how a JPEG begins.
# Sealed files are text, in which "moof" alone would occur by chance.
CLEAR = re.compile(rb"\x00{3}\x01[\x67\x27][\x42\x4d\x58\x64]|\x00{2}..(?:avcC|moof|ftyp)|\xff\xd8\xff[\xe0\xdb]", re.S)
MOTION = {"rec_sec_before": 2, "rec_sec_after": 2}


def configuration(folder: Path, camera: dict[str, Any], *, sealed: bool = True, stores: bool = True) -> dict[str, Any]:
    return {
        "cam_name": "Yard",
        "video_size": [320, 240],
        "framerate": 10,
        "motion": MOTION,
        "camera": camera,
        "dropbox": {"public_pem_path": str(folder / "public.pem")},
        "stores": [{"kind": "directory", "path": str(folder / "nas")}] if stores else [],
        "storage": {"sealed": sealed},
    }


def sealed_home(folder: Path, camera: dict[str, Any], **how: bool) -> Home:
    """A camera that seals, and a folder elsewhere."""
    (folder / "public.pem").write_bytes(public_pem(1024))
    (folder / "nas").mkdir()
    return Home(folder, **configuration(folder, camera, **how))


def clear_files(folder: Path) -> list[str]:
    """Files below a folder in which there is a picture or video that anybody can see."""
    found = []
    for path in folder.rglob("*"):
        try:
            if path.is_file() and CLEAR.search(path.read_bytes()):
                found.append(path.relative_to(folder).as_posix())
        except FileNotFoundError:  # it has just left
            continue
    return found


def names(folder: Path) -> dict[str, bytes]:
    """Pictures and video below a folder, and what is in them."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.name.startswith(("video", "motion"))
    }


def films(home: Home, event: str) -> list[str]:
    """Hashes of the pictures that its owner gets of an event."""
    out = home.folder / f"{event.replace('/', ' ')}.mp4"
    done = home.command("export", event, str(out), "-k", str(key(home.folder)))
    assert done.returncode == 0, done.stderr
    found = pictures_of(out)
    out.unlink()
    return found


def opened_for_writing(trace: Path) -> set[str]:
    """The paths in a list of strace's of which something was opened to write, made or renamed to."""
    paths = set()
    for line in trace.read_text(errors="replace").splitlines():
        if ("O_WRONLY" in line or "O_RDWR" in line or "O_CREAT" in line) and " = -1 " not in line:
            paths.update(re.findall(r'"([^"]+)"', line))
    return paths


def test_the_recording_is_what_leaves_and_nothing_else_is_written(tmp_path: Path) -> None:
    home = sealed_home(tmp_path, scene(scene={"duration_s": 40}))
    trace = tmp_path / "trace"
    strace = ("strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=open,openat,creat", "-e", "signal=none")
    done = home.command("run", before=(*strace, "-o", str(trace)))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    written = opened_for_writing(trace)
    assert any(path.endswith("video0.h264.new") for path in written), "else nothing was seen"
    assert not {
        path for path in written if path.startswith("/") and not path.startswith((str(tmp_path), "/dev/", "/proc/"))
    }
    assert not {path for path in written if path.startswith("/dev/shm")}
    assert not {path for path in written if path.endswith((".mp4", ".mp4.new", "motion.jpg", "motion.jpg.new"))}
    assert clear_files(tmp_path) == []
    events = home.events()
    assert events
    assert names(home.storage / "recordings") == names(tmp_path / "nas")
    for event in events:
        assert event["offsite"]
        record = json.loads((Path(event["path"]) / "event.json").read_bytes())
        assert record["state"] == "complete"
        assert sum(part["pictures"] for part in record["parts"]) == len(films(home, event["id"]))
    wrap = [COMMAND, "wrap", "-i", tmp_path / "nas", "-o", tmp_path / "films", "-f", "10", "-k", key(tmp_path)]
    subprocess.run(wrap, check=True, capture_output=True)
    for event in events:
        assert pictures_of(tmp_path / "films" / event["id"] / "video.mp4") == films(home, event["id"])


def test_without_sealed_mode_the_disk_is_seen_to_be_clear(tmp_path: Path) -> None:
    """What the other tests look for is found where it is."""
    home = sealed_home(tmp_path, scene(scene={"duration_s": 25}), sealed=False)
    assert home.command("run").returncode == 0
    found = clear_files(tmp_path)
    assert any(path.endswith("video.mp4") for path in found)
    assert any(path.endswith("motion.jpg") for path in found)
    assert not [path for path in found if path.startswith("nas")]


def test_after_a_kill_disk_and_offsite_end_at_the_same_picture(tmp_path: Path) -> None:
    home = sealed_home(tmp_path, {"backend": "scene", "scene": {"duration_s": 600}})
    recordings, nas = home.storage / "recordings", tmp_path / "nas"
    with home.running() as daemon:
        home.until(lambda: len(names(recordings)) > 6, 60)
        assert clear_files(tmp_path) == []
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
    assert clear_files(tmp_path) == []
    left = names(recordings)
    home.write(**configuration(tmp_path, {"backend": "scene", "scene": {"people": False, "cat": False}}))
    with home.running() as daemon:
        home.until(lambda: names(nas).keys() >= names(recordings).keys(), 20)
        home.until(lambda: home.events() and all(event["offsite"] for event in home.events()), 20)
        home.stop(daemon)
    assert clear_files(tmp_path) == []
    assert names(recordings).items() <= left.items(), "nothing is made up, and nothing changed"
    assert names(nas) == names(recordings)
    (event,) = home.events()
    record = json.loads((Path(event["path"]) / "event.json").read_bytes())
    assert record["state"] == "interrupted"
    assert len(films(home, event["id"])) == sum(part["pictures"] for part in record["parts"]) > 0


def test_a_stop_in_mid_event_ends_it_whole_with_nowhere_to_send_it(tmp_path: Path) -> None:
    home = sealed_home(tmp_path, {"backend": "scene", "scene": {"duration_s": 600}}, stores=False)
    with home.running() as daemon:
        home.until(lambda: len(names(home.storage / "recordings")) > 4, 60)
        assert home.stop(daemon) < 5
        assert daemon.returncode == 0
    (event,) = home.events()
    record = json.loads((Path(event["path"]) / "event.json").read_bytes())
    assert (record["state"], record["end_reason"]) == ("complete", "stopped")
    assert len(films(home, event["id"])) == sum(part["pictures"] for part in record["parts"])
