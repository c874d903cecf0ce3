"""What it takes to verify a day of 2,000 files (2 GB), against `sha256sum` of the same files; and a million records.

    nice .venv/bin/python -m tests.bench.verify_day [DIRECTORY]

Everything in processes of their own, in turns; medians. The files are in the page cache, so it is all about CPU: where
the disk is slower than the yardstick, that is what counts. The bar for memory is 150 MB. `cat` is what reading takes.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from pi_sec_cam.evidence.camera_key import raw
from pi_sec_cam.evidence.chain import Chain
from tests.unit.camera_made import MadeCamera

_EVENTS, _CHUNKS, _CHUNK_BYTES = 100, 19, 1_060_000
_RUNS = 3
_RECORDS = 1_000_000
_EACH_FILE = 2_000

_VERIFY = """
import sys
from pathlib import Path
from pi_sec_cam.evidence.camera_key import read_public_key
from pi_sec_cam.evidence.footage import FolderFootage
from pi_sec_cam.evidence.scope import Scope
from pi_sec_cam.evidence.verify import verify
found = verify(FolderFootage(Path(sys.argv[1])), [read_public_key(sys.argv[2])], scope=Scope(complete=True))
assert not found.findings or sys.argv[3:], found.findings[:3]
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as place:
        day = Path(place, "day")
        key = make_day(day)
        files = [str(path) for path in sorted(day.rglob("*")) if path.is_file()]
        size = sum(os.path.getsize(path) for path in files)
        print(f"a day: {len(files)} files, {size / 1e9:.2f} GB, {_EVENTS} events")
        report(
            {
                "cat": ["sh", "-c", 'cat "$@" >/dev/null', "sh", *files],
                "sha256sum": ["sha256sum", *files],
                "verify": [sys.executable, "-c", _VERIFY, str(day), key],
            }
        )
        for name, make in (("one event", make_long_event), ("the camera's own chain", make_long_chain)):
            top = Path(place, name)
            key = make(top)
            print(f"{_RECORDS:,} records in {name}")
            report({"verify": [sys.executable, "-c", _VERIFY, str(top), key, "findings"]}, runs=1)


def make_day(top: Path) -> str:
    """Its camera's public key."""
    camera = MadeCamera(top)
    block = os.urandom(_CHUNK_BYTES)
    for _ in range(_EVENTS):
        event = camera.begin()
        for number in range(_CHUNKS):
            event.chunk(sha256(f"{event.name} {number}".encode()).digest() + block)
        event.end()
        camera.clock.advance(60)
    camera.stop()
    return raw(camera.public_key).hex()


def make_long_event(top: Path) -> str:
    """An event of a million files, of which none is there: all that can be said of it is in its records."""
    camera = MadeCamera(top)
    event = camera.begin()
    write(event.folder, event.chain, "file", lambda n: {"name": f"video{n}.h264", "bytes": n, "sha256": f"{n:064}"})
    return raw(camera.public_key).hex()


def make_long_chain(top: Path) -> str:
    """A chain that names half a million events."""
    camera = MadeCamera(top)
    chain = camera.sender.chain
    write(
        camera.folder,
        chain,
        "began",
        lambda n: {"event": f"Yard/2026-03-01/{n // 2}", "of": f"{n // 2:032}"},
    )
    return raw(camera.public_key).hex()


def write(folder: Path, chain: Chain, kind: str, fields) -> None:  # type: ignore[no-untyped-def]
    number = 1
    for begin in range(0, _RECORDS, _EACH_FILE):
        lines = [chain.sign(kind, **fields(n)).line for n in range(begin, begin + _EACH_FILE)]
        (folder / f"evidence{number}.jsonl").write_bytes(b"".join(lines))
        number += 1


def report(commands: dict[str, Sequence[str]], runs: int = _RUNS) -> None:
    figures: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            figures[name].append(spent(command))
    yardstick = statistics.median(cpu for _, cpu, _ in figures.get("sha256sum", [(0.0, 0.0, 0.0)]))
    for name, each in figures.items():
        wall, cpu, memory = (statistics.median(values) for values in zip(*each, strict=True))
        ratio = f", {cpu / yardstick:.2f} times sha256sum" if yardstick else ""
        most = f", {memory:.0f} MB at most" if memory else ""
        print(f"  {name:10} {wall:7.2f} s, {cpu:7.2f} s of CPU{ratio}{most}")


def spent(command: Sequence[str]) -> tuple[float, float, float]:
    """Seconds, seconds of CPU, and the most memory in MB that a process says it had; 0 for those that do not say it."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, int(said) / 1024 if command[0] == sys.executable else 0.0


if __name__ == "__main__":
    main()
