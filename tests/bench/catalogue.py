"""How quick ten thousand events are: filters, the start, the rebuilding of the list from the files; prints medians.

    nice .venv/bin/python -m tests.bench.catalogue [EVENTS]

The bar for each filter is 50 ms. Events as a year of one busy camera or of three quiet ones has them: a label on every
tenth, another on every hundredth.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sized
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import EventRecord, to_json
from pi_sec_cam.record.rebuild import open_or_rebuild, rebuild
from pi_sec_cam.record.recovery import recover, survey
from tests.unit.events import NOON, record

_RUNS = 9
_CAMERAS = ("Yard", "Front door", "Garage")


def median_ms(name: str, work: Callable[[], object], runs: int = _RUNS) -> None:
    work()
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        done = work()
        seconds.append(time.perf_counter() - began)
    found = f"{len(done):6} found" if isinstance(done, Sized) else ""
    print(f"{name:<52}{statistics.median(seconds) * 1000:9.1f} ms  {found}")


def write_events(archive: Archive, count: int) -> None:
    """Folders with their event.json; without video, which nothing here looks at."""
    archive.prepare()
    for number in range(count):
        event = some_event(number)
        folder = EventFolder(event.id, archive.directory / event.path)
        folder.path.mkdir(parents=True)
        (folder.path / "event.json").write_bytes(to_json(event))


def some_event(number: int) -> EventRecord:
    start = NOON + timedelta(minutes=50 * number)
    camera = _CAMERAS[number % 3]
    labels = (*(["cat"] if number % 10 == 0 else []), *(["postman"] if number % 100 == 0 else []))
    return record(start, 10 + number % 50, camera, labels=labels, offsite=number % 2 == 0)


def filters(catalogue: Catalogue) -> None:
    week: dict[str, Any] = {"since": NOON + timedelta(days=60), "until": NOON + timedelta(days=67)}
    median_ms("a camera's newest 100", lambda: catalogue.find(camera="Yard", limit=100))
    median_ms("a week", lambda: catalogue.find(**week))
    median_ms("a camera's week", lambda: catalogue.find(camera="Yard", **week))
    median_ms("a label (every tenth event)", lambda: catalogue.find(label="cat"))
    median_ms("a label, newest 100", lambda: catalogue.find(label="cat", limit=100))
    median_ms("a rare label", lambda: catalogue.find(label="postman"))
    median_ms("a label in a week", lambda: catalogue.find(label="cat", **week))
    median_ms("55 s and longer", lambda: catalogue.find(min_duration_s=55))
    median_ms("55 s and longer, newest 100", lambda: catalogue.find(min_duration_s=55, limit=100))
    median_ms(
        "all at once: camera, week, label, length",
        lambda: catalogue.find(camera="Yard", label="cat", min_duration_s=10, max_duration_s=60, limit=100, **week),
    )
    median_ms("nothing that matches", lambda: catalogue.find(label="dog"))
    median_ms("all events, unfiltered", catalogue.find)
    median_ms("retention: all that may be deleted", catalogue.deletable)
    median_ms("retention: size of all", catalogue.bytes_total)
    median_ms("status: count", catalogue.count)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(Path(folder), zone=UTC)
        write_events(archive, count)
        print(f"{count} events")
        with Catalogue(archive.catalogue_path) as catalogue:
            median_ms("rebuild from the files", lambda: rebuild(archive, catalogue).count(), 3)
            filters(catalogue)
            size = archive.catalogue_path.stat().st_size
            median_ms(f"look for damage ({size / 1e6:.1f} MB)", catalogue.check)
            median_ms("compare folders and rows", lambda: survey(archive, catalogue))
            median_ms("put one event, durable", lambda: catalogue.put(some_event(0)))
        median_ms("the daemon's start: open, check, compare", lambda: start(archive))


def start(archive: Archive) -> None:
    catalogue, _ = open_or_rebuild(archive)
    with catalogue:
        recover(archive, catalogue)


if __name__ == "__main__":
    main()
