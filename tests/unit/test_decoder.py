"""Detection gets the right pictures at their own times, at little cost, whatever the stream does."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import av
import numpy as np
import pytest

from pi_sec_cam.media.access_unit import AccessUnit, Codec, StreamInfo
from pi_sec_cam.media.decoder import FrameDecoder
from pi_sec_cam.media.frame import Frame
from pi_sec_cam.media.luma import luma_of
from pi_sec_cam.media.ring import Ring
from pi_sec_cam.motion.pacer import FramePacer
from tests.unit import streams
from tests.unit.every_frame import EveryFrame

PATIENCE_S = 10
FRAME = 40_000


class Bench:
    """A decoder between a ring and a slot."""

    def __init__(self, due: Callable[[int], bool], max_bytes: int = 1 << 26) -> None:
        self.ring = Ring(seconds=1000, max_bytes=max_bytes)
        self.slot = EveryFrame()
        self.decoder = FrameDecoder("decoder", self.ring.cursor(), self.slot, due=due)

    def decode(self, units: list[AccessUnit]) -> list[Frame]:
        """All of it, to the end, at the decoder's pace."""
        self.decoder.start()
        for unit in units:
            self.ring.append(unit)
            assert self.decoder.wait_drained(unit.dts_us, PATIENCE_S)
        self.ring.finish()
        assert self.decoder.join(PATIENCE_S)
        assert self.decoder.fault is None
        assert self.slot.finished
        return self.slot.frames


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench(lambda _: True)
    yield made
    made.decoder.stop()
    assert made.decoder.join(PATIENCE_S)


def numbers(frames: list[Frame]) -> list[int]:
    return [streams.number_in(frame.luma) for frame in frames]


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_every_picture_has_its_own_time(bench: Bench, codec: Codec, b_frames: int) -> None:
    frames = bench.decode(streams.units(codec, seconds=2, b_frames=b_frames))
    assert numbers(frames) == list(range(50))
    assert [frame.pts_us for frame in frames] == [streams.BASE_US + index * FRAME for index in range(50)]
    assert bench.decoder.status() == {"decoded": 50, "taken": 50, "left_out": 0, "undecodable": 0, "missed": 0}


def test_frames_are_views_without_a_copy(bench: Bench) -> None:
    frame = bench.decode(streams.units(seconds=1, size=(168, 96)))[-1]
    assert frame.luma.shape == (96, 168)
    assert frame.luma.strides[0] > 168, "the decoder's padded rows"
    assert not frame.luma.flags.owndata
    assert not frame.luma.flags.writeable


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize(("fps", "saves"), [(5, True), (10, True), (20, False)])
def test_unneeded_b_pictures_are_not_decoded(codec: Codec, fps: int, saves: bool) -> None:
    """Two of three pictures are B; one of the two is needed by the other, so references come every 80 ms at most."""
    bench = Bench(FramePacer(fps).due)
    frames = bench.decode(streams.units(codec, seconds=8, b_frames=2))
    status = bench.decoder.status()
    assert status["decoded"] + status["left_out"] == 200
    assert (status["left_out"] > 30) == saves
    assert len(frames) == pytest.approx(8 * fps, abs=1)
    assert max(after.pts_us - before.pts_us for before, after in pairwise(frames)) <= 1_000_000 // fps + 2 * FRAME
    assert numbers(frames) == [(frame.pts_us - streams.BASE_US) // FRAME for frame in frames]


def test_damaged_pictures_are_counted_and_never_shown(bench: Bench) -> None:
    units = streams.units(seconds=4)
    rng = np.random.default_rng(1)
    for index in (5, 6, 40):
        data = bytearray(units[index].data)
        for place in rng.integers(6, len(data), 30):
            data[place] = int(rng.integers(0, 256))
        u = units[index]
        units[index] = AccessUnit(bytes(data), u.pts_us, u.dts_us, u.keyframe, u.info)
    frames = bench.decode(units)
    assert bench.decoder.status()["undecodable"] >= 1
    # The last GOP and the one between are whole.
    whole = [frame for frame in frames if (frame.pts_us - streams.BASE_US) // FRAME >= 50]
    assert numbers(whole) == list(range(50, 100))


def test_says_that_nothing_can_be_watched_when_nothing_can_be_decoded(bench: Bench) -> None:
    units = streams.units(seconds=26)
    said: list[str | None] = []
    bench.decoder.start()
    for index, unit in enumerate(units):
        sets = unit.info.parameter_sets if unit.keyframe else b""
        rubbish = sets + b"\0\0\0\1" + (b"\x65" if unit.keyframe else b"\x41") + b"\xff" * 50
        data = unit.data if index < 50 or index >= 600 else rubbish
        bench.ring.append(AccessUnit(data, unit.pts_us, unit.dts_us, unit.keyframe, unit.info))
        assert bench.decoder.wait_drained(unit.dts_us, PATIENCE_S)
        said.append(bench.decoder.trouble())
    first = next(index for index, trouble in enumerate(said) if trouble)
    assert first == pytest.approx(50 + 250, abs=2)
    assert "cannot be decoded since" in (said[first] or "")
    assert all(said[first:600])
    assert not any(said[601:])


def test_parameter_sets_that_change(bench: Bench) -> None:
    small = streams.units(seconds=1, b_frames=2)
    large = streams.units(seconds=1, b_frames=2, size=(320, 192), start_us=streams.BASE_US + 25 * FRAME)
    frames = bench.decode(small + large)
    assert [frame.luma.shape for frame in frames] == [(96, 160)] * 25 + [(192, 320)] * 25
    assert [frame.pts_us for frame in frames] == [streams.BASE_US + index * FRAME for index in range(50)]


def test_a_new_epoch_in_mid_gop_costs_no_picture(bench: Bench) -> None:
    units = streams.units(seconds=2)
    old = units[0].info
    new = StreamInfo(old.codec, old.width, old.height, old.parameter_sets, old.epoch + 1, old.frame_rate)
    frames = bench.decode(units[:10] + [AccessUnit(u.data, u.pts_us, u.dts_us, u.keyframe, new) for u in units[10:]])
    assert numbers(frames) == list(range(50))


def test_a_camera_that_delivers_frames_itself_is_left_alone(bench: Bench) -> None:
    units = streams.units(seconds=1)
    own = StreamInfo("h264", 160, 96, units[0].info.parameter_sets, with_frames=True)
    assert bench.decode([AccessUnit(u.data, u.pts_us, u.dts_us, u.keyframe, own) for u in units]) == []
    assert bench.decoder.wait_drained(units[-1].dts_us, 0)


def test_goes_on_at_a_keyframe_when_it_was_too_slow() -> None:
    units = streams.units(seconds=4)
    bench = Bench(lambda _: True, max_bytes=sum(len(unit.data) for unit in units[:60]))
    for unit in units[:10]:
        bench.ring.append(unit)
    bench.decoder.start()
    assert bench.decoder.wait_drained(units[9].dts_us, PATIENCE_S)
    with bench.ring._changed:  # while the lock is held nobody reads: as slow as a reader can be
        for unit in units[10:]:
            bench.ring.append(unit)
    bench.ring.finish()
    assert bench.decoder.join(PATIENCE_S)
    assert bench.decoder.status()["missed"] > 0
    assert numbers(bench.slot.frames) == [*range(10), *range(75, 100)]


def open_gops() -> list[AccessUnit]:
    """Two pictures are shown before the keyframe that they follow in the stream, and need the GOP before it."""
    units = streams.units(seconds=4, gop=24, b_frames=2, open_gop=True)
    second = next(index for index, unit in enumerate(units) if unit.keyframe and index)
    assert [unit.pts_us < units[second].pts_us for unit in units[second + 1 : second + 4]] == [True, True, False]
    return units


def test_an_open_gop_can_be_entered() -> None:
    units = open_gops()
    second = next(index for index, unit in enumerate(units) if unit.keyframe and index)
    bench = Bench(lambda _: True)
    frames = bench.decode(units[second:])
    assert numbers(frames) == list(range(24, 100)), "nothing made up from what never came"


def test_goes_on_with_whole_pictures_in_an_open_gop() -> None:
    units = open_gops()
    bench = Bench(lambda _: True)
    bench.decoder.start()
    for unit in units[:12]:
        bench.ring.append(unit)
        assert bench.decoder.wait_drained(unit.dts_us, PATIENCE_S)
    third = [index for index, unit in enumerate(units) if unit.keyframe][2]
    bench.decoder._cursor.seeks_keyframe = True  # as after having been too slow
    for unit in units[third - 3 :]:
        bench.ring.append(unit)
    bench.ring.finish()
    assert bench.decoder.join(PATIENCE_S)
    assert bench.decoder.status()["missed"] > 0
    frames = bench.slot.frames
    assert len(frames) > 12
    assert numbers(frames) == [(frame.pts_us - streams.BASE_US) // FRAME for frame in frames]


def test_says_when_it_has_caught_up(bench: Bench) -> None:
    units = streams.units(seconds=1)
    bench.decoder.start()
    assert not bench.decoder.wait_drained(units[0].dts_us, 0)
    for unit in units:
        bench.ring.append(unit)
        assert bench.decoder.wait_drained(unit.dts_us, PATIENCE_S)
        assert len(bench.slot.frames) == units.index(unit) + 1
    assert not bench.decoder.wait_drained(units[-1].dts_us + 1, 0)


def test_nobody_waits_for_a_decoder_that_has_ended(bench: Bench) -> None:
    bench.decode(streams.units(seconds=1))
    assert bench.decoder.wait_drained(1 << 60, 0)


@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj422p", "nv12", "gray", "yuv420p10le", "rgb24"])
def test_luma_of_any_format(pixels: str) -> None:
    ramp = np.tile(np.arange(16, 176, dtype=np.uint8), (96, 1))
    frame = av.VideoFrame.from_ndarray(ramp, format="gray").reformat(format=pixels)
    luma = luma_of(frame)
    assert (luma.shape, luma.dtype) == ((96, 160), np.uint8)
    shown = luma[0].astype(int)
    # Limited range squeezes 0–255 into 16–235.
    squeezed = 16 + ramp[0].astype(float) * 219 / 255
    assert min(np.abs(shown - ramp[0]).max(), np.abs(shown - squeezed).max()) <= 2
