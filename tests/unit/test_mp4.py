"""Fragmented MP4 that keeps the true timestamps and can be played at any moment; FFmpeg is the judge."""

import io
import struct
import subprocess
from collections.abc import Collection
from fractions import Fraction
from pathlib import Path
from random import Random

import av
import pytest

from pi_sec_cam.media.access_unit import AccessUnit, Codec, StreamInfo
from pi_sec_cam.media.mp4 import Mp4Writer, StreamRefused
from tests.unit.mp4_files import boxes
from tests.unit.streams import BASE_US, decoded_pictures, format_duration, packets, stream_entry, units

SECOND = 1_000_000


def write(path: Path, found: list[AccessUnit], cuts: Collection[int] = ()) -> list[bytes]:
    """What was written, a fragment each; cut after the units of these numbers."""
    fragments: list[bytes] = []
    with Mp4Writer(fragments.append, found[0].info) as writer:
        for number, unit in enumerate(found):
            writer.add(unit)
            if number in cuts:
                writer.cut()
    path.write_bytes(b"".join(fragments))
    return fragments


def write_by_ffmpeg(path: Path, found: list[AccessUnit]) -> None:
    """The same units in fragments of FFmpeg's muxer."""
    movflags = "frag_keyframe+empty_moov+default_base_moof+delay_moov"
    with av.open(path, "w", format="mp4", options={"movflags": movflags, "video_track_timescale": "1000000"}) as film:
        with av.open(io.BytesIO(found[0].data), format="h264" if found[0].info.codec == "h264" else "hevc") as source:
            stream = film.add_stream_from_template(source.streams.video[0])
        stream.codec_context.codec_tag = "avc1" if found[0].info.codec == "h264" else "hvc1"
        stream.time_base = Fraction(1, SECOND)
        for unit in found:
            packet = av.Packet(unit.data)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, SECOND), unit.keyframe
            packet.pts, packet.dts = unit.pts_us - found[0].pts_us, unit.dts_us - found[0].pts_us
            film.mux_one(packet)


def decoded(path: Path, from_s: float = 0) -> str:
    """Times and checksums of all pictures that FFmpeg shows from a time on."""
    command = ["ffmpeg", "-v", "fatal", "-ss", str(from_s), "-i", str(path), "-f", "framemd5", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def trembling(found: list[AccessUnit], by_us: int) -> list[AccessUnit]:
    """Without B-frames: each picture up to `by_us` early or late."""
    chance = Random(1)
    times = [unit.pts_us + chance.randint(-by_us, by_us) for unit in found]
    return [AccessUnit(u.data, at, at, u.keyframe, u.info) for u, at in zip(found, times, strict=True)]


@pytest.mark.parametrize(
    ("codec", "how"),
    [
        ("h264", {}),
        ("h264", {"b_frames": 2, "gop": 26, "open_gop": True}),
        ("h264", {"rate": 60, "gop": 240, "b_frames": 3}),
        ("h264", {"rate": 1, "gop": 2, "seconds": 8}),
        ("h265", {"b_frames": 2, "gop": 26, "open_gop": True}),
    ],
)
def test_wherever_it_is_cut_it_is_the_film_that_ffmpegs_muxer_makes(
    tmp_path: Path, codec: Codec, how: dict[str, int]
) -> None:
    found = units(codec, **how)
    judge = tmp_path / "judge.mp4"
    write_by_ffmpeg(judge, found)
    shown = "pts,dts,flags,size,data_hash"
    expected = [packets(judge, shown=shown), decoded(judge), decoded(judge, from_s=2.2)]
    chance = Random(2)
    for cuts in (set(), {number for number in range(len(found)) if chance.random() < 0.2}, range(len(found))):
        ours = tmp_path / "ours.mp4"
        write(ours, found, cuts)
        assert [packets(ours, shown=shown), decoded(ours), decoded(ours, from_s=2.2)] == expected


def test_a_fragment_ends_where_it_is_told_to(tmp_path: Path) -> None:
    found = units(seconds=1, b_frames=2)
    fragments: list[bytes] = []
    writer = Mp4Writer(fragments.append, found[0].info)
    writer.cut()
    assert fragments == []
    for unit in found[:-1]:
        writer.add(unit)
        assert writer.held == 1
        writer.cut()
        writer.cut()
        assert writer.held == 0
        path = tmp_path / "growing.mp4"
        path.write_bytes(b"".join(fragments))
        assert decoded_pictures(path) == len(fragments) == writer.pictures if len(fragments) in {1, 2, 17} else True
    assert len(fragments) == 24
    assert all([kind for kind, _ in boxes(each)] == [b"moof", b"mdat"] for each in fragments[1:])


@pytest.mark.parametrize("rate", [5, 5.6, 7, 12.5, 15, 24, 25, 29.97, 30, 50, 60])
def test_nothing_is_held_for_longer_than_a_second(rate: float) -> None:
    first = units(seconds=1)[0]
    info = StreamInfo("h264", 160, 96, first.info.parameter_sets, frame_rate=rate)
    held_since, times = [], [BASE_US + round(number * SECOND / rate) for number in range(round(rate * 20))]
    writer = Mp4Writer(lambda _: None, info)
    for number, at_us in enumerate(times):
        writer.add(AccessUnit(first.data, at_us, at_us, number == 0, info))
        held_since.append(at_us - times[number + 1 - writer.held] if writer.held else 0)
        if not writer.held:
            assert writer.pictures == number + 1
            assert writer.end_pts_us == pytest.approx(at_us + SECOND / rate, abs=2)
    # From the first picture of a fragment until it is written, one interval after the last that is held at most.
    assert 0.5 * SECOND < max(held_since) + SECOND / rate <= 1.02 * SECOND


@pytest.mark.parametrize("rate", [0.2, 1, 3.9])
def test_where_pictures_are_rare_few_or_none_are_held(rate: float) -> None:
    first = units(seconds=1)[0]
    info = StreamInfo("h264", 160, 96, first.info.parameter_sets, frame_rate=rate)
    writer = Mp4Writer(lambda _: None, info)
    for number in range(20):
        at_us = BASE_US + round(number * SECOND / rate)
        writer.add(AccessUnit(first.data, at_us, at_us, number == 0, info))
        assert writer.held + 1 <= max(1, rate)


@pytest.mark.parametrize("gop", [22, 25])
def test_keyframes_begin_fragments_where_a_gop_lasts_about_a_second(tmp_path: Path, gop: int) -> None:
    found = trembling(units(seconds=0.8 * gop, gop=gop), 8_000)
    write(tmp_path / "x.mp4", found)
    shown = packets(tmp_path / "x.mp4", shown="flags,pos")
    data = (tmp_path / "x.mp4").read_bytes()
    begins = [end + 8 for kind, end in boxes(data) if kind == b"moof"]
    assert [int(p["pos"]) for p in shown if p["flags"].startswith("K")] == begins
    assert len(begins) == 20


def test_a_stall_ends_a_fragment_before_what_comes_after_it() -> None:
    found = units(seconds=1)
    fragments: list[bytes] = []
    writer = Mp4Writer(fragments.append, found[0].info)
    for unit in found[:10]:
        writer.add(unit)
    late = AccessUnit(
        found[10].data, found[10].pts_us + 3 * SECOND, found[10].dts_us + 3 * SECOND, False, found[0].info
    )
    assert fragments == []
    writer.add(late)
    assert len(fragments) == 2, "what came late is written too: nobody knows when there will be another"
    assert (writer.pictures, writer.held) == (11, 0)
    assert writer.end_pts_us == late.pts_us + 40_000, "no picture lasts as long as a stall"


def test_the_index_at_the_end_leads_to_each_keyframe(tmp_path: Path) -> None:
    found = units(seconds=5, gop=13, b_frames=2)
    cuts = {3, 4, 12, 13, 40, 70}
    fragments = write(tmp_path / "x.mp4", found, cuts)
    data = (tmp_path / "x.mp4").read_bytes()
    index = fragments[-1]
    assert [kind for kind, _ in boxes(index)] == [b"mfra"]
    assert int.from_bytes(index[-4:], "big") == len(index), "readers find it from the end"
    shown = [packet for packet in packets(tmp_path / "x.mp4", shown="pts,flags,pos") if "K" in packet["flags"]]
    delay_us = found[0].pts_us - found[0].dts_us
    entries = list(struct.iter_unpack(">QQBBI", index[8 + 24 : -16]))
    assert len(entries) == len(shown) == 10
    for (time, moof_at, traf, trun, number), packet in zip(entries, shown, strict=True):
        assert (time, traf, trun) == (int(packet["pts"]) + delay_us, 1, 1)
        assert data[moof_at + 4 : moof_at + 8] == b"moof"
        # 68 bytes before trun, which has 20 and then 16 a sample, the second four of which are its size.
        moof_bytes = int.from_bytes(data[moof_at : moof_at + 4], "big")
        before = sum(
            int.from_bytes(data[at : at + 4], "big") for at in range(moof_at + 92, moof_at + 92 + 16 * (number - 1), 16)
        )
        assert int(packet["pos"]) == moof_at + moof_bytes + 8 + before


@pytest.mark.parametrize("earlier_us", [0, 1, 40_000, 10 * SECOND])
def test_a_dts_that_does_not_rise_is_refused_and_all_before_it_is_kept(tmp_path: Path, earlier_us: int) -> None:
    found = units(seconds=1)
    fragments: list[bytes] = []
    with Mp4Writer(fragments.append, found[0].info) as writer:
        for unit in found[:10]:
            writer.add(unit)
        at_us = found[9].dts_us - earlier_us
        with pytest.raises(StreamRefused, match="DTS"):
            writer.add(AccessUnit(found[10].data, at_us, at_us, False, found[0].info))
    (tmp_path / "x.mp4").write_bytes(b"".join(fragments))
    assert decoded_pictures(tmp_path / "x.mp4") == 10


def test_what_no_mp4_can_say_is_refused() -> None:
    found = units(seconds=1)
    writer = Mp4Writer(lambda _: None, found[0].info)
    writer.add(found[0])
    info, at_us = found[0].info, found[1].dts_us
    with pytest.raises(StreamRefused, match="canonical"):
        writer.add(AccessUnit(b"no picture", at_us, at_us, False, info))
    with pytest.raises(StreamRefused, match="PTS"):
        writer.add(AccessUnit(found[1].data, at_us + 3600 * SECOND, at_us, False, info))
    assert writer.held == 1


@pytest.mark.parametrize(
    ("codec", "b_frames", "open_gop"), [("h264", 0, False), ("h264", 3, False), ("h264", 2, True), ("h265", 3, False)]
)
def test_a_file_has_every_picture_at_its_own_time(tmp_path: Path, codec: Codec, b_frames: int, open_gop: bool) -> None:
    found = units(codec, seconds=4, gop=26, b_frames=b_frames, open_gop=open_gop)
    write(tmp_path / "x.mp4", found)
    assert decoded_pictures(tmp_path / "x.mp4") == len(found) == 100
    shown = packets(tmp_path / "x.mp4")
    assert shown[0]["flags"].startswith("K")
    origin_us = found[0].pts_us
    assert [round(float(p["pts_time"]) * 1e6) for p in shown] == [u.pts_us - origin_us for u in found]
    assert [round(float(p["dts_time"]) * 1e6) for p in shown] == [u.dts_us - origin_us for u in found]
    assert format_duration(tmp_path / "x.mp4") == pytest.approx(4.0, abs=0.001)
    assert stream_entry(tmp_path / "x.mp4", "codec_tag_string") == ("avc1" if codec == "h264" else "hvc1")


def test_a_variable_rate_is_kept_to_the_microsecond(tmp_path: Path) -> None:
    found = units(seconds=3)
    at_us = 5_000_000
    uneven = []
    for index, unit in enumerate(found):
        uneven.append(AccessUnit(unit.data, at_us, at_us, unit.keyframe, unit.info))
        at_us += 20_001 + 7_919 * (index % 5)
    write(tmp_path / "x.mp4", uneven)
    shown = [round(float(p["pts_time"]) * 1e6) for p in packets(tmp_path / "x.mp4")]
    assert shown == [u.pts_us - 5_000_000 for u in uneven]


@pytest.mark.parametrize("gop", [25, 250])
def test_no_fragment_is_longer_than_a_second_and_each_is_one_write(tmp_path: Path, gop: int) -> None:
    found = units(seconds=10, gop=gop, rate=10)
    fragments = write(tmp_path / "x.mp4", found)
    assert fragments[0][4:8] == b"ftyp"
    for before, fragment in enumerate(fragments[1:-1]):
        assert fragment[4:8] == b"moof"
        part = tmp_path / f"{before}.mp4"
        part.write_bytes(b"".join(fragments[: before + 2]))
        longer = len(packets(part))
        part.write_bytes(b"".join(fragments[: before + 1]))
        assert 0 < (longer - len(packets(part))) * 0.1 <= 1.0


def test_the_file_plays_at_any_moment_while_it_grows(tmp_path: Path) -> None:
    found = units(seconds=5, gop=125, b_frames=2)
    fragments = write(tmp_path / "whole.mp4", found)
    seen = 0
    for count in range(1, len(fragments)):
        part = tmp_path / "part.mp4"
        part.write_bytes(b"".join(fragments[:count]))
        pictures = decoded_pictures(part)
        assert pictures > seen
        seen = pictures
    assert seen == len(found)


def test_large_pictures_still_make_one_write_a_fragment() -> None:
    found = units(seconds=1)
    padding = b"\x00\x00\x00\x01\x06\x05" + b"\x55" * 900_000  # an SEI message of nearly a megabyte
    heavy = [AccessUnit(u.data + padding, u.pts_us, u.dts_us, u.keyframe, u.info) for u in found]
    fragments: list[bytes] = []
    with Mp4Writer(fragments.append, found[0].info) as writer:
        for unit in heavy:
            writer.add(unit)
    assert len(fragments) == 2  # 1 s, index
    assert len(fragments[0]) > 20 * 900_000


def test_a_stream_that_mp4_cannot_hold_is_refused() -> None:
    found = units(seconds=1)
    odd = StreamInfo("h264", -348, 32, found[0].info.parameter_sets)
    first = AccessUnit(found[0].data, found[0].pts_us, found[0].dts_us, True, odd)
    writer = Mp4Writer(lambda _: None, odd)
    with pytest.raises(StreamRefused, match="cannot write this stream"):
        writer.add(first)
