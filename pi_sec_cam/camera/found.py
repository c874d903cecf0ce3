"""What was found of a local camera, and which of its modes suits best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Coding = Literal["jpeg", "h264", "h265"]

# Of a camera's own encoding, a little more than is wanted is taken as it is: no picture of it can be left out.
_TOO_FAST = 1.5
# Cameras say 29.97 or 30 for the same thing.
_ENOUGH = 0.98


@dataclass(frozen=True, slots=True)
class Mode:
    """One way in which a camera delivers pictures.

    Attributes:
        format: four-character code of V4L2, or the sensor's raw format on a Pi.
        width, height: in pixels.
        rates: pictures a second, highest first; empty where the camera does not say. Of a continuous range, the
            usual ones.
        coding: how the camera compresses them: each picture by itself ("jpeg"), or as video; None: not at all.
    """

    format: str
    width: int
    height: int
    rates: tuple[float, ...] = ()
    coding: Coding | None = None

    @property
    def is_video(self) -> bool:
        """Whether it need not be encoded here."""
        return self.coding in {"h264", "h265"}

    def __str__(self) -> str:
        return f"{self.width}×{self.height} {self.format}"


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """A camera of this machine.

    Attributes:
        kind: the backend that drives it, as in `camera.backend`.
        device: as in `camera.device`: a path ("/dev/video0"), or the number of a Pi camera ("0").
        name: what the camera calls itself.
        modes: what it offers; empty where it could not be asked.
        lasting: a path that stays the same, however many cameras are plugged in before it; empty if there is none.
    """

    kind: Literal["picamera2", "v4l2"]
    device: str
    name: str
    modes: tuple[Mode, ...] = ()
    lasting: str = ""


def choose(modes: Sequence[Mode], width: int, height: int, frame_rate: float) -> tuple[Mode, float]:
    """The mode nearest to what is wanted, and its rate.

    Video that the camera encodes by itself in the wanted size, at the wanted rate up to half as much again, comes
    first. Then, among pictures, the size decides (exact, else the smallest that covers it, else the nearest), then the
    rate (the lowest that is enough, else the highest), then the order of `modes`. A camera that names no rates is taken
    at its word to have the wanted one. Of a camera that delivers no pictures, the nearest video is taken.

    Raises:
        ValueError: `modes` is empty.
    """

    def fits(mode: Mode, rate: float) -> bool:
        exact = (mode.width, mode.height) == (width, height)
        return exact and frame_rate * _ENOUGH <= rate <= frame_rate * _TOO_FAST

    def distance(candidate: tuple[Mode, float]) -> tuple[float, ...]:
        mode, rate = candidate
        covers = mode.width >= width and mode.height >= height
        off = abs(mode.width - width) + abs(mode.height - height)
        short = max(0.0, frame_rate * _ENOUGH - rate)
        return (off > 0, not covers, off, short, rate)

    offered = [(mode, rate) for mode in modes for rate in mode.rates or (frame_rate,)]
    video = [(mode, rate) for mode, rate in offered if mode.is_video and fits(mode, rate)]
    pictures = [(mode, rate) for mode, rate in offered if not mode.is_video]
    return min(video or pictures or offered, key=distance)
