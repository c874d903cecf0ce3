"""Whatever lies in a folder, verification ends, in bounded memory, with findings or an error for people."""

import inspect
import json
import os
import sys
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.evidence.footage import FolderFootage, FoundFile, moment_of_file
from pi_sec_cam.evidence.judging.heads import HeadMalformed
from pi_sec_cam.evidence.record import signed
from pi_sec_cam.evidence.verdict import Verdict
from pi_sec_cam.evidence.verify import NothingToVerify, verify
from tests.unit.camera_made import MadeCamera, made_key, read_evidence, write_evidence
from tests.unit.verified import texts, verdicts, verified


@pytest.fixture
def camera(tmp_path: Path) -> MadeCamera:
    camera = MadeCamera(tmp_path / "store", chunk_bytes=200)
    camera.event(2)
    return camera


def events_folder(camera: MadeCamera) -> Path:
    return camera.top / "Yard/2026-03-01/12.00.00"


def test_a_folder_of_something_else_is_said_to_be_that(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/aunt.txt").write_text("dear aunt")
    with pytest.raises(NothingToVerify, match="nothing of a camera"):
        verify(FolderFootage(tmp_path), [])


def test_an_empty_or_absent_folder_too(tmp_path: Path) -> None:
    for top in (tmp_path, tmp_path / "absent"):
        with pytest.raises(PiSecCamError):
            verify(FolderFootage(top), [])


@pytest.mark.parametrize("head", ["", "a:b:c", f"{'0' * 32}:-1:{'0' * 64}", f"{'0' * 32}:1:{'0' * 63}", "\x1b[31m"])
def test_a_text_that_is_no_head_is_refused(camera: MadeCamera, head: str) -> None:
    with pytest.raises(HeadMalformed, match="pi-sec-cam status"):
        verified(camera, heads=[head])


class OneLongLine:
    """An event's evidence file of 200 MB without a line's end, behind the protocol of footage."""

    where = "somewhere"

    def files(self, under: str = "") -> Iterator[FoundFile]:
        yield FoundFile("Yard/2026-03-01/12.00.00/video0.h264", 3)
        yield FoundFile("Yard/2026-03-01/12.00.00/evidence0.jsonl", 200 << 20)

    def read(self, path: str, begin: int = 0) -> Iterator[bytes]:
        piece = b"x" * (1 << 20)
        for _ in range(200 if path.endswith("jsonl") else 1):
            yield piece


def test_a_line_without_an_end_takes_no_memory() -> None:
    tracemalloc.start()
    try:
        found = verify(OneLongLine(), [made_key().public_key()])
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    assert (Verdict.FORGED, "evidence0.jsonl") in verdicts(found)


class ManyFiles(OneLongLine):
    """A store with 10,000 files in as many folders as events have."""

    def files(self, under: str = "") -> Iterator[FoundFile]:
        for number in range(10_000):
            yield FoundFile(f"Yard/day/{number // 100:04}/notes{number % 100}.txt", number)
        yield FoundFile("Yard/day/0/video0.h264", 1 << 20)


def test_many_files_take_little_memory() -> None:
    tracemalloc.start()
    try:
        verify(ManyFiles(), [made_key().public_key()])
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b"A" * 86 + b" {}",
        b"A" * 86 + b" " + b"[" * 100_000,
        b"A" * 86 + b' {"a":' * 50_000,
        b"A" * 86 + b" " + b"9" * 100_000,
        b"A" * 86 + b' {"at_us":1e999,"chain":"","kind":"","n":NaN,"prev":""}',
        b"\xff" * 200,
        b"\0" * 200,
    ],
)
def test_lines_of_all_sorts_are_forged(camera: MadeCamera, line: bytes) -> None:
    path = events_folder(camera) / "evidence0.jsonl"
    path.write_bytes(path.read_bytes() + line + b"\n")
    assert (Verdict.FORGED, "evidence0.jsonl") in verdicts(verified(camera))


def test_texts_can_be_printed_whatever_names_there_are(camera: MadeCamera) -> None:
    for name in ("video9\n.h264", "a\x1b[31m", "b\u202e.jpg", b"c\xff".decode(errors="surrogateescape"), "   "):
        (events_folder(camera) / name).write_bytes(b"x")
        folder = camera.top / f"Yard/2026-03-01/{name}"
        folder.mkdir()
        (folder / "video0.h264").write_bytes(b"x")
    event = camera.begin()
    event.file("video\n\x1b[2J.h264", b"")
    camera.sign("began", event="Yard/\x1b[2J\u202e", of="0" * 32)
    camera.send()
    for path in events_folder(camera).glob("video?.h264"):
        path.unlink()
    found = verified(camera)
    assert found.findings
    for finding in found.findings:
        assert finding.text.isprintable()


ODD_VALUES = [None, True, 0, -1, (1 << 53) - 1, "", "x", "é\x1b", [], [None], [[]], {}, {"n": "x"}, [{"of": 1}]]


def test_signed_records_of_any_content_are_no_trouble(camera: MadeCamera) -> None:
    """A thief has the key, and signs what he likes: each field of each kind of record, with a value of another type."""
    event = camera.begin()
    event.chunk()
    camera.write_head()
    event.resume()
    event.end()
    camera.sign("renamed", event=event.name, of=event.chain.id, store="", to="")
    camera.sign("dropped", event=event.name, of="", store="x", names=["y"], why="")
    camera.sign("stamped", head=camera.head, file="stamp0.tsr", sha256="")
    camera.send()
    random = Random(5)
    paths = [next(iter(sorted(event.folder.glob("evidence*")))), next(iter(sorted(camera.folder.glob("evidence*"))))]
    everything = {path: path.read_bytes() for path in paths}
    records = [*event.records, *camera.records]
    for record in records:
        for key in record.fields:
            if key in {"kind", "chain", "n", "prev", "at_us"}:
                continue
            odd = random.sample(ODD_VALUES, 3)
            fields: list[dict[str, Any]] = [{**record.fields, key: value} for value in odd]
            fields.append({name: value for name, value in record.fields.items() if name != key})
            lines = [signed(each, camera.key) for each in fields]
            path = paths[record in camera.records]
            write_evidence(path, lines)
            verified(camera)
            path.write_bytes(everything[path])


@pytest.mark.parametrize(
    "place",
    [{"n": (1 << 53) - 1}, {"at_us": (1 << 53) - 1}, {"at_us": 1 - (1 << 53)}, {"prev": "x"}, {"chain": ""}, {"n": 7}],
)
def test_places_of_all_sorts(camera: MadeCamera, place: dict[str, Any]) -> None:
    for path in (events_folder(camera) / "evidence0.jsonl", camera.folder / "evidence0.jsonl"):
        records = read_evidence(path)
        more = [signed({**record.fields, **place}, camera.key) for record in records]
        write_evidence(path, [*records, *more])
    found = verified(camera)
    json.dumps(texts(found))
    assert found.verdict.wrong or found.verdict.open


def test_a_file_that_goes_away_meanwhile_is_missing(camera: MadeCamera) -> None:
    class Vanishing(FolderFootage):
        def read(self, path: str, begin: int = 0) -> Iterator[bytes]:
            if path.endswith("video1.h264"):
                raise FileNotFoundError(path)
            return super().read(path, begin)

    found = verify(Vanishing(camera.top), [camera.public_key])
    assert verdicts(found) == {(Verdict.MISSING, "video1.h264")}


def test_a_file_that_never_ends_is_read_no_further_than_it_was_listed(camera: MadeCamera) -> None:
    class Endless(FolderFootage):
        def read(self, path: str, begin: int = 0) -> Iterator[bytes]:
            yield from super().read(path, begin)
            while path.endswith("video1.h264"):
                yield bytes(100)

    found = verify(Endless(camera.top), [camera.public_key])
    assert verdicts(found) == {(Verdict.ALTERED, "video1.h264")}


def test_progress_ends_with_all_bytes(camera: MadeCamera) -> None:
    said = []
    verified(camera, on_progress=said.append)
    assert said[-1].bytes_done == said[-1].bytes_total > 0
    assert all(one.bytes_done <= two.bytes_done for one, two in pairwise(said))


def test_places_far_on_take_neither_memory_nor_time(camera: MadeCamera) -> None:
    """Anyone can sign such records where no key is given, and some hundred of them fit into a small file."""
    far = (1 << 20) - 1
    fields = {"kind": "head", "at_us": 1, "open": []}
    in_chains = [{"chain": f"{number:032x}", "n": far, "prev": "0" * 64} for number in range(8)]
    in_one = [{"chain": "ab" * 16, "n": far, "prev": f"{number:064x}"} for number in range(200)]
    records = [signed({**fields, **place}, camera.key) for place in (*in_chains, *in_one)]
    write_evidence(camera.folder / "evidence9.jsonl", records)
    tracemalloc.start()
    found = verified(camera)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert f"records 0 to {far - 1} of this start are not here" in texts(found)
    assert peak < 8 << 20


@pytest.mark.parametrize("at", [1e14, -1e14, 1e300])
def test_a_time_that_no_calendar_has_is_none(at: float) -> None:
    """Not all file systems can hold such a time; those of others can."""
    assert moment_of_file(at) is None


def test_folders_in_folders_are_looked_through_however_deep(camera: MadeCamera) -> None:
    deep = camera.top.joinpath(*["d"] * 300)
    deep.mkdir(parents=True)
    (deep / "video0.h264").touch()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        found = [file.path for file in FolderFootage(camera.top).files()]
    finally:
        sys.setrecursionlimit(limit)
    assert deep.joinpath("video0.h264").relative_to(camera.top).as_posix() in found


def test_no_link_leads_out_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "private/day").mkdir(parents=True)
    (tmp_path / "private/day/letter").write_text("dear aunt")
    (tmp_path / "footage/real").mkdir(parents=True)
    (tmp_path / "footage/real/file").write_text("a")
    (tmp_path / "footage/way").symlink_to(tmp_path / "private")
    (tmp_path / "footage/one").symlink_to(tmp_path / "private/day/letter")
    os.mkfifo(tmp_path / "footage/pipe")
    footage = FolderFootage(tmp_path / "footage")
    assert [file.path for file in footage.files()] == ["real/file"]
    assert [file.path for under in ("way", "way/day", "real") for file in footage.files(under)] == ["real/file"]
    for path in ("way/day/letter", "one", "pipe", "real", "gone"):
        with pytest.raises(FileNotFoundError):
            list(footage.read(path))
    assert b"".join(footage.read("real/file")) == b"a"
