"""Where an event's video is cut into the chunks that leave: access units in, chunks out. Pure: no clock, no threads."""

import hashlib
from dataclasses import dataclass

from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.offsite.outgoing import Video

# A chunk may end early, before a keyframe, when it has this share of its length: the next one can then be decoded
# without it.
_EARLIEST_SHARE = 0.4
# Where a stream does not say how many pictures it has a second.
_USUAL_INTERVAL_US = 40_000
# What lies further apart has a gap between: a picture's duration is not learnt from it.
_LONGEST_INTERVAL_US = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """A piece of the stream.

    Attributes:
        data: the access units, or parts of them, one after the other.
        video: what is in them.
        end: the number that was given with its last unit, plus one.
    """

    data: bytes
    video: Video
    end: int

    def name(self, number: int) -> str:
        """The file's name: number counts an event's chunks from 0, whatever their codec."""
        return f"video{number}.{self.video.codec}"


class Cutter:
    """Gathers access units until they are a chunk. Joined, the chunks are the units given, byte for byte.

    A chunk is full when it is as long as it may be, in media time and with its last picture's duration: so nobody waits
    for the next unit. It ends before a keyframe instead, if it is then long enough and no further keyframe is expected
    before it is full; and where the stream changes. Its bytes never exceed `max_bytes`: an access unit that alone does
    is split, since chunks are joined as bytes. So a chunk either begins with an access unit, or holds a part of one and
    nothing else.

    Args:
        max_bytes: of a chunk.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._interval_us = 0  # a picture's duration, as far as is known
        self._gop_us: int | None = None  # between the last two keyframes
        self._keyframe_dts_us: int | None = None
        self._last: AccessUnit | None = None  # given before
        self._last_ended_at = 0  # so many of its bytes are in this chunk and in those before
        self._data: list[bytes] = []
        self._bytes = 0
        self._units: list[AccessUnit] = []  # those that begin in this chunk
        self._first_dts_us = 0
        self._begins_with_keyframe = False
        self._end = 0

    @property
    def held_bytes(self) -> int:
        """Of what is held, not cut yet."""
        return self._bytes

    @property
    def first_dts_us(self) -> int | None:
        """Of the oldest picture that is held."""
        return self._first_dts_us if self._data else None

    def next_cut_us(self, most_us: int) -> int:
        """A unit that completes a chunk has a later DTS than this, if pictures and keyframes come evenly."""
        if not self._data:
            return 0
        full_us = self._full_us(most_us)
        if self._keyframe_dts_us is None or self._gop_us is None:
            return full_us
        keyframe_us = self._keyframe_dts_us + self._gop_us
        near = keyframe_us - self._first_dts_us >= _EARLIEST_SHARE * most_us
        return min(full_us, keyframe_us - self._interval_us // 2) if near else full_us

    def is_full(self, most_us: int) -> bool:
        """Whether what is held is as long as a chunk may be, to the nearest picture.

        So timestamps that are rounded do not make a chunk one picture longer.
        """
        return self._last is not None and bool(self._data) and self._last.dts_us > self._full_us(most_us)

    def add(self, unit: AccessUnit, end: int, most_us: int, *, sent: int = 0) -> list[Chunk]:
        """Take the next unit; the chunks that are complete by that.

        Args:
            end: its number, plus one: for `Chunk.end`.
            most_us: how long a chunk may be.
            sent: so many of its bytes are in chunks that were made before, with the picture counted there.
        """
        done = self._cut_before(unit, most_us)
        self._note(unit)
        if not self._data:
            self._first_dts_us, self._begins_with_keyframe = unit.dts_us, unit.keyframe and not sent
        if not sent:
            self._units.append(unit)
        self._last = unit
        for at in range(sent + self._max_bytes, len(unit.data), self._max_bytes):
            self._take(unit.data[sent:at], at, end)
            done += self.rest()
            self._begins_with_keyframe, sent = False, at
        self._take(unit.data[sent:], len(unit.data), end)
        if sent or self.is_full(most_us):
            done += self.rest()
        return done

    def rest(self) -> list[Chunk]:
        """What is held, as a chunk; nothing if nothing is."""
        if not self._data:
            return []
        chunk = Chunk(b"".join(self._data), self._video(), self._end)
        self._data, self._units, self._bytes = [], [], 0
        return [chunk]

    def _cut_before(self, unit: AccessUnit, most_us: int) -> list[Chunk]:
        if self._last is None or not self._data:
            return []
        changed = unit.info is not self._last.info
        too_large = self._bytes + len(unit.data) > self._max_bytes
        return self.rest() if changed or too_large or self._keyframe_suits(unit, most_us) else []

    def _keyframe_suits(self, unit: AccessUnit, most_us: int) -> bool:
        if not unit.keyframe or unit.dts_us - self._first_dts_us < _EARLIEST_SHARE * most_us:
            return False
        known = self._keyframe_dts_us
        gop_us = self._gop_us if known is None else unit.dts_us - known
        return gop_us is None or unit.dts_us + gop_us > self._first_dts_us + most_us

    def _full_us(self, most_us: int) -> int:
        """With a unit after this DTS the chunk is full."""
        return self._first_dts_us + most_us - self._interval_us - self._interval_us // 2

    def _note(self, unit: AccessUnit) -> None:
        """Learn from the unit how long pictures and GOPs are."""
        if self._last is None or unit.info is not self._last.info:
            rate = unit.info.frame_rate
            self._interval_us = round(1e6 / rate) if rate else _USUAL_INTERVAL_US
            self._gop_us = self._keyframe_dts_us = None
        else:
            self._interval_us = min(unit.dts_us - self._last.dts_us, _LONGEST_INTERVAL_US)
        if unit.keyframe:
            if self._keyframe_dts_us is not None:
                self._gop_us = unit.dts_us - self._keyframe_dts_us
            self._keyframe_dts_us = unit.dts_us

    def _take(self, data: bytes, ended_at: int, end: int) -> None:
        self._data.append(data)
        self._bytes += len(data)
        self._last_ended_at, self._end = ended_at, end

    def _video(self) -> Video:
        last = self._last
        assert last is not None
        pts_us = tuple(unit.pts_us for unit in self._units)
        shown_us = max(pts_us) + self._interval_us - min(pts_us) if pts_us else 0
        return Video(
            codec=last.info.codec,
            width=last.info.width,
            height=last.info.height,
            pictures=len(pts_us),
            pts_us=pts_us,
            duration_s=shown_us / 1e6,
            last_unit=hash_of(last.data[: self._last_ended_at]),
            plain_bytes=self._bytes,
            begins_with_keyframe=self._begins_with_keyframe,
        )


def hash_of(unit: bytes) -> str:
    """`Video.last_unit` of a chunk that ends with this access unit, or this part of one."""
    return hashlib.sha256(unit).hexdigest()
