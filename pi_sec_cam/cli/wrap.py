"""The command `wrap`: films of events that were downloaded from where the camera had sent them."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from pi_sec_cam.cli.passphrase import open_private_key
from pi_sec_cam.cli.private_files import private_files
from pi_sec_cam.durable import storage_error
from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.evidence.camera_key import PublicKey, read_public_key
from pi_sec_cam.evidence.reporting.outcome import printable
from pi_sec_cam.offsite.downloaded import PICTURE_NAME, ChunksMissing, StoredEvent, event_folders_below, stored_event
from pi_sec_cam.offsite.wrapping import Opening, write_films


@click.command()
@click.option(
    "-i",
    "top",
    metavar="IN",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder that was downloaded.",
)
@click.option(
    "-o",
    "out",
    metavar="OUT",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the films go; it is made if it is not there.",
)
@click.option("-k", "key", metavar="PRIVKEY", type=click.Path(path_type=Path), help="The owner's private key.")
@click.option(
    "-f",
    "rate",
    metavar="FPS",
    type=click.FloatRange(0.001, 1000),
    help="Pictures a second, for events that do not say when their pictures were taken.",
)
@click.option("-p", "--partial", is_flag=True, help="Of an event of which chunks are missing: wrap what is there.")
@click.option(
    "--public-key",
    "camera_keys",
    metavar="KEY",
    multiple=True,
    help="The camera's public key, digits or file: what is not signed with it is refused. May be given again.",
)
def wrap(
    top: Path, out: Path, key: Path | None, rate: float | None, partial: bool, camera_keys: tuple[str, ...]
) -> None:
    """Join the chunks of each event in the folder IN and write them as ordinary films to OUT.

    Events are looked for in IN and all folders in it: where there are video0.h264, video1.h264, … (or .h265). Each
    becomes OUT/<the same folder>/video.mp4, with motion0.jpg beside it. Sealed files need -k; its passphrase is asked
    for.

    Where the camera's records (evidence0.jsonl, …) lie beside the chunks, each picture gets the time at which it was
    taken, a chunk that is not the recorded one is refused, and it shows when the last ones are missing. Without
    records -f is needed.

    Where the camera changed its picture (size, coding) during the event, one file cannot hold it all: the rest is in
    video-2.mp4 and so on. Existing files are never overwritten. The pictures are copied, not coded anew.

    \b
    pi-sec-cam wrap -i Dropbox/Yard -o films -k pi_sec_cam_private.pem
    pi-sec-cam wrap -i from_before_there_were_records -o films -f 20

    Exit codes: 0 all events were wrapped, 1 some were not (the others are), 2 the command line is at fault.
    """
    if top.resolve() == out.resolve():
        raise click.BadParameter("IN and OUT are the same folder; choose another OUT")
    signers = [read_public_key(text) for text in camera_keys]
    opening = Opening(open_private_key(key) if key else None)
    with private_files():
        wrapped = [
            _wrapped(name, top, out / name, opening, rate, partial, signers) for name in event_folders_below(top, out)
        ]
    if not wrapped:
        raise ChunksMissing(f"no event found in {top}: no folder there holds video0.h264 or video0.h265")
    click.echo(f"{sum(wrapped)} of {len(wrapped)} events wrapped into {out}")
    if not all(wrapped):
        sys.exit(1)


def _wrapped(
    name: str,
    top: Path,
    folder: Path,
    opening: Opening,
    rate: float | None,
    partial: bool,
    signers: Sequence[PublicKey],
) -> bool:
    """Wrap one event; whether all of it was."""
    try:
        event = stored_event(top / name, signers)
        for strange in event.strange:
            _complain(f"{name}: {strange!r} is no name of a chunk and is left out; a copy, by another download?")
        missing = _missing(event, partial)
        _make(folder)
        write_films(event, folder / "video.mp4", opening=opening, rate=rate, picture=folder / PICTURE_NAME)
    except PiSecCamError as error:
        _complain(f"{name}: {error}")
        return False
    if missing:
        _complain(f"{name}: chunks are missing: {missing}; the rest is wrapped")
    return not missing


def _missing(event: StoredEvent, partial: bool) -> str:
    missing = event.missing()
    if missing and not partial:
        of_all = f" (of 0 to {event.expected - 1})" if event.expected else ""
        raise ChunksMissing(
            f"chunks are missing: {missing}{of_all}. Are they all downloaded? "
            "If the camera could not send them: --partial wraps what is there"
        )
    return missing


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(f"cannot make {folder}", error) from error


def _complain(text: str) -> None:
    """Names in it may be anybody's."""
    click.echo(f"pi-sec-cam: {printable(text)}", err=True)
