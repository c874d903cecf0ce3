"""Finds what belongs to one event and proves it: its files as they left, their records, its camera's own chain."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files as package_files
from pathlib import Path

from pi_sec_cam.durable import storage_error
from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.evidence.camera_key import PublicKey, read_public_key
from pi_sec_cam.evidence.footage import FolderFootage, FoundFile
from pi_sec_cam.evidence.judging.listing import is_segment_folder
from pi_sec_cam.evidence.record import EVIDENCE_FOLDER, SignedRecord
from pi_sec_cam.home.evidence_zip import Item
from pi_sec_cam.home.names import checked_path
from pi_sec_cam.offsite.attested import records_in
from pi_sec_cam.offsite.downloaded import PICTURE_NAME
from pi_sec_cam.offsite.envelope import is_clear
from pi_sec_cam.offsite.journal import number_of, read_journal

FOOTAGE = "footage"
"""The folder in the zip that is verified: of one camera, in it the event and the camera's own chain."""


class NoRecords(PiSecCamError, LookupError):
    """An event of which no signed record is here: nothing can be proven of it."""


@dataclass(frozen=True, slots=True)
class EventEvidence:
    """What there is of one event.

    Attributes:
        event: its folder, `<camera>/<day>/<time>`, as it lies in the zip.
        items: the files below FOOTAGE, by name.
        opening: the record with which the event's chain begins, or goes on.
    """

    event: str
    items: tuple[Item, ...]
    opening: SignedRecord

    @property
    def originals(self) -> list[Item]:
        """The event's video and its picture, as they left: the chunks in the order of their numbers first."""
        own = [(item.name.rpartition("/"), item) for item in self.items]
        named = [(name, item) for (folder, _, name), item in own if folder == f"{FOOTAGE}/{self.event}"]
        chunks = [(name, item) for name, item in named if name.startswith("video")]
        pictures = [item for name, item in named if name == PICTURE_NAME]
        return [item for _, item in sorted(chunks, key=lambda chunk: number_of(chunk[0]))] + pictures

    @property
    def sealed(self) -> bool:
        """Whether they have to be opened."""
        return any(not is_clear(next(item.pieces(), b"")) for item in self.originals[:1])

    @property
    def key(self) -> PublicKey:
        """The camera's, as the records have it: no more than their own word.

        Raises:
            KeyUnusable: it is none.
        """
        return read_public_key(str(self.opening.fields.get("key")))

    @property
    def at(self) -> datetime:
        """When the event began, by the camera's clock."""
        started_us = self.opening.fields.get("started_us")
        at_us = started_us if isinstance(started_us, int) else self.opening.fields["at_us"]
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=max(0, min(at_us, 1 << 52)))


def evidence_of_folder(folder: Path) -> EventEvidence:
    """Of an event that was fetched or downloaded, with its camera's chain where that lies as the camera sent it.

    Args:
        folder: the event's, whatever it is called now.

    Raises:
        NoRecords: there are none in it.
        PermanentError: the records give it a name that no folder may have, or a file has one that others cannot read.
        StorageError: something cannot be read.
    """
    whole = folder.resolve()
    names = _files_in(FolderFootage(whole))
    try:
        evidence = (whole / name for name in names if name.startswith("evidence") and name.endswith(".jsonl"))
        opening = _opening((record for path in evidence for record in records_in(path)), str(folder))
    except OSError as error:
        if isinstance(error, PiSecCamError):
            raise
        raise storage_error(f"cannot read {folder}", error) from error
    event = checked_path(str(opening.fields["event"]))
    camera, *below = event.split("/")
    if below and whole.name.startswith(f"{below[-1]}-"):  # another event had its name: `renamed`
        event = "/".join([camera, *below[:-1], whole.name])
    items = [Item(f"{FOOTAGE}/{event}/{name}", whole / name) for name in names]
    above = whole.joinpath(*[".."] * len(below)).resolve()
    for path in _files_in(FolderFootage(above), EVIDENCE_FOLDER):
        if is_segment_folder(path.rpartition("/")[0]):
            items.append(Item(f"{FOOTAGE}/{camera}/{path}", above / path))
    return EventEvidence(event, tuple(items), opening)


def evidence_on_camera(folder: Path, sealed: Sequence[Path], storage: Path) -> EventEvidence:
    """Of an event on the camera that recorded it: its records, and what it keeps of its own chain.

    Args:
        folder: the event's.
        sealed: its files as they left; none where the camera keeps only what is clear.
        storage: the storage directory.

    Raises:
        NoRecords: nothing of it has left.
        StorageError: something cannot be read.
    """
    try:
        journal = read_journal(folder)
        opening = _opening(iter(journal.records if journal else ()), str(folder))
        assert journal is not None
        items = [Item(f"{FOOTAGE}/{journal.event}/{file.name}", file) for file in sealed]
        items.append(Item(f"{FOOTAGE}/{journal.event}/evidence0.jsonl", _evidence(journal.records)))
        chains = storage / EVIDENCE_FOLDER / journal.camera
        for chain in sorted(chains.iterdir()) if chains.is_dir() else ():
            own = read_journal(chain)
            if own is not None and own.records:
                name = f"{FOOTAGE}/{journal.camera}/{EVIDENCE_FOLDER}/{chain.name}/evidence0.jsonl"
                items.append(Item(name, _evidence(own.records)))
    except OSError as error:
        if isinstance(error, PiSecCamError):
            raise
        raise storage_error(f"cannot read {folder}", error) from error
    return EventEvidence(journal.event, tuple(items), opening)


def program_alone(name: str) -> bytes:
    """One of the two programs that need nothing of this one: verify.py, decrypt.py."""
    return (package_files("pi_sec_cam.home") / "by_itself" / f"{name}.txt").read_bytes()


class ItemFootage:
    """What is below FOOTAGE in the zip, before there is one, as footage to verify."""

    def __init__(self, where: str, items: Sequence[Item]) -> None:
        self.where = where
        self._items = {item.name.removeprefix(f"{FOOTAGE}/"): item for item in items}

    def files(self, under: str = "") -> Iterator[FoundFile]:
        for path, item in self._items.items():
            if not under or path.startswith(f"{under}/"):
                yield FoundFile(path, item.size)

    def read(self, path: str, begin: int = 0) -> Iterator[bytes]:
        if path not in self._items:
            raise FileNotFoundError(path)
        try:
            yield from self._items[path].pieces(begin)
        except OSError as error:
            raise storage_error(f"cannot read {path}", error) from error


def _files_in(footage: FolderFootage, under: str = "") -> list[str]:
    """The paths of files in a folder, as people count; not what lies deeper in an event's, which is none of it.

    Raises:
        PermanentError: one of them has a name that others could not read.
    """
    found = [checked_path(file.path) for file in footage.files(under) if under or "/" not in file.path]
    return sorted(found, key=_in_turn)


def _opening(records: Iterator[SignedRecord], where: str) -> SignedRecord:
    kinds = {"event", "resumed"}
    found = next((record for record in records if record.fields["kind"] in kinds and "event" in record.fields), None)
    if found is None:
        raise NoRecords(
            f"{where} has no records of the camera (evidence0.jsonl and so on), so nothing can be proven of it; "
            "`pi-sec-cam wrap`, or `export` without --evidence, makes a film of it"
        )
    return found


def _in_turn(name: str) -> list[tuple[str, int]]:
    """By which names are sorted as people count: 10 after 9."""
    return [(text, int(digits or 0)) for text, digits in re.findall(r"([^0-9]*)([0-9]*)", name)]


def _evidence(records: Sequence[SignedRecord]) -> bytes:
    return b"".join(record.line for record in records)
