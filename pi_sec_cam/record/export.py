"""Turns an event's video into ordinary MP4 files, without coding it anew."""

import itertools
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from pi_sec_cam.durable import storage_error, sync_directory, sync_file
from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.clip_file import open_sound, packets, soundness


@dataclass(frozen=True, slots=True)
class Film:
    """A file that was written, and the parts that it joins."""

    path: Path
    parts: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Exported:
    """The films, in order, and the parts that could not be read."""

    films: tuple[Film, ...]
    unreadable: tuple[Path, ...]


def export_video(
    files: Sequence[Path],
    out: Path,
    *,
    force: bool = False,
    taken: datetime | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Exported:
    """Write the parts `files` to `out`: not in fragments, with the index in front, every timestamp kept.

    Parts that follow one another and have size, codec and parameter sets in common become one film, each beginning
    where the one before it ends. Others go to `out` with -2, -3, … before its suffix. Of a part that still grows,
    what is whole now is taken. Nothing stands under the names asked for before all of it is complete.

    Args:
        force: existing files of those names are replaced.
        taken: when the event began; noted in the films.
        progress: told, often, how many more bytes have been read.

    Raises:
        StorageError: none of `files` holds video; a file of that name exists; the disk's. With the way out.
    """
    groups, unreadable = _groups(files)
    if not groups:
        raise StorageError("nothing to export: no picture has been recorded, or none can be read")
    films = [
        Film(out if number == 1 else out.with_name(f"{out.stem}-{number}{out.suffix}"), tuple(group))
        for number, group in enumerate(groups, 1)
    ]
    for film in films:
        _check_target(film.path, force)
    with ExitStack() as undo:
        try:
            beside = []
            for film in films:
                path = film.path.with_name(f".{film.path.name}.{os.getpid()}.part")
                undo.callback(path.unlink, missing_ok=True)
                _write(film.parts, path, taken, progress)
                beside.append(path)
            for film, path in zip(films, beside, strict=True):
                path.replace(film.path)
            sync_directory(out.absolute().parent)
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(f"cannot write {out}", error) from error
        except av.FFmpegError as error:
            raise StorageError(f"cannot write {out}: {error.strerror}") from error
    return Exported(tuple(films), tuple(unreadable))


def _groups(files: Sequence[Path]) -> tuple[list[list[Path]], list[Path]]:
    """Parts that can be joined, together; and those that hold something that cannot be read."""
    readable: list[tuple[object, Path]] = []
    unreadable = []
    for file in files:
        try:
            if soundness(file).empty:
                continue
            with open_sound(file) as source:
                stream = source.streams.video[0]
                coding = stream.codec_context
                alike = (coding.name, coding.width, coding.height, coding.extradata, stream.time_base)
        except OSError:
            unreadable.append(file)
        else:
            readable.append((alike, file))
    return [[file for _, file in group] for _, group in itertools.groupby(readable, lambda pair: pair[0])], unreadable


def _check_target(path: Path, force: bool) -> None:
    if not path.absolute().parent.is_dir():
        raise StorageError(f"cannot write {path}: there is no directory {path.absolute().parent}; create it first")
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise StorageError(f"cannot write {path}: it is not a file; give the name of a file to write")
    if path.exists() and not force:
        raise StorageError(f"{path} exists; give another name, or --force to replace it")


def _write(parts: Sequence[Path], path: Path, taken: datetime | None, progress: Callable[[int], None]) -> None:
    with ExitStack() as opened:
        # movflags: without faststart a player has to fetch the whole film before it can begin.
        film = opened.enter_context(av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}))
        if taken is not None:
            film.metadata["creation_time"] = taken.astimezone(UTC).isoformat(timespec="seconds")
        joint = _Joint(film)
        for part in parts:
            joint.append(part, progress)
    sync_file(path)


class _Joint:
    """Parts put end to end in one film. Times are ticks of the stream, the same in all parts."""

    def __init__(self, film: OutputContainer) -> None:
        self._film = film
        self._stream: VideoStream | None = None
        self._end = 0
        self._last_dts: int | None = None

    def append(self, part: Path, progress: Callable[[int], None]) -> None:
        """Add a part's pictures; the first part's keep their timestamps, the others' the distances between them."""
        with open_sound(part) as source:
            template = source.streams.video[0]
            if self._stream is None:
                self._stream = self._film.add_stream_from_template(template)
                self._stream.time_base = template.time_base
                # Of H.265 the muxer would make "hev1", which Apple's players refuse.
                self._stream.codec_context.codec_tag = template.codec_context.codec_tag
            shift: int | None = None if self._last_dts is not None else 0
            for packet in packets(source):
                if packet.stream is not template or packet.pts is None or packet.dts is None:
                    continue
                if shift is None:
                    # The film goes on where it ended; later, if decoding order asks for it.
                    shift = max(self._end - packet.pts, (self._last_dts or 0) + 1 - packet.dts)
                packet.pts += shift
                packet.dts += shift
                self._end = max(self._end, packet.pts + (packet.duration or 0))
                self._last_dts = packet.dts
                progress(packet.size)
                packet.stream = self._stream
                self._film.mux_one(packet)
