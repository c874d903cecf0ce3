"""Chunks: joined they are the stream, none is too large or too long, and none waits for the next picture."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pi_sec_cam.media.access_unit import AccessUnit, Codec, StreamInfo
from pi_sec_cam.media.entry import Entry
from pi_sec_cam.offsite.cut import Chunk, Cutter, hash_of
from pi_sec_cam.record.clip import Clip
from pi_sec_cam.record.stored_units import stored_units
from tests.unit.recorder_bench import Bench, ended, started
from tests.unit.streams import BASE_US, units

SECOND = 1_000_000
LARGE = 3 << 20
INFO = StreamInfo("h264", 160, 96, b"sets", frame_rate=25.0)


def pictures(count: int, *, gop: int = 25, rate: float = 25, size: int = 100) -> list[AccessUnit]:
    info = replace(INFO, frame_rate=float(rate))
    stamps = [BASE_US + round(n * SECOND / rate) for n in range(count)]
    return [AccessUnit(bytes([n % 251]) * size, us, us, n % gop == 0, info) for n, us in enumerate(stamps)]


def cut(
    found: Sequence[AccessUnit], *, max_bytes: int = LARGE, most_us: int = SECOND, rest: bool = True
) -> list[Chunk]:
    cutter = Cutter(max_bytes)
    chunks = [chunk for end, unit in enumerate(found, 1) for chunk in cutter.add(unit, end, most_us)]
    return chunks + (cutter.rest() if rest else [])


def counts(chunks: Sequence[Chunk]) -> list[int]:
    return [chunk.video.pictures for chunk in chunks]


def test_a_chunk_is_complete_with_its_last_picture_and_not_with_the_next() -> None:
    assert counts(cut(pictures(50), rest=False)) == [25, 25]
    assert counts(cut(pictures(49), rest=False)) == [25]
    assert counts(cut(pictures(51), most_us=SECOND // 2, rest=False)) == [13, 12, 13, 12]


@pytest.mark.parametrize(("rate", "expected"), [(1, 1), (3, 3), (7, 7), (29.97, 30), (30, 30), (60, 60)])
def test_rounded_timestamps_make_no_chunk_longer(rate: float, expected: int) -> None:
    stream = pictures(expected * 4, gop=1000, rate=rate)
    assert counts(cut(stream, rest=False)) == [expected] * 4


def test_nothing_is_left_over_when_nothing_is_held() -> None:
    assert Cutter(LARGE).rest() == []
    assert counts(cut(pictures(50))) == [25, 25]


def test_a_keyframe_begins_a_chunk_where_one_is_near() -> None:
    late = [chunk.video.begins_with_keyframe for chunk in cut(pictures(200, gop=40))]
    assert counts(cut(pictures(200, gop=40))) == [25, 15, 25, 15, 25, 15, 25, 15, 25, 15]
    assert late == [True, False] * 5
    assert counts(cut(pictures(70, gop=60))) == [25, 25, 10, 10]
    assert counts(cut(pictures(70, gop=59))) == [25, 25, 20], "0.36 s are too little for a chunk"


def test_a_chunk_that_may_grow_waits_for_the_last_keyframe_before_it_is_full() -> None:
    assert counts(cut(pictures(500, gop=100), most_us=10 * SECOND, rest=False)) == [200, 200]


def test_no_chunk_holds_more_than_it_may() -> None:
    chunks = cut(pictures(30, size=1000), max_bytes=4500)
    assert [len(chunk.data) for chunk in chunks] == [4000] * 7 + [2000]
    assert [chunk.end for chunk in chunks] == [4, 8, 12, 16, 20, 24, 28, 30]


def test_an_access_unit_that_is_too_large_alone_is_split() -> None:
    stream = pictures(3, gop=1)
    stream[1] = replace(stream[1], data=bytes(range(250)) * 100)
    stream[2] = replace(stream[2], keyframe=False)
    chunks = cut(stream, max_bytes=10_000)
    assert b"".join(chunk.data for chunk in chunks) == b"".join(unit.data for unit in stream)
    assert [len(chunk.data) for chunk in chunks] == [100, 10_000, 10_000, 5_000, 100]
    assert counts(chunks) == [1, 1, 0, 0, 1]
    assert [chunk.video.begins_with_keyframe for chunk in chunks] == [True, True, False, False, False]
    large = stream[1].data
    ends = [stream[0].data, large[:10_000], large[:20_000], large, stream[2].data]
    assert [chunk.video.last_unit for chunk in chunks] == [hash_of(end) for end in ends]


def test_a_chunk_says_what_is_in_it() -> None:
    stream = units(gop=25, b_frames=2)
    first, *_ = cut(stream)
    video = first.video
    assert (video.codec, video.width, video.height, video.pictures) == ("h264", 160, 96, 25)
    assert video.pts_us == tuple(unit.pts_us for unit in stream[:25])
    assert video.duration_s == pytest.approx(1)
    assert video.plain_bytes == len(first.data) == sum(len(unit.data) for unit in stream[:25])
    assert video.last_unit == hash_of(stream[24].data)
    assert video.begins_with_keyframe
    assert first.name(3) == "video3.h264"


def test_another_codec_begins_another_chunk() -> None:
    later = [replace(u, dts_us=u.dts_us + 240_000, pts_us=u.pts_us + 240_000) for u in pictures(10)]
    h265 = replace(INFO, codec="h265")
    chunks = cut([*pictures(6), *(replace(unit, info=h265) for unit in later)])
    assert [chunk.name(n) for n, chunk in enumerate(chunks)] == ["video0.h264", "video1.h265"]
    assert counts(chunks) == [6, 10]


def test_a_gap_in_time_ends_a_chunk() -> None:
    stream = pictures(20, gop=100)
    stream[10:] = [replace(unit, dts_us=unit.dts_us + 7 * SECOND) for unit in stream[10:]]
    assert counts(cut(stream)) == [11, 9]


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 3000),  # bytes
            st.sampled_from([1, 20_000, 33_333, 40_000, 200_000, 1_000_000, 5_000_000]),  # after the one before
            st.integers(0, 9).map(lambda n: n == 0),  # a keyframe
            st.integers(0, 30).map(lambda n: n == 0),  # of a stream that has changed
        ),
        max_size=120,
    ),
    st.integers(700, 20_000),
    st.sampled_from([100_000, 500_000, SECOND, 10 * SECOND]),
)
def test_whatever_comes_nothing_is_lost_and_no_bound_is_broken(
    wanted: list[tuple[int, int, bool, bool]], max_bytes: int, most_us: int
) -> None:
    stream, dts_us, info = [], BASE_US, INFO
    for number, (size, after_us, keyframe, changed) in enumerate(wanted):
        dts_us += after_us
        info = replace(info) if changed else info
        stream.append(AccessUnit(bytes([number % 251]) * size, dts_us, dts_us, keyframe, info))
    chunks = cut(stream, max_bytes=max_bytes, most_us=most_us)
    assert b"".join(chunk.data for chunk in chunks) == b"".join(unit.data for unit in stream)
    assert all(0 < len(chunk.data) <= max_bytes for chunk in chunks)
    assert sum(counts(chunks)) == len(stream)
    assert [us for chunk in chunks for us in chunk.video.pts_us] == [unit.pts_us for unit in stream]
    assert all(us[-1] - us[0] <= most_us for chunk in chunks if len(us := chunk.video.pts_us[:-1]) > 1)
    assert not chunks or chunks[-1].end == len(stream)


def broken_stream(codec: Codec, *, open_gop: bool) -> list[AccessUnit | None]:
    """Real video that begins in mid-GOP, has a gap (None), changes its parameters, and its epoch in mid-GOP."""
    first = units(codec, seconds=3, gop=20, b_frames=2, open_gop=open_gop)
    second = units(
        codec, seconds=3, gop=20, b_frames=2, open_gop=open_gop, start_us=BASE_US + 4 * SECOND, size=(192, 96)
    )
    info = replace(second[0].info, epoch=1)
    second[50:] = [replace(unit, info=info) for unit in second[50:]]
    return [*first[7:30], None, *first[35:], *second]


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("open_gop", [False, True])
def test_joined_chunks_are_the_recorded_clip(tmp_path: Path, codec: Codec, open_gop: bool) -> None:
    stream = broken_stream(codec, open_gop=open_gop)
    bench = Bench(tmp_path)
    trigger = started(4, 8)
    clip = Clip(bench.archive, "Yard", trigger, bench.clock.stamp(trigger.trigger_pts_us), None)
    entry, taken = Entry(), []
    for unit in stream:
        if unit is None:
            clip.gap()
            entry.gap()
            continue
        clip.add(unit)
        clip.flush()
        if entry.takes(unit):
            taken.append(unit)
    record = clip.finish(ended(7, 0), 0)
    assert record is not None
    assert len(record.parts) == 4
    assert sum(part.pictures for part in record.parts) == len(taken) < len([unit for unit in stream if unit])
    folder = clip.folder
    assert folder is not None
    recorded = list(stored_units(folder, record))
    assert [(unit.data, unit.pts_us, unit.dts_us, unit.keyframe) for unit in recorded] == [
        (unit.data, unit.pts_us, unit.dts_us, unit.keyframe) for unit in taken
    ]
    chunks = cut(taken, max_bytes=2500, most_us=SECOND // 2)
    assert len(chunks) > 10
    assert b"".join(chunk.data for chunk in chunks) == b"".join(unit.data for unit in recorded)


def test_it_says_from_when_on_a_chunk_may_be_complete() -> None:
    stream = pictures(200, gop=40)
    cutter = Cutter(LARGE)
    for end, unit in enumerate(stream, 1):
        foreseen_us = cutter.next_cut_us(SECOND)
        if cutter.add(unit, end, SECOND):
            assert foreseen_us < unit.dts_us or end < 80, "in time, once the GOP is known"
            assert unit.dts_us - foreseen_us <= 40_000, "and no earlier than needed"
