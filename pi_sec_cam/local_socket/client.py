"""Asks the daemon of a storage directory."""

import contextlib
import json
import logging
import os
import socket
from pathlib import Path

from pi_sec_cam.errors import DaemonRefused, DaemonUnreachable
from pi_sec_cam.local_socket.place import LOCK_NAME, places_to_ask

log = logging.getLogger(__name__)


def ask(storage: Path, command: str, arguments: dict[str, object] | None = None, *, seconds: float = 6.0) -> object:
    """What the daemon of a storage directory answers; the directory itself need not be there any more.

    Args:
        seconds: that it may take: some commands have much to do on a slow card.

    Raises:
        DaemonUnreachable: none runs there, or it does not answer in that time.
        DaemonRefused: what it says against it.
    """
    lock = storage / LOCK_NAME
    places, unreadable = [], False
    try:
        places.append(Path(json.loads(lock.read_bytes())["socket"]))
    except PermissionError:
        unreadable = True
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no daemon was here yet, or the disk is gone, or was full
    for place in [*places, *places_to_ask(storage)]:
        try:
            return _ask_at(place, {"command": command, "arguments": arguments or {}}, seconds)
        except PermissionError as error:
            raise DaemonUnreachable(
                f"not allowed to talk to the daemon at {place}: run this as the user that it runs as"
            ) from error
        except (DaemonUnreachable, DaemonRefused):
            raise
        except (OSError, ValueError) as error:
            log.debug("no daemon at %s: %s", place, error)
    if unreadable:
        raise DaemonUnreachable(f"cannot read {lock}: run this as the user that the daemon runs as")
    if not os.path.isdir(storage):
        raise DaemonUnreachable(
            f"{storage} is not there, and no daemon of this user answers for it: if it is on a disk of its own, is "
            "that mounted? Start the daemon with `pi-sec-cam run`"
        )
    raise DaemonUnreachable(f"no daemon is running for {storage}: start it with `pi-sec-cam run`", silent=True)


def _ask_at(place: Path, request: dict[str, object], seconds: float) -> object:
    """The answer from one socket.

    Raises:
        OSError, ValueError: nobody listens there.
        DaemonUnreachable: somebody listens and does not answer.
        DaemonRefused: it answers that it will not.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        connection.connect(str(place))
        try:
            # A daemon that does not like what it reads may answer and close before it has read all.
            with contextlib.suppress(BrokenPipeError):
                connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as reply:
                said = json.loads(reply.read())
        except (OSError, ValueError) as error:
            raise DaemonUnreachable(f"the daemon at {place} does not answer") from error
    if not isinstance(said, dict) or "error" in said:
        raise DaemonRefused(str(said["error"]) if isinstance(said, dict) else "the daemon speaks another language")
    return said["answer"]
