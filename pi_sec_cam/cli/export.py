"""The command `export`: an event's video as an ordinary MP4 file, to keep or to give away."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pi_sec_cam.cli.chosen_event import chosen_event
from pi_sec_cam.cli.options import config_option
from pi_sec_cam.config import load_configuration
from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.export import export_video


@click.command()
@config_option
@click.argument("event", metavar="EVENT")
@click.argument("out", metavar="OUT.mp4", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace OUT.mp4 if it exists.")
def export(config: Path, event: str, out: Path, force: bool) -> None:
    """Write the video of EVENT to OUT.mp4, for any player, any phone, any browser.

    EVENT is an id as `pi-sec-cam events` shows it, its beginning or end if no other event has the same, the
    event's folder, or "last". The pictures are copied, not coded anew: no quality is lost and each keeps its
    time. Of an event that still runs, what has been recorded until now is written.

    Where the camera changed its picture (size, coding) during the event, one file cannot hold it all: the rest
    is in OUT-2.mp4 and so on.

    \b
    pi-sec-cam export last clip.mp4
    pi-sec-cam export Yard/2026-05-04/18.30.12 clip.mp4

    Exit codes: 0 all of it was written, 1 it was not, or not all, 2 the command line or the configuration is at
    fault.
    """
    archive = Archive(load_configuration(config).storage.directory)
    folder = chosen_event(archive, event)
    record = _record(folder)
    files = folder.video_files()
    if archive.recordings in [*out.absolute().parents] or archive.recordings in [*out.resolve().parents]:
        raise click.BadParameter(f"{out} is among the recordings; choose a place outside of {archive.directory}")
    with _progress(sum(file.stat().st_size for file in files)) as progress:
        done = export_video(files, out, force=force, taken=record.start if record else None, progress=progress)
    for film in done.films:
        click.echo(f"wrote {film.path} ({film.path.stat().st_size / 1e6:.1f} MB)")
    if len(done.films) > 1:
        click.echo(f"{len(done.films)} files: the camera changed its picture during the event")
    if record is not None and record.state == "recording":
        click.echo("the event still runs: this is what has been recorded until now")
    for file in done.unreadable:
        click.echo(f"pi-sec-cam: {file} cannot be read and is left out", err=True)
    if done.unreadable:
        sys.exit(1)


def _record(folder: EventFolder) -> EventRecord | None:
    """What is known of the event; the video can be exported without."""
    try:
        return folder.read_record()
    except StorageError:
        return None


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, if that is a terminal; yields what is told of bytes done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("copying"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)
