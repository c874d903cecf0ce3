"""When an event begins, goes on and ends: a state machine without I/O (docs/architecture.md, Events)."""

from dataclasses import dataclass, field
from typing import Literal

EndReason = Literal["rest", "max_time", "source_lost", "source_ended", "stopped"]


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
        trigger_pts_us: the frame that triggered.
        clip_from_pts_us: the clip begins at the keyframe at or before this; for a continuation, at the keyframe
            where the former event's clip ends (the first at or after this).
        areas: what had changed in that frame.
        continues: number of the event that this one goes on from, without gap.
    """

    number: int
    trigger_pts_us: int
    clip_from_pts_us: int
    areas: tuple[Area, ...] = field(default=())
    continues: int | None = None


@dataclass(frozen=True, slots=True)
class EventEnded:
    """Nothing moves any more, or the event was cut.

    Attributes:
        last_motion_pts_us: the last frame with movement.
        clip_to_pts_us: the clip ends after the last unit with DTS up to this; with reason "max_time", before the
            first keyframe with PTS at or after this.
    """

    number: int
    last_motion_pts_us: int
    clip_to_pts_us: int
    reason: EndReason
