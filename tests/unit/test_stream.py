"""Files as cameras: what is delivered, at which times, and what is said of files that are no video."""

import io
import logging
import threading
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from pi_sec_cam.camera.stream import StreamCamera
from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.errors import SourceAway, SourceUnusable
from pi_sec_cam.media.access_unit import AccessUnit, Codec
from pi_sec_cam.media.h264 import START_CODE, split_annex_b
from pi_sec_cam.media.picture import decode_picture
from tests.recording_sink import RecordingSink, check_delivery
from tests.unit import streams
from tests.unit.parameter_sets import h264_sps

FRAME = 40_000


def play(
    path: Path | str, *, pictures: int | None = None, clock: SimulatedClock | None = None
) -> tuple[list[AccessUnit], StreamCamera, RecordingSink]:
    """The file once as fast as possible, or in a loop until `pictures` were delivered."""
    stop = threading.Event()
    sink = RecordingSink(lambda sink: len(sink.units) == pictures and not stop.set())
    camera = StreamCamera(
        str(path), pace="fast", at_end="exit" if pictures is None else "loop", clock=clock or SimulatedClock()
    )
    camera.run(sink, stop)
    return sink.units, camera, sink


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def other_coding(
    coding: str,
    container: str,
    *,
    size: tuple[int, int] = (160, 96),
    pixels: str = "yuv420p",
    full_range: bool = False,
    b_frames: int = 0,
    rate: int = 25,
) -> bytes:
    """A second of 25 pictures, each brighter than the one before."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(coding, rate=rate, options={"bf": str(b_frames)} if b_frames else {})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        scale = "JPEG" if full_range else "MPEG"
        stream.codec_context.color_range = ColorRange[scale]
        for index in range(25):
            picture = np.full((size[1], size[0]), 40 + 8 * index, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="gray").reformat(format=pixels, dst_color_range=scale)
            frame.pts, frame.time_base = index * (rate // 25), Fraction(1, rate)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts", "flv"])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_h264_is_handed_on_with_its_own_times(tmp_path: Path, container: str, b_frames: int) -> None:
    clip = write(tmp_path / "clip", streams.encoded(b_frames=b_frames, container=container))
    clock = SimulatedClock()
    units, camera, sink = play(clip, clock=clock)
    check_delivery(units)
    assert len(units) == 100
    assert units[0].dts_us == clock.monotonic_us()
    # Matroska and FLV count milliseconds.
    assert all(abs(b.dts_us - a.dts_us - FRAME) <= 1 for a, b in pairwise(units))
    shown = sorted(unit.pts_us for unit in units)
    assert all(abs(b - a - FRAME) <= 1 for a, b in pairwise(shown))
    assert [unit.keyframe for unit in units] == [index % 25 == 0 for index in range(100)]
    assert len({id(unit.info) for unit in units}) == 1
    assert (units[0].info.epoch, units[0].info.frame_rate, units[0].info.with_frames) == (0, 25, False)
    assert camera.describe()["pictures"] == 100
    assert sink.paced >= 100


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_no_coded_picture_is_changed(tmp_path: Path, codec: Codec) -> None:
    units, _, _ = play(write(tmp_path / "clip.mp4", streams.encoded(codec)))
    assert [split_annex_b(u.data) for u in units] == [split_annex_b(u.data) for u in streams.units(codec)]
    assert {unit.info.codec for unit in units} == {codec}


def test_each_picture_is_shown_at_its_own_time(tmp_path: Path) -> None:
    units, _, _ = play(write(tmp_path / "clip.mp4", streams.encoded(seconds=1, b_frames=2)))
    first_us = units[0].pts_us
    for number in (0, 7, 8, 24):
        picture = decode_picture(units, first_us + number * FRAME)
        assert picture is not None
        assert streams.number_in(picture[..., 0]) == number


def test_raw_h264_gets_its_times_from_its_rate(tmp_path: Path) -> None:
    data = b"".join(unit.data for unit in streams.units())
    units, _, _ = play(write(tmp_path / "video0.h264", data))
    check_delivery(units)
    assert [unit.dts_us - units[0].dts_us for unit in units] == [index * FRAME for index in range(100)]


def test_a_short_raw_file_is_played_whole(tmp_path: Path) -> None:
    data = b"".join(unit.data for unit in streams.units()[:10])
    assert len(play(write(tmp_path / "video0.h264", data))[0]) == 10


def test_an_index_that_counts_otherwise_is_no_damage(tmp_path: Path) -> None:
    """AVI has no timestamps: with twice the pictures' rate, its index counts empty places between them."""
    clip = write(tmp_path / "clip.avi", other_coding("libx264", "avi", rate=50))
    with av.open(str(clip)) as file:
        assert file.streams.video[0].frames == 49
    units, camera, _ = play(clip)
    assert len(units) == 25
    assert "broken_off" not in camera.describe()


def test_a_looped_file_goes_on_without_a_seam(tmp_path: Path) -> None:
    units, _, _ = play(write(tmp_path / "clip.mp4", streams.encoded(seconds=1, b_frames=2)), pictures=80)
    check_delivery(units)
    assert [b.dts_us - a.dts_us for a, b in pairwise(units)] == [FRAME] * 79
    shown = sorted(unit.pts_us for unit in units)[:75]
    assert [b - a for a, b in pairwise(shown)] == [FRAME] * 74
    assert len({id(unit.info) for unit in units}) == 1


def test_each_run_begins_a_new_epoch_and_media_time_goes_on(tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.mp4", streams.encoded(seconds=1))
    camera = StreamCamera(str(clip), pace="fast", at_end="exit", clock=SimulatedClock(), first_epoch=5)
    sink = RecordingSink()
    camera.run(sink, threading.Event())
    camera.run(sink, threading.Event())
    check_delivery(sink.units)
    assert [unit.info.epoch for unit in sink.units] == [5] * 25 + [6] * 25


def test_parameter_sets_that_change_in_mid_stream(tmp_path: Path) -> None:
    small = b"".join(unit.data for unit in streams.units(seconds=1))
    large = b"".join(unit.data for unit in streams.units(seconds=1, size=(320, 192)))
    units, _, _ = play(write(tmp_path / "two.h264", small + large))
    check_delivery(units)
    assert [(u.info.width, u.info.epoch) for u in units] == [(160, 0)] * 25 + [(320, 0)] * 25
    assert len({id(unit.info) for unit in units}) == 2


def test_what_comes_before_the_first_keyframe_is_a_sign_of_life(tmp_path: Path) -> None:
    class PatientSink(RecordingSink):
        waited = 0

        def no_picture_yet(self, why: str) -> None:
            assert "keyframe" in why
            assert not self.units
            self.waited += 1

    found = streams.units(seconds=2)
    clip = write(tmp_path / "late.h264", b"".join(unit.data for unit in found[1:]))
    sink = PatientSink()
    camera = StreamCamera(str(clip), pace="fast", at_end="exit", clock=SimulatedClock())
    camera.run(sink, threading.Event())
    assert sink.waited == camera.describe()["left_out"] == 24
    check_delivery(sink.units)


def test_damaged_parameter_sets_are_counted(tmp_path: Path) -> None:
    good = [unit.data for unit in streams.units(seconds=2)]
    bent = START_CODE + h264_sps(16384, 16384) + good[25]
    units, camera, _ = play(write(tmp_path / "bent.h264", b"".join([*good[:25], bent, *good[26:]])))
    assert len(units) == 50
    assert len({id(unit.info) for unit in units}) == 1
    assert camera.describe()["refused_sets"] == 1


def test_a_file_whose_timestamps_jump(tmp_path: Path) -> None:
    parts = [streams.encoded(seconds=1, container="mpegts")] * 2  # the second begins again at the first's times
    units, camera, _ = play(write(tmp_path / "joined.ts", b"".join(parts)))
    check_delivery(units)
    assert [unit.info.epoch for unit in units] == [0] * 25 + [1] * 25
    assert [b.dts_us - a.dts_us for a, b in pairwise(units)] == [FRAME] * 49
    assert camera.describe()["time_jumps"] == 1


@pytest.mark.parametrize(
    ("coding", "container", "how"),
    [
        ("mpeg4", "mp4", {"b_frames": 2}),
        ("mjpeg", "avi", {"pixels": "yuvj422p", "full_range": True}),
        ("libvpx-vp9", "webm", {}),
        ("libvpx-vp9", "webm", {"full_range": True}),
        ("ffv1", "nut", {"pixels": "gray", "full_range": True}),
    ],
)
def test_other_codings_are_encoded_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, coding: str, container: str, how: dict[str, Any]
) -> None:
    clip = write(tmp_path / "clip", other_coding(coding, container, **how))
    assert len(play(clip)[0]) == 25, "also what the decoder holds back"
    caplog.clear()
    units, camera, sink = play(clip, pictures=60)
    check_delivery(units)
    assert [unit.pts_us - units[0].pts_us for unit in units] == [index * FRAME for index in range(60)]
    assert camera.describe()["times_guessed"] == 0
    assert len({id(unit.info) for unit in units}) == 1, "also over the end of the file"
    assert units[0].info.with_frames
    assert [frame.pts_us for frame in sink.frames[:59]] == [unit.pts_us for unit in units[:59]]
    assert sink.frames[3].luma.shape == (96, 160)
    encoded = decode_picture(units, units[2].pts_us)
    assert encoded is not None
    assert encoded[40:56, 40:56].mean() == pytest.approx(40 + 8 * 2, abs=4), "as bright as before"
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "processor time" in warnings[0]
    assert "processor time" in str(camera.describe()["note"])


def test_odd_sizes_lose_a_row_at_most(tmp_path: Path) -> None:
    clip = write(tmp_path / "odd.avi", other_coding("mjpeg", "avi", size=(161, 97), pixels="yuvj420p"))
    units, _, _ = play(clip)
    assert (units[0].info.width, units[0].info.height) == (160, 96)


def test_a_cut_off_file_gives_what_is_left_of_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = write(tmp_path / "whole.mp4", streams.encoded())
    with (
        av.open(str(whole)) as file,
        av.open(str(tmp_path / "fast.mp4"), "w", options={"movflags": "faststart"}) as out,
    ):
        stream = out.add_stream_from_template(file.streams.video[0])
        for packet in file.demux(file.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    data = (tmp_path / "fast.mp4").read_bytes()
    units, camera, _ = play(write(tmp_path / "cut.mp4", data[: len(data) * 2 // 3]))
    check_delivery(units)
    assert 20 < len(units) < 95
    assert camera.describe()["broken_off"] == 1
    assert "cut off" in caplog.text


def silent_mp4() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream = file.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 8000, 0
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"hello, world\n" * 500, "not a video file"),
        (streams.encoded()[:-2000], "without its index"),
        (silent_mp4(), "no video in it"),
    ],
    ids=["empty", "text", "unfinished", "sound"],
)
def test_says_what_is_wrong_with_a_file(tmp_path: Path, data: bytes, says: str) -> None:
    clip = write(tmp_path / "thing.mp4", data)
    with pytest.raises(SourceUnusable, match=says) as raised:
        play(clip)
    assert "thing.mp4" in str(raised.value)


def test_a_single_picture_is_no_video(tmp_path: Path) -> None:
    png = av.VideoFrame.from_ndarray(np.zeros((96, 160, 3), np.uint8))
    clip = tmp_path / "still.png"
    with av.open(str(clip), "w", format="image2") as file:
        stream = file.add_stream("png", rate=1)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "rgb24"
        file.mux(stream.encode(png))
        file.mux(stream.encode(None))
    with pytest.raises(SourceUnusable, match="single picture"):
        play(clip)


def test_a_missing_file_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(SourceAway, match="does not exist"):
        play(tmp_path / "later.mp4")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SourceUnusable, match="directory"):
        play(tmp_path)


def test_a_file_address_means_its_path(tmp_path: Path) -> None:
    clip = write(tmp_path / "a b%.mp4", streams.encoded(seconds=1))
    units, _, _ = play(f"file://{tmp_path}/a%20b%25.mp4")
    assert len(units) == 25
    assert play(clip)[0]


def test_a_stop_ends_a_fast_loop(tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.mp4", streams.encoded(seconds=1))
    units, _, _ = play(clip, pictures=30)
    assert len(units) == 30
