"""What the owner says of events, through the daemon: while one runs, past a kill, past the loss of the list."""

import json
from pathlib import Path
from typing import Any

from tests.system.daemon import Home

CAMERA = {"cam_name": "Yard", "video_size": [320, 180], "framerate": 10, "camera": {"backend": "scene"}}


def said(home: Home) -> dict[str, tuple[Any, ...]]:
    """Of all events, as listed; which must be what their files say."""
    listed = home.events()
    for event in listed:
        written = json.loads((Path(event["path"]) / "event.json").read_bytes())
        assert all(event[name] == written[name] for name in ("locked", "labels", "note"))
    return {event["id"]: (event["locked"], event["labels"], event["note"]) for event in listed}


def test_words_outlive_recorder_kill_and_list(tmp_path: Path) -> None:
    home = Home(tmp_path, motion={"rec_sec_before": 1, "rec_sec_after": 1, "max_event_time": 5}, **CAMERA)
    catalogue = home.storage / "catalogue.sqlite3"

    with home.running() as daemon:
        home.until(home.events, 30)
        running = home.events()[-1]["id"]
        assert home.command("events", "lock", running).returncode == 0
        assert home.command("events", "label", running, "cat", "dog").returncode == 0
        assert home.command("events", "note", running, "while it runs").returncode == 0
        refused = home.command("events", "delete", "--yes", running)
        assert refused.returncode == 1
        assert "locked" in refused.stderr
        words = (True, ["cat", "dog"], "while it runs")
        assert said(home)[running] == words
        home.until(lambda: home.events()[0]["state"] == "complete", 30)
        assert said(home)[running] == words, "the recorder's last word undid the owner's"

        # The list is deleted under the running daemon: it notices, and makes a new one.
        catalogue.unlink()
        rebuilt = home.command("catalogue", "rebuild")
        assert rebuilt.returncode == 0, rebuilt.stderr
        assert said(home)[running] == words
        catalogue.unlink()
        home.until(lambda: catalogue.exists() and running in said(home), 60)
        assert said(home)[running] == words
        daemon.kill()

    catalogue.write_bytes(b"no database" * 1000)
    for file in home.storage.glob("catalogue.sqlite3-*"):
        file.unlink()
    left_behind = home.storage / "outbox/a-former-store"
    for event in (running, "Yard/2026-05-04/18.30.12"):
        (left_behind / event).mkdir(parents=True)
        (left_behind / event / "video0.h264").write_bytes(b"nobody sends it")
    with home.running() as daemon:
        home.until(lambda: running in said(home), 10)
        assert said(home)[running] == words
        assert "damaged" in home.log
        assert catalogue.with_name("catalogue.sqlite3.damaged").exists()
        assert home.command("events", "unlock", running).returncode == 0
        assert home.command("events", "delete", "--yes", running).returncode == 0
        assert running not in said(home)
        assert not (home.storage / "recordings" / running).exists()
        assert f"2 files wait in {left_behind}" in home.log
        assert [path.parent.name for path in left_behind.rglob("*.h264")] == ["18.30.12"]
        home.stop(daemon)

    # Without a daemon the same.
    other = home.events()[0]["id"]
    assert home.command("events", "lock", other).returncode == 0
    assert said(home)[other][0]
    assert home.command("events", "delete", "--yes", other).returncode == 1
    assert home.command("events", "unlock", other).returncode == 0
    assert home.command("events", "delete", "--yes", other).returncode == 0
    assert other not in said(home)
    assert "Traceback" not in home.log
