"""Fragmented MP4 that keeps the true timestamps and can be played at any moment; ffprobe is the judge."""

from pathlib import Path

import pytest

from pi_sec_cam.media.access_unit import AccessUnit, Codec, StreamInfo
from pi_sec_cam.media.mp4 import Mp4Writer, StreamRefused
from tests.unit.streams import decoded_pictures, format_duration, packets, stream_entry, units


def write(path: Path, found: list[AccessUnit]) -> list[bytes]:
    fragments: list[bytes] = []
    with Mp4Writer(fragments.append, found[0].info) as writer:
        for unit in found:
            writer.add(unit)
    path.write_bytes(b"".join(fragments))
    return fragments


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
