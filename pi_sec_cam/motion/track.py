"""Following blobs from picture to picture: what lasts and goes is a movement, what flickers is not."""

from collections.abc import Sequence
from dataclasses import dataclass

from pi_sec_cam.motion.blob import Blob

# A blob is the same as an earlier one if their boxes overlap by this share of the smaller box, after the earlier one
# was widened by its own size for each second that passed: hardly anything is faster between two looks.
_OVERLAP = 0.3
_SIZES_A_SECOND = 1.0
# Who has lasted for so long may be hidden for so long, by a tree, say.
_LASTING_US, _HIDDEN_US = 350_000, 600_000
# Something that stands still (less than this share of it changes) is taken for moving for this long.
_ACTIVE_SHARE, _FEWEST_ACTIVE = 0.1, 3
_PAUSE_US = 1_000_000
# It must have been large enough twice, the last time not longer ago than this: sizes waver.
_LARGE_TWICE, _LARGE_US = 2, 500_000
# A movement that grows more than this from one look to the next has been joined by something else.
_JOINED = 1.5
# What comes nearer for a long time before it is large counts from so long before.
_APPROACH_US = 1_000_000


@dataclass(slots=True, eq=False)
class Track:
    """One thing that is followed.

    Attributes:
        since_us: the first picture of its movement: of what is small, only the last second before it is large; after
            a pause, when it went on.
        seen_us, active_us, large_us: the last one it was seen, changed and large in.
        times_large: in how many pictures.
    """

    blob: Blob
    since_us: int
    seen_us: int
    active_us: int | None = None
    large_us: int | None = None
    times_large: int = 0

    @property
    def lasts(self) -> bool:
        """Whether it was seen for long enough to be no chance."""
        return self.seen_us - self.since_us >= _LASTING_US

    def goes_on(self, blob: Blob) -> bool:
        """Whether it is well known, and is a blob of about its size now: nothing larger has joined it."""
        return self.lasts and blob.area < _JOINED * self.blob.area

    def moves(self, pts_us: int) -> bool:
        """Whether it is a movement in the picture at `pts_us`."""
        return (
            self.seen_us == pts_us
            and self.active_us is not None
            and pts_us - self.active_us <= _PAUSE_US
            and self.large_us is not None
            and pts_us - self.large_us <= _LARGE_US
            and self.times_large >= _LARGE_TWICE
        )


class Tracker:
    """All that is followed in one grid of cells."""

    def __init__(self, *, large: float) -> None:
        self._large = large
        self.tracks: list[Track] = []

    def clear(self) -> None:
        """Forget everything."""
        self.tracks = []

    def match(self, blobs: Sequence[Blob], pts_us: int) -> list[tuple[Blob, Track | None]]:
        """Each blob of the next picture, the largest first, with what it was until now; None for what is new."""
        known, pairs = self.tracks.copy(), []
        for blob in sorted(blobs, key=lambda blob: -blob.area):
            best, most = None, _OVERLAP
            for track in known:
                overlap = _overlap(blob, track, pts_us)
                if overlap > most:
                    best, most = track, overlap
            if best is not None:
                known.remove(best)
            pairs.append((blob, best))
        return pairs

    def follow(self, pairs: Sequence[tuple[Blob, Track | None]], pts_us: int) -> None:
        """Go on with these; what was not seen again is remembered for a while."""
        seen = []
        for blob, known in pairs:
            track = known or Track(blob, pts_us, pts_us)
            self._see(track, blob, pts_us)
            seen.append(track)
        hidden = [track for track in self.tracks if track.lasts and 0 < pts_us - track.seen_us < _HIDDEN_US]
        self.tracks = seen + hidden

    def moving(self, pts_us: int) -> list[Track]:
        """Those that are movements in the picture at `pts_us`."""
        return [track for track in self.tracks if track.moves(pts_us)]

    def _see(self, track: Track, blob: Blob, pts_us: int) -> None:
        track.blob, track.seen_us = blob, pts_us
        if blob.active >= max(_FEWEST_ACTIVE, _ACTIVE_SHARE * blob.area):
            if track.active_us is None or pts_us - track.active_us > _PAUSE_US:
                track.since_us = pts_us
            track.active_us = pts_us
        if blob.area >= self._large:
            if track.large_us is None:
                track.since_us = max(track.since_us, pts_us - _APPROACH_US)
            track.large_us = pts_us
            track.times_large += 1


def _overlap(blob: Blob, track: Track, pts_us: int) -> float:
    """Share of the smaller box that the other one covers, as far as the time between them allows."""
    old = track.blob
    mean_size = (blob.width + blob.height + old.width + old.height) / 4
    reach = 1 + _SIZES_A_SECOND * mean_size * (pts_us - track.seen_us) / 1e6
    across = min(blob.left + blob.width, old.left + old.width + reach) - max(blob.left, old.left - reach)
    down = min(blob.top + blob.height, old.top + old.height + reach) - max(blob.top, old.top - reach)
    if across <= 0 or down <= 0:
        return 0.0
    return across * down / min(blob.width * blob.height, old.width * old.height)
