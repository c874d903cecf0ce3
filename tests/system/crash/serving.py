"""Runs chapters of a program's life, each in a process of its own that is to be watched, or killed, by strace."""

import ctypes
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

_PR_SET_PTRACER = 0x59616D61

Chapter = Callable[[Path], object]


def say(**promise: object) -> None:
    """Tell the test."""
    sys.stdout.write(json.dumps(promise) + "\n")
    sys.stdout.flush()


def serve(chapters: Mapping[str, Chapter], break_storage: Callable[[str], None]) -> None:
    """Be each program that is asked for, one after the other, in a process that has all imports behind it.

    A line of standard input asks: JSON of chapter, directory, where what it says goes, and perhaps a fault. Answered
    by the process's id; it begins when the next line has come, and in the end its exit status is answered.
    """
    for line in sys.stdin:
        chapter, directory, said, *faults = json.loads(line)
        child = os.fork()
        if child == 0:
            # The tracer is not our ancestor; Yama asks for this permission (prctl(2)).
            ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1))
            sys.stdin.readline()
            os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT), 1)
            for fault in faults:
                break_storage(fault)
            chapters[chapter](Path(directory))
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
