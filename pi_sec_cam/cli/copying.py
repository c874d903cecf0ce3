"""A bar on the terminal that shows how much of something has been copied."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def copying(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, if that is a terminal; yields what is told of bytes done, of `total`."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("copying"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)
