"""Which units of a stream are taken so that all of them can be decoded: from a keyframe on, without what it lacks."""

from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo


class Entry:
    """Lets units pass in order, from the first keyframe on; and again after a gap or a change of the stream.

    A keyframe at which decoding begins anew may be followed by leading pictures (of an open GOP): shown before it, and
    predicted from pictures that are not there. These are left out.

    Attributes:
        dropped: units that were left out because a keyframe was waited for.
    """

    def __init__(self) -> None:
        self._info: StreamInfo | None = None
        self._pts_us = 0  # of the keyframe at which decoding began
        self._waits = True
        self.dropped = 0

    def gap(self) -> None:
        """Pictures are missing before the next unit."""
        self._waits = True

    def takes(self, unit: AccessUnit) -> bool:
        """Whether the next unit belongs to what can be decoded."""
        if unit.keyframe and (self._waits or unit.info is not self._info):
            self._info, self._pts_us, self._waits = unit.info, unit.pts_us, False
        if self._waits:
            self.dropped += 1
            return False
        return unit.pts_us >= self._pts_us
