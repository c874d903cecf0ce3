"""A disk that refuses: stands between the recorder's files and the kernel, at the system calls that change the disk."""

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

# What may fail; and opening for writing, which is told from the rest by its flags.
_CALLS = ("open", "pwrite", "fdatasync", "fsync", "ftruncate", "mkdir", "replace")


class FaultyDisk:
    """Models what a disk in trouble does, not how the recorder calls it.

    - `refuse(call)` says whether a call fails: None, or its errno. Calls are counted from 0.
    - A refused write has written half of its bytes. After a refused sync, what was written since the last one is gone
      from the disk, and the next sync succeeds nonetheless: that is what Linux does (fsync(2)).

    Attributes:
        calls: names of those that came.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.refuse: Callable[[int], int | None] = lambda _: None
        self._unsynced: dict[int, tuple[int, int]] = {}  # by descriptor: begin and end
        self._real = {name: getattr(os, name) for name in _CALLS}
        for name in _CALLS:
            monkeypatch.setattr(os, name, self._standing_in(name))

    def full(self) -> None:
        """Refuse everything from now on."""
        self.refuse = lambda _: errno.ENOSPC

    def well(self) -> None:
        """Take everything from now on."""
        self.refuse = lambda _: None

    def _standing_in(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def call(*arguments: Any, **keywords: Any) -> Any:
            if name == "open" and not arguments[1] & (os.O_WRONLY | os.O_RDWR):
                return real(*arguments, **keywords)
            number = len(self.calls)
            self.calls.append(name)
            refused = self.refuse(number)
            if refused is not None:
                self._half_done(name, arguments)
                raise OSError(refused, os.strerror(refused), str(arguments[0]))
            done = real(*arguments, **keywords)
            if name == "pwrite":
                begin, _ = self._unsynced.get(arguments[0], (arguments[2], 0))
                self._unsynced[arguments[0]] = (begin, arguments[2] + done)
            elif name in {"fdatasync", "fsync", "open"}:
                self._unsynced.pop(done if name == "open" else arguments[0], None)
            return done

        return call

    def _half_done(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "pwrite":
            file, data, at = arguments
            self._real["pwrite"](file, data[: len(data) // 2], at)
        elif name in {"fdatasync", "fsync"} and arguments[0] in self._unsynced:
            begin, end = self._unsynced.pop(arguments[0])
            self._real["pwrite"](arguments[0], bytes(end - begin), begin)
