"""The journal: lines that last, what a crash tears, and what refused writes leave behind."""

import errno
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pi_sec_cam.offsite.journal import JournalFile, JournalTooNew, file_line, number_of, parse_journal, read_journal
from tests.unit.faulty_disk import FaultyDisk
from tests.unit.outbox_bench import EVENT, chunk, picture


def test_it_reads_what_was_written(tmp_path: Path) -> None:
    journal = JournalFile(tmp_path / "offsite.jsonl", EVENT)
    journal.append([file_line(picture(), ["one", "two"]), file_line(chunk(10), ["one"])])
    journal.append([file_line(chunk(9), ["one", "two"]), {"dropped": "video9.h264", "store": "two", "why": "old"}])
    journal.append([{"final": True}])
    read = read_journal(tmp_path)
    assert read is not None
    assert (read.event, read.camera, read.final, read.pictures) == (EVENT, "Yard", True, 40)
    assert list(read.files) == ["motion0.jpg", "video10.h264", "video9.h264"]
    assert read.last_video is not None
    assert (read.last_video["file"], read.last_video["pts_us"][0]) == ("video10.h264", 10_000_000)
    assert read.missed_by("one") == ()
    assert read.missed_by("two") == ("video10.h264", "video9.h264")
    header = (tmp_path / "offsite.jsonl").read_text().splitlines()[0]
    assert json.loads(header) == {"version": 1, "event": EVENT, "camera": "Yard"}


@given(cut=st.integers(0, 600), junk=st.binary(max_size=40))
@settings(max_examples=60, deadline=None)
def test_wherever_it_is_torn_the_whole_lines_before_count_and_it_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes
) -> None:
    folder = tmp_path_factory.mktemp("event")
    path = folder / "offsite.jsonl"
    JournalFile(path, EVENT).append([file_line(picture(), ["one"]), file_line(chunk(0), ["one"]), {"final": True}])
    whole = path.read_bytes()
    cut = min(cut, len(whole))
    path.write_bytes(whole[:cut] + junk.replace(b"\n", b"") + b"\xff")
    before = read_journal(folder)
    lines = whole[:cut].count(b"\n")
    assert (1 + len(before.lines) if before else 0) == lines
    JournalFile(path, EVENT).append([{"dropped": "x", "store": "one", "why": "y"}])
    after = read_journal(folder)
    assert after is not None
    assert after.whole_bytes == path.stat().st_size
    assert len(after.lines) == max(lines, 1)


@pytest.mark.parametrize("refused", range(5))
def test_a_refused_write_or_sync_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: int) -> None:
    journal = JournalFile(tmp_path / "offsite.jsonl", EVENT)
    disk = FaultyDisk(monkeypatch)
    disk.refuse = lambda number: errno.EIO if number == refused else None
    for number in range(3):
        try:
            journal.append([file_line(chunk(number), ["one"])])
        except OSError:
            journal.append([file_line(chunk(number), ["one"])])
    read = read_journal(tmp_path)
    assert read is not None
    assert list(read.files) == ["video0.h264", "video1.h264", "video2.h264"]
    assert len(read.lines) == 3


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"[]\n", b"{}\n", b'{"version":"1"}\n', b'{"version":1}\n', b"[" * 100_000 + b"\n", bytes(50)]
)
def test_what_is_no_journal_is_none(text: bytes) -> None:
    assert parse_journal(text) is None


def test_a_later_versions_journal_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "offsite.jsonl"
    path.write_bytes(b'{"version":2,"event":"a/b/c","camera":"a"}\n')
    with pytest.raises(JournalTooNew, match="version 2"):
        JournalFile(path, EVENT).append([{"final": True}])
    assert path.read_bytes().count(b"\n") == 1


def test_names_have_numbers() -> None:
    assert [number_of(name) for name in ("video10.h264", "motion0.jpg", "video3.h265", "odd")] == [10, 0, 3, 0]


@pytest.mark.parametrize(
    "nonsense",
    [
        {"stores": ["one"]},
        {"file": ["video0.h264"], "stores": ["one"]},
        {"file": "video\u00b2.h264", "stores": ["one"]},
        {"dropped": ["x"], "store": "one"},
        {"file": "video7.h264", "stores": ["one"], "pictures": 3},
        {"file": "video7.h264", "stores": ["one"], "pictures": "3", "pts_us": [1, 2, 3], "last_unit": "0"},
        {"file": "video7.h264", "stores": ["one"], "pictures": 2, "pts_us": [1, "2"], "last_unit": "0"},
        {"file": "video7.h264", "stores": ["one"], "pictures": 1, "pts_us": [10**300], "last_unit": "0"},
    ],
)
def test_lines_that_say_nonsense_are_passed_by(nonsense: dict[str, object]) -> None:
    lines = [{"version": 1, "event": EVENT, "camera": "Yard"}, nonsense, file_line(chunk(3), ["one"])]
    journal = parse_journal(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    assert journal is not None
    assert (journal.pictures, len(journal.lines)) == (20, 2)
    assert journal.last_video == lines[2]
    assert "video3.h264" not in journal.missed_by("one")
