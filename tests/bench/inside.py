"""Runs the command behind it in this interpreter, and notes what cannot be seen from outside.

    python -m tests.bench.inside FILE MILLISECONDS COMMAND ARGUMENT…

Threads get their names in the kernel too, so that /proc says whose processor time is whose. FILE gets a line for each
picture that comes into a ring: time.monotonic and its bytes. FILE.signing gets one for each time that something is
signed or put into an evidence file: the processor time that this has taken, in seconds. Each sync of a file or
directory takes MILLISECONDS longer, as on a memory card.
"""

import ctypes
import os
import runpy
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.ring import Ring
from pi_sec_cam.offsite.event_records import EventRecords
from pi_sec_cam.offsite.own_chain import OwnChain

_PR_SET_NAME = 15
_SIGNS = {EventRecords: ("of_file", "end", "batch"), OwnChain: ("running", "ended", "head_now", "given_up", "batch")}


def main() -> None:
    file, sync_ms, *sys.argv = sys.argv[1:]
    os.fsync, os.fdatasync = _slowed(os.fsync, float(sync_ms)), _slowed(os.fdatasync, float(sync_ms))
    libc, run, append = ctypes.CDLL(None), threading.Thread.run, Ring.append
    # Line by line: the program may be killed. It costs a few microseconds a picture, the same in all that is compared.
    with open(file, "w", buffering=1) as notes, open(f"{file}.signing", "w", buffering=1) as signing:
        for kind, names in _SIGNS.items():
            for name in names:
                setattr(kind, name, _timed(getattr(kind, name), signing))

        def named_run(thread: threading.Thread) -> None:
            libc.prctl(_PR_SET_NAME, thread.name.encode()[:15], 0, 0, 0)
            run(thread)

        def noted_append(ring: Ring, unit: AccessUnit) -> None:
            append(ring, unit)
            notes.write(f"{time.monotonic():.6f} {len(unit.data)}\n")

        threading.Thread.run = named_run  # type: ignore[method-assign]
        Ring.append = noted_append  # type: ignore[method-assign]
        runpy.run_path(sys.argv[0], run_name="__main__")


def _timed(call: Callable[..., Any], notes: TextIO) -> Callable[..., Any]:
    """What an event's records ask of the camera's own chain is in both: the outer one is noted alone."""

    def timed(*arguments: Any, **keywords: Any) -> Any:
        if getattr(_nested, "here", False):
            return call(*arguments, **keywords)
        _nested.here, begun_s = True, time.thread_time()
        try:
            return call(*arguments, **keywords)
        finally:
            _nested.here = False
            with suppress(ValueError):  # closed: the program ends
                notes.write(f"{time.thread_time() - begun_s:.7f}\n")

    return timed


def _slowed(sync: Callable[..., None], milliseconds: float) -> Callable[..., None]:
    def slow(file: object) -> None:
        sync(file)
        time.sleep(milliseconds / 1e3)

    return slow if milliseconds else sync


_nested = threading.local()
main()
