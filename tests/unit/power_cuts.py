"""Cuts the power, or fills the disk, at any step that the outbox takes on the disk."""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from pi_sec_cam.offsite.journal import JournalFile
from pi_sec_cam.offsite.outbox_files import OutboxFiles

_STEPS = (
    "write",
    "sync_writing",
    "link",
    "written",
    "done_writing",
    "sent",
    "set_aside",
    "rename",
    "settled",
    "withdraw",
)


class PowerCut(BaseException):
    """The program is no more."""


@dataclass
class DiskTrouble:
    """Breaks the writer's steps: at the n-th from now on with the power, or each with an error while it is full.

    Attributes:
        slow: nothing is written before it must be.
    """

    cut_in: int | None = None
    full: bool = False
    slow: bool = False

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for owner, names in ((OutboxFiles, _STEPS), (JournalFile, ("append",))):
            for name in names:
                monkeypatch.setattr(owner, name, self._breakable(getattr(owner, name), name in {"write", "append"}))

    def _breakable(self, step: Callable[..., Any], needs_room: bool) -> Callable[..., Any]:
        def broken(*arguments: Any, **named: Any) -> Any:
            self._count()
            if needs_room and self.full:
                raise OSError(errno.ENOSPC, "no room")
            result = step(*arguments, **named)
            self._count()
            return result

        return broken

    def _count(self) -> None:
        if self.cut_in is not None:
            self.cut_in -= 1
            if self.cut_in <= 0:
                self.cut_in = None
                raise PowerCut
