"""What stands between the packets of a source and the sink."""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from pi_sec_cam.camera.demux import Received
from pi_sec_cam.camera.protocol import Sink
from pi_sec_cam.camera.timeline import Stamp
from pi_sec_cam.media.access_unit import StreamInfo

# (pts_us, dts_us, arrival_us), by the source's clock → the picture's place, once it is due; None: stopping.
Place = Callable[[int | None, int | None, int], Stamp | None]

# Names of what is counted → how often, over all runs of a camera.
Counts = Counter[str]


class Route(Protocol):
    """Turns packets into access units; made anew for each opened source."""

    @property
    def info(self) -> StreamInfo | None:
        """Of the newest access unit."""
        ...

    def take(self, received: Received, place: Place, sink: Sink) -> None:
        """Deliver what one packet gives."""
        ...

    def finish(self, place: Place, sink: Sink) -> None:
        """Deliver what is left when the source has ended."""
        ...
