"""The command `events`: what moved, and where its video is."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from pi_sec_cam.cli.event_changes import delete, label, lock, note, unlock
from pi_sec_cam.cli.moments import length, moment
from pi_sec_cam.cli.options import config_option
from pi_sec_cam.config import load_configuration
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_record import EventRecord

# Columns of the table beside the id: the others, the gaps, and the least that remarks need.
_BESIDE_ID = 19 + 6 + 8 + 4 * 2 + 10
_MOMENTS = ("start", "end", "motion_start", "motion_end")


@click.group(invoke_without_command=True)
@config_option
@click.option("--since", callback=moment(end_of_day=False), metavar="TIME", help="Only what ended at TIME or later.")
@click.option("--until", callback=moment(end_of_day=True), metavar="TIME", help="Only what began before TIME.")
@click.option("--camera", metavar="NAME", help="Only this camera's events.")
@click.option("--label", "labelled", metavar="LABEL", help="Only events with this label.")
@click.option("--min-length", callback=length, metavar="SECONDS", help="Only clips of this length or longer.")
@click.option("--max-length", callback=length, metavar="SECONDS", help="Only clips of this length or shorter.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the newest N of these.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects, for scripts.")
@click.pass_context
def events(
    context: click.Context,
    config: Path,
    since: datetime | None,
    until: datetime | None,
    camera: str | None,
    labelled: str | None,
    min_length: float | None,
    max_length: float | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """List events, the oldest first: the newest stands at the bottom, next to your prompt.

    TIME is a day or a moment ("2026-05-04", "2026-05-04 18:30", "18:30", "today", "yesterday", an offset such as
    +02:00 may follow) or how long ago it was ("90s", "30m", "2h", "3d"). A day after --until means all of it.

    \b
    pi-sec-cam events --since yesterday --min-length 20
    pi-sec-cam events --since 2h --json | jq -r '.[].path'
    pi-sec-cam events lock last
    pi-sec-cam export last clip.mp4

    In a pipe each event is a line with tabs between: id, start, seconds, bytes, remarks. It may be used while the
    daemon runs, and without it. Exit codes: 0 done (also when there is no event), 1 the list cannot be read, 2 the
    command line or the configuration is at fault.
    """
    if context.invoked_subcommand is not None:
        _refuse_options_of_the_list(context)
        return
    archive = Archive(load_configuration(config).storage.directory)
    found: list[EventRecord] = []
    if archive.catalogue_path.exists():
        with Catalogue(archive.catalogue_path, read_only=True) as catalogue:
            found = catalogue.find(
                camera=camera,
                since=since,
                until=until,
                min_duration_s=min_length,
                max_duration_s=max_length,
                label=labelled,
                limit=limit,
            )
            nothing = "no such event" if catalogue.count() else "no event has been recorded yet"
    else:
        nothing = f"no event yet: {archive.directory} has no list of events; the daemon (pi-sec-cam run) makes it"
    found.reverse()
    if as_json:
        click.echo(json.dumps([_listed(event, archive.directory) for event in found], indent=2, ensure_ascii=False))
    elif not found:
        click.echo(nothing, err=True)
    elif sys.stdout.isatty():
        _show_table(found)
    else:
        for event in found:
            start = event.start.astimezone().isoformat(timespec="seconds")
            click.echo("\t".join((event.id, start, f"{event.duration_s:.1f}", str(event.bytes), _remarks(event))))


for _command in (lock, unlock, label, note, delete):
    events.add_command(_command)


def _refuse_options_of_the_list(context: click.Context) -> None:
    for option in context.command.params:
        given = option.name and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
        if given and option.name != "config":
            raise click.UsageError(
                f"{option.opts[0]} is for the list alone, not for `events {context.invoked_subcommand}`"
            )


def _listed(event: EventRecord, directory: Path) -> dict[str, Any]:
    """What --json prints of an event: plain values, times in local time with their offset."""
    values = asdict(event)
    del values["newer"]
    for name in _MOMENTS:
        values[name] = values[name].astimezone().isoformat(timespec="microseconds")
    return {"duration": values.pop("duration_s"), "path": str(directory / event.path), **values}


def _show_table(found: Sequence[EventRecord]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("Event", "Began", "Length", "Size", "Remarks", box=None, pad_edge=False)
    table.columns[0].overflow = "fold"  # an id that is cut off could not be copied
    for column in table.columns[2:4]:
        column.justify = "right"
    console = Console()
    for column in table.columns[1:4]:
        column.no_wrap = True
    # Nor is one in two lines copied with ease: remarks give way, as long as a few words fit on their line.
    table.columns[0].no_wrap = max(len(event.id) for event in found) + _BESIDE_ID <= console.width
    for event in found:
        began = f"{event.start.astimezone():%Y-%m-%d %H:%M:%S}"
        cells = (event.id, began, _length(event.duration_s), f"{event.bytes / 1e6:.1f} MB", _remarks(event))
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)


def _length(seconds: float) -> str:
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02}"
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def _remarks(event: EventRecord) -> str:
    remarks = [
        "runs now" if event.state == "recording" else "",
        "interrupted" if event.state == "interrupted" else "",
        "" if event.clock_synchronised else "clock was not set",
        f"{event.dropped_pictures} pictures lost" if event.dropped_pictures else "",
        f"continues {event.continues}" if event.continues else "",
        *event.labels,
        "locked" if event.locked else "",
        "off-site" if event.offsite else "",
        event.note,
    ]
    return ", ".join(" ".join(remark.split()) for remark in remarks if remark)
