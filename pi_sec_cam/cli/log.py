"""What goes to stderr: the log, for a terminal with the time, for journald with priorities; never with a password."""

import logging
import os
import re
import sys

from pi_sec_cam.camera.address import without_password

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# sd-daemon(3): the journal takes a line's priority from this prefix.
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


def log_to_stderr(*, verbose: bool) -> None:
    """Send the log of the whole process to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Journal() if _stderr_is_journal() else _Terminal())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("pi_sec_cam").setLevel(logging.DEBUG if verbose else logging.INFO)


class _Terminal(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-8s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


class _Journal(logging.Formatter):
    """The journal has the time itself; each line of a record needs its own priority."""

    def format(self, record: logging.LogRecord) -> str:
        priority = _PRIORITIES.get(record.levelno, 5)
        text = without_secrets(super().format(record))
        return "\n".join(f"<{priority}>{line}" for line in text.splitlines())


def without_secrets(text: str) -> str:
    """The text with the secrets of all addresses in it hidden: libraries put whole addresses into their errors.

    An address goes on to the next white space, which none may contain.
    """
    return _ADDRESS.sub(lambda found: _without_secrets(found[0]), text)


def _without_secrets(word: str) -> str:
    """Several addresses may stand in a word; from the last to the first, what is hidden hides nothing else's end."""
    for scheme in reversed(list(_SCHEME.finditer(word))):
        word = word[: scheme.start()] + without_password(word[scheme.start() :])
    return word


def _stderr_is_journal() -> bool:
    """systemd.exec(5): JOURNAL_STREAM names device and inode of the stream that is connected to the journal."""
    try:
        found = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):  # closed, no file, not there at all
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
