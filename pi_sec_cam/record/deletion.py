"""Deletes events, in an order that a crash at any point leaves true (docs/recording-format.md, Deletion)."""

import errno
import itertools
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from pi_sec_cam.durable import storage_error, sync_directory
from pi_sec_cam.errors import EventProtected, EventStays, StorageError
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_folder import EventFolder, is_ours, rewriting
from pi_sec_cam.record.event_record import EventRecord, RecordDamaged

log = logging.getLogger(__name__)

_IN_USE = {errno.ENOTEMPTY, errno.EEXIST}


def delete_event(archive: Archive, catalogue: Catalogue, event_id: str) -> None:
    """Delete an event for ever: its files, its folder, and the folders above it that are empty then; its row.

    Files in the folder that are not ours stay where they are. Any thread may; recording goes on meanwhile.

    Raises:
        EventNotFound: the catalogue has none with that id.
        EventProtected: it is locked, or runs.
        StorageError: with the way out: EventStays for trouble with its files, else the catalogue's. The event is then
            whole and listed, or it is not listed any more and the next start deletes what is left of it.
    """
    record = catalogue.get(event_id)
    if event_id in archive.running:
        record = replace(record, state="recording")
    _refuse_protected(record)
    try:
        catalogue.mark_deleting(event_id)
    except StorageError as error:
        # A full disk may have no room for the mark, and it is deleting that makes room. Without the mark the row is
        # listed until the end; a crash leaves a hidden folder and a row without folder, both of which recovery removes.
        if error.errno != errno.ENOSPC:
            raise
    finish_deletion(archive, catalogue, record)


def finish_deletion(archive: Archive, catalogue: Catalogue, record: EventRecord) -> None:
    """Delete an event whose row is marked; also one whose deletion was cut short anywhere.

    Raises:
        EventProtected, StorageError: as for `delete_event`.
    """
    folder = archive.folder(record.id)
    try:
        with _files_of(folder):
            _hide(archive, folder, record)
    except (EventProtected, EventStays):
        if not _is_gone(folder.path):  # else it was hidden, if perhaps not durably: the next start goes on
            catalogue.mark_deleting(record.id, deleting=False)
        raise
    with _files_of(folder):
        remove_hidden(archive, folder)
    catalogue.delete({record.id: record.sequence})


def delete_unlisted(archive: Archive, record: EventRecord) -> None:
    """Delete an event while there is no catalogue; a row that it may have is dropped when that is there again.

    Raises:
        EventProtected, EventStays: as for `delete_event`.
    """
    folder = archive.folder(record.id)
    with _files_of(folder):
        _hide(archive, folder, record)
        remove_hidden(archive, folder)


def remove_hidden(archive: Archive, folder: EventFolder) -> None:
    """Remove what is left of an event whose folder was hidden; nothing, if nothing is left.

    Raises:
        StorageError: with the way out.
    """
    hidden = folder.hidden_path
    try:
        if not hidden.is_dir():
            return
        _refuse_link(archive, hidden)
        with os.scandir(hidden) as entries:
            ours = [entry.name for entry in entries if is_ours(entry.name) and not entry.is_dir(follow_symlinks=False)]
        for name in ours:
            (hidden / name).unlink()
        try:
            hidden.rmdir()
        except OSError as error:
            if error.errno not in _IN_USE:
                raise
            _give_back(folder)
        sync_directory(hidden.parent)
        _remove_empty(hidden.parent, archive.recordings)
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(f"cannot delete {hidden}", error) from error


@contextmanager
def _files_of(folder: EventFolder) -> Iterator[None]:
    """What goes wrong in the block has to do with this event's files, not with the catalogue and not with others'."""
    try:
        yield
    except OSError as error:
        worded = error if isinstance(error, StorageError) else storage_error(f"cannot delete {folder.path}", error)
        stays = EventStays(str(worded))
        stays.errno = error.errno
        raise stays from error


def _is_gone(path: Path) -> bool:
    """Whether nothing has that name; what cannot be looked at, in a folder of another user, is there."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _refuse_protected(record: EventRecord) -> None:
    if record.locked:
        raise EventProtected(f"{record.id} is locked: unlock it first (`pi-sec-cam events unlock {record.id}`)")
    if record.state == "recording":
        raise EventProtected(f"{record.id} is still being recorded: delete it when it has ended")


def _refuse_link(archive: Archive, path: Path) -> None:
    if path.resolve() != archive.recordings.resolve() / path.relative_to(archive.recordings):
        raise StorageError(f"{path} is reached by a link; what lies outside of the recordings is not deleted")


def _hide(archive: Archive, folder: EventFolder, record: EventRecord) -> None:
    """Rename the folder, durably: from here on it is no event any more. Does nothing if that was done already."""
    # While this holds the lock nobody locks the event, and the recorder does not write its record.
    with rewriting:
        try:
            standing = folder.read_record()
        except RecordDamaged:
            standing = None  # what it said of a lock is what the row says
        if standing is not None and standing.sequence != record.sequence:
            return  # another event, which got the name after the one that is meant was hidden
        _refuse_protected(standing or record)
        if not folder.path.is_dir():
            return
        _refuse_link(archive, folder.path)
        if folder.hidden_path.is_dir():  # of an earlier event of that name
            remove_hidden(archive, folder)
        try:
            # Also a folder of which the files could not be removed can be renamed: it would be hidden for ever.
            if not os.access(folder.path, os.W_OK | os.X_OK, effective_ids=True):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            folder.path.rename(folder.hidden_path)
            sync_directory(folder.path.parent)
        except OSError as error:
            raise storage_error(f"cannot delete {folder.path}", error) from error


def _give_back(folder: EventFolder) -> None:
    """Put a folder in which something foreign is back to its name, or one beside it, without our files."""
    sync_directory(folder.hidden_path)  # else our files might come back with it
    for number in itertools.count(1):
        place = folder.path if number == 1 else folder.path.with_name(f"{folder.path.name}-{number}")
        with suppress(FileExistsError):
            place.mkdir()  # as for a new event: whoever makes the name has it
            folder.hidden_path.rename(place)
            log.warning("%s: the event is deleted, but files that are not ours stay there", place)
            return


def _remove_empty(directory: Path, top: Path) -> None:
    """Remove a day's and a camera's folder if nothing is left in them; `Archive.begin` makes them again."""
    while directory != top:
        try:
            directory.rmdir()
        except OSError:
            return
        directory = directory.parent
        sync_directory(directory)
