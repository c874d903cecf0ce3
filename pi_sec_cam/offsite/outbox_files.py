"""The directories of the outbox: each step of docs/outbox.md that changes them, and what is found in them."""

import errno
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pi_sec_cam.durable import make_directories, sync_directory, write_atomically, write_new
from pi_sec_cam.offsite.second_name import COPYING, NameCollision, give_second_name
from pi_sec_cam.offsite.waiting import Found, WaitingEvent

_WRITING, _JOURNALS, _REFUSED, _POINTER = ".writing", ".journals", ".refused", ".event"

# What others put into these directories is left alone.
_OURS = re.compile(r"[a-z]+[0-9]+\.[a-z0-9]+")
_COPY = re.compile(rf"\.{_OURS.pattern}{re.escape(COPYING)}")


class OutboxFiles:
    """One thread, the writer's. All methods may raise OSError, and may then be called again as they were.

    Args:
        directory: of the outbox; its parent, the storage directory, must stand.
        stores: their keys.
    """

    def __init__(self, directory: Path, stores: Sequence[str]) -> None:
        self._directory = directory
        self._stores = stores

    def write(self, event: WaitingEvent, name: str, data: bytes) -> Path:
        """Step 1 but for the name, which `sync_writing` makes durable: the file in .writing."""
        # The file of a former try may have links already; what is written now has to be another one.
        path = self._in_writing(event, name)
        write_new(path, data)
        return path

    def adopt(self, event: WaitingEvent, stored: Path) -> Path:
        """As `write`, of a file that is durable elsewhere in the storage."""
        path = self._in_writing(event, stored.name)
        give_second_name(stored, path)
        return path

    def drop_half_written(self, event: WaitingEvent, name: str) -> None:
        """What a try that failed has left of a file in .writing never leaves; durable on return."""
        path = self._directory / _WRITING / event.name / name
        with suppress(FileNotFoundError):
            path.unlink()
            sync_directory(path.parent)

    def sync_writing(self, event: WaitingEvent) -> None:
        """The names of what was written are durable."""
        sync_directory(self._directory / _WRITING / event.name)

    def link(self, event: WaitingEvent, store: str, place: str, sources: Sequence[Path]) -> list[Path]:
        """Step 3: what is in .writing waits for the store. Returns those whose names other files have there.

        Without sources, the store's directory of the event is made, which says that the event is not settled.
        """
        if not sources and (self._directory / store / place).is_dir():
            return []
        directory = self._directory_of(event, self._directory / store, place)
        collided = []
        for source in sources:
            try:
                give_second_name(source, directory / source.name)
            except NameCollision:
                collided.append(source)
        sync_directory(directory)
        return collided

    def written(self, paths: Sequence[Path]) -> None:
        """Step 4: nothing is left in .writing."""
        for path in paths:
            path.unlink(missing_ok=True)

    def done_writing(self, event: WaitingEvent) -> None:
        """Nothing more of the event comes into .writing."""
        self._remove(self._directory / _WRITING, event.name)

    def sent(self, store: str, place: str, name: str) -> None:
        """The store has it. Not synced: that a name comes back is harmless."""
        with self._missing_is_gone():
            (self._directory / store / place / name).unlink()

    def set_aside(self, store: str, place: str, name: str) -> None:
        """The store will never take it."""
        old = self._directory / store / place / name
        new = self._directory / store / _REFUSED / place / name
        make_directories(new.parent, self._directory.parent)
        with suppress(FileNotFoundError):
            os.replace(old, new)
        sync_directory(new.parent)
        with suppress(FileNotFoundError):
            sync_directory(old.parent)

    def rename(self, event: WaitingEvent, store: str, old: str, new: str) -> None:
        """What waits of the event goes to another folder in this store."""
        root = self._directory / store
        if (root / old).is_dir():
            self._point(root / old, event, new)
            # What was sent to the old folder and came back after a power cut would be sent to the new one, too.
            sync_directory(root / old)
            make_directories((root / new).parent, self._directory.parent)
            os.rename(root / old, root / new)
            sync_directory((root / old).parent)
            sync_directory((root / new).parent)

    def settled(self, store: str, place: str) -> None:
        """Nothing is to be done for the event in this store any more."""
        self._remove(self._directory / store, place)

    def withdraw(self, event: WaitingEvent) -> None:
        """All that waits of the event goes; durable on return."""
        self.clear(_WRITING, event.name)
        self.clear(_JOURNALS, event.name)
        for store in self._stores:
            self.clear(store, event.place(store))

    def clear(self, store: str, place: str) -> None:
        """All that waits of an event for one store goes; durable on return."""
        root = self._directory / store
        with self._missing_is_gone():
            for name in os.listdir(root / place):
                (root / place / name).unlink()
            sync_directory(root / place)
        self._remove(root, place)

    def journal_folder(self, event: str) -> Path:
        """Where the journal of an event is that has no folder; need not stand."""
        return self._directory / _JOURNALS / event

    def make_journal_folder(self, event: str) -> Path:
        """The same, standing."""
        folder = self.journal_folder(event)
        make_directories(folder, self._directory.parent)
        return folder

    def remove_journal_folder(self, event: str) -> None:
        """The event has a folder now, or needs none any more."""
        self.written(_files(self.journal_folder(event)))
        self._remove(self._directory / _JOURNALS, event)

    def half_written(self) -> Iterator[tuple[WaitingEvent, list[Path]]]:
        """What a crash has left in .writing, by event."""
        for place, paths in list(_leaves(self._directory / _WRITING)):
            name, folder = _pointed(self._directory / _WRITING / place, place)
            yield WaitingEvent(name, folder=folder), [path for path in paths if _OURS.fullmatch(path.name)]

    def waiting(self, on_progress: Callable[[], None]) -> list[Found]:
        """All that waits, the oldest event first; the disk need not be writable."""
        found = []
        for store in self._stores:
            for place, paths in _leaves(self._directory / store):
                name, folder = _pointed(self._directory / store / place, place)
                files = []
                for path in paths:
                    if _OURS.fullmatch(path.name):
                        status = path.stat()
                        files.append((path.name, status.st_size, status.st_mtime))
                    elif _COPY.fullmatch(path.name):
                        with suppress(OSError):  # of a disk that can only be read; it goes with the event, then
                            path.unlink()
                found.append(Found(store, place, name, folder, tuple(files)))
                on_progress()
        return sorted(found, key=lambda each: (min((at for _, _, at in each.files), default=0.0), each.place))

    def refused(self, store: str) -> int:
        """How many files this store will never take."""
        return sum(len(paths) for _, paths in _leaves(self._directory / store / _REFUSED))

    @contextmanager
    def _missing_is_gone(self) -> Iterator[None]:
        """What is not there need not be removed; but the disk may just have gone, and come back with it."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            if not self._directory.is_dir():
                raise

    def _in_writing(self, event: WaitingEvent, name: str) -> Path:
        path = self._directory_of(event, self._directory / _WRITING, event.name) / name
        path.unlink(missing_ok=True)
        return path

    def _directory_of(self, event: WaitingEvent, root: Path, place: str) -> Path:
        directory = root / place
        make_directories(directory, self._directory.parent)
        self._point(directory, event, place)
        return directory

    def _point(self, directory: Path, event: WaitingEvent, place: str) -> None:
        """Say in a directory of the outbox whose it is, where its name does not."""
        if event.folder in {None, event.name} and place == event.name:
            return
        says = json.dumps({"event": event.name, "folder": event.folder}).encode()
        pointer = directory / _POINTER
        if not pointer.exists() or pointer.read_bytes() != says:
            write_atomically(pointer, says)

    def _remove(self, root: Path, place: str) -> None:
        """Remove an event's directory, if it is empty, and those above it that then are."""
        directory = root / place
        left = _files(directory)
        if any(path.name != _POINTER and not _COPY.fullmatch(path.name) for path in left):
            return
        self.written(left)
        while directory != root:
            try:
                directory.rmdir()
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                    raise
                return
            directory = directory.parent


def _files(directory: Path) -> list[Path]:
    try:
        return [directory / name for name in os.listdir(directory)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _leaves(root: Path) -> Iterator[tuple[str, list[Path]]]:
    """The directories that have files or nothing in them, relative to `root`, and these files."""
    for directory, below, names in os.walk(root, onerror=_raise):
        below[:] = sorted(name for name in below if not name.startswith("."))
        path = Path(directory)
        if path != root and (names or not below):
            yield path.relative_to(root).as_posix(), [path / name for name in sorted(names)]


def _raise(error: OSError) -> None:
    """`os.walk` would pass by what it cannot read, and files would count as gone."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _pointed(directory: Path, place: str) -> tuple[str, str | None]:
    """Whose directory of the outbox it is: the event's name, and its folder if that has another."""
    try:
        says = json.loads((directory / _POINTER).read_bytes())
        return str(says["event"]), None if says["folder"] is None else str(says["folder"])
    except FileNotFoundError:
        return place, None
    except (ValueError, KeyError, TypeError):
        return place, None
