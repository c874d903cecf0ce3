"""Keeps one camera running: starts it again when it is lost or delivers nothing, until only a new process can help."""

import threading
from collections.abc import Callable
from typing import Literal

from pi_sec_cam.backoff import Backoff
from pi_sec_cam.camera.protocol import Camera, Sink
from pi_sec_cam.camera.source_health import SourceHealth, SourceState
from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import SourceError
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.frame import Frame
from pi_sec_cam.worker import Worker

_POLL_S = 0.5
_LIVE_POLL_S = 1.0  # there is such a thread for each stream, and while pictures come it has nothing to do
# A run that was told to stop has so long to let go of its device; less when the whole program stops.
_PATIENCE_S = 10.0
_LAST_PATIENCE_S = 1.5
_MOST_WEDGED = 3
# Each one left behind keeps a thread, and what its driver holds.
_MOST_LEFT_BEHIND = 8


class CameraSupervisor(Worker):
    """Runs `camera` into `sink` until `stop`, or until the source comes to its end.

    A run that hangs (in a driver, say) and does not stop is left behind in its thread, and the camera is opened
    beside it. When three runs in a row came to nothing for that reason, without a picture in between, or eight of them
    hang at once, it gives up.

    Args:
        on_end: called when the source has come to its end by itself, in the supervisor's thread.
        on_state: told each new state, in the same thread. Both must neither block nor raise.
        backoff, unusable_wait: when to try again.

    Attributes:
        given_up: why no attempt will help as long as this process lives, naming the source; None while it tries.
    """

    def __init__(
        self,
        camera: Camera,
        sink: Sink,
        *,
        name: str,
        clock: Clock | None = None,
        on_end: Callable[[], None] | None = None,
        on_state: Callable[[SourceState], None] | None = None,
        backoff: Backoff | None = None,
        unusable_wait: float = 60.0,
    ) -> None:
        super().__init__(name, clock)
        self._camera = camera
        self._sink = sink
        self._on_end = on_end
        self._on_state = on_state
        self._health = SourceHealth(camera.label, self.clock, backoff, unusable_wait)
        self.given_up: str | None = None
        self._told: SourceState | None = None
        self._current: _CameraRun | None = None
        self._pictures = 0  # of former runs
        self._last_us: int | None = None
        self._left_behind: list[_CameraRun] = []  # runs that did not stop and still have not
        self._wedged_in_row = 0
        self._wedged_runs = 0

    @property
    def state(self) -> SourceState:
        """How the source is doing."""
        return self._health.state

    @property
    def pictures(self) -> int:
        """Access units delivered since the start."""
        run = self._current
        return self._pictures + (run.pictures if run else 0)

    @property
    def ended(self) -> bool:
        """Whether the source came to its end by itself."""
        return self._health.state == "ended"

    def trouble(self) -> str | None:
        """Why nothing comes, in words; None while all is well, or as the user wants it."""
        return self._health.detail or None

    def stop(self) -> None:
        super().stop()
        run = self._current
        if run is not None:
            run.stop()

    def status(self) -> dict[str, object]:
        """What status shows; plain JSON values."""
        run, last_us = self._current, self._last_us
        if run is not None:
            last_us = run.picture_us if run.pictures else last_us
        age = None if last_us is None else round((self.clock.monotonic_us() - last_us) / 1e6, 1)
        return {
            "kind": self._camera.kind,
            "label": self._camera.label,
            **self._health.status(),
            "pictures": self.pictures,
            "last_picture_age": age,
            "wedged_runs": self._wedged_runs,
            "source": self._camera.describe(),
        }

    def work(self) -> None:
        while not self.stopping.is_set():
            run = self._run_once()
            if self.stopping.is_set():
                break
            if run.returned and not run.stopping.is_set():
                self._finish("ended")
                if self._on_end:
                    self._on_end()
                return
            seconds = self._health.failed(run.failure)
            if self._is_wedged(run):
                self.given_up = self._health.wedged(_PATIENCE_S)
                self._tell()
                return
            self._wait(seconds)
        self._finish("stopped")

    def _run_once(self) -> "_CameraRun":
        """One run from start to end."""
        self._health.attempt()
        self._tell()
        run = self._current = _CameraRun(f"{self.name} run", self._camera, self._sink, self.clock)
        if self.stopping.is_set():  # `stop` may have come before there was a run to tell
            return run
        run.start()
        while not run.join(self._look_after_s(run)) and not self._is_overdue(run):
            self._watch(run)
        if run.pictures:
            self._health.delivers()  # it may have begun and ended between two looks
            self._last_us = run.picture_us
        self._tell()
        self._pictures += run.pictures
        self._current = None
        return run

    def _look_after_s(self, run: "_CameraRun") -> float:
        return _LIVE_POLL_S if self.state == "live" and not run.stopping.is_set() else _POLL_S

    def _is_overdue(self, run: "_CameraRun") -> bool:
        """Whether it was told to stop and had time enough."""
        if run.stopped_us is None:
            return False
        patience_s = _LAST_PATIENCE_S if self.stopping.is_set() else _PATIENCE_S
        return self.clock.monotonic_us() - run.stopped_us >= patience_s * 1e6

    def _is_wedged(self, run: "_CameraRun") -> bool:
        """Take note of a run that is over or left behind; whether it was one too many that came to nothing."""
        if run.pictures:
            self._wedged_in_row = 0
        self._left_behind = [former for former in [*self._left_behind, run] if former.alive]
        if run.alive:
            self._wedged_runs += 1
            self._health.abandoned(_PATIENCE_S)
        elif run.pictures or not self._left_behind:
            return False
        # One that hangs mostly keeps its device, so that those after it cannot open it: they count as well.
        self._wedged_in_row += 1
        return self._wedged_in_row >= _MOST_WEDGED or len(self._left_behind) >= _MOST_LEFT_BEHIND

    def _watch(self, run: "_CameraRun") -> None:
        self.advance()
        if self.stopping.is_set():
            run.stop()
        elif not run.stopping.is_set():
            if run.pictures:
                self._health.delivers()
            elif run.why_no_picture:
                self._health.waits(run.why_no_picture)
            if not run.held_back and self._health.has_stalled(run.alive_us, run.frame_rate):
                run.stop()  # nothing it may still deliver goes on
        self._tell()

    def _wait(self, seconds: float) -> None:
        self._tell()
        until_us = self.clock.monotonic_us() + round(seconds * 1e6)
        while (left_us := until_us - self.clock.monotonic_us()) > 0 and not self.stopping.is_set():
            self.advance()
            self.stopping.wait(min(0.5, left_us / 1e6))

    def _finish(self, state: Literal["ended", "stopped"]) -> None:
        self._health.finished(state)
        self._tell()

    def _tell(self) -> None:
        if self._health.state != self._told:
            self._told = self._health.state
            if self._on_state:
                self._on_state(self._told)


class _CameraRun(Worker):
    """One run of the camera in its own thread, and the sink that it sees.

    Attributes:
        pictures: access units delivered.
        picture_us: monotonic time of the last one.
        stopped_us: when it was told to stop.
        alive_us: of the last sign of life: a camera that is held back by slow readers is not silent.
        held_back: it is being held back now.
        why_no_picture: though something comes; empty if nothing does.
        returned, failure: how it ended.
    """

    def __init__(self, name: str, camera: Camera, sink: Sink, clock: Clock) -> None:
        super().__init__(name, clock)
        self._camera = camera
        self._sink = sink
        self.pictures = 0
        self.picture_us = self.alive_us = clock.monotonic_us()
        self.stopped_us: int | None = None
        self.frame_rate: float | None = None
        self.held_back = False
        self.why_no_picture = ""
        self.returned = False
        self.failure: BaseException | None = None

    def stop(self) -> None:
        if self.stopped_us is None:
            self.stopped_us = self.clock.monotonic_us()
        super().stop()

    def work(self) -> None:
        try:
            self._camera.run(self, self.stopping)
            self.returned = True
        except SourceError as error:
            self.failure = error
        except BaseException as error:
            self.failure = error
            raise

    def access_unit(self, unit: AccessUnit) -> None:
        if self.stopping.is_set():
            return
        self.picture_us = self.alive_us = self.clock.monotonic_us()
        self.frame_rate = unit.info.frame_rate
        self.pictures += 1
        self._sink.access_unit(unit)

    def frame(self, frame: Frame) -> None:
        if not self.stopping.is_set():
            self._sink.frame(frame)

    def frame_due(self, pts_us: int) -> bool:
        return self._sink.frame_due(pts_us)

    def no_picture_yet(self, why: str) -> None:
        if not self.pictures:  # later, what cannot be used is no sign of life
            self.alive_us = self.clock.monotonic_us()
            self.why_no_picture = why

    def keep_pace(self, stop: threading.Event) -> None:
        self.held_back = True
        self._sink.keep_pace(stop)
        self.alive_us = self.clock.monotonic_us()
        self.held_back = False
