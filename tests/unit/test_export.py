"""Export: ordinary MP4 files with every picture and every timestamp of the clip; ffprobe compares."""

import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

import pytest

from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.export import Film, export_video
from tests.unit.events import NOON
from tests.unit.mp4_files import boxes, clip, write
from tests.unit.streams import decoded_pictures, format_duration, packets, stream_entry

TIMES = "pts,dts,duration,size,flags"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out/clip.mp4"


def kinds(file: Path) -> list[bytes]:
    return [kind for kind, _ in boxes(file.read_bytes())]


@pytest.mark.parametrize(("codec", "b_frames"), [("h264", 0), ("h264", 2), ("h265", 0), ("h265", 2)])
def test_every_picture_keeps_its_time(tmp_path: Path, out: Path, codec: str, b_frames: int) -> None:
    source = write(tmp_path / "video.mp4", b"".join(clip(codec, b_frames=b_frames)))  # type: ignore[arg-type]
    done = export_video([source], out, taken=NOON)
    assert done.films == (Film(out, (source,)),)
    assert packets(out, shown=TIMES) == packets(source, shown=TIMES)
    assert decoded_pictures(out) == 100
    assert format_duration(out) == format_duration(source) == 4.0
    for entry in ("codec_tag_string", "extradata_size", "time_base", "start_time"):
        assert stream_entry(out, entry) == stream_entry(source, entry), entry
    if codec == "h265":
        assert stream_entry(out, "codec_tag_string") == "hvc1"


def test_the_file_is_ordinary_with_its_index_in_front(tmp_path: Path, out: Path) -> None:
    source = write(tmp_path / "video.mp4", b"".join(clip()))
    export_video([source], out, taken=NOON.astimezone(UTC))
    found = kinds(out)
    assert b"moof" not in found
    assert found.index(b"moov") < found.index(b"mdat")
    shown = subprocess.run(["ffprobe", "-v", "error", "-show_format", str(out)], capture_output=True, check=True)
    assert b"TAG:creation_time=2026-05-04T12:00:00" in shown.stdout
    assert os.listdir(out.parent) == ["clip.mp4"]


@pytest.mark.parametrize("b_frames", [0, 2])
def test_parts_with_the_same_coding_become_one_film(tmp_path: Path, out: Path, b_frames: int) -> None:
    data = b"".join(clip(b_frames=b_frames))
    sources = [write(tmp_path / f"video-{number}.mp4", data) for number in (1, 2, 3)]
    done = export_video(sources, out)
    assert done.films == (Film(out, tuple(sources)),)
    one = packets(sources[0], shown="pts,dts,size")
    joined = packets(out, shown="pts,dts,size")
    tick = int(stream_entry(out, "time_base").partition("/")[2])
    assert len(joined) == 300
    for number in range(3):
        for name in ("pts", "dts"):
            moved = [str(int(packet[name]) + 4 * tick * number) for packet in one]
            assert [packet[name] for packet in joined[number * 100 : number * 100 + 100]] == moved
    assert decoded_pictures(out) == 300
    assert format_duration(out) == 12.0


def test_parts_with_another_coding_become_another_film(tmp_path: Path, out: Path) -> None:
    small, large, later = b"".join(clip(size=(128, 64))), b"".join(clip()), b"".join(clip(seconds=2))
    sources = [write(tmp_path / f"{number}.mp4", data) for number, data in enumerate((small, large, later, small))]
    done = export_video(sources, out)
    assert [film.path.name for film in done.films] == ["clip.mp4", "clip-2.mp4", "clip-3.mp4"]
    assert [len(film.parts) for film in done.films] == [1, 2, 1]
    assert [decoded_pictures(film.path) for film in done.films] == [100, 150, 100]
    assert sorted(os.listdir(out.parent)) == ["clip-2.mp4", "clip-3.mp4", "clip.mp4"]


def test_parts_of_one_size_with_other_parameter_sets_are_not_joined(tmp_path: Path, out: Path) -> None:
    sources = [write(tmp_path / f"{b_frames}.mp4", b"".join(clip(b_frames=b_frames))) for b_frames in (0, 2)]
    assert len(export_video(sources, out).films) == 2


def test_of_a_clip_that_grows_all_whole_fragments_are_taken(tmp_path: Path, out: Path) -> None:
    writes = clip(b_frames=2)
    source = write(tmp_path / "video.mp4", b"".join(writes[:3]) + writes[3][:300])
    begun = write(tmp_path / "video-2.mp4", b"")
    done = export_video([source, begun], out)
    assert done.unreadable == ()
    assert decoded_pictures(out) == 75


def test_a_part_that_cannot_be_read_is_left_out_and_named(tmp_path: Path, out: Path) -> None:
    broken = write(tmp_path / "video.mp4", b"no film" * 99)
    sound = write(tmp_path / "video-2.mp4", b"".join(clip()))
    done = export_video([broken, sound], out)
    assert done.unreadable == (broken,)
    assert decoded_pictures(out) == 100


@pytest.mark.parametrize("files", [[], [b""], [b"no film" * 99]])
def test_nothing_to_export_is_said(tmp_path: Path, out: Path, files: list[bytes]) -> None:
    with pytest.raises(StorageError, match="nothing to export"):
        export_video([write(tmp_path / f"{i}.mp4", data) for i, data in enumerate(files)], out)
    assert os.listdir(out.parent) == []


def test_files_are_replaced_only_on_demand(tmp_path: Path, out: Path) -> None:
    sources = [write(tmp_path / "1.mp4", b"".join(clip())), write(tmp_path / "2.mp4", b"".join(clip(size=(128, 64))))]
    second = write(out.with_name("clip-2.mp4"), b"mine")
    with pytest.raises(StorageError, match=r"clip-2\.mp4 exists.*--force"):
        export_video(sources, out)
    assert os.listdir(out.parent) == ["clip-2.mp4"]
    assert second.read_bytes() == b"mine"
    export_video(sources, out, force=True)
    assert decoded_pictures(second) == 100


@pytest.mark.parametrize("force", [False, True])
def test_a_directory_is_never_replaced(tmp_path: Path, out: Path, force: bool) -> None:
    out.mkdir()
    with pytest.raises(StorageError, match="is not a file"):
        export_video([write(tmp_path / "video.mp4", b"".join(clip()))], out, force=force)


def test_a_missing_directory_is_said(tmp_path: Path) -> None:
    source = write(tmp_path / "video.mp4", b"".join(clip()))
    with pytest.raises(StorageError, match=r"there is no directory .*/nowhere; create it first"):
        export_video([source], tmp_path / "nowhere/clip.mp4")


@contextmanager
def no_file_beyond(limit: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes, which is what a full disk looks like to it.

    For as short as can be: what the tests print may go to a file, too.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, out: Path) -> None:
    source = write(tmp_path / "video.mp4", b"".join(clip()))
    out.write_bytes(b"the one before")
    assert source.stat().st_size > 4000
    too_large = pytest.raises(StorageError, match=r"cannot write .*clip\.mp4: the file would be larger")
    with too_large, no_file_beyond(4000):
        export_video([source], out, force=True)
    assert os.listdir(out.parent) == ["clip.mp4"]
    assert out.read_bytes() == b"the one before"


def test_an_interrupt_leaves_no_half_file(tmp_path: Path, out: Path) -> None:
    source = write(tmp_path / "video.mp4", b"".join(clip()))

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_video([source], out, progress=interrupted)
    assert os.listdir(out.parent) == []


def test_progress_adds_up_to_the_pictures(tmp_path: Path, out: Path) -> None:
    source = write(tmp_path / "video.mp4", b"".join(clip()))
    told: list[int] = []
    export_video([source], out, progress=told.append)
    assert sum(told) == sum(int(packet["size"]) for packet in packets(source, shown="size"))


def test_names_with_spaces_and_percent_signs_are_names(tmp_path: Path) -> None:
    source = write(tmp_path / "Front door/12:00 %d?#/video.mp4", b"".join(clip()))
    out = tmp_path / "my clip %03d: a?b#c.mp4"
    export_video([source], out)
    assert decoded_pictures(out) == 100
