"""One video file of an event while it is being written."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from pi_sec_cam.errors import StorageError
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.mp4 import Mp4Writer
from pi_sec_cam.record.durable import sync_directory
from pi_sec_cam.record.event_record import Part


class PartWriter:
    """Writes units that share one StreamInfo to a new file; each fragment is one write, and on the disk after it.

    Raises:
        OSError: from the constructor, `add` and `close`: the disk's. The file then ends with its last whole
            fragment.

    Attributes:
        given: pictures that were added.
        kept: those of them that are on the disk.
    """

    def __init__(self, path: Path, first: AccessUnit) -> None:
        self.info = first.info
        self._path = path
        self._first_pts_us = first.pts_us
        self._last_end_us = first.pts_us
        self._last_dts_us: int | None = None
        self._interval_us = round(1e6 / (first.info.frame_rate or 25))
        self._kept_end_us = first.pts_us
        self._whole = True  # nothing that was added has failed
        self.given = 0
        self.kept = 0
        self._bytes = 0
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._writer: Mp4Writer | None = None
        try:
            sync_directory(path.parent)
            with _as_storage_error(path):
                self._writer = Mp4Writer(self._write, first.info)
        except BaseException:
            os.close(self._file)
            path.unlink(missing_ok=True)
            raise

    def add(self, unit: AccessUnit) -> None:
        """Append a unit; the first must be a keyframe."""
        assert self._writer is not None
        self.given += 1
        self._whole = False
        # What this writes is the fragment before the unit.
        with _as_storage_error(self._path):
            self._writer.add(unit)
        self._whole = True
        if self._last_dts_us is not None:
            self._interval_us = unit.dts_us - self._last_dts_us
        self._last_dts_us = unit.dts_us
        self._last_end_us = max(self._last_end_us, unit.pts_us + self._interval_us)

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
            duration_s=(self._kept_end_us - self._first_pts_us) / 1e6,
            bytes=self._bytes,
        )

    def close(self) -> None:
        """Write what is held back and close the file. May be called again."""
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        try:
            with _as_storage_error(self._path):
                writer.close()
            if self._whole:
                self.kept, self._kept_end_us = self.given, self._last_end_us
        finally:
            os.close(self._file)

    def remove(self) -> None:
        """Take the closed file away: it holds nothing."""
        self._path.unlink(missing_ok=True)

    def _write(self, fragment: bytes) -> None:
        left = memoryview(fragment)
        try:
            while left:
                left = left[os.write(self._file, left) :]
            os.fdatasync(self._file)
        except OSError:
            os.ftruncate(self._file, self._bytes)
            raise
        self._bytes += len(fragment)
        if self._writer is not None:  # not the last fragment, which `close` writes
            self.kept, self._kept_end_us = self.given - 1, self._last_end_us


@contextmanager
def _as_storage_error(path: Path) -> Iterator[None]:
    """A stream that the MP4 muxer refuses concerns this file alone, like trouble of the disk."""
    try:
        yield
    except (av.FFmpegError, ValueError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT}:
            raise
        raise StorageError(f"cannot write this stream to {path}: {error}") from error
