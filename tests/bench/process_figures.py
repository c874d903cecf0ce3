"""What a running process has used, as the kernel counts it."""

import re
import time
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all its threads, also those that have ended; to the nanosecond."""
    return time.clock_gettime(~pid << 3 | 2)  # the clock of another process: clock_getcpuclockid(3)


def resident_kib(pid: int, kind: str = "Rss") -> int:
    """KiB in memory: "Rss"; "Pss", what is shared counted in part; "Anonymous"."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(rf"^{kind}: +(\d+) kB", rollup, re.MULTILINE)
    assert found is not None
    return int(found[1])
