"""From coded pictures to those frames that detection looks at, decoding no more than these need."""

from collections import deque
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median_low

import av
from av.codec import CodecContext
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from pi_sec_cam.clock import Clock
from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo
from pi_sec_cam.media.disposable import is_disposable
from pi_sec_cam.media.frame import Frame, FrameSlot
from pi_sec_cam.media.luma import luma_of

_MICROSECONDS = Fraction(1, 1_000_000)
_DECODERS = {"h264": "h264", "h265": "hevc"}
# Until the slot's reader has looked at one of several frames that come at once.
_TURN_S = 0.5
# How often pictures come and are wanted is judged by so many of the last ones.
_REFERENCES, _KEYFRAMES, _TAKEN = 32, 4, 9
# So many pictures may wait undecoded for one that is wanted.
_MOST_PENDING = 64
# A damaged GOP is over after seconds; what gives no sound picture for longer will not mend by itself.
_FRUITLESS_US = 10_000_000


class Decoding:
    """One camera's coded pictures in, frames into a slot. Used by one thread; `status` and `trouble` by any.

    Streams whose pictures are shown in the order in which they are decoded: a picture that detection wants is decoded,
    and what it is predicted from, back to its keyframe or to what is decoded already. So what lies between the last
    wanted picture and the next keyframe is never decoded, nor are pictures that no other refers to. Where keyframes
    come as often as detection looks, it looks at keyframes alone.

    Streams that reorder: which picture is wanted is only known once it is shown, so all are decoded that others refer
    to, and the rest (most B pictures) too unless the former come often enough.

    Args:
        slot: takes the frames.
        due: whether detection wants the picture of a media time; asked in the order of showing.
    """

    def __init__(self, slot: FrameSlot, *, due: Callable[[int], bool], clock: Clock) -> None:
        self._slot = slot
        self._due = due
        self._clock = clock
        self._decoder: VideoCodecContext | None = None
        self._stream: tuple[str, bytes] | None = None  # codec and parameter sets that the decoder was made for
        self._missed = 0
        self._newest_us: int | None = None  # the highest PTS of the stream
        self._reorders = False
        self._pending: list[AccessUnit] = []  # not decoded yet, and perhaps never
        # When the last keyframes, pictures that others need, and those that detection took, were shown.
        self._keyframes_us: deque[int] = deque(maxlen=_KEYFRAMES)
        self._references_us: deque[int] = deque(maxlen=_REFERENCES)
        self._taken_us: deque[int] = deque(maxlen=_TAKEN)
        self._fruitless_from_us: int | None = None  # the first unit (DTS) since which no sound picture came out
        self._fruitless_to_us = 0
        self._counts = {"decoded": 0, "taken": 0, "left_out": 0, "undecodable": 0}

    def status(self) -> dict[str, int]:
        """Counts of pictures since the start; "left_out" were not needed, "missed" came too fast."""
        return {**self._counts, "missed": self._missed}

    def trouble(self) -> str | None:
        """That nothing can be watched although pictures come, and since when; None while all is well."""
        from_us = self._fruitless_from_us
        if from_us is None or self._fruitless_to_us - from_us < _FRUITLESS_US:
            return None
        since = self._clock.stamp(from_us).wall.astimezone()
        return f"what it delivers cannot be decoded since {since:%H:%M:%S}: nothing is watched"

    @property
    def idle_until_us(self) -> int:
        """Media time before which no picture will probably be wanted; 0 if not known."""
        if len(self._taken_us) < 2:
            return 0
        gap_us = self._taken_us[-1] - self._taken_us[-2]
        return self._taken_us[-1] + max(gap_us, 0) * 3 // 4

    def take(self, unit: AccessUnit, missed: int) -> None:
        """The next unit; `missed` counts those that were lost before it, since the start."""
        decoder = self._decoder_for(unit, missed)
        if decoder is None:
            return
        steps_back = self._newest_us is not None and unit.pts_us <= self._newest_us
        self._reorders = self._reorders or decoder.has_b_frames or steps_back
        if not steps_back:
            self._newest_us = unit.pts_us
        if not self._reorders:
            self._take_if_wanted(decoder, unit)
        elif self._can_be_left_out(unit):
            self._counts["left_out"] += 1
        else:
            for earlier in self._pending:
                self._decode_unit(decoder, earlier)
            self._pending.clear()
            for frame in self._decode_unit(decoder, unit):
                if frame.pts is not None and self._due(frame.pts):
                    self._offer(frame, frame.pts)

    def flush(self) -> None:
        """Get out of the decoder what it holds back for reordering, and be done with it."""
        self._leave_out_pending()
        decoder, self._decoder = self._decoder, None
        if decoder is None:
            return
        for frame in self._decode(decoder, None):
            if frame.pts is not None and self._due(frame.pts):
                # Several come at once here: each gets its turn.
                self._slot.wait_done(_TURN_S)
                self._offer(frame, frame.pts)

    def _decoder_for(self, unit: AccessUnit, missed: int) -> VideoCodecContext | None:
        """The decoder that the unit goes to; None before the first keyframe, and where frames come without us."""
        info = unit.info
        stream = (info.codec, info.parameter_sets)
        if info.with_frames or stream != self._stream or missed != self._missed:
            # A new epoch alone changes nothing here: the coded pictures go on.
            self.flush()
            self._missed = missed
            self._stream = None
            if unit.keyframe and not info.with_frames:
                self._stream = stream
                self._decoder = _make(info)
                self._newest_us, self._reorders = None, False
        return self._decoder

    def _take_if_wanted(self, decoder: VideoCodecContext, unit: AccessUnit) -> None:
        if unit.keyframe:
            self._leave_out_pending()
            self._keyframes_us.append(unit.pts_us)
        if (unit.keyframe or not self._keyframes_are_enough(unit.pts_us)) and self._due(unit.pts_us):
            needed, self._pending = [*self._pending, unit], []
            frames = [frame for earlier in needed for frame in self._decode_unit(decoder, earlier)]
            for frame in frames:
                if frame.pts == unit.pts_us:
                    self._offer(frame, unit.pts_us)
        elif is_disposable(unit):
            self._counts["left_out"] += 1
        else:
            self._pending.append(unit)
            if len(self._pending) >= _MOST_PENDING:
                self._decode_unit(decoder, self._pending.pop(0))

    def _leave_out_pending(self) -> None:
        self._counts["left_out"] += len(self._pending)
        self._pending.clear()

    def _keyframes_are_enough(self, pts_us: int) -> bool:
        if len(self._keyframes_us) < _KEYFRAMES or len(self._taken_us) < _TAKEN:
            return False
        wanted_us = median_low(_gaps(self._taken_us))
        return max(_gaps([*self._keyframes_us, pts_us])) <= wanted_us

    def _can_be_left_out(self, unit: AccessUnit) -> bool:
        if unit.keyframe or not is_disposable(unit):
            self._references_us.append(unit.pts_us)
            return False
        if len(self._references_us) < _REFERENCES or len(self._taken_us) < _TAKEN:
            return False
        return max(_gaps(sorted(self._references_us))) <= median_low(_gaps(self._taken_us))

    def _decode_unit(self, decoder: VideoCodecContext, unit: AccessUnit) -> list[VideoFrame]:
        """The sound frames that come out."""
        packet = av.Packet(unit.data)
        packet.time_base = _MICROSECONDS
        packet.pts, packet.dts = unit.pts_us, unit.dts_us
        frames = self._decode(decoder, packet)
        self._fruitless_to_us = unit.dts_us
        if frames:
            self._fruitless_from_us = None
        elif self._fruitless_from_us is None:
            self._fruitless_from_us = unit.dts_us
        return frames

    def _decode(self, decoder: VideoCodecContext, packet: "av.Packet[Stream] | None") -> list[VideoFrame]:
        try:
            frames = decoder.decode(packet)
        except av.FFmpegError:
            self._counts["undecodable"] += 1
            return []
        # What is made up for missing parts would look like movement.
        sound = [frame for frame in frames if frame.pts is not None and not frame.is_corrupt]
        self._counts["decoded"] += len(frames)
        self._counts["undecodable"] += len(frames) - len(sound)
        return sound

    def _offer(self, frame: VideoFrame, pts_us: int) -> None:
        self._counts["taken"] += 1
        self._taken_us.append(pts_us)
        self._slot.put(Frame(luma_of(frame), pts_us))


def _make(info: StreamInfo) -> VideoCodecContext:
    decoder = CodecContext.create(_DECODERS[info.codec], "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1  # more would hold pictures back
    return decoder


def _gaps(rising: Sequence[int]) -> list[int]:
    return [later - earlier for earlier, later in pairwise(rising)]
