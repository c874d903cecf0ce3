"""What an owner has deleted while no daemon ran, of what waited to leave: noted, for the next start to sign."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pi_sec_cam.durable import make_directories, sync_directory, write_atomically
from pi_sec_cam.evidence.record import EVIDENCE_FOLDER

_FILE = "withdrawn.json"


class WithdrawnFiles(NamedTuple):
    """Files of an event, by their names, that a store will not get."""

    event: str
    store: str
    names: Sequence[str]


def note_withdrawn(storage: Path, event: str, names: Mapping[str, Sequence[str]]) -> None:
    """To be called before they are removed; durable on return.

    Args:
        event: its name off-site.
        names: of the files, by store.

    Raises:
        OSError: from the disk.
    """
    path = _path(storage, event.partition("/")[0])
    notes = [*read_withdrawn(storage, event.partition("/")[0])]
    notes += [WithdrawnFiles(event, store, sorted(names[store])) for store in sorted(names) if names[store]]
    if notes:
        make_directories(path.parent, storage)
        write_atomically(path, json.dumps(notes).encode())


def read_withdrawn(storage: Path, camera: str) -> list[WithdrawnFiles]:
    """What is to be signed by this camera; nothing where the notes are damaged.

    Raises:
        OSError: from the disk.
    """
    try:
        return [WithdrawnFiles(*note) for note in json.loads(_path(storage, camera).read_bytes())]
    except (FileNotFoundError, ValueError, TypeError):
        return []


def forget_withdrawn(storage: Path, camera: str) -> None:
    """It is signed, durably.

    Raises:
        OSError: from the disk.
    """
    path = _path(storage, camera)
    path.unlink(missing_ok=True)
    sync_directory(path.parent)


def _path(storage: Path, camera: str) -> Path:
    return storage / EVIDENCE_FOLDER / camera / _FILE
