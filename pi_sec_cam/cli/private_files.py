"""What a command writes in the clear out of sealed files is for its user alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def private_files() -> Iterator[None]:
    """Files that are made in the block can be read by their owner only."""
    former = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(former)
