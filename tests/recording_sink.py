"""A sink that keeps what a camera delivers, and the rules that every camera's delivery has to keep."""

import threading
import time
from collections.abc import Callable
from itertools import pairwise

from pi_sec_cam.camera.protocol import Camera
from pi_sec_cam.errors import SourceError
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.frame import Frame


class RecordingSink:
    """Keeps everything; any thread may look.

    Args:
        enough: told each unit in the camera's thread; once it says True, `full` is set.
    """

    def __init__(self, enough: Callable[["RecordingSink"], bool] | None = None) -> None:
        self.units: list[AccessUnit] = []
        self.arrivals: list[float] = []  # monotonic seconds, one for each unit
        self.frames: list[Frame] = []
        self.paced = 0
        self.full = threading.Event()
        self._enough = enough

    def access_unit(self, unit: AccessUnit) -> None:
        self.units.append(unit)
        self.arrivals.append(time.monotonic())
        if self._enough is not None and self._enough(self):
            self.full.set()

    def frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def frame_due(self, pts_us: int) -> bool:
        return True

    def no_picture_yet(self, why: str) -> None:
        pass

    def keep_pace(self, stop: threading.Event) -> None:
        self.paced += 1


class Running:
    """A camera that runs in a thread of its own; `with` stops it."""

    def __init__(self, camera: Camera, sink: RecordingSink) -> None:
        self.stop = threading.Event()
        self.error: BaseException | None = None
        self.stopped_in = 0.0
        self._camera = camera
        self._sink = sink
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Running":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asked = time.monotonic()
        self.stop.set()
        self.join(10)
        self.stopped_in = time.monotonic() - asked

    def join(self, seconds: float) -> None:
        """Wait for the end of the run."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the camera does not end"

    def _run(self) -> None:
        try:
            self._camera.run(self._sink, self.stop)
        except SourceError as error:
            self.error = error


def check_delivery(units: list[AccessUnit]) -> None:
    """What media/access_unit.py and camera/protocol.py promise of any camera's units."""
    assert units
    assert units[0].keyframe, "decoding can begin at the first unit"
    for unit in units:
        assert unit.data.startswith(b"\x00\x00\x00\x01"), "Annex B with 4-byte start codes"
        assert unit.pts_us >= unit.dts_us
        if unit.keyframe:
            assert unit.data.startswith(unit.info.parameter_sets), "parameter sets before each keyframe"
    for before, after in pairwise(units):
        assert after.dts_us > before.dts_us
        assert after.info.epoch >= before.info.epoch
        if after.info is not before.info:
            assert facts(after) != facts(before), "another StreamInfo only if something in it changes"
    assert all(unit.info.width > 0 and unit.info.height > 0 for unit in units)


def facts(unit: AccessUnit) -> tuple[object, ...]:
    """All that a unit's StreamInfo says."""
    info = unit.info
    return (info.codec, info.width, info.height, info.parameter_sets, info.epoch, info.frame_rate, info.with_frames)
