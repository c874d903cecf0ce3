"""Who is told how a fetch gets on."""

from typing import Protocol


class Onlooker(Protocol):
    """The command line, say."""

    def advance(self, count: int) -> None:
        """So many bytes more have been done; fewer, where something has to be fetched once more."""
        ...

    def event(self, event: str, files: int, size: int) -> None:
        """An event's turn: so many files, of so many bytes together."""
        ...

    def say(self, text: str) -> None:
        """Something that people have to know now."""
        ...
