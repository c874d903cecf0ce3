"""The commands `events lock`, `unlock`, `label`, `note` and `delete`: the owner's words about events, and their end."""

import sys
from collections.abc import Callable
from pathlib import Path

import click

from pi_sec_cam.cli.chosen_event import chosen_event
from pi_sec_cam.cli.options import config_option
from pi_sec_cam.config import load_configuration
from pi_sec_cam.durable import storage_error
from pi_sec_cam.errors import DaemonUnreachable
from pi_sec_cam.local_socket import DaemonLock, ask
from pi_sec_cam.record.annotation import annotate
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.deletion import delete_event
from pi_sec_cam.record.event_record import folder_of_id

_DAEMON_SECONDS = 60.0  # a slow card that a clip is being written to


def _delete_here(archive: Archive, catalogue: Catalogue, event_id: str) -> None:
    from pi_sec_cam.offsite.withdrawal import withdraw

    delete_event(archive, catalogue, event_id)
    try:
        withdraw(archive.directory / "outbox", folder_of_id(event_id))
    except OSError as error:
        raise storage_error(f"{event_id} is deleted, but not what of it waits to leave", error) from error


_HERE: dict[str, Callable[..., object]] = {"annotate": annotate, "delete": _delete_here}

_one_event = click.argument("event", metavar="EVENT")
_some_events = click.argument("events", metavar="EVENT...", nargs=-1, required=True)


@click.command()
@config_option
@_some_events
def lock(config: Path, events: tuple[str, ...]) -> None:
    """Keep EVENT until you unlock it, whatever the limits of the storage are.

    EVENT is an id as `pi-sec-cam events` shows it, its beginning or end if no other event has the same, the
    event's folder, or "last". With or without a running daemon.
    """
    _annotate(config, events, "locked", locked=True)


@click.command()
@config_option
@_some_events
def unlock(config: Path, events: tuple[str, ...]) -> None:
    """Let EVENT be deleted again, by you or when the storage is full.

    EVENT is named as for `events lock`.
    """
    _annotate(config, events, "unlocked", locked=False)


@click.command()
@config_option
@_one_event
@click.argument("labels", metavar="LABEL...", nargs=-1, required=True)
@click.option("--remove", is_flag=True, help="Take these labels away instead.")
def label(config: Path, event: str, labels: tuple[str, ...], remove: bool) -> None:
    """Label EVENT with what is to be seen; an event may have many labels.

    EVENT is named as for `events lock`. A label has 1 to 100 printable characters.

    \b
    pi-sec-cam events label last postman "neighbour's cat"
    pi-sec-cam events label last postman --remove
    """
    _annotate(config, (event,), "labelled", **{"remove_labels" if remove else "add_labels": list(labels)})


@click.command()
@config_option
@_one_event
@click.argument("text", metavar="TEXT")
def note(config: Path, event: str, text: str) -> None:
    """Write a note to EVENT, in place of the one that it has; "" takes it away.

    EVENT is named as for `events lock`. A note has at most 10,000 characters.
    """
    _annotate(config, (event,), "noted", note=text)


@click.command()
@config_option
@_some_events
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(config: Path, events: tuple[str, ...], yes: bool) -> None:
    """Delete EVENT for ever: its video, its picture, all that is known of it.

    EVENT is a whole id as `pi-sec-cam events` shows it, the event's folder, or "last". Locked events and those that
    are still being recorded are refused. You are asked before; without a terminal to ask on, say --yes. What has
    gone off-site stays there.
    """
    archive = _archive(config)
    ids = _chosen(archive, events, in_full=True)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("there is no terminal to ask on whether you are sure: add --yes")
        with Catalogue(archive.catalogue_path, read_only=True) as catalogue:
            size = sum(catalogue.get(event_id).bytes for event_id in ids)
        listed = "".join(f"\n  {event_id}" for event_id in ids)
        click.confirm(f"Delete for ever ({size / 1e6:.1f} MB):{listed}\n?", abort=True, prompt_suffix=" ")
    for event_id in ids:
        _do(archive, "delete", event_id)
        click.echo(f"deleted {event_id}")


def _annotate(config: Path, events: tuple[str, ...], done: str, **said: object) -> None:
    archive = _archive(config)
    for event_id in _chosen(archive, events):
        _do(archive, "annotate", event_id, **said)
        click.echo(f"{done} {event_id}")


def _archive(config: Path) -> Archive:
    return Archive(load_configuration(config).storage.directory)


def _chosen(archive: Archive, events: tuple[str, ...], *, in_full: bool = False) -> list[str]:
    """The ids, each once; all of them are found before anything is done to one."""
    return list(dict.fromkeys(chosen_event(archive, event, in_full=in_full).id for event in events))


def _do(archive: Archive, command: str, event_id: str, **arguments: object) -> None:
    """Let the daemon do it, or, where none runs, do it here, in its place.

    Raises:
        PiSecCamError: what kept it from being done.
    """
    try:
        ask(archive.directory, command, {"event": event_id, **arguments}, seconds=_DAEMON_SECONDS)
    except DaemonUnreachable as error:
        if not error.silent:
            raise
        with DaemonLock(archive.directory, command=f"events {command}"), Catalogue(archive.catalogue_path) as catalogue:
            _HERE[command](archive, catalogue, event_id, **arguments)
