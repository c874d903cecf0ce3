"""What appending a picture to the ring costs, without readers and with one that waits.

    .venv/bin/python -m tests.bench.ring

CPU time of this thread; the yardstick in the same run is a bare `deque.append` under a lock.
"""

import statistics
import threading
import time
from collections import deque

from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo
from pi_sec_cam.media.ring import Ring

_PICTURES = 50_000
_ROUNDS = 7
_INFO = StreamInfo("h264", 1280, 720, b"")
_DATA = bytes(10_000)


def units() -> list[AccessUnit]:
    return [AccessUnit(_DATA, i * 40_000, i * 40_000, i % 25 == 0, _INFO) for i in range(_PICTURES)]


def appending(pinned: bool) -> float:
    """Microseconds of CPU time a picture."""
    ring = Ring(seconds=12, max_bytes=64 << 20)
    found = units()
    if pinned:
        ring.append(found[0])
        ring.cursor(pinned=True)
    began = time.thread_time_ns()
    for unit in found:
        ring.append(unit)
    return (time.thread_time_ns() - began) / 1000 / _PICTURES


def bare() -> float:
    """The same for a deque under a lock."""
    lock, kept = threading.Lock(), deque[AccessUnit](maxlen=300)
    found = units()
    began = time.thread_time_ns()
    for unit in found:
        with lock:
            kept.append(unit)
    return (time.thread_time_ns() - began) / 1000 / _PICTURES


def main() -> None:
    rounds = [(appending(False), appending(True), bare()) for _ in range(_ROUNDS)]
    alone, pinned, floor = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"ring append: {alone:.2f} µs a picture; beside an idle pinned reader {pinned:.2f} µs (bar: 5 µs)")
    print(f"deque.append under a lock: {floor:.2f} µs; ratios {alone / floor:.1f} and {pinned / floor:.1f}")


if __name__ == "__main__":
    main()
