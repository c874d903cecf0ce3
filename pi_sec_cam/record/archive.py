"""The tree of recordings on disk: makes the folders of new events and finds those of old ones."""

import errno
import itertools
import os
import re
from collections.abc import Callable, Container, Iterator
from contextlib import suppress
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Literal, NamedTuple

from pi_sec_cam.clock import WallStamp
from pi_sec_cam.durable import make_directories, storage_error, sync_directory
from pi_sec_cam.errors import EventNotFound, StorageError
from pi_sec_cam.ownership import give_to_owner
from pi_sec_cam.record.event_folder import EventFolder, holds_event, name_before_hiding
from pi_sec_cam.record.event_record import EARLIEST, LATEST, RECORDINGS, EventRecord, folder_of_id, id_of_folder
from pi_sec_cam.record.event_sequence import EventSequence

_TRIES = 5


class Place(NamedTuple):
    """A directory that `Archive.places` came to.

    kind: "known" was asked to be passed by; "event" holds an event's files; "bare" holds nothing at all;
    "hidden" is what is left of the event `id`, whose deletion has begun; "unreadable" could not be listed.
    """

    kind: Literal["known", "event", "bare", "hidden", "unreadable"]
    id: str


class Archive:
    """The event folders below `<directory>/recordings/`; what deletes them is in record/deletion.py.

    Only folder names are made from the clock and the formats; reading never depends on them, so that formats and
    camera names may change.

    Args:
        directory: the storage directory.
        day_directory_format, time_directory_format: strftime patterns of the two levels below the camera's; each
            may hold slashes for more levels.
        zone: in which folders are named; None is the machine's own.
        sequence, running: to share where several archives (one a camera) have the same directory; None makes one.
        guard: raises StorageError while the right disk is not there; asked before a folder is made.

    Attributes:
        sequence: says which of two events is older; is to be told of the newest event that the catalogue knows.
        running: ids of the events that this process has begun and not finished; whoever finishes one takes it out.
            What they hold is nobody's to repair or delete.
    """

    def __init__(
        self,
        directory: Path,
        *,
        day_directory_format: str = "%Y-%m-%d",
        time_directory_format: str = "%H.%M.%S",
        zone: tzinfo | None = None,
        sequence: EventSequence | None = None,
        running: set[str] | None = None,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        self.directory = directory.absolute()
        self.recordings = self.directory / RECORDINGS
        self._format = "/".join(filter(None, f"{day_directory_format}/{time_directory_format}".split("/")))
        self._zone = zone
        self.sequence = sequence or EventSequence()
        self.running: set[str] = set() if running is None else running  # changed by single, atomic calls
        self._guard = guard

    @property
    def catalogue_path(self) -> Path:
        """Where the index of the events is."""
        return self.directory / "catalogue.sqlite3"

    def prepare(self) -> None:
        """Create what is missing, and see by writing whether this user may write here.

        A full disk passes: the place is right, and space may be made by deleting old events.

        Raises:
            StorageError: naming the directory and the way out.
        """
        probe = self.recordings / ".probe"
        try:
            make_directories(self.recordings, Path(self.recordings.anchor))
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT} and self.recordings.is_dir():
                return
            raise storage_error(f"cannot keep recordings in {self.directory} (storage.directory)", error) from error

    def begin(self, camera: str, trigger: WallStamp) -> EventFolder:
        """Make the folder of a new event, durable on return. Any number of threads and processes may.

        The directory above all recordings must exist: after a disk has gone away nothing is created in its place.
        Creating a directory is atomic, so it is the lock: of two that want the same name one gets it, the other
        takes the next (`-2`, `-3`, …).

        Args:
            trigger: of the first movement; names the folder in local time.

        Raises:
            StorageError: with the way out, also for a camera name or format that cannot name a folder.
        """
        self._guard()
        wanted = self.folder_name(camera, trigger)
        for attempt in range(_TRIES):
            try:
                return self._new_folder(wanted)
            except OSError as error:
                # The deletion of the day's last event may just have removed the day.
                if not isinstance(error, FileNotFoundError) or attempt == _TRIES - 1:
                    raise storage_error(f"cannot create {self.recordings / wanted}", error) from error
        raise AssertionError("the last attempt returns or raises")

    def folder_name(self, camera: str, trigger: WallStamp) -> str:
        """The folder, relative to `recordings/`, that a new event gets unless that name is taken.

        Raises:
            StorageError: a camera name or format that cannot name a folder.
        """
        stamp = trigger.wall.astimezone(self._zone).strftime(self._format)
        names = [camera, *stamp.split("/")]
        if "/" in camera or not all(_names_a_folder(name) for name in names):
            raise StorageError(
                f"cannot name a folder after camera {camera!r} and formats {self._format!r}: "
                "cam_name and both formats must give names without a leading dot"
            )
        return "/".join(names)

    def next_sequence(self, trigger: WallStamp) -> int:
        """The `sequence` of a new event; any thread may ask."""
        return self.sequence.next(trigger)

    def folder(self, event_id: str) -> EventFolder:
        """The folder of an event; whether it exists is not looked up.

        Raises:
            EventNotFound: no event can have that id.
        """
        try:
            folder = folder_of_id(event_id)
        except UnicodeDecodeError:
            folder = ""
        # An id may come from a user: without this, ".." or a leading slash would lead out of the recordings.
        if id_of_folder(folder) != event_id or not all(_names_a_folder(name) for name in folder.split("/")):
            raise EventNotFound(f"no event can be called {event_id!r}")
        return EventFolder(event_id, self.recordings / folder)

    def trigger_wall(self, event_id: str) -> datetime | None:
        """The time that the folder's name gives; None if it was named by another format."""
        stamp = folder_of_id(event_id).partition("/")[2]
        for text in (stamp, re.sub(r"-[0-9]+$", "", stamp)):
            try:
                named = datetime.strptime(text, self._format)  # noqa: DTZ007 (its zone comes in the next line)
                moment = named.replace(tzinfo=self._zone) if self._zone else named.astimezone()
            except (ValueError, OverflowError):
                continue
            return moment if EARLIEST <= moment <= LATEST else None
        return None

    def places(self, known: Container[str] = ()) -> Iterator[Place]:
        """All event folders, and what else may need tidying; those in `known` without looking into them.

        Links are not followed, hidden directories are passed by.

        Raises:
            StorageError: the recordings cannot be listed at all.
        """
        folders = [""]
        while folders:
            yield from self._places_of(folders.pop(), known, folders)

    def scan(self) -> Iterator[EventRecord]:
        """The records of all events, in no order, from the files alone; those without a readable one are left out.

        Raises:
            StorageError: the recordings cannot be listed at all.
        """
        for place in self.places():
            if place.kind == "event":
                try:
                    record = self.folder(place.id).read_record()
                except StorageError:
                    continue
                if record is not None:
                    yield record

    def _places_of(self, folder: str, known: Container[str], below: list[str]) -> Iterator[Place]:
        """What one directory is; those in it are added to `below`."""
        directory, event_id = self.recordings / folder, id_of_folder(folder)
        if folder and event_id in known:
            yield Place("known", event_id)
            return
        try:
            with os.scandir(directory) as entries:
                files: list[str] = []
                directories: list[str] = []
                for entry in entries:
                    (directories if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
        except OSError as error:
            if not folder:
                raise storage_error(f"cannot list {directory}", error) from error
            yield Place("unreadable", event_id)
            return
        if folder and holds_event(files):
            yield Place("event", event_id)
        elif folder and not files and not directories:
            yield Place("bare", event_id)
        within = f"{folder}/" if folder else ""
        for name in directories:
            if _names_a_folder(name):
                below.append(f"{within}{name}")
            elif (hidden := name_before_hiding(name)) and _names_a_folder(hidden):
                yield Place("hidden", id_of_folder(f"{within}{hidden}"))

    def _new_folder(self, wanted: str) -> EventFolder:
        make_directories((self.recordings / wanted).parent, self.recordings)
        for number in itertools.count(1):
            folder = wanted if number == 1 else f"{wanted}-{number}"
            path = self.recordings / folder
            with suppress(FileExistsError):
                path.mkdir()
                self.running.add(id_of_folder(folder))
                try:
                    give_to_owner(path, path.parent)
                    sync_directory(path.parent)
                except OSError:  # the next try makes it anew, and its name durable
                    self.running.discard(id_of_folder(folder))
                    with suppress(OSError):
                        path.rmdir()
                    raise
                return EventFolder(id_of_folder(folder), path)
        raise AssertionError("counting ends never")


def _names_a_folder(name: str) -> bool:
    return bool(name) and not name.startswith(".") and name.isprintable()
