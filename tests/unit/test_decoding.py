"""No more is decoded than what detection looks at needs, and what comes out are the right pictures."""

from itertools import pairwise

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.media.access_unit import AccessUnit, Codec, StreamInfo
from pi_sec_cam.media.decoding import Decoding
from pi_sec_cam.media.disposable import highest_sub_layer, is_disposable
from pi_sec_cam.media.frame import Frame
from pi_sec_cam.motion.pacer import FramePacer
from tests.unit import streams
from tests.unit.every_frame import EveryFrame

FRAME = 40_000


def decode(units: list[AccessUnit], fps: float) -> tuple[list[Frame], dict[str, int]]:
    """The frames, each checked to be the picture of its time."""
    slot = EveryFrame()
    decoding = Decoding(slot, due=FramePacer(fps).due, clock=SimulatedClock())
    for unit in units:
        decoding.take(unit, 0)
    decoding.flush()
    for frame in slot.frames:
        assert streams.number_in(frame.luma) == (frame.pts_us - streams.BASE_US) // FRAME
    return slot.frames, decoding.status()


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_what_follows_the_last_wanted_picture_of_a_gop_is_not_decoded(codec: Codec) -> None:
    frames, status = decode(streams.units(codec, seconds=8, gop=25), 5)
    assert [frame.pts_us - streams.BASE_US for frame in frames] == [index * 200_000 for index in range(40)]
    assert (status["decoded"], status["left_out"]) == (8 * 21, 8 * 4)


def test_media_time_may_begin_at_nought() -> None:
    slot = EveryFrame()
    decoding = Decoding(slot, due=FramePacer(5).due, clock=SimulatedClock())
    for unit in streams.units(seconds=8, gop=1, start_us=0):
        decoding.take(unit, 0)
    assert decoding.status()["decoded"] == 40


def test_of_keyframes_alone_only_the_wanted_ones_are_decoded() -> None:
    frames, status = decode(streams.units(seconds=8, gop=1), 5)
    assert len(frames) == status["decoded"] == 40


@pytest.mark.parametrize(("gop", "fps"), [(5, 5), (4, 5), (10, 2)])
def test_keyframes_are_enough_where_they_come_as_often_as_detection_looks(gop: int, fps: int) -> None:
    frames, status = decode(streams.units(seconds=24, gop=gop), fps)
    assert len(frames) == pytest.approx(24 * fps, abs=2)
    # The first looks show how often they are wanted, before anything can be saved.
    assert status["decoded"] <= len(frames) + 9 * 25 // fps
    assert max(after.pts_us - before.pts_us for before, after in pairwise(frames)) <= 1.6e6 / fps


def test_keyframes_that_come_too_rarely_are_not_enough() -> None:
    frames, _ = decode(streams.units(seconds=24, gop=10), 5)
    assert max(after.pts_us - before.pts_us for before, after in pairwise(frames)) == 200_000


def test_keyframes_that_stop_coming_are_not_waited_for() -> None:
    often = streams.units(seconds=8, gop=5)
    rarely = streams.units(seconds=8, gop=200, info=often[0].info, start_us=streams.BASE_US + 200 * FRAME)
    slot = EveryFrame()
    decoding = Decoding(slot, due=FramePacer(5).due, clock=SimulatedClock())
    for unit in often + rarely:
        decoding.take(unit, 0)
    times = [frame.pts_us for frame in slot.frames]
    assert max(after - before for before, after in pairwise(times)) <= 320_000
    assert times[-1] > rarely[-1].pts_us - 320_000
    assert [streams.number_in(frame.luma) for frame in slot.frames] == [
        (pts_us - streams.BASE_US) // FRAME % 200 for pts_us in times
    ]


def test_says_until_when_nothing_will_be_wanted() -> None:
    slot = EveryFrame()
    decoding = Decoding(slot, due=FramePacer(5).due, clock=SimulatedClock())
    units = streams.units(seconds=2)
    assert decoding.idle_until_us == 0
    for unit in units[:6]:
        decoding.take(unit, 0)
    assert units[5].pts_us < decoding.idle_until_us < units[10].pts_us


def unit(nal: bytes, codec: Codec, sets: bytes = b"") -> AccessUnit:
    return AccessUnit(b"\0\0\0\1" + nal + bytes(20), 0, 0, False, StreamInfo(codec, 160, 96, sets))


def test_pictures_that_no_other_needs() -> None:
    assert is_disposable(unit(b"\x01\x9a", "h264"))
    assert not is_disposable(unit(b"\x41\x9a", "h264"))
    assert not is_disposable(unit(b"\x06\x05", "h264")), "no slice"
    one_layer, two_layers = (b"\0\0\0\1" + bytes([33 << 1, 1, layers << 1]) + b"\x01\x60" for layers in (0, 1))
    assert highest_sub_layer(unit(b"", "h265", two_layers).info) == 1
    trail_n, trail_r = bytes([0 << 1]), bytes([1 << 1])
    assert is_disposable(unit(trail_n + b"\x01", "h265", one_layer))
    assert not is_disposable(unit(trail_r + b"\x01", "h265", one_layer))
    assert not is_disposable(unit(trail_n + b"\x01", "h265", two_layers)), "the layer above may refer to it"
    assert is_disposable(unit(trail_n + b"\x02", "h265", two_layers))
    assert not is_disposable(unit(trail_n + b"\x01", "h265")), "nothing is known of its layers"
