"""Decodes as many pictures of an encoded stream as detection looks at."""

import threading
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
from pi_sec_cam.media.frame import Frame, FrameSlot
from pi_sec_cam.media.luma import luma_of
from pi_sec_cam.media.ring import Cursor
from pi_sec_cam.worker import Worker

_MICROSECONDS = Fraction(1, 1_000_000)
_WAIT_S = 0.5
_DECODERS = {"h264": "h264", "h265": "hevc"}
# How often pictures come and are wanted is judged by so many of the last ones.
_REFERENCES = 32
_TAKEN = 9
# Between two looks this thread is not woken for single pictures, if they follow one another quickly.
_LAZY_UP_TO_US = 500_000
# A damaged GOP is over after seconds; what gives no sound picture for longer will not mend by itself.
_FRUITLESS_US = 10_000_000


class FrameDecoder(Worker):
    """From a ring's access units to a slot's frames; one thread, and FFmpeg none beside it.

    Every picture that others are predicted from has to be decoded. The rest of H.264's (nal_ref_idc 0: most B
    pictures) is left out where the former alone come often enough for detection.

    Args:
        cursor: of the ring; closed at the end.
        slot: takes the frames; told when the ring has ended and all is decoded.
        due: whether detection wants the picture of a media time; asked once for each decoded picture, in
            the order of showing.
    """

    def __init__(
        self, name: str, cursor: Cursor, slot: FrameSlot, *, due: Callable[[int], bool], clock: Clock | None = None
    ) -> None:
        super().__init__(name, clock)
        self._cursor = cursor
        self._slot = slot
        self._due = due
        self._decoder: VideoCodecContext | None = None
        self._stream: tuple[str, bytes] | None = None  # codec and parameter sets that the decoder was made for
        self._missed = 0
        # When the last pictures that others need, and those that detection took, were shown.
        self._references_us: deque[int] = deque(maxlen=_REFERENCES)
        self._taken_us: deque[int] = deque(maxlen=_TAKEN)
        self._fruitless_from_us: int | None = None  # the first unit (DTS) since which no sound picture came out
        self._fruitless_to_us = 0
        self._waited_for = False  # the source is faster than real time: each unit is decoded as soon as it is there
        self._counts = {"decoded": 0, "taken": 0, "left_out": 0, "undecodable": 0}
        # Protects the two below; written by this thread, waited for by the camera's.
        self._progress = threading.Condition()
        self._done_dts_us: int | None = None
        self._over = False

    def wait_drained(self, unit_dts_us: int, seconds: float) -> bool:
        """Wait until all units up to this one are dealt with, their frames in the slot; whether they are in time."""

        if not self._waited_for:
            self._waited_for = True
            self._cursor.wake()

        def drained() -> bool:
            return self._over or (self._done_dts_us is not None and self._done_dts_us >= unit_dts_us)

        with self._progress:
            return self._progress.wait_for(drained, seconds)

    def status(self) -> dict[str, int]:
        """Counts of pictures since the start; "missed" are those that this thread was too slow for."""
        return {**self._counts, "missed": self._cursor.dropped}

    def trouble(self) -> str | None:
        """That nothing can be watched although pictures come, and since when; None while all is well."""
        from_us = self._fruitless_from_us
        if from_us is None or self._fruitless_to_us - from_us < _FRUITLESS_US:
            return None
        since = self.clock.stamp(from_us).wall.astimezone()
        return f"what it delivers cannot be decoded since {since:%H:%M:%S}: nothing is watched"

    def work(self) -> None:
        try:
            while not self.stopping.is_set():
                unit = self._cursor.read(_WAIT_S)
                if unit is not None:
                    self._take(unit)
                    self._note(unit.dts_us)
                elif self._cursor.drained:
                    self._flush()
                    break
                self.advance()
        finally:
            self._cursor.close()
            self._slot.finish()
            with self._progress:
                self._over = True
                self._progress.notify_all()

    def _take(self, unit: AccessUnit) -> None:
        decoder = self._decoder_for(unit)
        if decoder is None:
            return
        if self._can_be_left_out(unit):
            self._counts["left_out"] += 1
            return
        packet = av.Packet(unit.data)
        packet.time_base = _MICROSECONDS
        packet.pts, packet.dts = unit.pts_us, unit.dts_us
        frames = self._decode(decoder, packet)
        for frame in frames:
            self._offer(frame)
        self._fruitless_to_us = unit.dts_us
        if any(not frame.is_corrupt for frame in frames):
            self._fruitless_from_us = None
        elif self._fruitless_from_us is None:
            self._fruitless_from_us = unit.dts_us

    def _decoder_for(self, unit: AccessUnit) -> VideoCodecContext | None:
        """The decoder that the unit goes to; None before the first keyframe, and where frames come without us."""
        info = unit.info
        stream = (info.codec, info.parameter_sets)
        if info.with_frames or stream != self._stream or self._cursor.dropped != self._missed:
            # A new epoch alone changes nothing here: the coded pictures go on.
            self._flush()
            self._missed = self._cursor.dropped
            self._stream = None
            if unit.keyframe and not info.with_frames:
                self._stream = stream
                self._decoder = _make(info)
        return self._decoder

    def _can_be_left_out(self, unit: AccessUnit) -> bool:
        if unit.keyframe or unit.info.codec != "h264" or not _is_disposable(unit.data):
            self._references_us.append(unit.pts_us)
            return False
        if len(self._references_us) < _REFERENCES or len(self._taken_us) < _TAKEN:
            return False
        return max(_gaps(sorted(self._references_us))) <= median_low(_gaps(self._taken_us))

    def _decode(self, decoder: VideoCodecContext, packet: "av.Packet[Stream] | None") -> list[VideoFrame]:
        try:
            frames = decoder.decode(packet)
        except av.FFmpegError:
            self._counts["undecodable"] += 1
            return []
        self._counts["decoded"] += len(frames)
        return frames

    def _flush(self) -> None:
        """Get out of the decoder what it holds back for reordering, and be done with it."""
        decoder, self._decoder = self._decoder, None
        if decoder is None:
            return
        for frame in self._decode(decoder, None):
            # Several come at once here: each gets its turn.
            self._slot.wait_done(_WAIT_S)
            self._offer(frame)

    def _offer(self, frame: VideoFrame) -> None:
        if frame.pts is None or frame.is_corrupt:
            self._counts["undecodable"] += 1  # what is made up for missing parts would look like movement
        elif self._due(frame.pts):
            self._counts["taken"] += 1
            self._sleep_until_next(frame.pts)
            self._slot.put(Frame(luma_of(frame), frame.pts))

    def _sleep_until_next(self, taken_us: int) -> None:
        """What comes before the next picture that detection will want can be decoded together with it."""
        if self._taken_us and not self._waited_for:
            gap_us = taken_us - self._taken_us[-1]
            self._cursor.wakes_from_us = taken_us + gap_us * 3 // 4 if 0 < gap_us <= _LAZY_UP_TO_US else 0
        self._taken_us.append(taken_us)

    def _note(self, dts_us: int) -> None:
        with self._progress:
            self._done_dts_us = dts_us
            self._progress.notify_all()


def _make(info: StreamInfo) -> VideoCodecContext:
    decoder = CodecContext.create(_DECODERS[info.codec], "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1  # more would hold pictures back
    return decoder


def _gaps(rising: Sequence[int]) -> list[int]:
    return [later - earlier for earlier, later in pairwise(rising)]


def _is_disposable(h264: bytes) -> bool:
    """Whether no other picture is predicted from this one: nal_ref_idc 0 in its slices (H.264, 7.4.1)."""
    start = h264.find(b"\x00\x00\x01")
    while start >= 0 and start + 3 < len(h264):
        header = h264[start + 3]
        if 1 <= header & 0x1F <= 5:
            return not header & 0x60
        start = h264.find(b"\x00\x00\x01", start + 3)
    return False
