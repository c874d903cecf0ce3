"""Where a node's cameras put what they see."""

import threading
from collections.abc import Callable

from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.frame import Frame, FrameSlot
from pi_sec_cam.media.ring import Ring

_WAIT_S = 0.1


class NodeSink:
    """Hands on to the ring and to detection.

    Args:
        frame_due: whether detection wants the picture of a media time; None: detection looks at another stream.
        caught_up: whether the detection decoder has dealt with all units; None without one.

    Attributes:
        first_pts_us: media time of the first picture, None before it.
    """

    def __init__(
        self,
        ring: Ring,
        slot: FrameSlot,
        *,
        frame_due: Callable[[int], bool] | None,
        caught_up: Callable[[int, float], bool] | None,
    ) -> None:
        self._ring = ring
        self._slot = slot
        self._frame_due = frame_due
        self._caught_up = caught_up
        self._newest_dts_us: int | None = None
        self.first_pts_us: int | None = None

    def access_unit(self, unit: AccessUnit) -> None:
        self._newest_dts_us = unit.dts_us
        if self.first_pts_us is None:
            self.first_pts_us = unit.pts_us
        self._ring.append(unit)

    def frame(self, frame: Frame) -> None:
        self._slot.put(frame)

    def frame_due(self, pts_us: int) -> bool:
        return self._frame_due is not None and self._frame_due(pts_us)

    def no_picture_yet(self, why: str) -> None:
        """The supervisor's business."""

    def keep_pace(self, stop: threading.Event) -> None:
        while not stop.is_set():
            if self._newest_dts_us is None or (
                (self._caught_up is None or self._caught_up(self._newest_dts_us, _WAIT_S))
                and self._slot.wait_done(_WAIT_S)
                and self._ring.wait_read(_WAIT_S)
            ):
                return
