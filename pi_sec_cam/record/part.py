"""One video file of an event while it is being written, through whatever happens to the disk meanwhile."""

import errno
import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pi_sec_cam.durable import storage_error, sync_directory, write_at
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.mp4 import Mp4Writer
from pi_sec_cam.ownership import give_to_owner
from pi_sec_cam.record.event_record import Part


class PartLost(Exception):
    """The file on the disk cannot be gone on with: it was removed or has become shorter, or may not grow."""


class _Fragment(NamedTuple):
    """What one write adds; `pictures` and `end_pts_us` are those of the file up to its end."""

    data: bytes
    pictures: int
    end_pts_us: int


class _Mark(NamedTuple):
    """A place in the file up to which it is whole, and what it then holds."""

    bytes: int
    pictures: int
    end_pts_us: int


class PartWriter:
    """Writes units that share one StreamInfo to a new file; each fragment is one write, and on the disk after it.

    `add` only touches memory; `flush` takes the fragments to the disk, and may be tried again for as long as the disk
    does not take them: the file becomes the same, byte for byte. After any error the file is opened anew by its name,
    and the fragment's bytes are written again at their place:

    - the old descriptor may belong to a file system that is not there any more, and would keep it from being mounted;
    - after a failed fsync, Linux takes the pages that it could not write for clean: another fsync on the same bytes
      succeeds without having written them (fsync(2), Errors; ext4, XFS and btrfs alike).

    Attributes:
        info: of its units.
        given: pictures that were added.
        kept: those of them that are on the disk.
        kept_bytes: the file's size on the disk.
    """

    def __init__(self, path: Path, first: AccessUnit) -> None:
        """Nothing is written yet."""
        self.info = first.info
        self._path = path
        self._first_pts_us = first.pts_us
        self.given = 0
        self._waiting: deque[_Fragment] = deque()
        self._marks = [_Mark(0, 0, first.pts_us)]  # one a fragment
        self._file: int | None = None
        self._named = False  # the file's name is on the disk
        self._muxer = Mp4Writer(self._take, first.info)

    @property
    def kept(self) -> int:
        return self._marks[-1].pictures

    @property
    def kept_bytes(self) -> int:
        return self._marks[-1].bytes

    @property
    def held(self) -> int:
        """Pictures of the fragment that is not complete yet; `cut` completes it."""
        return self._muxer.held

    @property
    def waiting_bytes(self) -> int:
        """Of fragments that the disk has not taken yet."""
        return sum(len(fragment.data) for fragment in self._waiting)

    @property
    def part(self) -> Part:
        """What the file holds."""
        return Part(
            file=self._path.name,
            codec=self.info.codec,
            width=self.info.width,
            height=self.info.height,
            pictures=self.kept,
            first_pts_us=self._first_pts_us,
            duration_s=(self._marks[-1].end_pts_us - self._first_pts_us) / 1e6,
            bytes=self.kept_bytes,
        )

    def add(self, unit: AccessUnit) -> None:
        """Append a unit, in memory; the first must be a keyframe.

        Raises:
            StreamRefused: MP4 cannot hold it; the part is to be closed.
        """
        self.given += 1
        self._muxer.add(unit)

    def cut(self) -> None:
        """Complete the fragment with the unit that was added last, in memory."""
        self._muxer.cut()

    def flush(self) -> None:
        """Write the fragments that are complete; to be called again after a StorageError.

        Raises:
            StorageError: the disk's; the file ends with its last whole fragment, or will when it is opened again.
            PartLost: the part is to be abandoned; `part` says what is left of it.
        """
        while self._waiting:
            self._write(self._waiting[0])
            self._waiting.popleft()

    def close(self) -> None:
        """Write what is held back and close the file; to be called again after a StorageError.

        Raises:
            StorageError, PartLost: as `flush`.
        """
        self._muxer.close()
        self.flush()
        self.abandon()

    def abandon(self) -> None:
        """Let go of the file, as it is. May be called again."""
        self._waiting.clear()
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(OSError):  # all that counts was synced
                os.close(file)

    def _take(self, data: bytes) -> None:
        """The muxer's next bytes: a fragment, or the index at the end."""
        self._waiting.append(_Fragment(data, self._muxer.pictures, self._muxer.end_pts_us))

    def _write(self, fragment: _Fragment) -> None:
        try:
            file = self._file = self._open() if self._file is None else self._file
            write_at(file, fragment.data, self.kept_bytes)
            os.fdatasync(file)
        except OSError as error:
            self._cut_back()
            if error.errno == errno.EFBIG:
                raise PartLost(f"{self._path} cannot become larger") from error
            raise storage_error(f"cannot write {self._path}", error) from error
        self._marks.append(_Mark(self.kept_bytes + len(fragment.data), fragment.pictures, fragment.end_pts_us))

    def _open(self) -> int:
        """The file, with what had been written of it and nothing more."""
        flags = os.O_WRONLY | os.O_CLOEXEC
        try:
            file = os.open(self._path, flags if self._named else flags | os.O_CREAT, 0o644)
        except FileNotFoundError:
            # Without its folder, all of the disk may be missing, and come back.
            if self._named and self._path.parent.is_dir():
                self._marks = self._marks[:1]
                raise PartLost(f"{self._path} is not there any more") from None
            raise
        try:
            if not self._named:
                give_to_owner(file, self._path.parent)
            self._take_up(file)
        except BaseException:
            os.close(file)
            if not self._named:  # made anew the next time, so that its name is written again as well
                with suppress(OSError):
                    self._path.unlink(missing_ok=True)
            raise
        return file

    def _take_up(self, file: int) -> None:
        """See that the file is what it was, and that its name is on the disk."""
        size = os.fstat(file).st_size
        whole = [mark for mark in self._marks if mark.bytes <= size]
        if size > whole[-1].bytes:
            os.ftruncate(file, whole[-1].bytes)
            os.fdatasync(file)
        if len(whole) < len(self._marks):
            self._marks = whole
            raise PartLost(f"{self._path} has become shorter")
        if not self._named:
            sync_directory(self._path.parent)
            self._named = True

    def _cut_back(self) -> None:
        """After an error: leave no torn fragment behind, if the disk lets us; else that is done on opening anew."""
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(OSError):
                os.ftruncate(file, self.kept_bytes)
            with suppress(OSError):
                os.close(file)
