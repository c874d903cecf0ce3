"""Where a node's cameras put what they see."""

import threading
from collections.abc import Callable

from pi_sec_cam.clock import Clock
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.decoding import Decoding
from pi_sec_cam.media.frame import Frame, FrameSlot
from pi_sec_cam.media.ring import Ring

_WAIT_S = 0.1
# More than what a stream holds back when it is opened.
_BEHIND_US = 3_000_000


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


class DetectionSink:
    """Takes a second, smaller stream that nobody but detection looks at; decodes in the thread that delivers it.

    There is no ring between them to fall behind in. When this machine is too slow for a network stream, what comes
    late is passed over, up to a keyframe that does not.

    Args:
        due: whether detection wants the picture of a media time.
        live: pictures come at their own pace.
    """

    def __init__(self, slot: FrameSlot, *, due: Callable[[int], bool], live: bool, clock: Clock) -> None:
        self._slot = slot
        self._due = due
        self._live = live
        self._clock = clock
        self._decoding = Decoding(slot, due=due, clock=clock)
        self._missed = 0

    def status(self) -> dict[str, int]:
        """Counts of pictures since the start; "missed" are those that this machine was too slow for."""
        return {**self._decoding.status(), "missed": self._missed}

    def trouble(self) -> str | None:
        """That nothing can be watched although pictures come; None while all is well."""
        return self._decoding.trouble()

    def access_unit(self, unit: AccessUnit) -> None:
        if self._live and self._clock.monotonic_us() - unit.dts_us > _BEHIND_US:
            self._missed += 1
        else:
            self._decoding.take(unit, self._missed)

    def frame(self, frame: Frame) -> None:
        self._slot.put(frame)

    def frame_due(self, pts_us: int) -> bool:
        return self._due(pts_us)

    def no_picture_yet(self, why: str) -> None:
        """The supervisor's business."""

    def keep_pace(self, stop: threading.Event) -> None:
        while not stop.is_set() and not self._slot.wait_done(_WAIT_S):
            pass
