"""Whether a storage that was cut short is whole again after a restart; ffprobe judges the videos."""

import sqlite3
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from subprocess import CalledProcessError

from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.recovery import Recovered
from tests.system.crash.disk import read_tree
from tests.system.crash.program import RATE, restart
from tests.system.crash.promises import Promise
from tests.unit.streams import decoded_pictures

_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_EVENT_FILES = {"event.json", "motion.jpg"}


class Examination:
    """Examines any number of storages; a video that it has seen before is not decoded again."""

    def __init__(self) -> None:
        self._shown_by: dict[bytes, int | str] = {}  # the file's SHA-256

    def faults(self, storage: Path, promised: Mapping[str, Promise]) -> list[str]:
        """Restart on the storage; what is not as it must be."""
        try:
            restart(storage)
        except StorageError as error:
            return [f"it does not start: {error}"]
        before = read_tree(storage / "recordings")
        archive = Archive(storage)
        with Catalogue(archive.catalogue_path) as catalogue:
            listed = {event.id: event for event in catalogue.find()}
        found = [
            *self._files_and_rows(archive, listed),
            *(fault for event in listed.values() for fault in self._record(archive, event)),
            *(fault for event_id, promise in promised.items() for fault in _kept(listed.get(event_id), promise)),
        ]
        again = restart(storage)
        if again != Recovered() or read_tree(storage / "recordings") != before:
            found.append(f"a second restart still found something to do: {again}")
        return found

    def _files_and_rows(self, archive: Archive, listed: Mapping[str, EventRecord]) -> Iterator[str]:
        folders = {
            str(path.parent.relative_to(archive.recordings))
            for path in archive.recordings.rglob("*")
            if path.name in _EVENT_FILES or path.suffix == ".mp4"
        }
        with sqlite3.connect(archive.catalogue_path) as rows:
            stored = {event_id for (event_id,) in rows.execute("SELECT id FROM events")}
        rows.close()
        if not folders == stored == set(listed):
            yield f"folders {sorted(folders)}, rows {sorted(stored)}, listed {sorted(listed)}"
        for path in archive.recordings.rglob("*"):
            if path.name.startswith("."):
                yield f"{path} was left over"
        # Those of a camera or a day may be empty: the next event goes into them.
        for path in archive.recordings.glob("*/*/*"):
            if not any(path.iterdir()):
                yield f"{path} is empty"

    def _record(self, archive: Archive, listed: EventRecord) -> Iterator[str]:
        folder = archive.folder(listed.id)
        try:
            record = folder.read_record()
        except StorageError as error:
            yield str(error)
        else:
            if record != listed:
                yield f"the row says {listed}, the file {record}"
        picture = folder.path / "motion.jpg"
        if picture.exists() and not (
            picture.read_bytes().startswith(_JPEG) and picture.read_bytes().endswith(_JPEG_END)
        ):
            yield f"{picture} is not whole"
        if listed.bytes != folder.media_bytes():
            yield f"{listed.id} has {folder.media_bytes()} bytes, its record says {listed.bytes}"
        if listed.state == "recording":
            yield f"{listed.id} still runs"
        files = [file.name for file in folder.video_files()]
        if files != [part.file for part in listed.parts]:
            yield f"{listed.id} has {files}, its record speaks of {listed.parts}"
            return
        for part in listed.parts:
            file = folder.path / part.file
            shown = self._shown(file)
            if (shown, file.stat().st_size) != (part.pictures, part.bytes):
                yield f"{file} shows {shown} pictures in {file.stat().st_size} bytes, its record says {part}"

    def _shown(self, file: Path) -> int | str:
        """How many pictures ffprobe decodes, or what it complains about."""
        digest = sha256(file.read_bytes()).digest()
        if digest not in self._shown_by:
            try:
                self._shown_by[digest] = decoded_pictures(file)
            except (AssertionError, CalledProcessError) as error:
                self._shown_by[digest] = str(error)
        return self._shown_by[digest]


def _kept(event: EventRecord | None, promise: Promise) -> Iterator[str]:
    if event is None:
        if not promise.deleting:
            yield f"an event is lost: {promise}"
        return
    if promise.deleted:
        yield f"{event.id} was deleted and is there"
    pictures = sum(part.pictures for part in event.parts)
    # A running event may lose what lasts a second.
    if pictures < promise.pictures - (0 if promise.complete else RATE):
        yield f"{event.id} has {pictures} pictures, promised were {promise}"
    if promise.complete and event.state != "complete":
        yield f"{event.id} is {event.state}, promised was {promise}"
    for name, value in promise.words.items():
        expected = tuple(value) if isinstance(value, list) else value
        if name not in promise.changing and getattr(event, name) != expected:
            yield f"{event.id} lost its {name}: {event}"
