"""What is handed to the outbox: one file of an event as it leaves, and where that event is kept here."""

from dataclasses import dataclass
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


Urgency = Literal["picture", "live", "pre-roll"]


@dataclass(frozen=True, slots=True, eq=False)
class OutgoingFile:
    """One file of an event.

    Attributes:
        name: as the contract has it: motion0.jpg, video0.h264, video1.h264, …
        data: the bytes that leave: sealed, or plain where there is no key.
        urgency: what it is to a running event: its picture, what happens now, or what was before.
        video: what is in it, None for the picture.
    """

    name: str
    data: bytes
    urgency: Urgency
    video: Video | None


class EventHome(Protocol):
    """Where an event is kept on this machine; asked by any thread."""

    def folder(self) -> Path | None:
        """The event's folder below `recordings/`; None while it does not stand (yet), or the disk is away."""
        ...

    @property
    def over(self) -> bool:
        """Whether nothing more comes there: an event that has no folder then gets none."""
        ...
