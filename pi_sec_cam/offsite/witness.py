"""Who is told of what will not leave as its record says, so that it is signed before it is done."""

from collections.abc import Sequence
from typing import Literal, Protocol

Loss = Literal["dropped", "refused", "withdrawn"]


class Witness(Protocol):
    """Told by the outbox's writer, in its thread; none of it may wait for a disk.

    `event` is the event's name off-site, `of` the id of its chain of records, empty where that is not known.
    """

    def given_up(self, kind: Loss, event: str, of: str, store: str, names: Sequence[str], why: str) -> None:
        """These files will not get to this store."""
        ...

    def renamed(self, event: str, of: str, store: str, to: str) -> None:
        """The rest of the event goes to another folder in this store."""
        ...
