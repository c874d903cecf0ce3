"""What is handed to the outbox: one file of an event as it leaves, and where that event is kept here."""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal, Protocol

from pi_sec_cam.media.access_unit import Codec


@dataclass(frozen=True, slots=True)
class Video:
    """What the pictures in a chunk of video are.

    Attributes:
        codec, width, height: as in the StreamInfo of its access units.
        pictures: how many it holds.
        pts_us: of each picture, in the order of the stream (decoding order), in media time.
        duration_s: from the first picture shown to the end of the last.
        last_unit: SHA-256, in hex, of its last access unit: finds the place in the clip again (`resume`).
        plain_bytes: before sealing.
        begins_with_keyframe: decoding may begin with this chunk.
    """

    codec: Codec
    width: int
    height: int
    pictures: int
    pts_us: tuple[int, ...]
    duration_s: float
    last_unit: str
    plain_bytes: int
    begins_with_keyframe: bool


Urgency = Literal["picture", "live", "evidence", "pre-roll"]


@dataclass(frozen=True, slots=True, eq=False)
class OutgoingFile:
    """One file of an event.

    Attributes:
        name: as the contract has it: motion0.jpg, video0.h264, video1.h264, …; evidence0.jsonl, … for records.
        data: the bytes that leave: sealed, or plain where there is no key, and for records.
        urgency: what it is to a running event: its picture, what happens now, records, or what was before.
        video: what is in it; None for the picture, and for records.
        records: of its chain, how many are in it and in those before it.
        sha256: of `data`, in hex.
    """

    name: str
    data: bytes
    urgency: Urgency
    video: Video | None
    records: int = 0
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", sha256(self.data).hexdigest())


class EventHome(Protocol):
    """Where an event is kept on this machine; asked by any thread."""

    def folder(self) -> Path | None:
        """The event's folder below `recordings/`; None while it does not stand (yet), or the disk is away."""
        ...

    @property
    def over(self) -> bool:
        """Whether nothing more comes there: an event that has no folder then gets none."""
        ...


class StandingHome:
    """A home that stands already, and to which nothing more comes."""

    over = True

    def __init__(self, path: Path) -> None:
        self._path = path

    def folder(self) -> Path | None:
        return self._path if self._path.is_dir() else None
