"""After a crash the rest of an event leaves: off-site is then what is on the disk, wherever it was cut off."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.entry import Entry
from pi_sec_cam.offsite.journal import Journal, file_line, number_of
from pi_sec_cam.offsite.outgoing import OutgoingFile
from pi_sec_cam.offsite.own_chain import OwnChain
from pi_sec_cam.offsite.resume import NoRoom, resume
from tests.unit.chunker_bench import Bench, Disk, ListedOutbox
from tests.unit.recorder_bench import ended, started
from tests.unit.streams import units
from tests.unit.test_cut import SECOND, pictures

EVENT = "Yard/day/1"
LARGE = 3 << 20


def sent(found: Sequence[AccessUnit], max_bytes: int = LARGE) -> list[OutgoingFile]:
    """What the chunker hands over of an event that begins 4 s before second 8, and ends with the last of the units."""
    bench = Bench(file_chunk_bytes=max_bytes)
    bench.feed([unit for unit in found if unit.dts_us < found[0].dts_us + 8.4 * SECOND])
    bench.event(started(8, 4))
    with bench.running():
        bench.feed([unit for unit in found if unit.dts_us >= found[0].dts_us + 8.4 * SECOND])
        bench.event(ended(90, 10, reason="stopped"))
    return bench.outbox.files[EVENT]


def journal(files: Sequence[OutgoingFile]) -> Journal:
    return Journal(EVENT, "Yard", tuple(file_line(file, ["a", "b"]) for file in files))


@dataclass
class Resumed:
    outbox: ListedOutbox
    count: int

    @property
    def files(self) -> list[OutgoingFile]:
        return self.outbox.files[EVENT]


def resumed(
    stored: Sequence[AccessUnit] | Callable[[], Iterator[AccessUnit]],
    known: Sequence[OutgoingFile] | None,
    *,
    max_bytes: int = LARGE,
    file_chunk_secs: float = 1,
    picture: bytes | None = b"picture",
    room: Callable[[], bool] = lambda: True,
    outbox: ListedOutbox | None = None,
) -> Resumed:
    outbox, clock = outbox or ListedOutbox(), SimulatedClock()
    count = resume(
        EVENT,
        None if known is None else journal(known),
        stored if callable(stored) else lambda: iter(stored),
        picture,
        outbox=outbox,  # type: ignore[arg-type]
        home=Disk(EVENT),
        own=OwnChain("Yard", clock, stores=["a", "b"], program="0"),
        clock=clock,
        seal=lambda plain: plain,
        room=room,
        file_chunk_bytes=max_bytes,
        file_chunk_secs=file_chunk_secs,
    )
    return Resumed(outbox, count)


def joined(files: Sequence[OutgoingFile]) -> bytes:
    chunks = {number_of(file.name): file.data for file in files if file.video}
    assert sorted(chunks) == list(range(len(chunks)))
    assert len(chunks) == len([file for file in files if file.video])
    return b"".join(chunks[number] for number in sorted(chunks))


def data(found: Sequence[AccessUnit]) -> bytes:
    return b"".join(unit.data for unit in found)


VIDEO = pictures(400)
CLIP = VIDEO[100:]
ALIKE = [replace(unit, data=b"key" if unit.keyframe else b"same") for unit in VIDEO]
"""Nothing moves in it: all pictures but keyframes are equal, byte for byte."""


@pytest.mark.parametrize("video", [VIDEO, ALIKE], ids=["moving", "still"])
@pytest.mark.parametrize("max_bytes", [LARGE, 700, 64])
def test_wherever_it_was_interrupted_the_whole_event_leaves(video: list[AccessUnit], max_bytes: int) -> None:
    files = sent(video, max_bytes)
    assert joined(files) == data(video[100:])
    chance = random.Random(1)
    for count in {0, 1, 2, 3, 4, 5, 6, *chance.sample(range(len(files)), min(30, len(files)))}:
        known = files[:count]
        more = resumed(video[100:], known, max_bytes=max_bytes).files
        assert {file.name for file in known}.isdisjoint(file.name for file in more)
        assert joined([*known, *more]) == data(video[100:])
        shown = {number_of(file.name): file.video for file in [*known, *more] if file.video}
        stamps = [us for number in sorted(shown) for us in shown[number].pts_us]
        assert stamps == [unit.pts_us for unit in video[100:]]
        assert all(len(file.data) <= max_bytes for file in more if file.video)


def test_nothing_is_left_of_an_event_that_was_whole_already() -> None:
    files = sent(VIDEO)
    done = resumed(CLIP, files)
    assert done.count == 0
    assert done.outbox.finished == [EVENT]


def test_the_clip_may_be_longer_than_what_the_camera_had_sent() -> None:
    stored = pictures(500)[100:]
    files = sent(VIDEO)
    assert joined([*files, *resumed(stored, files).files]) == data(stored)


def test_the_picture_leaves_if_it_has_not_yet() -> None:
    files = sent(VIDEO)
    assert files[0].name == "motion0.jpg"
    assert not any(file.name == "motion0.jpg" for file in resumed(CLIP, files[:3]).files)
    assert resumed(CLIP, files[1:3]).files[0].name == "motion0.jpg"
    assert resumed(CLIP, files[1:3], picture=None).files[0].video


def test_without_a_journal_all_of_it_leaves() -> None:
    done = resumed(CLIP, None)
    assert joined(done.files) == data(CLIP)
    assert done.files[0].data == b"picture"
    assert done.outbox.finished == [EVENT]
    assert done.count == len(done.files)


def test_a_clip_that_is_shorter_than_what_has_left_adds_nothing(caplog: pytest.LogCaptureFixture) -> None:
    files = sent(VIDEO)
    done = resumed(CLIP[:200], files)
    assert (done.count, done.outbox.finished) == (0, [EVENT])
    assert "ends before what has left" in caplog.text


def test_a_clip_that_has_lost_its_times_gets_those_of_the_journal() -> None:
    files = sent(VIDEO)
    stored = [replace(unit, pts_us=n * 40_000, dts_us=n * 40_000) for n, unit in enumerate(CLIP)]
    more = resumed(stored, files[:7]).files
    last = [file.video for file in more if file.video][-1]
    assert last.pts_us[-1] == CLIP[-1].pts_us


@pytest.mark.parametrize("video", [VIDEO, ALIKE], ids=["moving", "still"])
def test_the_length_of_chunks_need_not_be_what_it_was(video: list[AccessUnit]) -> None:
    files = sent(video)
    for count in range(len(files)):
        for file_chunk_secs in (0.3, 1, 5):
            more = resumed(video[100:], files[:count], file_chunk_secs=file_chunk_secs).files
            assert joined([*files[:count], *more]) == data(video[100:])


def test_equal_pictures_without_their_times_are_counted() -> None:
    files = sent(ALIKE)
    stored = [replace(unit, pts_us=n * 40_000, dts_us=n * 40_000) for n, unit in enumerate(ALIKE[100:])]
    known = files[:7]
    assert sorted(number_of(file.name) for file in known if file.video) == list(range(6)), "no number is missing"
    assert joined([*known, *resumed(stored, known).files]) == data(ALIKE[100:])


def test_real_video_with_b_frames_is_found_again() -> None:
    video = units(seconds=14, gop=30, b_frames=2, open_gop=True)
    files = sent(video)
    whole = joined(files)
    entry, from_us = Entry(), video[0].pts_us + 4 * SECOND
    first = max(n for n, unit in enumerate(video) if unit.keyframe and unit.pts_us <= from_us)
    stored = [unit for unit in video[first:] if entry.takes(unit)]
    assert len(stored) < len(video) - first, "leading pictures are left out"
    assert data(stored) == whole
    for count in range(len(files)):
        assert joined([*files[:count], *resumed(stored, files[:count]).files]) == whole


def test_nothing_of_it_is_urgent() -> None:
    assert {file.urgency for file in resumed(CLIP, None).files} == {"pre-roll"}


def test_when_it_is_stopped_the_event_is_not_said_to_be_whole() -> None:
    outbox = ListedOutbox()
    left = [True] * 4
    with pytest.raises(NoRoom):
        resumed(CLIP, None, room=lambda: bool(left) and left.pop(), outbox=outbox)
    assert (len(outbox.files[EVENT]), outbox.finished, outbox.left_open) == (4, [], [EVENT])


def test_a_recording_that_cannot_be_read_leaves_the_event_open() -> None:
    outbox = ListedOutbox()

    def torn() -> Iterator[AccessUnit]:
        yield from CLIP[:10]
        raise OSError("input/output error")

    with pytest.raises(OSError, match="input/output"):
        resumed(torn, None, outbox=outbox)
    assert (outbox.finished, outbox.left_open) == ([], [EVENT])


def test_pre_roll_has_as_many_numbers_as_are_free_and_loses_nothing_whatever_chunks_may_hold_now() -> None:
    found = list(units(seconds=14))
    files = sent(found, 3000)
    known = [file for file in files if file.urgency == "live"]
    assert len(files) - len(known) > 2
    for file_chunk_secs in (0.5, 20):
        after = resumed(found, known, max_bytes=1500, file_chunk_secs=file_chunk_secs)
        assert joined([*known, *after.files]) == b"".join(unit.data for unit in found)
