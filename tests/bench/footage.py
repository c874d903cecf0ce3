"""Runs the whole node over footage and prints the events that it finds beside what really moves.

    make footage FOLDER=...        or: .venv/bin/python -m tests.bench.footage FOLDER [--roll SECONDS]

Each video in FOLDER is played as fast as possible through the daemon. Settings are the defaults but for pre-roll and
post-roll, one second each, so that movements that follow one another are events of their own; `--roll 8` is the
default of a camera, where they become one. Where a `.json` of
the same name lies beside it, `{"fps": F, "truth": [[first, last], …]}` in frame numbers, each stretch of truth is
listed with the event that covers it, and each event with the stretches that it holds. Recordings go to a temporary
folder and are removed.
"""

import argparse
import json
import logging
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from pi_sec_cam.config import parse_configuration
from pi_sec_cam.daemon import Daemon
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_record import EventRecord

_VIDEOS = {".mp4", ".avi", ".mkv", ".mov", ".h264", ".ts"}
# Movement is looked for five times a second and has a minimum time: so much later or earlier is still the same.
_TOLERANCE_S = 1.0

Span = tuple[float, float]


def watch(video: Path, **motion: Any) -> list[Span]:
    """Seconds from the start of `video`, from the first to the last movement of each event."""
    with tempfile.TemporaryDirectory() as storage:
        settings = {
            "camera": {"backend": "stream", "url": str(video.absolute()), "pace": "fast", "at_end": "exit"},
            "motion": motion,
            "server": {"enabled": False},
            "storage": {"directory": storage},
        }
        configuration = parse_configuration(json.dumps(settings), folder=Path())
        with Daemon(configuration) as daemon:
            failure = daemon.wait(threading.Event())
            start_us = daemon.status()["cameras"][0]["first_pts_us"]  # type: ignore[index]
        if failure:
            raise SystemExit(failure)
        return sorted(_span(record, start_us) for record in Archive(Path(storage)).scan())


def _span(record: EventRecord, start_us: int) -> Span:
    assert record.trigger_pts_us is not None
    begin = (record.trigger_pts_us - start_us) / 1e6
    return begin, begin + (record.motion_end - record.motion_start).total_seconds()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--roll", type=float, default=1.0, metavar="SECONDS")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    logging.basicConfig(level=logging.WARNING)
    videos = sorted(path for path in folder.iterdir() if path.suffix in _VIDEOS)
    if not videos:
        sys.exit(f"no videos in {folder}")
    for video in videos:
        report(video, arguments.roll)


def report(video: Path, roll: float) -> None:
    found = watch(video, rec_sec_before=roll, rec_sec_after=roll)
    known = video.with_suffix(".json")
    print(f"\n{video.name}")
    if not known.exists():
        for begin, end in found:
            print(f"  event {begin:7.1f} – {end:6.1f} s")
        print(f"  {len(found)} events; no truth beside it")
        return
    said = json.loads(known.read_text())
    truth: list[Span] = [(first / said["fps"], (last + 1) / said["fps"]) for first, last in said["truth"]]
    print("  really moving        event")
    for stretch in truth:
        events = [event for event in found if _meet(event, stretch)]
        shown = ", ".join(f"{begin:.1f} – {end:.1f} s" for begin, end in events) or "MISSED"
        print(f"  {stretch[0]:6.1f} – {stretch[1]:5.1f} s     {shown}")
    idle = [event for event in found if not any(_meet(event, stretch) for stretch in truth)]
    for begin, end in idle:
        print(f"  nothing              {begin:.1f} – {end:.1f} s")
    caught = sum(any(_meet(event, stretch) for event in found) for stretch in truth)
    print(f"  found {caught} of {len(truth)}; {len(found)} events, {len(idle)} of them without cause")


def _meet(event: Span, stretch: Span) -> bool:
    return event[0] <= stretch[1] + _TOLERANCE_S and event[1] >= stretch[0] - _TOLERANCE_S


if __name__ == "__main__":
    main()
