"""The command `catalogue rebuild`: the list of events, made anew from the files."""

import threading
from pathlib import Path
from typing import Any

import click

from pi_sec_cam.cli.options import config_option
from pi_sec_cam.config import load_configuration
from pi_sec_cam.errors import DaemonRefused, DaemonUnreachable
from pi_sec_cam.local_socket import DaemonLock, ask
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.rebuild import rebuild as rebuild_from_files

_LOOK_S = 0.3


@click.group()
@config_option
def catalogue(config: Path) -> None:
    """The list of events: an index, which can be made anew from the files at any time."""


@catalogue.command()
@config_option
def rebuild(config: Path) -> None:
    """Make the list of events anew from the files, where it is damaged or says what is not so.

    Locks, labels and notes stand in the files and are kept. The former list is moved aside, to
    catalogue.sqlite3.damaged. With or without a running daemon, which does the same by itself when it starts and
    finds the list damaged or missing.

    Exit codes: 0 done, 1 it did not work, 2 the configuration is at fault.
    """
    archive = Archive(load_configuration(config).storage.directory)
    try:
        count = _rebuilt_by_daemon(archive.directory)
    except DaemonUnreachable as error:
        if not error.silent:
            raise
        with DaemonLock(archive.directory, command="catalogue rebuild"), rebuild_from_files(archive, None) as made:
            count = made.count()
    click.echo(f"{count} events")


def _rebuilt_by_daemon(storage: Path) -> int:
    """Have the daemon do it, beside what else it does, and wait for that; how many events there are then.

    Raises:
        DaemonUnreachable: there is none, or none any more.
        DaemonRefused: why it could not.
    """
    ask(storage, "rebuild")
    while True:
        status: Any = ask(storage, "status")
        if not status["storage"]["rebuilding"]:
            break
        threading.Event().wait(_LOOK_S)
    done = status["storage"]["rebuilt"]
    if done["error"] is not None:
        raise DaemonRefused(done["error"])
    return int(done["events"])
