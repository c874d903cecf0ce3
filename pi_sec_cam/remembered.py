"""What this machine remembers of a storage directory, outside of it: its disk's id, its stores, who is stopped.

One JSON file a storage directory, in the state directory: $STATE_DIRECTORY (systemd's), else /var/lib/pi-sec-cam where
this user may write there (so that commands find what the service wrote), else $XDG_STATE_HOME/pi-sec-cam, else
~/.local/state/pi-sec-cam.
"""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pi_sec_cam.durable import sync_directory
from pi_sec_cam.ownership import give_to_owner

log = logging.getLogger(__name__)

_SERVICE_DIRECTORY = Path("/var/lib/pi-sec-cam")
_STORAGE_ID, _FILE_SYSTEM, _STOPPED = "storage_id", "file_system", "stopped"
_STORE_IDS, _LOGINS, _CAMERA_KEY = "store_ids", "logins", "camera_key"
_KINDS = {_STORAGE_ID: str, _FILE_SYSTEM: int, _STOPPED: list, _STORE_IDS: dict, _LOGINS: list, _CAMERA_KEY: str}


class Remembered:
    """The memory of one storage directory. Any thread may use it; other processes may write the file meanwhile.

    Reading asks the file each time. Where it cannot be read or written, what was set holds until the process ends.

    Args:
        storage: the storage directory; it need not be there.

    Attributes:
        path: the file.
        trouble: in words why nothing can be remembered beyond this process; None if it can.
    """

    def __init__(self, storage: Path) -> None:
        self._storage = os.path.abspath(storage)
        name = hashlib.sha256(self._storage.encode(errors="surrogateescape")).hexdigest()[:16]
        self.path = _state_directory() / f"{name}.json"
        self.trouble: str | None = None
        # Protects the file between reading and writing it, and `_unsaved`, what could not be written, against other
        # threads. It is held during I/O: without that two changes could not both last, and they are rare and small.
        self._access = threading.RLock()
        self._unsaved: dict[str, Any] = {}

    @property
    def storage_id(self) -> str | None:
        """The id of the disk that belongs to the storage directory; None if there was none yet."""
        found = self._read().get(_STORAGE_ID)
        return found if isinstance(found, str) else None

    @property
    def file_system(self) -> int | None:
        """The id of the file system that this disk had when it was seen last (`f_fsid` of statvfs(3))."""
        found = self._read().get(_FILE_SYSTEM)
        return found if isinstance(found, int) else None

    def remember_storage(self, storage_id: str, file_system: int) -> None:
        """From now on this disk belongs to the storage directory. Writes only what is new."""
        self._write({_STORAGE_ID: storage_id, _FILE_SYSTEM: file_system})

    @property
    def stopped(self) -> frozenset[str]:
        """The names of the cameras that the user has stopped."""
        return frozenset(self._read().get(_STOPPED) or ())

    @stopped.setter
    def stopped(self, cameras: Iterable[str]) -> None:
        self._write({_STOPPED: sorted(cameras)})

    def store_id(self, store: str) -> str | None:
        """The id that the store of this key had when it was seen last; None if it never was."""
        found = self._read().get(_STORE_IDS, {}).get(store)
        return found if isinstance(found, str) else None

    def remember_store(self, store: str, store_id: str) -> None:
        """From now on this id belongs to the store of this key."""
        with self._access:
            self._write({_STORE_IDS: {**self._read().get(_STORE_IDS, {}), store: store_id}})

    @property
    def logins(self) -> frozenset[str]:
        """The kinds of stores for which there was a login on the storage's disk when it was seen last."""
        return frozenset(self._read().get(_LOGINS) or ())

    @logins.setter
    def logins(self, kinds: Iterable[str]) -> None:
        self._write({_LOGINS: sorted(kinds)})

    @property
    def camera_key(self) -> str | None:
        """The fingerprint of the key by which this camera signs; None if it never has."""
        found = self._read().get(_CAMERA_KEY)
        return found if isinstance(found, str) else None

    @camera_key.setter
    def camera_key(self, fingerprint: str) -> None:
        self._write({_CAMERA_KEY: fingerprint})

    def _read(self) -> dict[str, Any]:
        with self._access:
            values: dict[str, Any] = {}
            try:
                values = _understood(self.path.read_bytes())
            except FileNotFoundError:
                pass
            except (ValueError, RecursionError) as error:
                self._set_aside(error)
            except OSError as error:
                self._complain(f"cannot read {self.path}: {error.strerror}")
            return values | self._unsaved

    def _write(self, changes: dict[str, Any]) -> None:
        with self._access:
            values = self._read()
            if all(values.get(key) == value for key, value in changes.items()):
                return
            values = {"storage": self._storage, **values, **changes}
            try:
                _write_durably(self.path, (json.dumps(values, indent=2) + "\n").encode())
            except OSError as error:
                self._unsaved |= changes
                self._complain(f"cannot write {self.path}: {error.strerror}")
            else:
                self._unsaved, self.trouble = {}, None

    def _set_aside(self, error: Exception) -> None:
        damaged = self.path.with_suffix(".json.damaged")
        with contextlib.suppress(OSError):
            self.path.replace(damaged)
        log.warning("%s is damaged (%s): it is now %s, and what it said is forgotten", self.path, error, damaged)

    def _complain(self, trouble: str) -> None:
        if self.trouble is None:
            log.warning("%s: which disks belong here and which cameras are stopped is forgotten at the end", trouble)
        self.trouble = trouble


def _state_directory() -> Path:
    if given := os.environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    if os.access(_SERVICE_DIRECTORY, os.W_OK | os.X_OK):
        return _SERVICE_DIRECTORY
    # A relative one is to be passed by (XDG Base Directory Specification); some users have no home.
    homes = (os.environ.get("XDG_STATE_HOME", ""), os.path.expanduser("~/.local/state"))
    return next((Path(home) / "pi-sec-cam" for home in homes if os.path.isabs(home)), _SERVICE_DIRECTORY)


def _understood(data: bytes) -> dict[str, Any]:
    """The values of the file, those that are not known too.

    Raises:
        ValueError: it is not one of ours, or damaged.
    """
    values = json.loads(data)
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - what is read is wrong, not what was passed
    for key, kind in _KINDS.items():
        if key in values and not isinstance(values[key], kind):
            raise ValueError(f"{key} has no {kind.__name__}")
        if kind is list and not all(isinstance(name, str) for name in values.get(key, ())):
            raise ValueError(f"{key} has no texts")
    return values


def _write_durably(path: Path, data: bytes) -> None:
    """Replace a file, for its owner's eyes alone; it is on the disk on return."""
    _make_directory(path.parent)
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(descriptor, "wb") as file:
            give_to_owner(descriptor, path.parent)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.replace(beside, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    sync_directory(path.parent)


def _make_directory(path: Path) -> None:
    if not path.is_dir():
        _make_directory(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        sync_directory(path.parent)
