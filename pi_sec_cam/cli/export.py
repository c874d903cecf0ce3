"""The command `export`: an event's video as an ordinary MP4 file, to keep or to give away."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from pi_sec_cam.cli.chosen_event import chosen_event
from pi_sec_cam.cli.copying import copying
from pi_sec_cam.cli.options import config_option
from pi_sec_cam.config import load_configuration
from pi_sec_cam.errors import ConfigError, KeyUnusable, StorageError
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.export import export_video


@click.command()
@config_option
@click.argument("event", metavar="EVENT")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
@click.option(
    "-k",
    "--key",
    metavar="PRIVKEY",
    type=click.Path(path_type=Path),
    help="The owner's private key, for an event that is kept sealed (storage.sealed).",
)
@click.option("--evidence", is_flag=True, help="Write a zip with all that proves what the event shows.")
@click.option(
    "-p",
    "--public-key",
    "public_keys",
    metavar="KEY",
    multiple=True,
    help="The camera's public key, for --evidence of what was fetched: a PEM file, or its 64 digits.",
)
def export(
    config: Path, event: str, out: Path, force: bool, key: Path | None, evidence: bool, public_keys: tuple[str, ...]
) -> None:
    """Write the video of EVENT to OUT, for any player, any phone, any browser.

    EVENT is an id as `pi-sec-cam events` shows it, its beginning or end if no other event has the same, the
    event's folder, or "last". The pictures are copied, not coded anew: no quality is lost and each keeps its
    time. Of an event that still runs, what has been recorded until now is written.

    Where the camera changed its picture (size, coding) during the event, one file cannot hold it all: the rest
    is in OUT-2 and so on.

    An event that is kept sealed needs the owner's private key, whose passphrase is asked for. That key should not be
    on the camera: take the storage's disk, or the event's folder and `pi-sec-cam wrap`, to a machine that may have it.

    With --evidence, OUT is a zip for others, who need not have this program: the film, the files as they left the
    camera, its signed records, what verification found, the means to check all that, and a page that says how. EVENT is
    then best the folder of an event that was fetched, at home: the camera itself keeps the files that it sent only with
    storage.sealed.

    \b
    pi-sec-cam export last clip.mp4
    pi-sec-cam export Yard/2026-05-04/18.30.12 clip.mp4
    pi-sec-cam export --evidence fetched/Yard/2026-05-04/18.30.12 event.zip -k pi_sec_cam_private.pem -p Yard.pem

    Exit codes: 0 all of it was written, 1 it was not, or not all, 2 the command line or the configuration is at
    fault.
    """
    if evidence:
        _end(_evidence(config, event, out, force, key, public_keys))
        return
    if public_keys:
        raise click.UsageError("-p is for --evidence")
    _, folder = _kept(config, event, out)
    record = _record(folder)
    taken = record.start if record else None
    if folder.kept_sealed():
        films, faults = _sealed_films(folder, out, force, key, taken)
    else:
        films, faults = _clear_films(folder, out, force, taken)
    for film in films:
        click.echo(f"wrote {film} ({film.stat().st_size / 1e6:.1f} MB)")
    _say_if_running(record)
    _end(faults)


def _kept(config: Path, event: str, out: Path) -> tuple[Archive, EventFolder]:
    """The event in the camera's storage; `out` is a place outside of that."""
    if not config.exists():
        if Path(event).is_dir():
            way = f"of what was fetched, `pi-sec-cam wrap -i {event} -o films` makes films"
        else:
            way = f"and there is no folder {event}, as `pi-sec-cam fetch` makes them"
        raise ConfigError(f"this is no camera, since there is no {config} (on a camera, name it with -c FILE); {way}")
    archive = Archive(load_configuration(config).storage.directory)
    folder = chosen_event(archive, event)
    if archive.recordings in [*out.absolute().parents] or archive.recordings in [*out.resolve().parents]:
        raise click.BadParameter(f"{out} is among the recordings; choose a place outside of {archive.directory}")
    return archive, folder


def _evidence(
    config: Path, event: str, out: Path, force: bool, key: Path | None, public_keys: Sequence[str]
) -> Sequence[str]:
    """Write the zip; what is not as it should be, in words."""
    from pi_sec_cam.cli.export_evidence import export_fetched, export_kept
    from pi_sec_cam.cli.passphrase import open_private_key
    from pi_sec_cam.home.evidence_zip import check_target

    check_target(out, force=force)  # said before the passphrase is asked for, not after
    fetched = _was_fetched(event, config)
    if public_keys and not fetched:
        raise click.UsageError("-p is for what was fetched: a camera knows its own key")
    found = None if fetched else _kept(config, event, out)
    private_key = open_private_key(key) if key is not None else None
    if found is None:
        return export_fetched(Path(event), out, force=force, private_key=private_key, public_keys=public_keys)
    faults = export_kept(*found, out, force=force, private_key=private_key)
    _say_if_running(_record(found[1]))
    return faults


def _end(faults: Sequence[str]) -> None:
    for fault in faults:
        click.echo(f"pi-sec-cam: {fault}", err=True)
    if faults:
        sys.exit(1)


def _say_if_running(record: EventRecord | None) -> None:
    if record is not None and record.state == "recording":
        click.echo("the event still runs: this is what has been recorded until now")


def _was_fetched(event: str, config: Path) -> bool:
    """Whether this is a folder elsewhere than among the camera's recordings; at home there may be no configuration."""
    folder = Path(event).resolve()
    if not folder.is_dir() or not config.exists():
        return folder.is_dir()
    recordings = Archive(load_configuration(config).storage.directory).recordings
    return not folder.is_relative_to(recordings.resolve())


def _clear_films(
    folder: EventFolder, out: Path, force: bool, taken: datetime | None
) -> tuple[Sequence[Path], Sequence[str]]:
    """The films that were written, and what could not be."""
    files = folder.video_files()
    with copying(sum(file.stat().st_size for file in files)) as progress:
        done = export_video(files, out, force=force, taken=taken, progress=progress)
    if len(done.films) > 1:
        click.echo(f"{len(done.films)} files: the camera changed its picture during the event")
    faults = [f"{file} cannot be read and is left out" for file in done.unreadable]
    return [film.path for film in done.films], faults


def _sealed_films(
    folder: EventFolder, out: Path, force: bool, key: Path | None, taken: datetime | None
) -> tuple[Sequence[Path], Sequence[str]]:
    """The same, of an event that is kept sealed."""
    from pi_sec_cam.cli.passphrase import open_private_key
    from pi_sec_cam.cli.private_files import private_files
    from pi_sec_cam.offsite.downloaded import stored_event
    from pi_sec_cam.offsite.wrapping import Opening, write_films

    if key is None:
        raise KeyUnusable(f"{folder.id} is kept sealed; give the owner's private key with -k")
    if not out.absolute().parent.is_dir():
        raise StorageError(f"cannot write {out}: there is no directory {out.absolute().parent}; create it first")
    if out.exists() and not force:  # said before the passphrase is asked for, not after
        raise StorageError(f"{out} exists; give another name, or --force to replace it")
    event = stored_event(folder.path)
    private_key = open_private_key(key)
    total = sum(chunk.path.stat().st_size for chunk in event.chunks)
    with private_files(), copying(total) as progress:
        films = write_films(event, out, opening=Opening(private_key, progress), rate=None, force=force, taken=taken)
    if not films:
        raise StorageError("nothing to export: no chunk of its video is there")
    missing = event.missing()
    return films, [f"chunks of {folder.id} are missing: {missing}"] if missing else []


def _record(folder: EventFolder) -> EventRecord | None:
    """What is known of the event; the video can be exported without."""
    try:
        return folder.read_record()
    except StorageError:
        return None
