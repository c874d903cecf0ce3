"""The log on stderr: for a terminal with the time, for journald with priorities; never with a password in it."""

import logging
import os
import re
import sys

_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@\s]+@")
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
    """The text with the passwords of all addresses in it hidden: libraries put whole addresses into their errors."""
    return _PASSWORD.sub(r"\1:***@", text)


def _stderr_is_journal() -> bool:
    """systemd.exec(5): JOURNAL_STREAM names device and inode of the stream that is connected to the journal."""
    try:
        found = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
