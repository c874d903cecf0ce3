"""How far a verification is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a verification is.

    Attributes:
        place: the file that is looked at.
        bytes_done, bytes_total: how much has been read, of all that lies there.
    """

    place: str
    bytes_done: int
    bytes_total: int
