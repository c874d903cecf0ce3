"""The thread that looks at the newest frame, drives the event machine and tells those who listen."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pi_sec_cam.clock import Clock
from pi_sec_cam.media.frame import Frame, FrameSlot
from pi_sec_cam.motion.detector import Detector
from pi_sec_cam.motion.event import Area, EventChange, EventEnded, EventMachine, State
from pi_sec_cam.worker import Worker

log = logging.getLogger(__name__)

Listener = Callable[[EventChange], None]

STALL_SECONDS = 5.0
_WAIT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Watched:
    """What the watcher has seen up to now.

    Attributes:
        state: of the event machine.
        frames: looked at since the start.
        events: begun since the start.
        light_changes: recognised as such, and not taken for movement.
        listener_faults: events that a listener failed on.
        last_pts_us, last_motion_pts_us: media time of the last frame, and of the last that showed movement.
        areas: what differs in the last frame, moving or not (yet).
    """

    state: State = "armed"
    frames: int = 0
    events: int = 0
    light_changes: int = 0
    listener_faults: int = 0
    last_pts_us: int | None = None
    last_motion_pts_us: int | None = None
    areas: tuple[Area, ...] = ()


class Watcher(Worker):
    """Looks at each frame of a slot until the slot is finished or the worker is stopped.

    Listeners are called in this thread and must be quick: they put what they are told into a queue of their own. One
    that raises is logged and counted, and neither the others nor the next event miss anything.

    A running event ends as lost when no frame came for `stall_seconds` (of the clock, not of media time).

    Args:
        settle_seconds: of media time after the first frame, and after a pause, in which nothing counts as movement: a
            camera that was switched on is still looking for its exposure.
    """

    def __init__(
        self,
        name: str,
        *,
        slot: FrameSlot,
        detector: Detector,
        machine: EventMachine,
        listeners: Sequence[Listener] = (),
        stall_seconds: float = STALL_SECONDS,
        settle_seconds: float = 0.0,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(name, clock)
        self._slot = slot
        self._detector = detector
        self._machine = machine
        self._listeners = tuple(listeners)
        self._stall_us = round(stall_seconds * 1e6)
        self._settle_us = round(settle_seconds * 1e6)
        self._armed_from_us: int | None = (
            None  # media time at which the camera has settled; None before its first frame
        )
        self._pausing = threading.Event()  # set by any thread, cleared by this one
        self.watched = Watched()  # replaced whole by this thread, read by any

    def pause(self) -> None:
        """The source was stopped by the user: a running event ends; what comes next has nothing to do with it."""
        self._pausing.set()

    @property
    def alert(self) -> bool:
        """Whether an event runs, or something moves that may become one. Any thread."""
        watched = self.watched
        return watched.state != "armed" or (
            watched.last_motion_pts_us is not None and watched.last_motion_pts_us == watched.last_pts_us
        )

    def describe(self) -> dict[str, object]:
        """What status shows of the motion room; plain JSON values, areas as [left, top, width, height]."""
        watched = self.watched
        return {
            "state": watched.state,
            "frames": watched.frames,
            "frames_dropped": self._slot.dropped,
            "events": watched.events,
            "light_changes": watched.light_changes,
            "listener_faults": watched.listener_faults,
            "last_pts_us": watched.last_pts_us,
            "last_motion_pts_us": watched.last_motion_pts_us,
            "areas": [[area.left, area.top, area.width, area.height] for area in watched.areas],
        }

    def work(self) -> None:
        number = 0
        fresh_us = self.clock.monotonic_us()
        while not self.stopping.is_set():
            finished = self._slot.finished  # asked first: what `take` then does not find will never come
            taken = self._slot.take(number, _WAIT_SECONDS)
            if self._pausing.is_set():
                self._pausing.clear()
                self._forget(self._machine.stopped)
            if taken is not None:
                number, frame = taken
                self._look(frame)
                self._slot.done(number)
                fresh_us = self.clock.monotonic_us()
            elif finished:
                self._break_off(self._machine.ended)
                return
            elif self._machine.state != "armed" and self.clock.monotonic_us() - fresh_us >= self._stall_us:
                log.warning("%s: no picture for %.0f s, the running event ends", self.name, self._stall_us / 1e6)
                self._forget(self._machine.lost)
            self.advance()
        self._break_off(self._machine.stopped)

    def _look(self, frame: Frame) -> None:
        motion = self._detector.look(frame.luma, frame.pts_us)
        changes = self._machine.frame(frame.pts_us, motion.areas, self._settled(motion.since_pts_us, frame.pts_us))
        if any(isinstance(change, EventEnded) and change.reason == "max_time" for change in changes):
            self._detector.rebase()
        watched = self.watched
        self.watched = replace(
            watched,
            state=self._machine.state,
            frames=watched.frames + 1,
            events=self._machine.number,
            light_changes=watched.light_changes + motion.light_change,
            last_pts_us=frame.pts_us,
            last_motion_pts_us=watched.last_motion_pts_us if motion.since_pts_us is None else frame.pts_us,
            areas=motion.areas,
        )
        self._tell(changes)

    def _settled(self, since_pts_us: int | None, pts_us: int) -> int | None:
        """Since when something moves, without what moved before the camera had settled."""
        if self._armed_from_us is None:
            self._armed_from_us = pts_us + self._settle_us
        if since_pts_us is None or pts_us < self._armed_from_us:
            return None
        return max(since_pts_us, self._armed_from_us) if self._settle_us else since_pts_us

    def _forget(self, how: Callable[[int], list[EventChange]]) -> None:
        """End a running event; what comes next may show another time of day."""
        self._break_off(how)
        self._detector.rebase()
        self._armed_from_us = None

    def _break_off(self, how: Callable[[int], list[EventChange]]) -> None:
        """End a running event, at the last picture that was seen."""
        changes = how(self.watched.last_pts_us or 0)
        self.watched = replace(self.watched, state=self._machine.state, areas=())
        self._tell(changes)

    def _tell(self, changes: Sequence[EventChange]) -> None:
        for change in changes:
            for listener in self._listeners:
                try:
                    listener(change)
                except Exception:  # the border to other rooms: like a Worker's top, it reports and goes on
                    log.exception("%s: a listener failed on %s; please report it", self.name, change)
                    self.watched = replace(self.watched, listener_faults=self.watched.listener_faults + 1)
