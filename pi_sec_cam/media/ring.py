"""Keeps the last seconds of encoded video in memory, in whole GOPs, for any number of readers."""

import threading
from collections import deque
from itertools import islice, zip_longest

from pi_sec_cam.media.access_unit import AccessUnit

_GAP_US = 1_000_000


class Ring:
    """The newest access units of one camera; the oldest GOPs go once they are beyond both time and need.

    A GOP leaves when the ring holds `seconds` of video without it and no pinned cursor still has to read from
    it, or, pinned or not, when the ring holds more than `max_bytes`. The newest GOP stays, unless it alone
    exceeds `max_bytes`: then its older pictures leave, and readers that have kept up notice nothing.

    Args:
        seconds: of media time that can always be looked back (given that much has been appended).
        max_bytes: bound of the units' data.
    """

    def __init__(self, *, seconds: float, max_bytes: int) -> None:
        self._keep_us = round(seconds * 1e6)
        self._max_bytes = max_bytes
        # Protects everything below; appended to by the camera's thread, read by each cursor's own thread.
        self._changed = threading.Condition()
        self._units: deque[AccessUnit] = deque()
        self._first = 0  # the number of _units[0]; units are numbered from 0 as they come
        self._keys: deque[tuple[int, int]] = deque()  # (number, pts_us) of the keyframes held
        self._bytes = 0
        self._cursors: set[Cursor] = set()
        self._finished = False

    def append(self, unit: AccessUnit) -> None:
        """Add the newest unit. Never waits for a reader."""
        with self._changed:
            if unit.keyframe:
                self._keys.append((self._first + len(self._units), unit.pts_us))
            self._units.append(unit)
            self._bytes += len(unit.data)
            if unit.keyframe or self._bytes > self._max_bytes:
                self._evict(unit.pts_us)
            self._changed.notify_all()

    def finish(self) -> None:
        """The source has ended: readers get what is left and then learn it."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def cursor(self, *, from_pts_us: int | None = None, pinned: bool = False) -> "Cursor":
        """A reader.

        Args:
            from_pts_us: begin at the newest keyframe at or before this, unless nothing came after it for more than a
                second before this (the source was away, or stopped): then at the next one; without one, at the oldest
                keyframe held. None: at the newest keyframe.
            pinned: keep what the reader has not read yet, within `max_bytes`.
        """
        with self._changed:
            at = self._keys[-1][0] if self._keys else self._first + len(self._units)
            if from_pts_us is not None and self._keys:
                at = self._key_for(from_pts_us)
            cursor = Cursor(self, at, pinned=pinned)
            cursor.seeks_keyframe = not self._keys
            self._cursors.add(cursor)
            return cursor

    def clear(self) -> None:
        """Forget all that no pinned reader still has to read: what comes next has nothing to do with it."""
        with self._changed:
            self._drop_to(min((c.next_number for c in self._cursors if c.pinned), default=self._end))

    def gop_at(self, pts_us: int) -> list[AccessUnit]:
        """The units from the newest keyframe at or before `pts_us` up to the next keyframe; empty if none is held."""
        with self._changed:
            numbers = [n for n, pts in self._keys if pts <= pts_us]
            if not numbers:
                return []
            start = numbers[-1]
            end = next((n for n, _ in self._keys if n > start), self._first + len(self._units))
            return list(islice(self._units, start - self._first, end - self._first))

    def wait_read(self, seconds: float) -> bool:
        """Wait until pinned readers hold back at most half of `max_bytes`; whether they do.

        For sources that are faster than real time; others never wait.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._pinned_bytes() <= self._max_bytes // 2, seconds)

    def held(self) -> dict[str, float | int]:
        """What status shows: pictures, bytes, seconds; `unread` pictures of the slowest pinned reader."""
        with self._changed:
            span_us = self._units[-1].dts_us - self._units[0].dts_us if self._units else 0
            return {
                "pictures": len(self._units),
                "bytes": self._bytes,
                "seconds": round(span_us / 1e6, 3),
                "unread": self._end - min((c.next_number for c in self._cursors if c.pinned), default=self._end),
            }

    def _key_for(self, pts_us: int) -> int:
        """The number of the keyframe at which a clip begins that shall show `pts_us`; there is at least one."""
        number = self._keys[0][0]
        for (key, key_pts_us), (following, _) in zip_longest(self._keys, islice(self._keys, 1, None), fillvalue=(0, 0)):
            if key_pts_us > pts_us:
                break
            number = key
            if following and self._units[following - self._first - 1].pts_us + _GAP_US < pts_us:
                number = following
        return number

    def _evict(self, newest_pts_us: int) -> None:
        while len(self._keys) > 1:
            second, second_pts_us = self._keys[1]
            needed = newest_pts_us - second_pts_us < self._keep_us or any(
                c.pinned and c.next_number < second for c in self._cursors
            )
            if needed and self._bytes <= self._max_bytes:
                return
            self._drop_to(second)
        if self._bytes > self._max_bytes and self._units:
            self._drop_to(self._first + max(1, len(self._units) // 2))

    def _drop_to(self, number: int) -> None:
        while self._first < number:
            self._bytes -= len(self._units.popleft().data)
            self._first += 1
        while self._keys and self._keys[0][0] < number:
            self._keys.popleft()

    def _pinned_bytes(self) -> int:
        pinned = [c.next_number for c in self._cursors if c.pinned]
        if not pinned:
            return 0
        return sum(len(u.data) for u in islice(self._units, max(0, min(pinned) - self._first), None))

    def _read(self, cursor: "Cursor", seconds: float) -> AccessUnit | None:
        with self._changed:
            self._changed.wait_for(lambda: self._place(cursor) or self._finished or cursor.closed, seconds)
            if cursor.closed or not self._place(cursor):
                cursor.drained = self._finished
                return None
            unit = self._units[cursor.next_number - self._first]
            cursor.next_number += 1
            if cursor.pinned:
                self._changed.notify_all()
            return unit

    def _place(self, cursor: "Cursor") -> bool:
        """Move the cursor to where it can go on reading; whether there is a unit to read."""
        if cursor.next_number < self._first:
            cursor.seeks_keyframe = True  # too slow: what came next is gone
        if cursor.seeks_keyframe:
            key = self._keys[-1][0] if self._keys else -1
            to = key if key >= cursor.next_number else self._end
            cursor.dropped += to - cursor.next_number
            cursor.next_number = to
            cursor.seeks_keyframe = to != key
        return cursor.next_number < self._end

    @property
    def _end(self) -> int:
        return self._first + len(self._units)

    def _close(self, cursor: "Cursor") -> None:
        with self._changed:
            cursor.closed = True
            self._cursors.discard(cursor)
            self._changed.notify_all()


class Cursor:
    """One reader's place in a ring; used by one thread, closed from any.

    A reader that lags behind what the ring holds goes on at the newest keyframe.

    Attributes:
        dropped: units that it missed.
        drained: the source has ended and all of it was read.
    """

    def __init__(self, ring: Ring, number: int, *, pinned: bool) -> None:
        self._ring = ring
        self.next_number = number
        self.seeks_keyframe = False
        self.pinned = pinned
        self.dropped = 0
        self.drained = False
        self.closed = False

    def read(self, seconds: float) -> AccessUnit | None:
        """The next unit, or None if none comes within `seconds`, the source has ended, or the cursor was closed."""
        return self._ring._read(self, seconds)

    def close(self) -> None:
        """Leave the ring; a waiting `read` returns."""
        self._ring._close(self)
