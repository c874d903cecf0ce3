"""What stands on disk after an event; ffprobe judges the clips."""

from datetime import timedelta
from pathlib import Path

import pytest

from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo
from pi_sec_cam.motion.event import EventEnded, EventStarted
from tests.unit.recorder_bench import SECOND, Bench, ended, started, until
from tests.unit.streams import BASE_US, decoded_pictures, format_duration, packets, stream_entry, units


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "storage")


def test_a_clip_reaches_from_the_pre_roll_to_the_post_roll(bench: Bench) -> None:
    bench.feed(units(seconds=20))
    bench.event(started(8.5, 3), ended(10, 4))
    (record,) = bench.run()
    clip = bench.file(record)
    shown = packets(clip)
    assert shown[0]["flags"].startswith("K")
    assert decoded_pictures(clip) == 25 * 9 + 1  # 5.0 s (keyframe at or before 5.5) to 14.0 s, both pictures included
    assert format_duration(clip) == pytest.approx(9.04, abs=0.001) == record.duration_s
    assert record.parts[0].pictures == len(shown)
    assert record.parts[0].first_pts_us == BASE_US + 5 * SECOND
    assert record.parts[0].bytes == clip.stat().st_size


def test_the_record_says_when_by_the_wall_clock(bench: Bench) -> None:
    bench.clock.advance((BASE_US - bench.clock.monotonic_us()) / SECOND + 14)
    trigger = bench.clock.wall() - timedelta(seconds=14 - 8.5)
    bench.feed(units(seconds=20))
    bench.event(started(8.5, 3), ended(10, 4))
    (record,) = bench.run()
    assert record.motion_start == trigger
    assert record.start == trigger - timedelta(seconds=3.5)
    assert record.motion_end == trigger + timedelta(seconds=1.5)
    assert record.end - record.start == timedelta(seconds=9.04)
    assert (record.camera, record.state, record.end_reason, record.clock_synchronised) == (
        "Yard",
        "complete",
        "rest",
        True,
    )
    assert record.id == f"Yard/{trigger.astimezone():%Y-%m-%d/%H.%M.%S}"


def test_the_folder_holds_clip_picture_and_record(bench: Bench) -> None:
    bench.feed(units(seconds=10))
    bench.event(started(5, 2), ended(6, 1))
    (record,) = bench.run()
    folder = bench.archive.directory / record.path
    assert sorted(p.name for p in folder.iterdir()) == ["event.json", "motion.jpg", "video.mp4"]
    assert (folder / "motion.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    assert bench.archive.folder(record.id).read_record() == record
    assert record.bytes == sum((folder / n).stat().st_size for n in ("motion.jpg", "video.mp4"))


def test_an_event_is_listed_while_it_runs(bench: Bench) -> None:
    bench.feed(units(seconds=10))
    bench.event(started(5, 2), ended(6, 1))
    (finished,) = bench.run()
    running = bench.records[0]
    assert (running.id, running.state, running.end_reason) == (finished.id, "recording", None)
    assert len(bench.records) == 2


def test_with_a_gop_of_ten_seconds_the_clip_begins_with_the_gop(bench: Bench) -> None:
    bench.feed(units(seconds=30, gop=250))
    bench.event(started(18, 3), ended(19, 2))
    (record,) = bench.run()
    assert record.parts[0].first_pts_us == BASE_US + 10 * SECOND
    assert decoded_pictures(bench.file(record)) == 25 * 11 + 1


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_leading_pictures_of_an_open_gop_are_left_out_at_the_cut(bench: Bench, codec: str) -> None:
    found = units(codec, seconds=12, gop=26, b_frames=2, open_gop=True)  # type: ignore[arg-type]
    bench.feed(found)
    bench.event(started(6, 2), ended(7, 2))
    (record,) = bench.run()
    shown = packets(bench.file(record))
    first = next(i for i, u in enumerate(found) if u.pts_us == record.parts[0].first_pts_us)
    assert found[first + 1].pts_us < found[first].pts_us, "the test's stream has no leading pictures at the cut"
    assert min(float(p["pts_time"]) for p in shown) == 0
    # An order to forget a picture from before the cut; the decoder says so and goes on.
    assert decoded_pictures(bench.file(record), harmless="mmco: unref short failure") == len(shown)
    assert stream_entry(bench.file(record), "codec_name") == ("h264" if codec == "h264" else "hevc")


def test_leading_pictures_of_later_gops_stay(bench: Bench) -> None:
    bench.feed(units(seconds=12, gop=26, b_frames=2, open_gop=True))
    bench.event(started(4, 4), ended(7, 2))
    (record,) = bench.run()
    times = sorted(round(float(p["pts_time"]), 3) for p in packets(bench.file(record)))
    assert len(times) > 5 * 26
    assert times == [round(0.04 * n, 3) for n in range(len(times))]


def test_new_parameter_sets_begin_a_new_part(bench: Bench) -> None:
    small = units(seconds=5)
    large = units(seconds=5, size=(176, 144), start_us=BASE_US + 5 * SECOND)
    bench.feed([*small, *large])
    bench.event(started(4, 2), ended(6, 2))
    (record,) = bench.run()
    assert [(p.file, p.width, p.height) for p in record.parts] == [("video.mp4", 160, 96), ("video-2.mp4", 176, 144)]
    assert [decoded_pictures(bench.file(record, n)) for n in (0, 1)] == [75, 76]
    assert record.duration_s == pytest.approx(6.04, abs=0.001)


def test_a_new_epoch_begins_a_new_part(bench: Bench) -> None:
    before = units(seconds=5)
    after = units(seconds=5, epoch=1, start_us=BASE_US + 8 * SECOND)
    bench.feed([*before, *after])
    bench.event(started(4, 2), ended(9, 2))
    (record,) = bench.run()
    assert [p.pictures for p in record.parts] == [75, 76]
    assert [p.first_pts_us for p in record.parts] == [BASE_US + 2 * SECOND, BASE_US + 8 * SECOND]
    assert record.end - record.start == timedelta(seconds=9.04)


@pytest.mark.parametrize(("gop", "b_frames"), [(25, 0), (250, 0), (25, 2)])
def test_a_continuation_begins_where_the_former_clip_ends(bench: Bench, gop: int, b_frames: int) -> None:
    found = units(seconds=40, gop=gop, b_frames=b_frames)
    bench.feed(found)
    cut_us = BASE_US + 12 * SECOND + 300_000
    bench.event(
        started(4, 2),
        EventEnded(1, cut_us - 100_000, cut_us, "max_time"),
        EventStarted(2, cut_us + 700_000, cut_us, (), continues=1),
        ended(20, 2, number=2),
    )
    first, second = bench.run()
    assert second.continues == first.id
    assert second.parts[0].first_pts_us == first.parts[0].first_pts_us + round(first.duration_s * SECOND)
    assert second.dropped_pictures == 0
    shown = [
        record.parts[0].first_pts_us + round(float(p["pts_time"]) * SECOND)
        for record in (first, second)
        for p in packets(bench.file(record))
    ]
    assert sorted(shown) == [shown[0] + n * 40_000 for n in range(len(shown))]
    assert decoded_pictures(bench.file(second)) == second.parts[0].pictures
    assert packets(bench.file(second))[0]["flags"].startswith("K")


def test_a_continuation_passes_by_a_gop_of_any_length(bench: Bench) -> None:
    found = units(seconds=60, gop=1450)
    bench.feed(found)
    cut_us = BASE_US + 50 * SECOND
    bench.event(
        started(4, 2),
        EventEnded(1, cut_us, cut_us, "max_time"),
        EventStarted(2, cut_us, cut_us, (), continues=1),
        ended(59, 0.5, number=2),
    )
    first, second = bench.run()
    assert (first.parts[0].pictures, first.dropped_pictures, second.dropped_pictures) == (1450, 0, 0)
    assert second.parts[0].first_pts_us == BASE_US + 58 * SECOND


def test_b_frames_do_not_lose_pictures_at_the_end(bench: Bench) -> None:
    bench.feed(units(seconds=20, b_frames=3))
    bench.event(started(8, 3), ended(10, 4))
    (record,) = bench.run()
    assert decoded_pictures(bench.file(record)) == record.parts[0].pictures
    assert record.duration_s == pytest.approx(9, abs=0.2)


def test_an_event_that_loses_its_source_keeps_all_that_came(bench: Bench) -> None:
    bench.feed(units(seconds=6))
    bench.event(started(5, 2), EventEnded(1, BASE_US + 5 * SECOND, BASE_US + 13 * SECOND, "source_lost"))
    (record,) = bench.run()
    assert record.end_reason == "source_lost"
    assert decoded_pictures(bench.file(record)) == 75


def test_events_that_wait_for_each_other_are_both_kept(bench: Bench) -> None:
    bench.feed(units(seconds=20))
    bench.event(started(4, 2), ended(5, 1), started(8, 2, number=2), ended(9, 1, number=2))
    first, second = bench.run()
    assert first.id != second.id
    assert [decoded_pictures(bench.file(r)) for r in (first, second)] == [101, 101]


def test_what_the_ring_could_not_hold_is_counted(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_bytes=10_000)
    found = units(seconds=20)
    bench.feed(found[:50])
    bench.event(started(0, 0))
    bench.feed(found[50:])
    (record,) = bench.run()
    assert record.dropped_pictures == len(found) - record.parts[0].pictures > 0
    assert bench.recorder.status()["pictures_dropped"] == record.dropped_pictures
    assert decoded_pictures(bench.file(record)) == record.parts[0].pictures


def test_a_break_of_the_timestamps_within_a_gop_loses_nothing(bench: Bench) -> None:
    found = units(seconds=12, gop=100)
    after = StreamInfo(
        **{name: getattr(found[0].info, name) for name in StreamInfo.__dataclass_fields__} | {"epoch": 1}
    )
    broken = [u if i < 130 else AccessUnit(u.data, u.pts_us, u.dts_us, u.keyframe, after) for i, u in enumerate(found)]
    bench.feed(broken)
    bench.event(started(2, 2), ended(10, 1))
    (record,) = bench.run()
    assert record.dropped_pictures == 0
    assert [part.pictures for part in record.parts] == [200, 25 * 11 + 1 - 200]
    assert [decoded_pictures(bench.file(record, n)) for n in (0, 1)] == [part.pictures for part in record.parts]


def test_a_stream_that_mp4_cannot_hold_ends_no_more_than_its_clip(bench: Bench) -> None:
    good = units(seconds=6)
    odd = StreamInfo("h264", -348, 32, good[0].info.parameter_sets)
    bench.feed([AccessUnit(u.data, u.pts_us, u.dts_us, u.keyframe, odd) for u in good])
    bench.event(started(2, 2), ended(4, 1))
    assert bench.run() == []
    assert "cannot write this stream" in str(bench.recorder.trouble)


@pytest.mark.parametrize(("gop", "late_s"), [(25, 2.0), (25, 0.4), (250, 12.0)])
def test_a_cut_that_is_known_late_repeats_nothing(bench: Bench, gop: int, late_s: float) -> None:
    """The recorder is always at the newest picture; the word of the cut comes some pictures after it."""
    found = units(seconds=40, gop=gop)
    cut_us = BASE_US + 12 * SECOND + 300_000
    word_of_it = next(i for i, u in enumerate(found) if u.pts_us > cut_us + late_s * SECOND)
    bench.feed(found[:110])
    bench.event(started(4, 2))
    recorder = bench.recorder
    recorder.start()
    bench.feed(found[110:word_of_it])
    until(lambda: not bench.ring.held()["unread"])
    bench.event(EventEnded(1, cut_us - 100_000, cut_us, "max_time"), EventStarted(2, cut_us + 700_000, cut_us, (), 1))
    bench.feed(found[word_of_it:])
    bench.event(ended(36, 2, number=2))
    recorder.stop()
    assert recorder.join(20)
    first, second = [record for record in bench.records if record.state == "complete"]
    shown = [
        record.parts[0].first_pts_us + round(float(p["pts_time"]) * SECOND)
        for record in (first, second)
        for p in packets(bench.file(record))
    ]
    assert shown == [shown[0] + n * 40_000 for n in range(len(shown))]
    assert (first.dropped_pictures, second.dropped_pictures) == (0, 0)
    assert second.motion_start >= second.start
