"""How a source is doing: its state since when, when to try again, and whether it has stalled. No threads, no I/O."""

import logging
from datetime import timedelta
from typing import Literal

from pi_sec_cam.backoff import Backoff
from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import SourceError, SourceUnusable

log = logging.getLogger(__name__)

SourceState = Literal["connecting", "live", "away", "stalled", "unusable", "wedged", "ended", "stopped"]
_TROUBLE = {"away", "stalled", "unusable", "wedged"}

_STALL_US = 5_000_000
# Opening takes its time: a camera boots its sensor, a stream waits for its first keyframe.
_FIRST_PICTURE_US = 15_000_000
# The longest GOPs that cameras offer are 400 pictures; one picture a second is slow, but occurs.
_FIRST_KEYFRAME_US = 600_000_000
# A source that is slow by nature may miss a few pictures, too.
_STALL_PICTURES = 4
# A run that delivered for this long was a success: the next failure is a new one.
_SUCCESS_US = 10_000_000


class SourceHealth:
    """The state machine behind a camera's supervisor. Used by its thread; `status` may be read from any.

    connecting → live on the first picture; either → stalled when none comes; any but ended and stopped → away or
    unusable when an attempt fails, → connecting when it is there again and its first picture takes its time. While
    attempts fail, the state stays what the last failure made it, and `since` stays the moment when the trouble began.
    wedged is final.

    Args:
        label: the source, for the log.
        unusable_wait: seconds before a source is tried again that only a change by someone can mend.
    """

    def __init__(self, label: str, clock: Clock, backoff: Backoff | None = None, unusable_wait: float = 60.0) -> None:
        self._label = label
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._unusable_wait = unusable_wait
        self.state: SourceState = "connecting"
        self.detail = ""
        self.attempts = 0
        self._since_us = clock.monotonic_us()
        self._live_from_us: int | None = None
        self._attempt_us = self._since_us

    def attempt(self) -> None:
        """The source is being opened."""
        self.attempts += 1
        self._live_from_us = None
        self._attempt_us = self._clock.monotonic_us()

    def delivers(self) -> None:
        """It has delivered a picture."""
        if self._live_from_us is not None:
            return
        self._live_from_us = self._clock.monotonic_us()
        if self.state in _TROUBLE:
            log.warning("%s is back after %.1f s", self._label, self._seconds())
        self._turn("live", "")

    def waits(self, why: str) -> None:
        """It is alive, but has not delivered a picture yet; said when that takes longer than opening may.

        Args:
            why: goes on from the source's name.
        """
        detail = f"{self._label} {why}"
        if self._clock.monotonic_us() - self._attempt_us >= _FIRST_PICTURE_US and detail != self.detail:
            log.warning("%s", detail)
            self._turn("connecting", detail)

    def has_stalled(self, last_us: int, frame_rate: float | None) -> bool:
        """Whether a source has fallen silent, or gives no first picture.

        Args:
            last_us: monotonic time of its last sign of life, at first of the attempt's start.
            frame_rate: its nominal pictures a second.
        """
        silent_us = self._clock.monotonic_us() - last_us
        if self._live_from_us is None:
            trying_us = self._clock.monotonic_us() - self._attempt_us
            if silent_us < _FIRST_PICTURE_US and trying_us < _FIRST_KEYFRAME_US:
                return False
            said = f"within {trying_us / 1e6:.0f} s of being opened"
        else:
            limit_us = max(_STALL_US, round(_STALL_PICTURES * 1e6 / frame_rate) if frame_rate else 0)
            if silent_us < limit_us:
                return False
            said = f"for {limit_us / 1e6:g} s"
        self._trouble("stalled", f"{self._label} has delivered no picture {said}; starting it anew")
        return True

    def failed(self, error: BaseException | None) -> float:
        """An attempt has come to nothing, or a run was broken off; seconds to wait before the next.

        Args:
            error: why; None after a stall.
        """
        now_us = self._clock.monotonic_us()
        if self._live_from_us is not None and now_us - self._live_from_us >= _SUCCESS_US:
            self._backoff.reset()
        if isinstance(error, SourceUnusable):
            self._trouble("unusable", str(error))
            return self._unusable_wait
        if isinstance(error, SourceError):
            self._trouble("away", str(error))
        elif error is not None:
            self._trouble("unusable", f"{self._label} failed by an error of ours ({type(error).__name__}); see the log")
        return self._backoff.wait()

    def abandoned(self, seconds: float) -> None:
        """A run did not end within `seconds` of being told to, and is left behind."""
        self._trouble("stalled", f"{self._label} has not stopped within {seconds:g} s; opening it beside what hangs")

    def wedged(self, seconds: float) -> str:
        """No attempt will help as long as this process lives; says so in words."""
        self._trouble(
            "wedged",
            f"{self._label} hangs: it delivers no picture and has not stopped within {seconds:g} s. The program ends, "
            "so that the service manager starts it anew",
        )
        return self.detail

    def finished(self, state: Literal["ended", "stopped"]) -> None:
        """It will not run again."""
        self._turn(state, "")

    def status(self) -> dict[str, object]:
        """State, since when (ISO 8601), detail, attempts: plain JSON values."""
        since = self._clock.wall() - timedelta(seconds=self._seconds())
        return {
            "state": self.state,
            "since": since.isoformat(timespec="seconds"),
            "detail": self.detail,
            "attempts": self.attempts,
        }

    def _trouble(self, state: SourceState, detail: str) -> None:
        if (state, detail) != (self.state, self.detail):
            log.warning("%s", detail)
        self._turn(state, detail)

    def _turn(self, state: SourceState, detail: str) -> None:
        if state != self.state and not (state in _TROUBLE and self.state in _TROUBLE):
            self._since_us = self._clock.monotonic_us()
        self.state, self.detail = state, detail

    def _seconds(self) -> float:
        return (self._clock.monotonic_us() - self._since_us) / 1e6
