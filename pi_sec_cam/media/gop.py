"""One GOP as the ring holds it."""

from itertools import zip_longest

from pi_sec_cam.media.access_unit import AccessUnit

_GAP_US = 1_000_000


class Gop:
    """Units from one keyframe up to the next.

    Attributes:
        number: of its first unit.
        pts_us: of its keyframe.
        headless: the keyframe is not held (any more): no reader begins here.
    """

    __slots__ = ("bytes", "headless", "number", "pts_us", "units")

    def __init__(self, number: int, pts_us: int, *, headless: bool) -> None:
        self.number = number
        self.pts_us = pts_us
        self.headless = headless
        self.units: list[AccessUnit] = []
        self.bytes = 0

    @property
    def end(self) -> int:
        """The number after its last unit."""
        return self.number + len(self.units)

    def append(self, unit: AccessUnit) -> None:
        self.units.append(unit)
        self.bytes += len(unit.data)

    def bytes_from(self, number: int) -> int:
        """Of the units from this number on."""
        if number <= self.number:
            return self.bytes
        return sum(len(unit.data) for unit in self.units[number - self.number :])

    def forget(self, number: int) -> int:
        """Let go of the units before this number; the bytes that it makes free."""
        freed = self.bytes - self.bytes_from(number)
        if number > self.number:
            del self.units[: number - self.number]
            self.number, self.headless = number, True
            self.bytes -= freed
        return freed


def gop_for(pts_us: int, gops: list[Gop]) -> Gop:
    """The GOP with which a clip begins that shall show `pts_us`.

    The newest that begins at or before it, unless nothing came after that for more than a second before `pts_us` (the
    source was away, or stopped): then the next. Without one, the oldest.

    Args:
        gops: in order, each with its keyframe; at least one.
    """
    found = gops[0]
    for gop, after in zip_longest(gops, gops[1:]):
        if gop.pts_us > pts_us:
            break
        found = gop
        if after is not None and gop.units[-1].pts_us + _GAP_US < pts_us:
            found = after
    return found
