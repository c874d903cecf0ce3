"""Video that a webcam encodes by itself: handed on as it is, whatever is lost on the way."""

import errno
import fcntl
import threading
from collections import Counter
from itertools import count
from types import TracebackType
from typing import get_args

import pytest

from pi_sec_cam.camera import v4l2, v4l2_controls, v4l2_kernel, v4l2_mode
from pi_sec_cam.camera import v4l2_structures as structures
from pi_sec_cam.camera.found import Mode
from pi_sec_cam.camera.v4l2 import V4l2Camera
from pi_sec_cam.camera.v4l2_capture import Captured
from pi_sec_cam.camera.v4l2_formats import CODED, FORMATS, RAW
from pi_sec_cam.camera.v4l2_kernel import Identity, Layout
from pi_sec_cam.camera.v4l2_mode import Settled, Wanted, settle
from pi_sec_cam.camera.v4l2_own_video import NoKeyframes, OwnVideo
from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.config.source import Source
from pi_sec_cam.errors import SourceAway, SourceUnusable
from pi_sec_cam.media.access_unit import AccessUnit, Codec
from tests.recording_sink import RecordingSink, check_delivery
from tests.unit import streams

INTERVAL_US = 40_000


class Fed:
    """An opened camera's video route, what it was asked for and what it delivered."""

    def __init__(self, codec: Codec = "h264") -> None:
        self.asked = 0
        self.counts: Counter[str] = Counter()
        self.sink = RecordingSink()
        self._video = OwnVideo(codec, 25.0, 3, self.counts, self._ask)
        self._pts_us = count(streams.BASE_US, INTERVAL_US)

    def _ask(self) -> None:
        self.asked += 1

    def feed(self, *buffers: bytes | None, missed: int = 0) -> list[bool]:
        return [
            self._video.take(
                Captured(None if data is None else (data,), None, missed, False), next(self._pts_us), self.sink
            )
            for data in buffers
        ]


def as_camera_sends(units: list[AccessUnit]) -> list[bytes]:
    """With access unit delimiters and short start codes, which the canonical form has not."""
    delimiter = b"\0\0\1\x09\x10" if units[0].info.codec == "h264" else b"\0\0\1\x46\x01\x10"
    return [delimiter + unit.data.replace(b"\0\0\0\1", b"\0\0\1") for unit in units]


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_the_coded_pictures_are_handed_on_in_canonical_form(codec: Codec) -> None:
    units = streams.units(codec, seconds=1, gop=10)
    fed = Fed(codec)
    assert all(fed.feed(*as_camera_sends(units)))
    given = fed.sink.units
    check_delivery(given)
    assert [unit.data for unit in given] == [unit.data for unit in units]
    assert [unit.keyframe for unit in given] == [index % 10 == 0 for index in range(25)]
    assert [unit.pts_us for unit in given] == [streams.BASE_US + index * INTERVAL_US for index in range(25)]
    info = given[0].info
    assert (info.codec, info.width, info.height, info.epoch, info.frame_rate) == (codec, 160, 96, 3, 25.0)
    assert not info.with_frames, "somebody has to decode it for detection"
    assert fed.counts["pictures"] == 25


def test_what_comes_before_the_first_keyframe_is_left_out_and_one_is_asked_for() -> None:
    data = as_camera_sends(streams.units(seconds=1, gop=10))
    fed = Fed()
    fed.feed(*data[3:])
    assert fed.asked == 1
    assert fed.counts["left_out"] == 7
    assert len(fed.sink.units) == 15
    check_delivery(fed.sink.units)


def test_a_damaged_buffer_is_counted_and_a_keyframe_asked_for() -> None:
    data = as_camera_sends(streams.units(seconds=1, gop=10))
    fed = Fed()
    assert fed.feed(*data[:5], None, *data[6:]) == [index != 5 for index in range(25)]
    assert (fed.asked, fed.counts["damaged"], len(fed.sink.units)) == (2, 1, 24)
    check_delivery(fed.sink.units)


def test_after_missed_pictures_a_keyframe_is_asked_for() -> None:
    data = as_camera_sends(streams.units(seconds=1, gop=10))
    fed = Fed()
    fed.feed(*data[:5])
    fed.feed(data[6], missed=1)
    assert fed.asked == 2
    fed.feed(*data[7:])
    assert fed.asked == 2


def test_another_size_is_another_stream() -> None:
    fed = Fed()
    fed.feed(*as_camera_sends(streams.units(seconds=0.4, gop=10)))
    fed.feed(*as_camera_sends(streams.units(seconds=0.4, gop=10, size=(320, 192))))
    check_delivery(fed.sink.units)
    assert [unit.info.width for unit in fed.sink.units] == [160] * 10 + [320] * 10


def test_video_without_keyframes_is_given_up_after_some_time() -> None:
    later = as_camera_sends(streams.units(seconds=1, gop=25))[1]
    fed = Fed()
    with pytest.raises(NoKeyframes, match="no keyframe"):
        fed.feed(*[later] * 400)
    assert 290 < fed.counts["left_out"] < 310
    assert fed.sink.units == []


class Encoder:
    """A driver's controls, as the kernel shows them: (least, greatest, step, flags) by number."""

    def __init__(self, offered: dict[int, tuple[int, int, int, int]], busy: frozenset[int] = frozenset()) -> None:
        self.offered = offered
        self.busy = busy
        self.values: dict[int, int] = {}

    def ioctl(self, fd: int, request: int, argument: object) -> int:
        if isinstance(argument, structures.QueryControl):
            assert request == structures.QUERYCTRL
            if argument.id not in self.offered:
                raise OSError(errno.EINVAL, "no such control")
            argument.least, argument.greatest, argument.step, argument.flags = self.offered[argument.id]
        else:
            assert isinstance(argument, structures.Control)
            assert request == structures.S_CTRL
            if argument.id in self.busy:
                raise OSError(errno.EBUSY, "busy")
            least, greatest, step, _ = self.offered[argument.id]
            if greatest > least and ((argument.value - least) % step or not least <= argument.value <= greatest):
                raise OSError(errno.ERANGE, "out of range")
            self.values[argument.id] = argument.value
        return 0


# Linux, include/uapi/linux/v4l2-controls.h, V4L2_CID_MPEG_VIDEO_*.
B_FRAMES, GOP, BITRATE, REPEAT, FORCE, I_PERIOD = (0x9909CA, 0x9909CB, 0x9909CF, 0x9909E2, 0x9909E5, 0x990A66)


class TestControls:
    def settings(self, monkeypatch: pytest.MonkeyPatch, encoder: Encoder, bitrate: int | None) -> dict[int, int]:
        monkeypatch.setattr(fcntl, "ioctl", encoder.ioctl)
        v4l2_controls.set_up_encoder(7, 25.0, bitrate)
        return encoder.values

    def test_those_of_the_pis_older_driver(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # drivers/staging/vc04_services/bcm2835-camera/controls.c
        encoder = Encoder(
            {
                I_PERIOD: (0, 0x7FFFFFFF, 1, 0),
                BITRATE: (25_000, 25_000_000, 25_000, 0),
                REPEAT: (0, 1, 1, 0),
                FORCE: (0, 0, 0, 0),
            }
        )
        assert self.settings(monkeypatch, encoder, 2_010_000) == {I_PERIOD: 25, REPEAT: 1, BITRATE: 2_000_000}
        v4l2_controls.ask_for_keyframe(7)
        assert encoder.values[FORCE] == 1

    def test_the_bitrate_is_left_alone_unless_one_is_wanted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        encoder = Encoder({GOP: (1, 600, 1, 0), B_FRAMES: (0, 4, 1, 0), BITRATE: (1, 10**7, 1, 0)})
        assert self.settings(monkeypatch, encoder, None) == {GOP: 25, B_FRAMES: 0}

    def test_values_stay_within_what_is_offered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        encoder = Encoder({GOP: (30, 600, 15, 0), BITRATE: (64_000, 1_000_000, 64_000, 0)})
        assert self.settings(monkeypatch, encoder, 50_000_000) == {GOP: 30, BITRATE: 64_000 * 15}

    def test_what_is_read_only_missing_or_busy_is_passed_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        encoder = Encoder(
            {GOP: (1, 600, 1, 4), I_PERIOD: (1, 600, 1, 1), REPEAT: (0, 1, 1, 0), BITRATE: (1, 10**8, 1, 0)},
            frozenset({REPEAT}),
        )
        assert self.settings(monkeypatch, encoder, 1_000_000) == {BITRATE: 1_000_000}


PICTURES = Mode("YUYV", 640, 480, (30.0,))
VIDEO = Mode("H264", 640, 480, (30.0, 20.0), "h264")


class TestSettle:
    @pytest.fixture(autouse=True)
    def _driver(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Takes every format and rate that it offers."""
        self.offered: list[Mode] = [PICTURES, VIDEO]
        monkeypatch.setattr(v4l2_kernel, "identify", lambda fd: Identity("uvcvideo", "Webcam", "usb", 1))
        monkeypatch.setattr(
            v4l2_kernel, "set_format", lambda fd, kind, fourcc, across, down: Layout(fourcc, across, down, (0,))
        )
        monkeypatch.setattr(v4l2_kernel, "set_rate", lambda fd, kind, rate: rate)
        monkeypatch.setattr(v4l2_mode, "modes", lambda fd, kind: tuple(self.offered))

    def settle(
        self, *, rate: float = 20, turned: bool = False, wanted: str | None = None, may_encode: bool = True
    ) -> Settled:
        return settle(7, "/dev/video0", Wanted(640, 480, rate, turned, wanted, may_encode))

    def test_video_where_there_is_some_and_a_note_that_nothing_is_drawn(self) -> None:
        settled = self.settle()
        assert (settled.codec, settled.layout.fourcc, settled.frame_rate) == ("h264", "H264", 20)
        assert settled.has_pictures
        assert ["not drawn" in note for note in settled.notes] == [True]

    def test_video_keeps_its_rate_because_nothing_of_it_can_be_left_out(self) -> None:
        settled = self.settle(rate=25)
        assert settled.frame_rate == 30
        assert "30 pictures a second instead of 25" in settled.notes[0]

    def test_pictures_for_who_wants_them_turned_or_says_so(self) -> None:
        for settled in (self.settle(turned=True), self.settle(wanted="YUYV")):
            assert (settled.codec, settled.layout.fourcc, settled.frame_rate, settled.notes) == (None, "YUYV", 20, ())

    def test_pictures_where_the_video_has_proved_unusable(self) -> None:
        settled = self.settle(may_encode=False)
        assert settled.codec is None
        assert "cannot be used" in settled.notes[0]

    def test_jpeg_is_pictures(self) -> None:
        self.offered = [Mode("MJPG", 640, 480, (20.0,), "jpeg")]
        assert (self.settle().codec, self.settle().has_pictures) == (None, True)

    def test_a_camera_with_nothing_but_video(self) -> None:
        self.offered = [VIDEO]
        assert self.settle(may_encode=False).codec == "h264"
        assert not self.settle().has_pictures
        with pytest.raises(SourceUnusable, match="cannot be turned: set rotation to 0"):
            self.settle(turned=True)

    def test_a_format_that_is_not_offered_names_those_that_are(self) -> None:
        with pytest.raises(SourceUnusable, match=r"does not offer MJPG .*, but YUYV, H264"):
            self.settle(wanted="MJPG")


class Frozen:
    """A capture that delivers the same buffer for ever, 40 ms of the clock each."""

    def __init__(self, data: bytes, clock: SimulatedClock, stop: threading.Event) -> None:
        self._data, self._clock, self._stop = data, clock, stop
        self._left = 1000

    def __enter__(self) -> "Frozen":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        pass

    def next(self, seconds: float) -> Captured:
        self._left -= 1
        if not self._left:
            self._stop.set()
        self._clock.advance(INTERVAL_US / 1e6)
        return Captured((self._data,), self._clock.monotonic_us(), 0, False)


def test_a_camera_whose_own_video_has_no_keyframes_is_asked_for_pictures_next(monkeypatch: pytest.MonkeyPatch) -> None:
    later = as_camera_sends(streams.units(seconds=1))[1]
    clock, stop = SimulatedClock(), threading.Event()
    asked: list[Wanted] = []

    def settled(fd: int, device: str, wanted: Wanted) -> Settled:
        asked.append(wanted)
        return Settled("Webcam", 1, Layout("H264", 160, 96, (0,)), "h264", 25, True, ())

    monkeypatch.setattr(v4l2, "settle", settled)
    monkeypatch.setattr(v4l2, "Capture", lambda fd, kind, buffers: Frozen(later, clock, stop))
    camera = V4l2Camera("/dev/null", width=160, height=96, frame_rate=25, clock=clock)
    for _ in range(2):
        with pytest.raises(SourceAway, match="/dev/null: it encodes by itself, but"):
            camera.run(RecordingSink(), stop)
    assert [wanted.may_encode for wanted in asked] == [True, False]
    assert camera.describe()["pictures"] == 0


def test_the_configuration_knows_the_formats_that_are_read() -> None:
    assert set(FORMATS) == {*RAW, *CODED}
    (named, _none) = get_args(Source.model_fields["format"].annotation)
    assert set(get_args(named)) == set(FORMATS)
