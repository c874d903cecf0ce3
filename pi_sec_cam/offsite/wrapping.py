"""Makes ordinary films of an event's chunks, opening sealed ones."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import av

from pi_sec_cam.durable import storage_error, sync_directory, sync_file, write_atomically
from pi_sec_cam.errors import KeyUnusable, PiSecCamError, SealedFileDamaged, StorageError, WrongKey
from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo
from pi_sec_cam.media.film import FilmWriter
from pi_sec_cam.offsite.downloaded import ChunkFile, StoredEvent
from pi_sec_cam.offsite.envelope import open_sealed
from pi_sec_cam.offsite.joining import NoVideo, Run, joined_units
from pi_sec_cam.offsite.owner_key import PrivateKey


@dataclass(frozen=True, slots=True)
class Opening:
    """How files are opened.

    Attributes:
        private_key: the owner's; None for files that are not sealed.
        progress: told, often, how many more bytes have been read.
    """

    private_key: PrivateKey | None
    progress: Callable[[int], None] = lambda _: None

    def plain(self, path: Path) -> bytes:
        """What is in a file.

        Raises:
            SealedFileDamaged, WrongKey: naming the file; also for one that is not sealed though there is a key.
            KeyUnusable: it is sealed, and there is no key.
            StorageError: it cannot be read.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise storage_error(f"cannot read {path}", error) from error
        self.progress(len(data))
        if not data:
            raise SealedFileDamaged(f"{path.name} is empty; fetch it anew")
        if self.private_key is None:
            if data[:3].isdigit() and data[3:4] == b" ":
                raise KeyUnusable(f"{path.name} is sealed; give the owner's private key with -k")
            return data
        try:
            return open_sealed(data, self.private_key)
        except SealedFileDamaged as error:
            raise SealedFileDamaged(f"{path.name}: {error}") from error
        except WrongKey as error:
            raise WrongKey(f"{path.name}: {error}") from error


def write_films(
    event: StoredEvent,
    out: Path,
    *,
    opening: Opening,
    rate: float | None,
    force: bool = False,
    taken: datetime | None = None,
    picture: Path | None = None,
) -> tuple[Path, ...]:
    """Write an event's video to `out`, every timestamp kept where records have them; the files that were written.

    Where the stream's parameters change, where its codec does, and behind missing chunks, another film begins: `out`
    with -2, -3, … before its suffix. All of them get their names once all of them are complete.

    Args:
        rate: pictures a second; for chunks of which nothing says when their pictures were taken.
        force: existing files of those names are replaced.
        taken: when the event began; noted in the films.
        picture: where the event's motion picture goes.

    Raises:
        StorageError: a file of that name exists; the disk's.
        SealedFileDamaged, WrongKey, KeyUnusable: from `Opening.plain`.
        NoVideo: there is no video in the chunks; no timestamps and no rate; or timestamps that no film can hold.
    """
    try:
        with ExitStack() as undo:
            films = _Films(out, force, taken, undo)
            for run in event.runs():
                films.end()
                for unit in joined_units(_run_of(run, event, opening, rate)):
                    films.add(unit)
            films.end()
            jpeg = b""
            if picture is not None and event.picture is not None:
                _refuse_existing(picture, force)
                jpeg = opening.plain(event.picture)
            done = films.publish()
            if picture is not None and jpeg:
                write_atomically(picture, jpeg)
    except PiSecCamError:
        raise
    except (av.ArgumentError, av.PatchWelcomeError) as error:
        raise NoVideo(
            "the times that the records give its pictures fit no film: they are not those of these chunks, or somebody "
            "has made them up"
        ) from error
    except av.FFmpegError as error:
        raise StorageError(f"cannot write {out}: {error.strerror}") from error
    except OSError as error:
        raise storage_error(f"cannot write {out}", error) from error
    return done


def _run_of(run: list[ChunkFile], event: StoredEvent, opening: Opening, rate: float | None) -> Run:
    timed = [chunk.number in event.pts_us for chunk in run]
    # The camera was cut off before the records of its last chunks had left: these go on as the others did.
    tail = timed == sorted(timed, reverse=True)
    pts_us = tuple(at for chunk in run for at in event.pts_us.get(chunk.number, ())) if tail else ()
    interval_us = None if all(timed) else 1e6 / rate if rate is not None else _mean_interval_us(pts_us)
    if not all(timed) and interval_us is None:
        raise NoVideo(
            f"nothing says when the pictures of {run[timed.index(False)].path.name} were taken: its record in "
            "evidence0.jsonl, evidence1.jsonl, … is not here; were they fetched? "
            "`pi-sec-cam wrap -f` takes the camera's pictures a second instead"
        )
    return Run(run[0].codec, tuple(partial(opening.plain, chunk.path) for chunk in run), pts_us, interval_us)


def _mean_interval_us(pts_us: Sequence[int]) -> float | None:
    """Between one picture and the next; None for fewer than two."""
    return (max(pts_us) - min(pts_us)) / (len(pts_us) - 1) if len(pts_us) > 1 else None


class _Films:
    """The films of one event, written beside their places."""

    def __init__(self, out: Path, force: bool, taken: datetime | None, undo: ExitStack) -> None:
        self._out = out
        self._force = force
        self._taken = taken
        self._undo = undo
        self._files: list[tuple[Path, Path]] = []
        self._writer: FilmWriter | None = None
        self._info: StreamInfo | None = None

    def add(self, unit: AccessUnit) -> None:
        """Append a unit to the film, or begin another with it."""
        if self._writer is None or unit.info is not self._info:
            self.end()
            self._writer = FilmWriter(self._next_file(), unit.info, None if self._files[1:] else self._taken)
            self._undo.callback(self._writer.close)
            self._info = unit.info
        self._writer.add(unit)

    def end(self) -> None:
        """What comes next belongs to another film."""
        if self._writer is not None:
            self._writer.close()
            sync_file(self._files[-1][0])
            self._writer = None

    def publish(self) -> tuple[Path, ...]:
        """Give all films their names."""
        for _, path in self._files:
            _refuse_existing(path, self._force)
        for beside, path in self._files:
            beside.replace(path)
        sync_directory(self._out.absolute().parent)
        return tuple(path for _, path in self._files)

    def _next_file(self) -> Path:
        number = len(self._files) + 1
        path = self._out if number == 1 else self._out.with_name(f"{self._out.stem}-{number}{self._out.suffix}")
        _refuse_existing(path, self._force)
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._undo.callback(beside.unlink, missing_ok=True)
        self._files.append((beside, path))
        return beside


def _refuse_existing(path: Path, force: bool) -> None:
    if path.is_dir() or (path.exists() and not force):
        raise StorageError(f"{path} exists; take it away, or choose another place")
