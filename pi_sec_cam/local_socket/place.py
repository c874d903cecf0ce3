"""Where the socket of a storage directory's daemon is."""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

LOCK_NAME = "daemon.lock"
MAX_REQUEST = 131_072  # a note of 10,000 characters takes up to 12 bytes for each, as JSON
_MAX_ADDRESS = 107  # unix(7): sun_path has 108 bytes, the last one is zero
_SERVICE_DIRECTORY = Path("/run/pi-sec-cam")


def place_for(storage: Path) -> Path:
    """The first place where the socket can be; where there is none, the last, which `fault_of` then explains."""
    places = [directory / _name(storage) for directory in _directories()]
    fit = (place for place in places if len(os.fsencode(place)) <= _MAX_ADDRESS and not fault_of(place.parent))
    return next(fit, places[-1])


def places_to_ask(storage: Path) -> list[Path]:
    """Where the socket may be without anybody having said so, and where an answer is the daemon's."""
    return [directory / _name(storage) for directory in _directories() if _ours_to_ask(directory)]


def fault_of(directory: Path) -> str | None:
    """Why a directory, made if it does not exist, cannot have our socket. In /tmp somebody else may have been first."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
    except OSError as error:
        return f"cannot make {directory} for the socket: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        return f"{directory} is not a directory that belongs to this user alone: remove it"
    if not os.access(directory, os.W_OK | os.X_OK):
        return f"{directory}, for the socket, cannot be written to"
    return None


def _name(storage: Path) -> str:
    """The same for each spelling of the path that `status` and `run` make of a configuration; nothing need exist."""
    return f"{hashlib.sha256(os.path.abspath(storage).encode(errors='surrogateescape')).hexdigest()[:16]}.sock"


def _directories() -> Iterator[Path]:
    """Where a socket may be, the best first: a storage directory on exFAT or a NAS has no sockets."""
    if given := os.environ.get("RUNTIME_DIRECTORY"):  # systemd's
        yield Path(given.split(":")[0])
    yield _SERVICE_DIRECTORY
    if session := os.environ.get("XDG_RUNTIME_DIR"):
        # `su` and `sudo -E` leave another user's there.
        with contextlib.suppress(OSError):
            if os.stat(session).st_uid == os.getuid():
                yield Path(session) / "pi-sec-cam"
    yield Path(f"/tmp/pi-sec-cam-{os.getuid()}")  # noqa: S108 - its owner and mode are checked


def _ours_to_ask(directory: Path) -> bool:
    """Whether an answer from there is the daemon's: only root makes directories in /run, but anybody does in /tmp."""
    with contextlib.suppress(OSError):
        return directory == _SERVICE_DIRECTORY or directory.lstat().st_uid == os.getuid()
    return False
