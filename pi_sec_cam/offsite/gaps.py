"""When what is less urgent than a running event's next chunk may leave: in gaps that are long enough. Pure."""

from collections.abc import Iterable

from pi_sec_cam.offsite.waiting import WaitingEvent

# How far apart an event's chunks are, as long as only one has come.
_USUAL_US = 1_000_000
# Chunks that are handed over closer together are one that was too large.
_TOGETHER_US = 150_000
# What is less urgent may delay the next chunk by so much of the time between two.
_DELAY_SHARE = 0.5
# A chunk that is later than that is not waited for: the camera may be silent.
_LATE_US = 500_000
# Pre-roll and backlog get on, on however thin a line: a file so often.
_STARVED_US = 10_000_000


class Gaps:
    """One store's; all times are monotonic, in microseconds.

    On a line that is hardly faster than the video, a second of pre-roll between any two live chunks would make each of
    them longer and later than the one before.
    """

    def __init__(self) -> None:
        self._first_us: dict[WaitingEvent, int] = {}
        self._last_us: dict[WaitingEvent, int] = {}
        self._interval_us: dict[WaitingEvent, int] = {}
        self._upload_us, self._upload_bytes = 0, 1
        self._other_us = 0

    def live(self, event: WaitingEvent, added_us: int) -> None:
        """A live chunk leaves that was handed over then."""
        last_us = self._last_us.get(event)
        if last_us is None:
            self._first_us[event] = added_us
        elif added_us - last_us > _TOGETHER_US:
            # The shortest: chunks grow while they wait.
            self._interval_us[event] = min(added_us - last_us, self._interval_us.get(event, added_us))
        self._last_us[event] = max(added_us, last_us or added_us)

    def other(self, now_us: int) -> None:
        """Something less urgent leaves."""
        self._other_us = now_us

    def sent(self, size: int, took_us: int) -> None:
        """A file was stored: so many bytes in such a time."""
        self._upload_us, self._upload_bytes = took_us, max(1, size)

    def opens_us(self, size: int, running: Iterable[WaitingEvent], *, free_us: int, now_us: int) -> int:
        """When a less urgent file may leave if no chunk comes before; `now_us` for at once.

        Args:
            size: its bytes.
            running: the events that run.
            free_us: since when nothing has been on its way to the store.
        """
        known = [event for event in running if event in self._last_us]
        for gone in self._last_us.keys() - known:
            del self._first_us[gone], self._last_us[gone]
            self._interval_us.pop(gone, None)
        if not known:
            return now_us
        intervals = ((self._interval_us.get(event, _USUAL_US), event) for event in known)
        expected_us, interval_us = min((self._last_us[event] + each_us, each_us) for each_us, event in intervals)
        takes_us = round(self._upload_us * max(1.0, size / self._upload_bytes))
        starved_us = max(self._other_us, min(self._first_us[event] for event in known)) + _STARVED_US
        if now_us + takes_us <= expected_us + _DELAY_SHARE * interval_us:
            return now_us
        return max(now_us, min(starved_us, max(expected_us, free_us) + _LATE_US))
