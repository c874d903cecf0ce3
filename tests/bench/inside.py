"""Runs the command behind it in this interpreter, and notes what cannot be seen from outside.

    python -m tests.bench.inside FILE MILLISECONDS COMMAND ARGUMENT…

Threads get their names in the kernel too, so that /proc says whose processor time is whose. FILE gets a line for each
picture that comes into a ring: time.monotonic and its bytes. Each sync of a file or directory takes MILLISECONDS
longer, as on a memory card.
"""

import ctypes
import os
import runpy
import sys
import threading
import time
from collections.abc import Callable

from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.ring import Ring

_PR_SET_NAME = 15


def main() -> None:
    file, sync_ms, *sys.argv = sys.argv[1:]
    os.fsync, os.fdatasync = _slowed(os.fsync, float(sync_ms)), _slowed(os.fdatasync, float(sync_ms))
    libc, run, append = ctypes.CDLL(None), threading.Thread.run, Ring.append
    # Line by line: the program may be killed. It costs a few microseconds a picture, the same in all that is compared.
    with open(file, "w", buffering=1) as notes:

        def named_run(thread: threading.Thread) -> None:
            libc.prctl(_PR_SET_NAME, thread.name.encode()[:15], 0, 0, 0)
            run(thread)

        def noted_append(ring: Ring, unit: AccessUnit) -> None:
            append(ring, unit)
            notes.write(f"{time.monotonic():.6f} {len(unit.data)}\n")

        threading.Thread.run = named_run  # type: ignore[method-assign]
        Ring.append = noted_append  # type: ignore[method-assign]
        runpy.run_path(sys.argv[0], run_name="__main__")


def _slowed(sync: Callable[..., None], milliseconds: float) -> Callable[..., None]:
    def slow(file: object) -> None:
        sync(file)
        time.sleep(milliseconds / 1e3)

    return slow if milliseconds else sync


main()
