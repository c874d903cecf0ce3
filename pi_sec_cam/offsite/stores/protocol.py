"""What every store can do, and what its errors mean to whoever sends."""

from collections.abc import Callable
from typing import Protocol


class Store(Protocol):
    """A place elsewhere that takes files and never changes what it holds. Used by one thread at a time.

    Attributes:
        kind: "dropbox", "directory", "s3", …
        where: for people: the folder, the bucket; no secret in it.
    """

    kind: str
    where: str

    def warm(self) -> None:
        """Do now what the first `put` would else have to do first (imports, a connection), called in its thread.

        On a small machine that takes seconds, and an event has not that long. Raises nothing: `put` says what is wrong.
        """
        ...

    def put(self, path: str, data: bytes, *, interrupted: Callable[[], bool]) -> None:
        """Store `data` under `path`, whole or not at all; on return the store holds it, checked by length and hash.

        Nothing that stands is ever overwritten. If the same bytes stand there already (a reply was lost, the program
        was killed before it could take note), that is success, and there is no second copy.

        Args:
            path: `<camera>/<day>/<time>/<name>`, with forward slashes, without a leading one.
            interrupted: asked often while bytes are on their way; True: give up with Interrupted, soon.

        Raises:
            TemporaryError: try again later; with `retry_after_s` where the store asks for it. No connection, no
                answer in time, server trouble, too many requests, an answer that is not the store's own (a captive
                portal), a hash that does not fit.
            StoreRefuses: somebody has to do something; the message says who and what. To be tried again, rarely.
            NameTaken: other bytes stand under this name.
            PermanentError: the store will never take this file; the message names it and says why.
            Interrupted: given up as asked.
        """
        ...

    def close(self) -> None:
        """Let go of connections. May be called again; another `put` opens them anew."""
        ...
