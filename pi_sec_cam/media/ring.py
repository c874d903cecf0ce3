"""Keeps the last seconds of encoded video in memory, in whole GOPs, for any number of readers."""

import threading
from bisect import bisect_right
from itertools import pairwise
from typing import NamedTuple

from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.gop import Gop, gop_for


class Ring:
    """The newest access units of one camera; older GOPs go once they are beyond both time and need.

    A GOP leaves when the ring holds `seconds` of video after it and no pinned cursor still has to read from it; or,
    pinned or not, the oldest first, when the ring holds more than `max_bytes`. So between the newest seconds and what
    a slow reader still needs of an event long ago, there may be a hole. The newest GOP stays, unless it alone exceeds
    `max_bytes`: then its older pictures leave, and readers that have kept up notice nothing.

    Args:
        seconds: of media time that can always be looked back (given that much has been appended).
        max_bytes: bound of the units' data.
    """

    def __init__(self, *, seconds: float, max_bytes: int) -> None:
        self._keep_us = round(seconds * 1e6)
        self._max_bytes = max_bytes
        # Protects everything below; appended to by the camera's thread, read by each cursor's own thread.
        self._changed = threading.Condition()
        self._gops: list[Gop] = []
        self._end = 0  # the number of the next unit; units are numbered from 0 as they come
        self._bytes = 0
        self._cursors: set[Cursor] = set()
        self._finished = False

    def append(self, unit: AccessUnit) -> None:
        """Add the newest unit. Never waits for a reader."""
        with self._changed:
            if unit.keyframe or not self._gops:
                self._gops.append(Gop(self._end, unit.pts_us, headless=not unit.keyframe))
            self._gops[-1].append(unit)
            self._end += 1
            self._bytes += len(unit.data)
            if unit.keyframe or self._bytes > self._max_bytes:
                self._evict(unit.pts_us)
            if any(unit.dts_us >= c.wakes_from_us for c in self._cursors):
                self._changed.notify_all()

    def finish(self) -> None:
        """The source has ended: readers get what is left and then learn it."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def cursor(self, *, from_pts_us: int | None = None, pinned: bool = False) -> "Cursor":
        """A reader.

        Args:
            from_pts_us: begin with the GOP for a clip that shows this time (`gop_for`); None: at the newest keyframe.
            pinned: keep what the reader has not read yet, within `max_bytes`.
        """
        with self._changed:
            whole = self._whole_gops()
            at = whole[-1].number if whole else self._end
            if from_pts_us is not None and whole:
                at = gop_for(from_pts_us, whole).number
            cursor = Cursor(self, at, pinned=pinned)
            cursor.seeks_keyframe = not whole
            self._cursors.add(cursor)
            return cursor

    def clear(self) -> None:
        """Forget all that no pinned reader still has to read: what comes next has nothing to do with it."""
        with self._changed:
            for gop in self._gops:
                self._bytes -= gop.forget(self._first_unread(gop))
            self._gops = [gop for gop in self._gops if gop.units]

    def gop_at(self, pts_us: int) -> list[AccessUnit]:
        """The units from the newest keyframe at or before `pts_us` up to the next keyframe; empty if none is held."""
        with self._changed:
            return next((list(gop.units) for gop in reversed(self._whole_gops()) if gop.pts_us <= pts_us), [])

    def wait_read(self, seconds: float) -> bool:
        """Wait until pinned readers hold back at most half of `max_bytes`; whether they do.

        For sources that are faster than real time; others never wait.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._pinned_bytes() <= self._max_bytes // 2, seconds)

    def held(self) -> dict[str, float | int]:
        """What status shows: pictures, bytes, seconds; `unread` pictures of the slowest pinned reader."""
        with self._changed:
            span_us = self._gops[-1].units[-1].dts_us - self._gops[0].units[0].dts_us if self._gops else 0
            return {
                "pictures": sum(len(gop.units) for gop in self._gops),
                "bytes": self._bytes,
                "seconds": round(span_us / 1e6, 3),
                "unread": max((self._unread(c).pictures for c in self._cursors if c.pinned), default=0),
            }

    def _whole_gops(self) -> list[Gop]:
        """Those that have their keyframe; all but the first certainly do."""
        return self._gops[1:] if self._gops and self._gops[0].headless else self._gops

    def _evict(self, newest_pts_us: int) -> None:
        held = self._gops
        # From here on all are needed: the newest seconds, and what a reader wants of an event that still runs.
        unread = min((c.next_number for c in self._cursors if c.pinned and c.end_number is None), default=self._end)
        old = next(
            (
                index
                for index, (gop, after) in enumerate(pairwise(held))
                if gop.end > unread or newest_pts_us - after.pts_us < self._keep_us
            ),
            len(held) - 1,
        )
        older = [gop for gop in held[:old] if any(c.needs(gop) for c in self._cursors)]
        self._gops = older + held[old:]
        self._bytes = sum(gop.bytes for gop in self._gops)
        while self._bytes > self._max_bytes and len(self._gops) > 1:
            self._bytes -= self._gops.pop(0).bytes
        if self._bytes > self._max_bytes:
            newest = self._gops[0]
            self._bytes -= newest.forget(newest.number + max(1, len(newest.units) // 2))

    def _first_unread(self, gop: Gop) -> int:
        """The number of the first of its units that a pinned reader still has to read; its end if there is none."""
        return min((max(c.next_number, gop.number) for c in self._cursors if c.needs(gop)), default=gop.end)

    def _pinned_bytes(self) -> int:
        return sum(gop.bytes_from(self._first_unread(gop)) for gop in self._gops)

    def _unread(self, cursor: "Cursor") -> "Unread":
        with self._changed:
            waiting = [gop for gop in self._gops if cursor.needs(gop)]
            pictures = [gop.end - max(cursor.next_number, gop.number) for gop in waiting]
            if not waiting:
                return Unread(0, 0, 0.0)
            span_us = waiting[-1].units[-1].dts_us - waiting[0].units[-pictures[0]].dts_us
            return Unread(sum(pictures), sum(gop.bytes_from(cursor.next_number) for gop in waiting), span_us / 1e6)

    def _read(self, cursor: "Cursor", seconds: float) -> AccessUnit | None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._place(cursor) or self._finished or cursor.closed or cursor.woken, seconds
            )
            cursor.woken = False
            if cursor.closed or not self._place(cursor):
                cursor.drained = self._finished
                return None
            gop = self._gop_of(cursor.next_number)
            assert gop is not None
            unit = gop.units[cursor.next_number - gop.number]
            cursor.next_number += 1
            if cursor.pinned:
                self._changed.notify_all()
            return unit

    def _place(self, cursor: "Cursor") -> bool:
        """Move the cursor to where it can go on reading; whether there is a unit to read."""
        at = cursor.next_number
        if not cursor.seeks_keyframe and (at == self._end or self._gop_of(at)):
            return at < self._end
        # Too slow: what came next is gone. Or it has never had a keyframe to begin with.
        keys = [gop.number for gop in self._whole_gops() if gop.number >= at]
        to = self._end if not keys else keys[0] if cursor.pinned else keys[-1]
        cursor.dropped += max(0, to - at if cursor.end_number is None else min(to, cursor.end_number) - at)
        cursor.next_number, cursor.seeks_keyframe = to, not keys
        return bool(keys)

    def _gop_of(self, number: int) -> Gop | None:
        index = bisect_right(self._gops, number, key=lambda gop: gop.number) - 1
        return self._gops[index] if index >= 0 and number < self._gops[index].end else None

    def _end_cursor(self, cursor: "Cursor", pts_us: int) -> None:
        with self._changed:
            cursor.end_number, cursor.end_pts_us = self._end, pts_us

    def _wake(self, cursor: "Cursor") -> None:
        with self._changed:
            cursor.wakes_from_us, cursor.woken = 0, True
            self._changed.notify_all()

    def _close(self, cursor: "Cursor") -> None:
        with self._changed:
            cursor.closed = True
            self._cursors.discard(cursor)
            self._changed.notify_all()


class Unread(NamedTuple):
    """What the ring holds that a pinned reader has not read yet."""

    pictures: int
    bytes: int
    seconds: float


class Cursor:
    """One reader's place in a ring; used by one thread, closed from any.

    A reader that lags behind what the ring holds goes on at the newest keyframe, a pinned one at the oldest.

    Attributes:
        wakes_from_us: a `read` that waits is not woken by units with an earlier DTS; it finds them when its time is up.
        dropped: units that it missed; after `end`, only those from before it.
        drained: the source has ended and all of it was read.
    """

    def __init__(self, ring: Ring, number: int, *, pinned: bool) -> None:
        self._ring = ring
        self.next_number = number
        self.end_number: int | None = None
        self.end_pts_us = 0
        self.seeks_keyframe = False
        self.pinned = pinned
        self.wakes_from_us = 0
        self.woken = False
        self.dropped = 0
        self.drained = False
        self.closed = False

    def read(self, seconds: float) -> AccessUnit | None:
        """The next unit, or None if none comes within `seconds`, the source has ended, or the cursor was closed."""
        return self._ring._read(self, seconds)

    def wake(self) -> None:
        """The `read` that waits, or else the next, returns what there is, be it None; from now on any unit wakes it.

        Called from any thread.
        """
        self._ring._wake(self)

    def end(self, pts_us: int) -> None:
        """Pin no more than the GOPs that have come, and those that begin up to `pts_us`. Reading may go on."""
        self._ring._end_cursor(self, pts_us)

    def unread(self) -> Unread:
        """What is held for this reader."""
        return self._ring._unread(self)

    def close(self) -> None:
        """Leave the ring; a waiting `read` returns."""
        self._ring._close(self)

    def needs(self, gop: Gop) -> bool:
        """Whether the ring must keep this for the reader."""
        ended = self.end_number is not None and gop.number >= self.end_number and gop.pts_us > self.end_pts_us
        return self.pinned and not ended and self.next_number < gop.end
