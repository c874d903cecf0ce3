"""Torn clips: cut anywhere, the sound part is all whole fragments and nothing else; ffprobe judges."""

import io
import random
from pathlib import Path

import av
import pytest

from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.clip_file import Soundness, contents, open_sound, packets, soundness
from tests.unit import streams
from tests.unit.mp4_files import boxes, clip, write


def cuts(data: bytes) -> list[int]:
    """Every boundary of a box, a byte around it, and bytes at random."""
    chance = random.Random(7)
    edges = [0, 1, 7, 8, 9, 15, 16, *(end + by for _, end in boxes(data) for by in (-1, 0, 1, 7, 8, 9, 16))]
    return sorted({cut for cut in edges if cut <= len(data)} | {chance.randrange(len(data)) for _ in range(60)})


def whole_fragments(data: bytes, cut: int) -> int:
    """Where the last whole fragment (or the index) ends at or before `cut`."""
    return max((end for kind, end in boxes(data) if kind in {b"mdat", b"mfra"} and end <= cut), default=0)


@pytest.mark.parametrize("b_frames", [0, 2])
def test_the_sound_part_is_all_whole_fragments(tmp_path: Path, b_frames: int) -> None:
    data = b"".join(clip(b_frames=b_frames))
    first_mdat = next(i for i, (kind, _) in enumerate(boxes(data)) if kind == b"mdat")
    payload_from = boxes(data)[first_mdat - 1][1] + 8
    for cut in cuts(data):
        file = write(tmp_path / "video.mp4", data[:cut])
        found = soundness(file)
        assert found.empty == (cut <= payload_from), cut
        expected = whole_fragments(data, cut)
        if expected:
            assert found == Soundness(expected, torn=cut > expected, empty=False), cut


@pytest.mark.parametrize(("codec", "b_frames"), [("h264", 0), ("h264", 2), ("h265", 0)])
def test_each_whole_fragment_is_played_and_counted(tmp_path: Path, codec: str, b_frames: int) -> None:
    writes = clip(codec, b_frames=b_frames)  # type: ignore[arg-type]
    for number in range(1, len(writes)):
        file = write(tmp_path / "video.mp4", b"".join(writes[:number]))
        found = contents(file)
        judged = streams.packets(file, shown="pts_time,duration_time")
        assert found.pictures == len(judged)
        last = max(float(packet["pts_time"]) + float(packet["duration_time"]) for packet in judged)
        assert found.duration_us == round((last - min(float(packet["pts_time"]) for packet in judged)) * 1e6)
        assert (found.codec, found.width, found.height) == (codec, 160, 96)
        torn = write(tmp_path / "torn.mp4", b"".join(writes[:number]) + writes[number][:-3])
        assert contents(torn) == found


def test_pictures_are_decoded_up_to_the_cut(tmp_path: Path) -> None:
    writes = clip()
    file = write(tmp_path / "video.mp4", b"".join(writes[:3]) + writes[3][:200])
    with file.open("rb+") as opened:
        opened.truncate(soundness(file).sound_bytes)
    assert streams.decoded_pictures(file) == contents(file).pictures == 75


@pytest.mark.parametrize("rubbish", [b"\0" * 4096, b"\xff" * 100, b"\0\0\0\0mdat" + b"\0" * 50, b"junkjunkjunk"])
def test_rubbish_after_the_last_fragment_is_not_sound(tmp_path: Path, rubbish: bytes) -> None:
    data = b"".join(clip()[:3])
    file = write(tmp_path / "video.mp4", data + rubbish)
    assert soundness(file) == Soundness(len(data), torn=True, empty=False)


def test_a_header_alone_holds_nothing(tmp_path: Path) -> None:
    data = b"".join(clip())
    file = write(tmp_path / "video.mp4", data[: boxes(data)[1][1]])
    assert soundness(file).empty
    with pytest.raises(StorageError, match="no picture"):
        contents(file)


@pytest.mark.parametrize("data", [b"\0" * 4096, b"\x89PNG\r\n\x1a\n" * 9, b"this is a text, not a film" * 9])
def test_what_is_no_film_is_neither_empty_nor_torn(tmp_path: Path, data: bytes) -> None:
    file = write(tmp_path / "video.mp4", data)
    assert soundness(file) == Soundness(len(data), torn=False, empty=False)
    with pytest.raises(StorageError, match=r"video\.mp4"):
        contents(file)


@pytest.mark.parametrize("name", [b"avc1", b"VideoHandler"])
def test_a_damaged_header_is_said_or_passed_by(tmp_path: Path, name: bytes) -> None:
    data = b"".join(clip())
    assert name in data
    file = write(tmp_path / "video.mp4", data.replace(name, b"\xff" * len(name)))
    if name == b"avc1":
        with pytest.raises(StorageError):
            contents(file)
    else:
        assert contents(file).pictures


def test_an_ordinary_mp4_is_whole(tmp_path: Path) -> None:
    file = write(tmp_path / "video.mp4", streams.encoded())
    assert soundness(file) == Soundness(file.stat().st_size, torn=False, empty=False)
    assert contents(file).pictures == 100


def test_the_length_is_counted_from_the_first_picture(tmp_path: Path) -> None:
    file = tmp_path / "video.mp4"
    with av.open(io.BytesIO(b"".join(clip()))) as source, av.open(file, "w", format="mp4") as later:
        stream = later.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.pts is not None and packet.dts is not None:
                packet.pts, packet.dts, packet.stream = packet.pts + 5_000_000, packet.dts + 5_000_000, stream
                later.mux(packet)
    assert streams.stream_entry(file, "start_time") == "5.000000"
    assert contents(file).duration_us == 4_000_000


def test_of_a_first_fragment_that_is_torn_the_whole_pictures_are_read(tmp_path: Path) -> None:
    data = clip()[0]
    there = streams.packets(write(tmp_path / "whole.mp4", data), shown="pos,size")
    ends = [int(packet["pos"]) + int(packet["size"]) for packet in there]
    for cut in range(ends[4] - 1, len(data) - 1, 11):
        file = write(tmp_path / "video.mp4", data[:cut])
        assert soundness(file) == Soundness(0, torn=True, empty=False)
        assert contents(file).pictures == sum(end <= cut for end in ends)


def test_a_file_that_grows_while_it_is_read_gives_what_was_whole_at_first(tmp_path: Path) -> None:
    writes = clip()
    file = write(tmp_path / "video.mp4", b"".join(writes[:2]))
    with open_sound(file) as source:
        with file.open("ab") as growing:
            growing.write(writes[2] + writes[3][:10])
        assert len(list(packets(source))) == 50
