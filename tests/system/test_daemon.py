"""The whole daemon on the rendered scene: what a user sees of it, from start to a kept clip and a clean stop."""

import json
import os
import signal
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
import simplejpeg

from tests.system.daemon import Home, scene
from tests.system.test_daemon_rtsp import film
from tests.unit.streams import decoded_pictures, encoded, format_duration, packets, stream_entry

SMALL = {"video_size": [320, 180], "framerate": 10, "cam_name": "Yard"}
# Somebody comes within 8 s; pre- and post-roll are short, so that the tests are.
MOTION = {"rec_sec_before": 3, "rec_sec_after": 2}
PROMISED = {"id", "camera", "start", "end", "duration", "path", "bytes", "labels", "offsite", "locked"}


def seconds(event: dict[str, str], first: str, last: str) -> float:
    return (datetime.fromisoformat(event[last]) - datetime.fromisoformat(event[first])).total_seconds()


def test_what_moves_is_kept_from_before_the_movement_on(tmp_path: Path) -> None:
    home = Home(tmp_path, **SMALL, motion=MOTION, camera=scene(scene={"duration_s": 60}))
    done = home.command("run")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert str(home.storage) in done.stdout
    events = home.events()
    assert events
    for event in events:
        assert {"id", "camera", "start", "end", "duration", "path", "bytes", "labels", "offsite", "locked"} <= set(
            event
        )
        assert event["camera"] == "Yard"
        folder = Path(event["path"])
        clip = folder / "video.mp4"
        assert packets(clip)[0]["flags"].startswith("K")
        assert format_duration(clip) == pytest.approx(event["duration"], abs=0.01)
        assert seconds(event, "start", "end") == pytest.approx(event["duration"], abs=0.01)
        assert decoded_pictures(clip) == pytest.approx(event["duration"] * 10, abs=1)
        record = json.loads((folder / "event.json").read_text())
        assert 3 <= seconds(record, "start", "motion_start") <= 4.2  # to the keyframe before
        assert record["state"] == "complete"
        assert record["end_reason"] in {"rest", "source_ended"}
        assert seconds(record, "motion_start", "motion_end") > 0.3
        if record["end_reason"] == "rest":
            assert seconds(record, "motion_end", "end") == pytest.approx(2, abs=0.3)
        picture = simplejpeg.decode_jpeg((folder / "motion.jpg").read_bytes(), "RGB").astype(int)
        assert picture.shape == (180, 320, 3)
        assert ((picture[..., 0] > 180) & (picture[..., 1] < 90) & (picture[..., 2] < 90)).any(), "no red outline"


def test_a_scene_where_nothing_moves_leaves_nothing(tmp_path: Path) -> None:
    still = {"people": False, "cat": False, "duration_s": 60}
    home = Home(tmp_path, **SMALL, motion=MOTION, camera=scene(scene=still))
    assert home.command("run").returncode == 0
    assert home.events() == []


def test_an_event_can_be_exported(tmp_path: Path) -> None:
    home = Home(tmp_path, **SMALL, motion=MOTION, camera=scene(scene={"duration_s": 25}))
    assert home.command("run").returncode == 0
    (event, *_) = home.events()
    out = tmp_path / "out.mp4"
    done = home.command("export", event["id"], str(out))
    assert done.returncode == 0, done.stderr
    assert decoded_pictures(out) == decoded_pictures(Path(event["path"]) / "video.mp4")
    assert stream_entry(out, "nb_frames") != "N/A"  # an ordinary file: its index says how many
    assert home.command("export", event["id"], str(out)).returncode == 1
    assert home.command("export", "no such event", str(tmp_path / "x.mp4")).returncode == 1


def test_sigterm_in_mid_event_closes_the_clip_in_time(tmp_path: Path) -> None:
    home = Home(tmp_path, **SMALL, motion=MOTION, camera={"backend": "scene"})
    with home.running() as daemon:
        home.until(lambda: home.status()["cameras"][0]["recorder"]["event"], 30)
        (running,) = home.events()
        assert json.loads((Path(running["path"]) / "event.json").read_text())["state"] == "recording"
        took = home.stop(daemon)
        assert daemon.returncode == 0, home.log
        assert took < 5
    (event,) = home.events()
    clip = Path(event["path"]) / "video.mp4"
    assert json.loads((Path(event["path"]) / "event.json").read_text())["state"] == "complete"
    assert format_duration(clip) == pytest.approx(event["duration"], abs=0.01)
    assert decoded_pictures(clip) > 0
    assert "Traceback" not in home.log


def test_after_a_kill_in_mid_event_the_clip_plays_and_is_listed(tmp_path: Path) -> None:
    home = Home(tmp_path, **SMALL, motion=MOTION, camera={"backend": "scene"})
    with home.running() as daemon:
        home.until(lambda: list(home.storage.rglob("video.mp4")), 30)
        (clip,) = home.storage.rglob("video.mp4")
        home.until(lambda: clip.stat().st_size > 0, 10)
        home.stop(daemon, signal.SIGKILL)
    kept = decoded_pictures(clip)
    assert kept > 0
    home.write(**SMALL, motion=MOTION, camera=scene(scene={"people": False, "cat": False, "duration_s": 1}))
    assert home.command("run").returncode == 0
    (event,) = home.events()
    assert Path(event["path"]) == clip.parent
    assert decoded_pictures(clip) == kept
    assert event["duration"] == pytest.approx(format_duration(clip), abs=0.01)


def test_a_second_daemon_on_the_same_storage_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path, **SMALL, camera={"backend": "scene"})
    with home.running() as daemon:
        second = home.command("run")
        assert second.returncode == 1
        assert f"process {daemon.pid}" in second.stderr
        assert "Traceback" not in second.stderr
        home.stop(daemon)


def test_status_tells_what_works_and_what_does_not(tmp_path: Path) -> None:
    home = Home(
        tmp_path,
        **SMALL,
        camera={"backend": "scene"},
        stores=[
            {
                "kind": "s3",
                "endpoint_url": "http://127.0.0.1:9",
                "bucket": "cameras",
                "access_key_id": "camera",
                "secret_access_key": "secret-token",
            }
        ],
        servos=[{"board_pin": 7}],
        infrared_controller={"serial_port": "/dev/no-such-port"},
    )
    with home.running() as daemon:
        home.until(lambda: home.status()["cameras"][0]["source"]["state"] == "live", 20)
        status = home.status()
        assert status["state"] == "degraded"
        assert status["pid"] == daemon.pid
        camera = status["cameras"][0]
        assert camera["source"]["pictures"] > 0
        assert datetime.fromisoformat(camera["source"]["since"]).tzinfo is not None
        named = " ".join(status["problems"])
        for part in ("servos", "/dev/no-such-port"):
            assert part in named
        (store,) = status["offsite"]["stores"]
        assert (store["kind"], status["offsite"]["key"]) == ("s3", None)
        text = home.command("status")
        assert text.returncode == 0
        assert "degraded" in text.stdout
        assert "off-site: NOT sealed" in text.stdout
        home.stop(daemon)
    assert "secret-token" not in home.log + json.dumps(status) + text.stdout


def test_without_a_daemon_status_says_how_to_start_one(tmp_path: Path) -> None:
    done = Home(tmp_path).command("status")
    assert done.returncode == 1
    assert "pi-sec-cam run" in done.stderr


def test_a_camera_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    url = "rtsp://user:hunter2@127.0.0.1:1/front"
    home = Home(tmp_path, cam_name="Front", camera={"backend": "stream", "url": url})
    with home.running() as daemon:
        home.until(lambda: home.status()["cameras"][0]["source"]["state"] == "away", 30)
        status = home.status()
        assert status["state"] == "degraded"
        assert "127.0.0.1:1" in " ".join(status["problems"])
        home.until(lambda: home.status()["cameras"][0]["source"]["attempts"] > 2, 30)
        assert daemon.poll() is None
        assert home.stop(daemon) < 5
        assert daemon.returncode == 0
    assert "hunter2" not in home.log + json.dumps(status)
    assert "Traceback" not in home.log


def test_with_no_camera_at_all_auto_waits_and_never_shows_the_scene(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.running() as daemon:
        home.until(lambda: home.status()["cameras"][0]["source"]["attempts"] > 0, 20)
        source = home.status()["cameras"][0]["source"]
        assert source["kind"] == "auto"
        assert source["state"] in {"away", "live", "connecting"}  # a machine that runs the tests may have a camera
        home.stop(daemon)


def test_demo_shows_the_scene_whatever_is_configured(tmp_path: Path) -> None:
    home = Home(tmp_path, **SMALL, camera={"backend": "stream", "url": "/no/such/file.mp4"})
    with home.running("--demo") as daemon:
        home.until(lambda: home.status()["cameras"][0]["source"]["state"] == "live", 20)
        assert home.status()["cameras"][0]["source"]["kind"] == "scene"
        home.stop(daemon)


def test_two_cameras_run_in_one_process(tmp_path: Path) -> None:
    camera = scene(scene={"duration_s": 25})
    home = Home(tmp_path, **SMALL, motion=MOTION, camera=camera, cameras=[{"cam_name": "East"}, {"cam_name": "West"}])
    assert home.command("run").returncode == 0
    assert {event["camera"] for event in home.events()} == {"East", "West"}
    assert {event["camera"] for event in home.events("--camera", "East")} == {"East"}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("absent.mp4", None, "absent.mp4"),
        ("text.mp4", b"this is not video\n" * 1000, "text.mp4"),
        ("empty.mp4", b"", "empty.mp4"),
        ("no_index.mp4", "cut", "no_index.mp4"),
    ],
)
def test_a_file_that_cannot_be_played_is_named(
    tmp_path: Path, name: str, content: bytes | str | None, says: str
) -> None:
    if content is not None:
        data = encoded(seconds=2)
        (tmp_path / name).write_bytes(data[: data.index(b"moov")] if content == "cut" else content)  # type: ignore[arg-type]
    camera = {"backend": "stream", "url": str(tmp_path / name), "at_end": "exit"}
    home = Home(tmp_path, camera=camera)
    done = home.command("run")
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_truncated_file_is_kept_as_far_as_it_goes(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    source = film(tmp_path / "film.mp4", 320, 180)
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, "-c", "copy", whole], check=True)
    length = whole.stat().st_size * 2 // 3  # somebody is walking there
    cut.write_bytes(whole.read_bytes()[:length])
    home = Home(
        tmp_path, motion=MOTION, camera={"backend": "stream", "url": str(cut), "at_end": "exit", "pace": "fast"}
    )
    done = home.command("run")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    (event,) = home.events()
    clip = Path(event["path"]) / "video.mp4"
    assert json.loads((clip.parent / "event.json").read_text())["end_reason"] == "source_ended"
    # The coded pictures are the file's own, up to the cut.
    there = [p["size"] for p in packets(whole, shown="size,pos") if int(p["pos"]) + int(p["size"]) <= length]
    kept = [picture["size"] for picture in packets(clip, shown="size")]
    assert len(kept) > 3 * 15, "with its pre-roll"
    assert any(kept == there[-len(kept) - lost : len(there) - lost] for lost in range(3))
    assert decoded_pictures(clip) == len(kept)


@pytest.mark.parametrize("kind", ["a file is in the way", "a parent is a file"])
def test_a_storage_directory_that_cannot_be_used_is_named(tmp_path: Path, kind: str) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("in the way")
    directory = blocked if kind == "a file is in the way" else blocked / "below"
    home = Home(tmp_path, camera={"backend": "scene"}, storage={"directory": str(directory)})
    done = home.command("run")
    assert done.returncode == 1
    assert "storage.directory" in done.stderr
    assert str(directory) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_storage_directory_without_permission_is_named(tmp_path: Path) -> None:
    home = Home(tmp_path, camera={"backend": "scene"})
    home.storage.mkdir(mode=0o555)
    before: tuple[str, ...] = ()
    if os.getuid() == 0:  # root may write everywhere, unless it gives up just that right
        os.chown(home.storage, 12345, 12345)
        before = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
    done = home.command("run", before=before)
    assert done.returncode == 1
    assert str(home.storage) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_list_of_events_is_made_anew_and_does_not_keep_the_camera_from_recording(tmp_path: Path) -> None:
    home = Home(tmp_path, **SMALL, motion=MOTION, camera=scene(scene={"duration_s": 25}))
    assert home.command("run").returncode == 0
    (before,) = home.events()
    catalogue = home.storage / "catalogue.sqlite3"
    catalogue.write_bytes(b"SQLite format 3\0" + b"garbage" * 1000)

    done = home.command("run")
    assert done.returncode == 0
    assert str(catalogue) in done.stderr
    assert "Traceback" not in done.stderr
    listed = home.events()
    assert before in listed
    (second,) = (event for event in listed if event != before)
    assert decoded_pictures(Path(second["path"]) / "video.mp4") > 0
    assert catalogue.with_name("catalogue.sqlite3.damaged").exists()


def test_without_a_key_that_can_be_used_nothing_is_kept_in_the_clear(tmp_path: Path) -> None:
    key = tmp_path / "public.key"
    key.write_text("a key")
    home = Home(tmp_path, camera={"backend": "scene"}, storage={"sealed": True}, dropbox={"public_pem_path": str(key)})
    done = home.command("run")
    assert done.returncode == 2
    assert "dropbox.public_pem_path" in done.stderr
    assert str(key) in done.stderr
    assert not list(home.storage.rglob("*.mp4"))


def test_a_broken_configuration_names_its_faults(tmp_path: Path) -> None:
    home = Home(tmp_path, framrate=20, motion={"fps": True})
    for command in ("run", "status", "events"):
        done = home.command(command)
        assert done.returncode == 2
        assert "framrate" in done.stderr
        assert "framerate" in done.stderr
        assert "motion.fps" in done.stderr
        assert "Traceback" not in done.stderr
