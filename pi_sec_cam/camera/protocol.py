"""What a camera is, seen from the rest of the program."""

import threading
from typing import Protocol

from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.frame import Frame


class Sink(Protocol):
    """Where a camera puts what it sees. All but `keep_pace` neither block nor raise."""

    def access_unit(self, unit: AccessUnit) -> None:
        """The next unit in decoding order."""
        ...

    def frame(self, frame: Frame) -> None:
        """A picture for detection, from cameras whose StreamInfo says `with_frames`."""
        ...

    def frame_due(self, pts_us: int) -> bool:
        """Whether detection wants a frame of the picture shown at `pts_us` (it looks `motion.fps` times a second)."""
        ...

    def no_picture_yet(self, why: str) -> None:
        """The source is alive, but what it has sent cannot be used (a stream that begins in the middle of a long GOP).

        `why` goes on from the source's name: "sends no keyframe to begin with".
        """
        ...

    def keep_pace(self, stop: threading.Event) -> None:
        """Block until all readers have caught up or `stop` is set: only sources faster than real time call it."""
        ...


class Camera(Protocol):
    """One source.

    Attributes:
        kind: the backend's name, as in the configuration (`camera.backend`).
        label: what it watches, for people: a device, a URL without its password.
    """

    kind: str

    @property
    def label(self) -> str:
        """Of what it watches; a camera that is chosen late may learn it late."""
        ...

    def run(self, sink: Sink, stop: threading.Event) -> None:
        """Open the source and deliver until `stop` is set or the source ends, then release everything.

        Access units are canonical (media/access_unit.py); their timestamps are media time: microseconds on the
        monotonic clock, as long as the source runs in real time. Each call begins a new epoch. Returning
        without `stop` means that the source has come to its end (a file with at_end "exit").

        Raises:
            SourceAway: not there now, or lost; worth trying again.
            SourceUnusable: will never work like this; the message says why and what to do.
        """
        ...

    def describe(self) -> dict[str, object]:
        """What status shows: size, rate, coding, counted faults; plain JSON values."""
        ...
