"""The journal of one event off-site, offsite.jsonl: which files there are, who is to get them, what was given up."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pi_sec_cam.durable import sync_directory, write_at
from pi_sec_cam.errors import StorageError
from pi_sec_cam.evidence.record import RecordMalformed, SignedRecord, parse_line
from pi_sec_cam.offsite.outgoing import OutgoingFile
from pi_sec_cam.ownership import give_to_owner

JOURNAL_NAME = "offsite.jsonl"
VERSION = 1

Line = dict[str, Any]

_NAME = re.compile(r"[a-z]+[0-9]{1,9}\.[a-z0-9]{1,9}")
_LATEST_US = 1 << 53  # 285 years: no media time is later


class JournalTooNew(StorageError):
    """A journal that a later version of the program has written."""


@dataclass(frozen=True, slots=True)
class Journal:
    """What a journal says. Lines are as docs/outbox.md has them; those of unknown kinds are kept in `lines`.

    Attributes:
        event: the event's folder off-site, as its first files were sent: `<camera>/<day>/<time>`.
        camera: its name.
        lines: all whole lines but the header, in order.
        whole_bytes: length of the header and these lines; what comes after was torn by a crash.
    """

    event: str
    camera: str
    lines: tuple[Line, ...] = ()
    whole_bytes: int = 0
    _files: dict[str, Line] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._files.update({line["file"]: line for line in self.lines if _is_of_file(line)})

    @property
    def files(self) -> Mapping[str, Line]:
        """The lines of files, by name, in the order in which they were handed over."""
        return self._files

    @property
    def final(self) -> bool:
        """Whether nothing more will be added."""
        return any(line.get("final") is True for line in self.lines)

    @property
    def video(self) -> tuple[Line, ...]:
        """The lines of chunks of video, in the order in which they were handed over; none that says nonsense."""
        return tuple(line for line in self.files.values() if _is_of_video(line))

    @property
    def pictures(self) -> int:
        """How many pictures the chunks hold together."""
        return sum(line["pictures"] for line in self.video)

    @property
    def last_video(self) -> Line | None:
        """The line of the chunk with the highest number, None without any: the end of what was handed over."""
        return max(self.video, key=lambda line: number_of(line["file"]), default=None)

    @property
    def records(self) -> tuple[SignedRecord, ...]:
        """The signed records, in the order of their chain."""
        return tuple(_records(self.lines))

    @property
    def records_handed_over(self) -> int:
        """How many of them, from the first on, are in evidence files."""
        counts = (line.get("records", 0) for line in self.files.values())
        return max((count for count in counts if isinstance(count, int)), default=0)

    def missed_by(self, store: str) -> tuple[str, ...]:
        """The files that this store was not to get, or that it never will."""
        never = {
            str(line.get("dropped", line.get("refused")))
            for line in self.lines
            if line.get("store") == store and ("dropped" in line or "refused" in line)
        }
        return tuple(name for name, line in self.files.items() if name in never or store not in line["stores"])


def number_of(name: str) -> int:
    """The number in a file's name: 12 of video12.h264."""
    digits = name.partition(".")[0].lstrip("abcdefghijklmnopqrstuvwxyz")
    return int(digits) if digits.isdecimal() else 0


def read_journal(folder: Path) -> Journal | None:
    """The journal in an event's folder; None without one, or where its first line is none of a journal.

    Raises:
        JournalTooNew: it says so.
        OSError: from the disk.
    """
    try:
        data = (folder / JOURNAL_NAME).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return parse_journal(data)


def parse_journal(data: bytes) -> Journal | None:
    """As `read_journal`, of the file's bytes: its whole lines up to the first that is none.

    Raises:
        JournalTooNew: it says so.
    """
    lines: list[Line] = []
    whole = 0
    for text in data.splitlines(keepends=True):
        line = _line(text)
        if line is None:
            break
        lines.append(line)
        whole += len(text)
    head = lines[0] if lines else {}
    version, event, camera = (head.get(key) for key in ("version", "event", "camera"))
    if isinstance(version, int) and version > VERSION:
        raise JournalTooNew(f"{JOURNAL_NAME} is of version {version}: a later version of this program is needed")
    if version != VERSION or not isinstance(event, str) or not isinstance(camera, str):
        return None
    return Journal(event, camera, tuple(lines[1:]), whole)


def header(event: str) -> Line:
    """The first line of the journal of this event."""
    return {"version": VERSION, "event": event, "camera": event.partition("/")[0]}


def file_line(file: OutgoingFile, stores: Sequence[str]) -> Line:
    """The line of a file that these stores are to get."""
    line: Line = {
        "file": file.name,
        "bytes": len(file.data),
        "sha256": file.sha256,
        "stores": list(stores),
    }
    if file.video is not None:
        video = file.video
        line |= {
            "codec": video.codec,
            "width": video.width,
            "height": video.height,
            "pictures": video.pictures,
            "pts_us": list(video.pts_us),
            "duration_s": video.duration_s,
            "last_unit": video.last_unit,
        }
    if file.records:
        line["records"] = file.records
    return line


def record_line(record: SignedRecord) -> Line:
    """The line of a signed record."""
    return {"signed": record.line.decode("ascii").removesuffix("\n")}


class JournalFile:
    """Adds lines to one journal. One thread; nobody else writes it meanwhile.

    Args:
        path: of the journal, in a directory that stands.
        event: for the first line, should there be none yet.
    """

    def __init__(self, path: Path, event: str) -> None:
        self.path = path
        self._event = event
        self._end: int | None = None  # of what is durable; None while nobody has looked

    def append(self, lines: Sequence[Line]) -> None:
        """Add lines; durable on return. What a crash or a refused write has torn at the end is cut off.

        Raises:
            JournalTooNew: a later version has written it.
            OSError: from the disk; the same call may be made again.
        """
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            size = os.fstat(file).st_size
            if self._end is None:
                standing = parse_journal(os.pread(file, size, 0))
                self._end = standing.whole_bytes if standing else 0
            # After a refused sync, Linux takes lines that were lost for written: they are written anew.
            if size > self._end:
                os.ftruncate(file, self._end)
            new = not self._end
            if new:
                give_to_owner(file, self.path.parent)
            text = b"".join(map(_text, [header(self._event), *lines] if new else lines))
            write_at(file, text, self._end)
            os.fdatasync(file)
        finally:
            os.close(file)
        if new:
            sync_directory(self.path.parent)
        self._end += len(text)


def _records(lines: Sequence[Line]) -> Iterator[SignedRecord]:
    for line in lines:
        if isinstance(text := line.get("signed"), str):
            try:
                yield parse_line(text.encode())
            except RecordMalformed:  # of a later version, or a damaged disk
                return


def _is_of_file(line: Line) -> bool:
    name, stores = line.get("file"), line.get("stores")
    return isinstance(name, str) and _NAME.fullmatch(name) is not None and isinstance(stores, list)


def _is_of_video(line: Line) -> bool:
    """A disk may be damaged, and a downloaded journal anybody's."""
    pictures, pts_us = line.get("pictures"), line.get("pts_us")
    return (
        isinstance(line.get("last_unit"), str)
        and isinstance(pts_us, list)
        and all(isinstance(at, int) and abs(at) <= _LATEST_US for at in pts_us)
        and pictures == len(pts_us)
    )


def _line(text: bytes) -> Line | None:
    """What a line says; None for one that is torn or not a line of a journal."""
    if not text.endswith(b"\n"):
        return None
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def _text(line: Line) -> bytes:
    return json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"
