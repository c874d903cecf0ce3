"""When an event begins, goes on and ends: a state machine without I/O (docs/architecture.md, Events)."""

from dataclasses import dataclass
from typing import Literal

EndReason = Literal["rest", "max_time", "source_lost", "source_ended", "stopped"]
State = Literal["armed", "active", "post-roll"]

# A movement that was seen for a shorter time makes no event: at 5 pictures a second, three in a row.
MIN_MOTION_SEC = 0.35


@dataclass(frozen=True, slots=True)
class Area:
    """A changed part of the picture: left, top, width and height as fractions (0–1) of the picture."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class EventStarted:
    """Something moves.

    Attributes:
        number: counts a camera's events since the daemon started; the matching EventEnded carries it too.
        trigger_pts_us: the first frame of the movement.
        clip_from_pts_us: the clip begins at the keyframe at or before this; for a continuation, at the keyframe
            where the former event's clip ends (the first at or after this).
        areas: what had changed in the frame that made it an event.
        continues: number of the event that this one goes on from, without gap.
        decided_pts_us: the frame that made it an event, because the movement had lasted long enough; whoever came is
            further in the picture by then. None: the first one.
    """

    number: int
    trigger_pts_us: int
    clip_from_pts_us: int
    areas: tuple[Area, ...] = ()
    continues: int | None = None
    decided_pts_us: int | None = None


@dataclass(frozen=True, slots=True)
class EventEnded:
    """Nothing moves any more, or the event was cut.

    Attributes:
        last_motion_pts_us: the last frame with movement.
        clip_to_pts_us: the clip ends after the last unit with DTS up to this and what is shown before it; with
            reason "max_time", before the first keyframe with PTS at or after this.
    """

    number: int
    last_motion_pts_us: int
    clip_to_pts_us: int
    reason: EndReason


EventChange = EventStarted | EventEnded


@dataclass(slots=True)
class _Running:
    """The event that is being recorded."""

    number: int
    clip_from_us: int
    last_motion_us: int


class EventMachine:
    """Turns "this moves, since then" of successive pictures into events.

    States: *armed* (no event), *active* (the last picture showed movement), *post-roll* (an event whose movement has
    stopped, less than `rec_sec_after` ago). Time is the media time of the pictures given, nothing else.

    - A movement makes an event once it has lasted `min_motion_sec`. The clip begins `rec_sec_before` before its first
      picture and ends `rec_sec_after` after the last movement; movement meanwhile extends it.
    - A clip that reaches `max_event_time` is cut there. Movement that begins again at most
      max(rec_sec_before, rec_sec_after) after the cut is a continuation: its clip begins at the cut.
    - So that a cut can never come before the movement, at most half of `max_event_time` is pre-roll.

    All settings are in seconds.
    """

    def __init__(
        self,
        *,
        rec_sec_before: float,
        rec_sec_after: float,
        max_event_time: float,
        min_motion_sec: float = MIN_MOTION_SEC,
    ) -> None:
        if min(rec_sec_before, rec_sec_after, min_motion_sec) < 0 or max_event_time <= 0:
            raise ValueError("an event's times must not be negative, and max_event_time must be above 0")
        self._before_us = round(min(rec_sec_before, max_event_time / 2) * 1e6)
        self._after_us = round(rec_sec_after * 1e6)
        self._max_us = round(max_event_time * 1e6)
        self._min_motion_us = round(min_motion_sec * 1e6)
        self._number = 0
        self._event: _Running | None = None
        self._pts_us: int | None = None
        self._cut_us: int | None = None  # where the former event was cut, while it may still be continued

    @property
    def state(self) -> State:
        """What the machine is doing now."""
        if self._event is None:
            return "armed"
        return "active" if self._event.last_motion_us == self._pts_us else "post-roll"

    @property
    def number(self) -> int:
        """Of the running event, else of the last one; 0 before the first."""
        return self._number

    def frame(self, pts_us: int, areas: tuple[Area, ...] = (), since_pts_us: int | None = None) -> list[EventChange]:
        """A picture was looked at.

        Args:
            pts_us: its media time. A time that runs backwards ends a running event as if the source had been lost.
            areas: what differs in it, moving or not yet known to.
            since_pts_us: the first picture in which the longest of these movements was seen, None for no movement.
        """
        changes = self.lost(self._pts_us) if self._pts_us is not None and pts_us < self._pts_us else []
        self._pts_us = pts_us
        lasting = since_pts_us is not None and pts_us - since_pts_us >= self._min_motion_us
        if self._event is not None:
            changes += self._go_on(self._event, pts_us, since_pts_us if lasting else None)
        if self._event is None and since_pts_us is not None and lasting and pts_us != self._cut_us:
            changes.append(self._start(pts_us, since_pts_us, areas))
        return changes

    def lost(self, pts_us: int) -> list[EventChange]:
        """The source has stopped delivering; `pts_us` is its last picture's time."""
        return self._break_off(pts_us, "source_lost")

    def ended(self, pts_us: int) -> list[EventChange]:
        """The source has come to its end."""
        return self._break_off(pts_us, "source_ended")

    def stopped(self, pts_us: int) -> list[EventChange]:
        """The user wants no more."""
        return self._break_off(pts_us, "stopped")

    def _start(self, pts_us: int, since_us: int, areas: tuple[Area, ...]) -> EventStarted:
        self._number += 1
        clip_from_us, continues = since_us - self._before_us, None
        if self._cut_us is not None and since_us <= self._cut_us + max(self._before_us, self._after_us):
            since_us = max(since_us, self._cut_us)
            clip_from_us, continues = self._cut_us, self._number - 1
        self._cut_us = None
        self._event = _Running(self._number, clip_from_us, pts_us)
        return EventStarted(self._number, since_us, clip_from_us, areas, continues, pts_us)

    def _go_on(self, event: _Running, pts_us: int, since_us: int | None) -> list[EventChange]:
        """The next picture of a running event; `since_us` only of a movement that has lasted."""
        cut_us = event.clip_from_us + self._max_us
        if since_us is not None and since_us <= event.last_motion_us + self._after_us:
            event.last_motion_us = pts_us
        rest_us = event.last_motion_us + self._after_us
        if rest_us <= pts_us and event.last_motion_us < pts_us:
            return [self._end(rest_us, "rest")]
        if pts_us < cut_us:
            return []
        self._cut_us = pts_us
        return [self._end(pts_us, "max_time")]

    def _break_off(self, pts_us: int, reason: EndReason) -> list[EventChange]:
        self._pts_us = None
        self._cut_us = None
        if self._event is None:
            return []
        last_us = self._event.last_motion_us
        return [self._end(min(pts_us, last_us + self._after_us), reason)]

    def _end(self, clip_to_us: int, reason: EndReason) -> EventEnded:
        assert self._event is not None
        ended = EventEnded(self._event.number, self._event.last_motion_us, clip_to_us, reason)
        self._event = None
        return ended
