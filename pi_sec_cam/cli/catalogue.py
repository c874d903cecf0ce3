"""The command `catalogue rebuild`: the list of events, made anew from the files."""

from pathlib import Path
from typing import Any

import click

from pi_sec_cam.cli.options import config_option
from pi_sec_cam.config import load_configuration
from pi_sec_cam.errors import DaemonUnreachable
from pi_sec_cam.local_socket import DaemonLock, ask
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.rebuild import rebuild as rebuild_from_files

_DAEMON_SECONDS = 700.0  # tens of thousands of events on a slow card


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
        answer: Any = ask(archive.directory, "rebuild", seconds=_DAEMON_SECONDS)
        count = answer["events"]
    except DaemonUnreachable as error:
        if not error.silent:
            raise
        with DaemonLock(archive.directory), rebuild_from_files(archive, None) as made:
            count = made.count()
    click.echo(f"{count} events")
