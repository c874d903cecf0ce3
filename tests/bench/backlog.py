"""A day's backlog: 10,000 chunks hand over, wait through a restart, and drain; what the process keeps in memory.

    .venv/bin/python -m tests.bench.backlog [--chunks 10000] [--kib 64] [--folder DIR]

Two stores are away while 200 events of 50 chunks are handed over as fast as the outbox has room. Then the program
starts anew, and both take all they are given and keep none of it. MiB resident beside what the index of the waiting
files takes (the same, counted by tracemalloc).
"""

import argparse
import os
import random
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from pi_sec_cam.clock import SystemClock
from pi_sec_cam.errors import TemporaryError
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outbox_writer import OutboxWriter
from pi_sec_cam.offsite.outgoing import OutgoingFile, Video
from pi_sec_cam.offsite.uploader import Uploader
from pi_sec_cam.worker import stop_all
from tests.bench.process_figures import cpu_seconds, resident_kib
from tests.unit.outbox_bench import Home

_IN_AN_EVENT = 50
_GROWTH_MIB = 4.0


class Sink:
    """Takes everything and keeps none of it; or is away."""

    kind = "sink"
    where = "nowhere"

    def __init__(self, *, away: bool) -> None:
        self._away = away
        self.files = 0
        self.on_file: Callable[[], None] = lambda: None

    def warm(self) -> None:
        pass

    def put(self, path: str, data: bytes, *, interrupted: Callable[[], bool]) -> None:
        if self._away:
            raise TemporaryError("no network", retry_after_s=60.0)
        self.files += 1
        self.on_file()

    def close(self) -> None:
        pass


def life(storage: Path, *, away: bool) -> tuple[Outbox, OutboxWriter, list[Uploader], list[Sink]]:
    clock = SystemClock()
    sinks = [Sink(away=away), Sink(away=away)]
    outbox = Outbox(
        storage / "outbox",
        storage / "recordings",
        ("one", "two"),
        max_bytes=1 << 40,
        max_age_s=None,
        clock=clock,
        on_offsite=lambda _: None,
    )
    writer = OutboxWriter(outbox, guard=lambda: None, clock=clock)
    uploaders = [Uploader(sink, key, outbox, clock) for key, sink in zip(("one", "two"), sinks, strict=True)]
    return outbox, writer, uploaders, sinks


def resident_mib() -> float:
    return resident_kib(os.getpid()) / 1024


def hand_over(storage: Path, chunks: int, size: int) -> None:
    outbox, writer, uploaders, _ = life(storage, away=True)
    for worker in (writer, *uploaders):
        worker.start()
    data = random.Random(1).randbytes(size)
    before, begun = cpu_seconds(os.getpid()), time.monotonic()
    print(f"before: {resident_mib():.1f} MiB resident")
    for number in range(chunks):
        if number % _IN_AN_EVENT == 0:
            name = f"Yard/2026-05-04/{number:06}"
            outbox.begin(name, Home(storage / "recordings" / name))
        pts = tuple(range(number * 1_000_000, (number + 1) * 1_000_000, 40_000))
        video = Video("h264", 1280, 720, len(pts), pts, 1.0, "0" * 64, size, True)
        while not outbox.wait_room(1):
            pass
        outbox.add(name, OutgoingFile(f"video{number % _IN_AN_EVENT}.h264", data, "live", video))
        if number % _IN_AN_EVENT == _IN_AN_EVENT - 1:
            outbox.finish(name)
        if number % (chunks // 4) == chunks // 4 - 1:
            print(f"{number + 1} handed over: {resident_mib():.1f} MiB resident")
    stop_all([writer, *uploaders], 60)
    passed = time.monotonic() - begun
    each_ms = (cpu_seconds(os.getpid()) - before) / chunks * 1000
    print(f"{chunks / passed:.0f} files a second are made durable for two stores; {each_ms:.2f} ms of CPU each")


def drain(storage: Path, chunks: int) -> None:
    outbox, writer, uploaders, sinks = life(storage, away=False)
    before = resident_mib()
    tracemalloc.start()
    begun = time.monotonic()
    writer.round(0)
    took = time.monotonic() - begun
    index = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    waiting = [outbox.departures[key].figures()["files_waiting"] for key in ("one", "two")]
    print(
        f"found after the restart: {waiting} files in {took:.2f} s; the index is {index / 2**20:.1f} MiB,"
        f" {index / sum(waiting):.0f} bytes a file and store"
    )
    assert waiting == [chunks, chunks]
    print(f"before the restart {before:.1f} MiB resident, now {resident_mib():.1f}")
    figures = []

    def look() -> None:
        if sinks[0].files in {1, chunks // 2, chunks - 1}:
            figures.append(resident_mib())

    sinks[0].on_file = look
    cpu, begun = cpu_seconds(os.getpid()), time.monotonic()
    for worker in (writer, *uploaders):
        worker.start()
    while any(sink.files < chunks for sink in sinks) or any((storage / "outbox").glob("[!.]*/*")):
        time.sleep(0.1)
    passed = time.monotonic() - begun
    each_ms = (cpu_seconds(os.getpid()) - cpu) / chunks / 2 * 1000
    stop_all([writer, *uploaders], 60)
    growth = max(figures[1:]) - figures[0]
    print(
        "draining, at its start, middle and end: " + ", ".join(f"{figure:.1f}" for figure in figures) + " MiB resident"
    )
    print(f"growth {growth:.1f} MiB (bar: {_GROWTH_MIB:g}, {'met' if growth < _GROWTH_MIB else 'MISSED'})")
    print(f"{2 * chunks / passed:.0f} files a second; {each_ms:.2f} ms of CPU each")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--chunks", type=int, default=10_000)
    options.add_argument("--kib", type=int, default=64)
    options.add_argument("--folder", type=Path)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for step in (
            lambda: hand_over(Path(folder), given.chunks, given.kib << 10),
            lambda: drain(Path(folder), given.chunks),
        ):
            # Each in a process of its own, as before and after a restart.
            sys.stdout.flush()
            child = os.fork()
            if child == 0:
                step()
                sys.stdout.flush()
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


if __name__ == "__main__":
    main()
