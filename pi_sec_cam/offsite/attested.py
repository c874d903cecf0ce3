"""What an event's signed records say of the files that lie beside them: whether they fit, their times, how many."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pi_sec_cam.durable import storage_error
from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.evidence.camera_key import PublicKey
from pi_sec_cam.evidence.record import MAX_LINE_BYTES, RecordMalformed, SignedRecord, parse_line

_EVIDENCE_NAME = re.compile(r"evidence(0|[1-9][0-9]{0,8})\.jsonl")
_LATEST_US = 1 << 53  # 285 years: no media time is later


class NotAsRecorded(PiSecCamError, ValueError):
    """A file that is not the one that the camera has recorded, or a record that the camera has not signed."""


@dataclass(frozen=True, slots=True)
class AttestedFile:
    """One file, as its record has it.

    Attributes:
        bytes, sha256: of the file, as it left.
        pts_us: when its pictures are shown, in the order of the stream; None where it is no video.
    """

    bytes: int
    sha256: str
    pts_us: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Attested:
    """What the records in an event's folder say.

    Attributes:
        files: by name. There may be several of one name: after a power cut the camera goes on from what its disk has,
            and somebody may have put two events into one folder.
        unknown: how many more files there are: by the chain's end, less the records that are here.
    """

    files: Mapping[str, tuple[AttestedFile, ...]]
    unknown: int

    def record_of(self, path: Path) -> AttestedFile | None:
        """What is recorded of this file; None if no record has its name.

        Raises:
            NotAsRecorded: there are records of its name, and it is none of these files.
            StorageError: it cannot be read.
        """
        recorded = self.files.get(path.name, ())
        if not recorded:
            return None
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise storage_error(f"cannot read {path}", error) from error
        for each in recorded:
            if (size, digest) == (each.bytes, each.sha256):
                return each
        if size < min(each.bytes for each in recorded):
            raise NotAsRecorded(f"{path.name} is cut: {size} of its {recorded[0].bytes} bytes are here; fetch it anew")
        raise NotAsRecorded(f"{path.name} is not the file of its record: it was altered, or belongs to another event")


def read_attested(folder: Path, keys: Sequence[PublicKey] = ()) -> Attested | None:
    """What the evidence files in this folder say; None without any.

    Args:
        keys: the camera's; without them nobody asks who has signed, and what is no record is passed over.

    Raises:
        NotAsRecorded: there are keys, and a record is not signed by any of them.
        StorageError: something cannot be read.
    """
    try:
        found = sorted((int(name[1]), name[0]) for name in map(_EVIDENCE_NAME.fullmatch, os.listdir(folder)) if name)
        records = [record for _, name in found for record in records_in(folder / name, keys)]
    except OSError as error:
        raise storage_error(f"cannot read {folder}", error) from error
    if not found:
        return None
    files: dict[str, tuple[AttestedFile, ...]] = {}
    places, ends = set(), []
    for fields in (record.fields for record in records):
        if fields["kind"] == "file":
            name, size, digest = (fields.get(key) for key in ("name", "bytes", "sha256"))
            if isinstance(name, str) and isinstance(size, int) and isinstance(digest, str):
                files[name] = (*files.get(name, ()), AttestedFile(size, digest, _times(fields.get("pts_us"))))
                places.add((fields["chain"], fields["n"]))
        elif fields["kind"] == "end" and isinstance(fields.get("files"), int):
            ends.append((fields["files"], fields["chain"]))
    counts = Counter(chain for chain, _ in places)  # records may have left twice
    return Attested(files, max((count - counts[chain] for count, chain in ends if count > counts[chain]), default=0))


def records_in(path: Path, keys: Sequence[PublicKey] = ()) -> Iterator[SignedRecord]:
    """All of an evidence file, but a torn line at its end: it was not fetched to the end.

    Args:
        keys: as `read_attested`.

    Raises:
        NotAsRecorded: as `read_attested`.
        OSError: from the disk.
    """
    with path.open("rb") as file:
        lines = iter(lambda: file.readline(MAX_LINE_BYTES + 1), b"")
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n") and len(line) <= MAX_LINE_BYTES:
                return
            try:
                record = parse_line(line)
            except RecordMalformed:
                if keys:
                    raise NotAsRecorded(f"{path.name}: line {number} is no record: it was altered") from None
                continue
            if keys and not any(map(record.signed_by, keys)):
                raise NotAsRecorded(f"{path.name}: line {number} is not signed with the camera's key that was given")
            yield record


def _times(pts_us: object) -> tuple[int, ...] | None:
    """Whoever made the record, these can be timestamps; None else."""
    if isinstance(pts_us, list) and all(type(at) is int and abs(at) <= _LATEST_US for at in pts_us):
        return tuple(pts_us)
    return None
