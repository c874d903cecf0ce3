"""One event's video on its way from the ring to chunks: its newest pictures first, then what was before them."""

from collections import deque

from pi_sec_cam.clock import Clock
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.entry import Entry
from pi_sec_cam.motion.event_reader import EventReader
from pi_sec_cam.offsite.cut import Chunk, Cutter

# A chunk that stores keep waiting grows to this; and it is how much of the beginning is looked at in one go.
LONGEST_US = 10_000_000
# Pictures that are late by the clock: how long after the last one a chunk is not waited to become full.
_STALLED_US = 200_000
_WAIT_S = 0.25
# The picture that triggered may be on its way still: a camera delivers it for detection first.
_PICTURE_WITHIN_S = 0.1


class EventChunks:
    """Reads an event, and cuts it. Chunk numbers are chronological: what was before the trigger has the first ones.

    Args:
        age_us: how long a chunk should be.

    Attributes:
        before: chunks from before the trigger that have not been handed over, with their numbers, the newest last.
        dropped: units that were left out because others before them are missing.
    """

    def __init__(self, reader: EventReader, *, max_bytes: int, age_us: int, clock: Clock) -> None:
        self._reader = reader
        self._max_bytes = max_bytes
        self._age_us = age_us
        self._clock = clock
        self._entry = Entry()
        self._missing = 0
        self._live = Cutter(max_bytes)
        self._number = 0
        self._came_us = clock.monotonic_us()  # when the last unit was read
        self.before: deque[tuple[int, Chunk]] = deque()

    @property
    def dropped(self) -> int:
        return self._entry.dropped + self._reader.dropped

    @property
    def waiting_bytes(self) -> int:
        """Read, and not handed over."""
        return self._live.held_bytes + sum(len(chunk.data) for _, chunk in self.before)

    def begin(self, picture_us: int) -> tuple[list[tuple[int, Chunk]], int]:
        """What there is of the event's beginning: the chunks from the keyframe before the trigger up to now.

        What was before that is in `before` then. A continuation has nothing before it.

        Args:
            picture_us: media time of the event's picture; is waited for shortly, if it has not come yet.

        Returns:
            The chunks, each with its number; and how much video, in microseconds, is to be decoded for the picture.
        """
        started = self._reader.started
        until_us = started.trigger_pts_us + LONGEST_US
        taken = self._read_beginning(picture_us, until_us)
        keyframes = [(unit.pts_us, index) for index, (unit, _) in enumerate(taken) if unit.keyframe]
        first = max((index for pts_us, index in keyframes if pts_us <= started.trigger_pts_us), default=0)
        if started.continues is not None:
            first = 0
        before = Cutter(self._max_bytes)
        old = [chunk for unit, end in taken[:first] for chunk in before.add(unit, end, self._age_us)] + before.rest()
        self.before.extend(enumerate(old))
        self._number = len(old)
        new = [chunk for unit, end in taken[first:] for chunk in self._live.add(unit, end, LONGEST_US)]
        if not taken or taken[-1][0].dts_us < until_us:  # that was all; else the rest is not its end
            new += self._live.rest()
        decoded_us = min((picture_us - pts_us for pts_us, _ in keyframes if pts_us <= picture_us), default=0)
        return self._numbered(new), decoded_us

    def follow(self, *, patient: bool, most_us: int) -> list[tuple[int, Chunk]] | None:
        """The chunks, each with its number, that are complete with what comes next; None when nothing has come.

        Args:
            patient: wait for what comes, a quarter of a second at most.
            most_us: how long a chunk may be now.
        """
        if self._live.is_full(most_us):
            return self.rest()
        self._reader.sleep_until(self._live.next_cut_us(self._age_us))
        unit = self._reader.read(self._wait_s(most_us) if patient else 0)
        now_us = self._clock.monotonic_us()
        if unit is not None:
            self._came_us = now_us
            return self._numbered(self._live.add(unit, self._reader.next_number, most_us)) if self._takes(unit) else []
        first_us = self._live.first_dts_us
        late = first_us is not None and now_us - first_us >= most_us and now_us - self._came_us >= _STALLED_US
        return self.rest() if late else None

    def rest(self) -> list[tuple[int, Chunk]]:
        """What is held, as a chunk with its number."""
        return self._numbered(self._live.rest())

    def _read_beginning(self, picture_us: int, until_us: int) -> list[tuple[AccessUnit, int]]:
        """The units that are there, up to DTS `until_us`, each with the number after its own."""
        taken: list[tuple[AccessUnit, int]] = []
        patience_s, reach_us = _PICTURE_WITHIN_S, picture_us
        while True:
            unit = self._reader.read(0)
            if unit is None and taken and reach_us < picture_us and patience_s:
                self._reader.sleep_until(picture_us)
                unit, patience_s = self._reader.read(patience_s), 0.0
            if unit is None:
                return taken
            reach_us = unit.pts_us
            if self._takes(unit):
                taken.append((unit, self._reader.next_number))
            if unit.dts_us >= until_us:
                return taken

    def _wait_s(self, most_us: int) -> float:
        """Up to when the chunk that is held is old by the clock, and then, when no picture has come for long."""
        first_us = self._live.first_dts_us
        if first_us is None:
            return _WAIT_S
        now_us = self._clock.monotonic_us()
        until_us = max(first_us + most_us, self._came_us + _STALLED_US)
        return min(max(until_us - now_us, 1000) / 1e6, _WAIT_S)

    def _takes(self, unit: AccessUnit) -> bool:
        if self._reader.dropped > self._missing:
            self._missing = self._reader.dropped
            self._entry.gap()
        return self._entry.takes(unit)

    def _numbered(self, chunks: list[Chunk]) -> list[tuple[int, Chunk]]:
        first, self._number = self._number, self._number + len(chunks)
        return list(enumerate(chunks, first))
