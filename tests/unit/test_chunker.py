"""Events leave while they happen: in the right order, whole, and never ahead of a disk that keeps up."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.motion.event import EndReason
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.stored_units import stored_units
from tests.unit import recorder_bench
from tests.unit.chunker_bench import Bench
from tests.unit.recorder_bench import ended, started, until
from tests.unit.streams import units
from tests.unit.test_cut import pictures

VIDEO = pictures(1000)
FIRST = "Yard/day/1"


def data(found: list[AccessUnit]) -> bytes:
    return b"".join(unit.data for unit in found)


def test_an_event_leaves_whole_its_picture_first_then_the_newest() -> None:
    bench = Bench()
    bench.feed(VIDEO[:260])
    bench.event(started(10, 4))
    bench.feed(VIDEO[260:500])
    bench.event(ended(12, 3))
    bench.run()
    outbox = bench.outbox
    assert outbox.joined(FIRST) == data(VIDEO[150:376])
    assert outbox.names(FIRST) == ["motion0.jpg"] + [f"video{n}.h264" for n in (4, 3, 2, 1, 0)], (
        "the pictures were all there before it ran"
    )
    assert [file.urgency for file in outbox.files[FIRST]] == ["picture", "live"] + ["pre-roll"] * 4
    assert outbox.finished == [FIRST]
    assert outbox.files[FIRST][0].data == b"picture"
    assert outbox.homes[FIRST] is bench.disks[1]
    assert not bench.chunker.busy


def test_live_chunks_leave_as_they_fill_and_the_last_one_when_the_event_ends() -> None:
    bench = Bench()
    bench.feed(VIDEO[:260])
    with bench.running():
        bench.event(started(10, 4))
        until(lambda: len(bench.outbox.files.get(FIRST, [])) == 6)
        bench.feed(VIDEO[260:276])
        until(lambda: bench.outbox.names(FIRST)[6:] == ["video5.h264"])
        bench.feed(VIDEO[276:310])
        until(lambda: bench.outbox.names(FIRST)[6:] == ["video5.h264", "video6.h264"])
        assert bench.chunker.status()["event"] == FIRST
        bench.event(ended(12, 0.2))
        bench.feed(VIDEO[310:311])
        until(lambda: bench.outbox.finished)
    assert bench.outbox.joined(FIRST) == data(VIDEO[150:310]), (
        "what was read before it was known to be over is the event's"
    )
    assert bench.outbox.names(FIRST)[8:] == ["video7.h264"]
    assert {file.urgency for file in bench.outbox.files[FIRST][6:]} == {"live"}


def test_the_picture_waits_for_the_newest_chunk_where_much_is_to_be_decoded_for_it() -> None:
    bench = Bench()
    bench.feed(pictures(300, gop=100))
    bench.event(replace(started(10.6, 4), decided_pts_us=started(11, 0).trigger_pts_us))
    bench.run()
    assert bench.outbox.names(FIRST)[:2] == ["video4.h264", "motion0.jpg"]


def test_without_a_picture_the_video_leaves() -> None:
    bench = Bench()
    bench.chunker._picture = lambda _: None
    bench.feed(VIDEO[:300])
    bench.event(started(10, 1), ended(10, 1))
    bench.run()
    assert bench.outbox.names(FIRST) == ["video1.h264", "video0.h264"]


def test_an_event_that_the_disk_does_not_name_goes_by_the_name_that_was_wished_for() -> None:
    bench = Bench()
    bench.disk_name = lambda _: None
    bench.feed(VIDEO[:300])
    bench.event(started(10, 1), ended(10, 1))
    bench.run()
    assert [name.partition("/")[0] for name in bench.outbox.finished] == ["Yard"]
    assert bench.outbox.finished == [f"Yard/{bench.clock.stamp(started(10, 1).trigger_pts_us).wall:%H.%M.%S}"]


def test_the_disk_is_asked_for_each_chunk_and_waited_for() -> None:
    bench = Bench()
    bench.feed(VIDEO[:300])
    bench.event(started(10, 2), ended(10, 3))
    bench.run()
    disk = bench.disks[1]
    chunks = bench.outbox.video(FIRST)
    assert len(chunks) == 3
    assert disk.asked[0] == 300, "asked before the picture is decoded"
    assert [number for number, seconds in disk.waits if seconds] == [300, 250, 225]


def test_a_disk_that_is_behind_is_waited_for_again_when_it_has_caught_up() -> None:
    bench = Bench()
    bench.feed(VIDEO[:325])
    with bench.running():
        bench.event(started(12, 2))
        disk = bench.disks[1]
        until(lambda: len(bench.outbox.video(FIRST)) == 3)
        disk.slow = True
        bench.feed(VIDEO[325:400])
        until(lambda: len(bench.outbox.video(FIRST)) == 6)
        waited = [seconds for _, seconds in disk.waits]
        assert waited[3:] == [0.25] + [0, 0] * 2, "video leaves nevertheless"
        disk.slow = False
        bench.feed(VIDEO[400:425])
        until(lambda: len(bench.outbox.video(FIRST)) == 7)
        assert [seconds for _, seconds in disk.waits][-2:] == [0, 0.25]


def test_chunks_grow_while_the_stores_are_busy() -> None:
    bench = Bench()
    bench.feed(VIDEO[:300])
    with bench.running():
        bench.event(started(11, 1))
        until(lambda: len(bench.outbox.video(FIRST)) == 2)
        bench.outbox.is_congested = True
        bench.feed(VIDEO[300:420])
        until(lambda: bench.chunker._chunks is not None and bench.chunker._chunks.waiting_bytes == 12_000)
        bench.outbox.is_congested = False
        until(lambda: len(bench.outbox.video(FIRST)) == 3)
    assert [video.pictures for file in bench.outbox.video(FIRST) if (video := file.video)] == [25, 25, 120]


def test_sealed_chunks_on_the_disk_do_not_grow() -> None:
    bench = Bench(grows=False)
    bench.outbox.is_congested = True
    bench.feed(VIDEO[:300])
    with bench.running():
        bench.event(started(11, 1))
        until(lambda: len(bench.outbox.video(FIRST)) == 2)
        bench.feed(VIDEO[300:325])
        until(lambda: len(bench.outbox.video(FIRST)) == 3)


def test_while_the_outbox_is_full_video_waits_in_the_ring() -> None:
    bench = Bench()
    bench.feed(VIDEO[:300])
    with bench.running():
        bench.event(started(11, 1))
        until(lambda: len(bench.outbox.video(FIRST)) == 2)
        bench.outbox.has_room = False
        bench.feed(VIDEO[300:600])
        bench.event(ended(20, 1))
        until(lambda: bench.chunker.status()["waiting_bytes"])
        assert len(bench.outbox.video(FIRST)) == 2
        bench.outbox.has_room = True
        until(lambda: bench.outbox.finished)
    assert bench.outbox.joined(FIRST) == data(VIDEO[250:526])
    assert bench.chunker.status()["pictures_dropped"] == 0


def test_what_neither_outbox_nor_ring_can_hold_is_counted() -> None:
    bench = Bench(ring_bytes=20_000)
    bench.feed(VIDEO[:150])
    bench.event(started(5, 1))
    bench.feed(VIDEO[150:500])
    bench.event(ended(19, 0.96))
    bench.run()
    kept = sum(video.pictures for file in bench.outbox.video(FIRST) if (video := file.video))
    assert bench.chunker.status()["pictures_dropped"] == 400 - kept > 100
    assert bench.outbox.finished == [FIRST]


def test_stopped_while_the_outbox_is_full_the_event_is_not_said_to_be_whole() -> None:
    bench = Bench()
    bench.feed(VIDEO[:300])
    with bench.running():
        bench.event(started(11, 1))
        until(lambda: len(bench.outbox.video(FIRST)) == 2)
        bench.outbox.has_room = False
        bench.feed(VIDEO[300:350])
        bench.event(ended(13, 0.96))
    assert (bench.outbox.finished, bench.outbox.left_open) == ([], [FIRST])
    assert bench.chunker.status()["pictures_dropped"] == 50


def test_a_stop_hands_over_what_has_come() -> None:
    bench = Bench()
    bench.feed(VIDEO[:300])
    with bench.running():
        bench.event(started(11, 3))
    assert bench.outbox.joined(FIRST) == data(VIDEO[200:300])
    assert bench.outbox.finished == [FIRST]


def test_a_continuation_begins_where_the_event_before_it_ends() -> None:
    bench = Bench()
    bench.feed(VIDEO)
    bench.event(started(10, 2), ended(20, 0.5, reason="max_time"))
    bench.event(started(20.6, 0.1, 2, continues=1), ended(25, 1, 2))
    bench.run()
    assert bench.outbox.joined(FIRST) == data(VIDEO[200:525])
    assert bench.outbox.joined("Yard/day/2") == data(VIDEO[525:651])


def test_an_event_that_begins_while_another_is_sent_is_whole() -> None:
    bench = Bench()
    bench.feed(VIDEO[:500])
    bench.event(started(10, 2), ended(12, 1), started(14, 2, 2))
    assert bench.chunker.status()["events_waiting"] == 2
    bench.feed(VIDEO[500:])
    bench.event(ended(15, 1, 2))
    bench.run()
    assert bench.outbox.joined(FIRST) == data(VIDEO[200:326])
    assert bench.outbox.joined("Yard/day/2") == data(VIDEO[300:401])


@pytest.mark.parametrize("reason", ["rest", "max_time", "source_lost", "stopped"])
@pytest.mark.parametrize("open_gop", [False, True])
def test_what_leaves_is_what_is_recorded(tmp_path: Path, reason: EndReason, open_gop: bool) -> None:
    found = units(seconds=8, gop=20, b_frames=2, open_gop=open_gop)
    events = started(3.1, 1.5), ended(5.3, 0.6, reason=reason)
    recorder, bench = recorder_bench.Bench(tmp_path), Bench(file_chunk_bytes=400)
    for each in (recorder, bench):
        each.feed(found[5:])
        each.event(*events)
        each.run()
    (record,) = recorder.finished
    recorded = list(stored_units(EventFolder(record.id, recorder.folder(record)), record))
    assert len(recorded) > 60
    assert len(bench.outbox.video(FIRST)) > 5
    assert bench.outbox.joined(FIRST) == data(recorded)


def test_being_told_of_an_event_never_waits() -> None:
    bench = Bench()
    bench.feed(VIDEO[:300])
    goes_on = threading.Event()

    def seal(plain: bytes) -> bytes:
        assert goes_on.wait(10)
        return plain

    bench.chunker._seal = seal
    with bench.running():
        bench.event(started(11, 1))
        until(lambda: bench.asked_for)
        bench.feed(VIDEO[300:400])
        bench.event(ended(12, 1), started(15, 1, 2))
        assert bench.chunker.status()["state"] == "sending"
        goes_on.set()


def test_an_idle_chunker_sleeps() -> None:
    bench = Bench()
    woken: list[object] = []
    advance: Callable[[], None] = bench.chunker.advance
    bench.chunker.advance = lambda: (woken.append(1), advance())[1]  # type: ignore[method-assign]
    with bench.running():
        bench.feed(VIDEO)
        threading.Event().wait(0.05)
        assert not woken[1:]
