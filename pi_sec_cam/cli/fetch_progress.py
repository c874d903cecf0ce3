"""Shows how a fetch gets on: a bar on a terminal, else a line for each event."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from pi_sec_cam.evidence.progress import Progress as Verified
from pi_sec_cam.evidence.reporting.outcome import count, printable, size_text

if TYPE_CHECKING:
    from rich.progress import Progress


class FetchProgress:
    """Used in a `with` block. All of it goes to stderr."""

    def __init__(self) -> None:
        self._bar = _bar() if sys.stderr.isatty() else None
        self._task = self._bar.add_task("fetching", total=None) if self._bar else None

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def phase(self, name: str, size: int | None = None) -> None:
        """Something else begins, with so many bytes to come; None if nobody knows."""
        if self._bar and self._task is not None:
            self._bar.reset(self._task, total=size, description=name)

    def verified(self, done: Verified) -> None:
        """How far the verification is that follows."""
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=done.bytes_done, total=done.bytes_total)

    def advance(self, size: int) -> None:
        if self._bar and self._task is not None:
            self._bar.advance(self._task, size)

    def event(self, event: str, files: int, size: int) -> None:
        if self._bar and self._task is not None:
            self._bar.update(self._task, description=printable(event))
        else:
            self.say(f"{printable(event)}: {count(files, 'file')}, {size_text(size)}")

    def say(self, text: str) -> None:
        if self._bar:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(text, err=True)


def _bar() -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)
