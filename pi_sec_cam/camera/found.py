"""What was found of a local camera, and which of its modes suits best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Mode:
    """One way in which a camera delivers pictures.

    Attributes:
        format: four-character code of V4L2, or the sensor's raw format on a Pi.
        width, height: in pixels.
        rates: pictures a second, highest first; empty where the camera does not say. Of a continuous range, the
            usual ones.
    """

    format: str
    width: int
    height: int
    rates: tuple[float, ...] = ()

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
    """

    kind: Literal["picamera2", "v4l2"]
    device: str
    name: str
    modes: tuple[Mode, ...] = ()


def choose(modes: Sequence[Mode], width: int, height: int, frame_rate: float) -> tuple[Mode, float]:
    """The mode nearest to what is wanted, and its rate.

    The size decides first (exact, else the smallest that covers it, else the nearest), then the rate (the lowest that
    is enough, else the highest), then the order of `modes`. A camera that names no rates is taken at its word to have
    the wanted one.

    Raises:
        ValueError: `modes` is empty.
    """

    def distance(candidate: tuple[Mode, float]) -> tuple[float, ...]:
        mode, rate = candidate
        covers = mode.width >= width and mode.height >= height
        off = abs(mode.width - width) + abs(mode.height - height)
        # Cameras say 29.97 or 30 for the same thing: within 2 % a rate is the wanted one.
        short = max(0.0, frame_rate * 0.98 - rate)
        return (off > 0, not covers, off, short, rate)

    return min(((mode, rate) for mode in modes for rate in mode.rates or (frame_rate,)), key=distance)
