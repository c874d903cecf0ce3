"""The disk below the storage directory: whether the right one is there, and what it can take.

A file `storage-id` on the disk holds a random id, and this machine remembers outside of it which id belongs there. So
a disk that is not mounted, or another one in its place, is noticed, and nothing is written to what is there instead.
"""

import errno
import os
import re
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pi_sec_cam.durable import make_directories, storage_error, write_atomically
from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.event_record import RECORDINGS
from pi_sec_cam.record.retention import LEAST_FREE_BYTES, LEAST_FREE_INODES
from pi_sec_cam.remembered import Remembered

MARKER = "storage-id"
_ACCEPT = "`pi-sec-cam storage accept`"

Kind = Literal["ready", "full", "read-only", "new", "missing", "wrong", "unusable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskState:
    """What is there now.

    Attributes:
        kind: "ready"; "full" (of bytes or of inodes) and "read-only", of the right disk; "new": no disk belongs here
            yet, and this one has no id; "missing": the remembered one is not there; "wrong": another one is;
            "unusable": no permission, or an error of the disk.
        detail: in words, with the way out; empty if ready.
        storage_id: of the disk that is there, None if it has none or could not be read.
        free_bytes, total_bytes: for this user, in bytes; None where nothing could be asked.
        free_inodes: how many more files; None where there is no limit or nothing could be asked.
        device: of the file system (st_dev); another number means that something was mounted or unmounted.
    """

    kind: Kind
    detail: str = ""
    storage_id: str | None = None
    free_bytes: int | None = None
    total_bytes: int | None = None
    free_inodes: int | None = None
    device: int | None = None

    @property
    def writable(self) -> bool:
        """Whether what is kept is on this disk, and writing to it and deleting from it makes sense."""
        return self.kind in {"ready", "full"}


class Disk:
    """The disk of one storage directory. Any thread may use it; where the disk does not answer (NFS), it waits.

    Args:
        directory: the storage directory; a link is followed.
        remembered: the memory of that directory.
    """

    def __init__(self, directory: Path, remembered: Remembered) -> None:
        self.directory = directory.absolute()
        self._remembered = remembered
        self._marker = self.directory / MARKER
        self._where = f"{self.directory} (storage.directory)"

    def check(self) -> DiskState:
        """Look, and write nothing: some system calls and two small files read."""
        expected = self._remembered.storage_id
        try:
            device = os.stat(self.directory).st_dev
            found = self._read_marker()
            space = os.statvfs(self.directory)
            # access(2) of the effective user knows of access lists and of root's rights, which the mode does not.
            allowed = os.access(self.directory, os.R_OK | os.W_OK | os.X_OK, effective_ids=True)
        except FileNotFoundError:
            return self._absent(expected)
        except OSError as error:
            return self._unusable(error)
        kind, detail = self._judge(expected, found, space, allowed)
        return DiskState(
            kind=kind,
            detail=detail,
            storage_id=found,
            free_bytes=space.f_bavail * space.f_frsize,
            total_bytes=space.f_blocks * space.f_frsize,
            free_inodes=_free_inodes(space),
            device=device,
        )

    def guard(self) -> None:
        """Before anything is created below the storage directory.

        Raises:
            StorageError: the right disk is not there, or may be read only (EROFS); with the way out.
        """
        state = self.check()
        if not state.writable:
            refusal = StorageError(state.detail)
            refusal.errno = errno.EROFS if state.kind == "read-only" else None
            raise refusal

    def claim(self) -> DiskState:
        """`check`, and put in order what can be put in order without asking anybody.

        - First use: the directory is made, the disk gets its id, which is remembered.
        - A disk with an id where none is remembered (it was in another machine, or the memory was lost) is remembered.
        - The id's file was deleted and recordings are there, or the whole directory was deleted: it is made again,
          if this is the file system that held it.

        Where there is no room for that, a directory that is there counts as "full", and another try is due.
        """
        state = self.check()
        remembered = self._remembered.storage_id
        try:
            if state.storage_id is not None and remembered in {None, state.storage_id}:
                self._remember(state.storage_id)
            elif state.storage_id is None and remembered is None and state.kind in {"new", "full"}:
                self._mark(uuid.uuid4().hex)
            elif (
                remembered is not None and state.kind == "missing" and (self._held_recordings() or self._was_deleted())
            ):
                self._mark(remembered)
            else:
                return state
        except OSError as error:
            if state.kind == "full":
                return state
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:  # a quota, or the first start of all; room may come
                return replace(
                    state, kind="full" if state.device is not None else state.kind, detail=str(self._error(error))
                )
            return self._unusable(error)
        return self.check()

    def accept(self) -> DiskState:
        """The disk that is there now is the right one, its owner says; a directory that is missing is made.

        Raises:
            StorageError: it cannot be written to.
        """
        try:
            found = self._read_marker()
            if found is not None:
                self._remember(found)
            else:
                # A new id: with the old one, the disk that it replaces could come back unnoticed.
                self._mark(uuid.uuid4().hex)
        except OSError as error:
            raise self._error(error) from error
        return self.check()

    def _judge(
        self, expected: str | None, found: str | None, space: os.statvfs_result, allowed: bool
    ) -> tuple[Kind, str]:
        if expected is not None and found is None:
            return "missing", (
                f"{self._where} is not on the disk that belongs there: its file {MARKER} is missing. Is the disk "
                f"mounted? If what is there now is right: {_ACCEPT}"
            )
        if expected not in {None, found}:
            return "wrong", (
                f"another disk is at {self._where}: its id is {found}, and {expected} belongs there. Mount the right "
                f"one, or say that this is the right one now: {_ACCEPT}"
            )
        if trouble := self._trouble(space, allowed):
            return trouble
        if found is None:
            return "new", f"nothing is kept in {self._where} yet: `pi-sec-cam run` begins"
        return "ready", ""

    def _trouble(self, space: os.statvfs_result, allowed: bool) -> tuple[Kind, str] | None:
        """What keeps the daemon from writing to the disk, whichever it is."""
        inodes = _free_inodes(space)
        if space.f_flag & os.ST_RDONLY:
            return "read-only", str(storage_error(f"cannot write {self._where}", OSError(errno.EROFS, "")))
        if not allowed:
            return "unusable", str(storage_error(f"cannot write {self._where}", OSError(errno.EACCES, "")))
        if space.f_bavail * space.f_frsize < LEAST_FREE_BYTES:
            return "full", f"the disk of {self._where} is full: delete what is not needed, or use a larger one"
        if inodes is not None and inodes < LEAST_FREE_INODES:
            return "full", f"the disk of {self._where} can take no more files (inodes): delete what is not needed"
        return None

    def _absent(self, expected: str | None) -> DiskState:
        if self.directory.is_symlink():
            target = os.readlink(self.directory)
            return DiskState(
                kind="unusable" if expected is None else "missing",
                detail=f"{self._where} leads to {target}, which is not there: is its disk mounted?",
            )
        if expected is None:
            return DiskState(kind="new", detail=f"{self._where} is not there yet: `pi-sec-cam run` makes it")
        return DiskState(
            kind="missing",
            detail=f"{self._where} is not there: is its disk mounted? If it was deleted, to begin anew: {_ACCEPT}",
        )

    def _unusable(self, error: OSError) -> DiskState:
        return DiskState(kind="unusable", detail=str(self._error(error)))

    def _error(self, error: OSError) -> StorageError:
        return storage_error(f"cannot use {self._where}", error)

    def _read_marker(self) -> str | None:
        try:
            with self._marker.open("rb") as file:
                said = file.read(100).decode("ascii", "replace").strip()
        except FileNotFoundError:
            return None
        return said if re.fullmatch("[0-9a-f]{32}", said) else None

    def _mark(self, storage_id: str) -> None:
        """The disk first: an id that is remembered and nowhere to be found would be an alarm."""
        make_directories(self.directory, Path(self.directory.anchor))
        write_atomically(self._marker, f"{storage_id}\n".encode())
        self._remember(storage_id)

    def _remember(self, storage_id: str) -> None:
        self._remembered.remember_storage(storage_id, os.statvfs(self.directory).f_fsid)

    def _held_recordings(self) -> bool:
        """Whether this is the file system that the remembered disk had, and not what lies below a mount point.

        That might hold recordings too, from a time before the disk.
        """
        if not (self.directory / RECORDINGS).is_dir():
            return False
        return os.statvfs(self.directory).f_fsid == self._remembered.file_system

    def _was_deleted(self) -> bool:
        """Whether the directory is gone while its file system is there: somebody has deleted it.

        A disk that is not mounted leaves its mount point, or a place on another file system.
        """
        place = self.directory
        if os.path.lexists(place):
            return False
        while not place.exists():
            place = place.parent
        found = os.statvfs(place).f_fsid
        return found != 0 and found == self._remembered.file_system


def _free_inodes(space: os.statvfs_result) -> int | None:
    """Btrfs, exFAT and others, which have no table of inodes, report 0 of 0."""
    return space.f_favail if space.f_files else None
