"""Runs the command behind it in this interpreter, and notes what cannot be seen from outside.

    python -m tests.bench.inside FILE COMMAND ARGUMENT…

Threads get their names in the kernel too, so that /proc says whose processor time is whose. FILE gets a line for each
picture that comes into a ring: time.monotonic and its bytes.
"""

import ctypes
import runpy
import sys
import threading
import time

from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.ring import Ring

_PR_SET_NAME = 15


def main() -> None:
    file, *sys.argv = sys.argv[1:]
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


main()
