"""Runs the program under strace: to write down its calls, or to kill it at one of them."""

import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from subprocess import PIPE, Popen
from typing import NamedTuple, Self

from tests.system.crash.trace import OPTIONS, Call, calls

_CHECKOUT = Path(__file__).parents[3]
# What changes something on the disk. A file that was just created is seen at the next of them.
_CHANGES = {
    *("write", "pwrite64", "ftruncate", "truncate", "fsync", "fdatasync", "rename", "renameat", "renameat2"),
    *("link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir"),
}


class KillPoint(NamedTuple):
    """The `number`-th `call`, from 1, before it does anything."""

    call: str
    number: int


def kill_points(calls: list[Call]) -> list[KillPoint]:
    """All points at which the program can be killed that made these calls."""
    count = Counter[str]()
    points = []
    for call in calls:
        if call.name in _CHANGES:
            count[call.name] += 1
            points.append(KillPoint(call.name, count[call.name]))
    return points


class Programs:
    """Runs the chapters of a program that uses `serve`; used with `with`."""

    def __init__(self, program: str = "tests.system.crash.program") -> None:
        self._program = program

    def __enter__(self) -> Self:
        command = [sys.executable, "-B", "-m", self._program]
        environment = {**os.environ, "TZ": "UTC", "OPENBLAS_NUM_THREADS": "1"}
        self._server = Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=_CHECKOUT, env=environment)
        return self

    def __exit__(self, *_: object) -> None:
        with self._server:
            self._server.kill()

    def traced(self, chapter: str, storage: Path, *fault: str) -> list[Call]:
        """All that it does with files, to its end; the directory must exist."""
        trace = storage.with_name(f"{storage.name}.strace")
        status, _ = self._run(["-o", str(trace), *OPTIONS], chapter, storage, *fault)
        assert status == 0
        with trace.open() as lines:
            return list(calls(lines))

    def killed(self, chapter: str, storage: Path, at: KillPoint) -> bytes:
        """Kill it there; what it had said until then."""
        options = ["-f", "-o", "/dev/null", "-e", f"trace={at.call}"]
        status, said = self._run([*options, "-e", f"inject={at.call}:signal=KILL:when={at.number}"], chapter, storage)
        assert status == -signal.SIGKILL
        return said

    def _run(self, options: list[str], chapter: str, storage: Path, *fault: str) -> tuple[int, bytes]:
        """Its exit status and what it said."""
        said = storage.with_name(f"{storage.name}.said")
        said.unlink(missing_ok=True)
        process = self._ask(json.dumps([chapter, str(storage), str(said), *fault]))
        with Popen(["strace", *options, "-p", process], stderr=PIPE, text=True) as tracer:
            assert tracer.stderr is not None
            attached = tracer.stderr.readline()
            assert " attached" in attached, attached
            status = int(self._ask(""))
        return status, said.read_bytes()

    def _ask(self, line: str) -> str:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(f"{line}\n")
        self._server.stdin.flush()
        return self._server.stdout.readline().strip()
