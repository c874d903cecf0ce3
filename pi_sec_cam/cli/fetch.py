"""The command `fetch`: brings footage back from where the camera has sent it, and tells whether it is whole."""

import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from pi_sec_cam.cli.fetch_progress import FetchProgress
from pi_sec_cam.cli.moments import moment
from pi_sec_cam.cli.options import not_configured
from pi_sec_cam.cli.verify import EXIT_CODES, show
from pi_sec_cam.clock import SystemClock
from pi_sec_cam.errors import StorageError, TemporaryError
from pi_sec_cam.evidence.camera_key import read_public_key
from pi_sec_cam.evidence.footage import FolderFootage
from pi_sec_cam.evidence.reporting.outcome import count, outcome, printable, size_text
from pi_sec_cam.evidence.scope import Scope
from pi_sec_cam.evidence.verify import verify
from pi_sec_cam.home.arrival import Arrivals
from pi_sec_cam.home.destination import Destination
from pi_sec_cam.home.fetch import Fetch
from pi_sec_cam.home.manifest import Manifest, read_manifest
from pi_sec_cam.home.patience import Patience
from pi_sec_cam.home.places import of_fetched, open_place
from pi_sec_cam.home.protocol import Place
from pi_sec_cam.home.pruned import pruned_of
from pi_sec_cam.home.selection import Selection

_SHOWN = 20


@click.command()
@not_configured
@click.argument("origin", metavar="FROM")
@click.argument("what", metavar="[WHAT]...", nargs=-1)
@click.option(
    "-o",
    "out",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder that it goes to; it is made if it is not there.",
)
@click.option(
    "--camera", "cameras", metavar="NAME", multiple=True, help="Only this camera's events; for each of several."
)
@click.option(
    "--from", "begin", callback=moment(end_of_day=False), metavar="TIME", help="Only what ended at TIME or later."
)
@click.option("--until", callback=moment(end_of_day=True), metavar="TIME", help="Only what began before TIME.")
@click.option(
    "-p",
    "--public-key",
    "keys",
    metavar="KEY",
    multiple=True,
    help="The camera's public key: a PEM file, or the 64 digits that `pi-sec-cam keys camera` shows. Once for each.",
)
@click.option("--deleted", is_flag=True, help="Also bring back what was deleted or overwritten there.")
@click.option("--endpoint-url", metavar="URL", help="Of a server for S3 that is not Amazon's.")
@click.option("--ca", metavar="FILE", type=click.Path(path_type=Path), help="Certificates that vouch for that server.")
def fetch(
    origin: str,
    what: tuple[str, ...],
    out: Path,
    cameras: tuple[str, ...],
    begin: datetime | None,
    until: datetime | None,
    keys: tuple[str, ...],
    deleted: bool,
    endpoint_url: str | None,
    ca: Path | None,
) -> None:
    """Bring footage back from FROM, and tell whether it is whole.

    FROM is a folder (a network drive that the camera sends to), or a store: "dropbox:", "s3://BUCKET/PREFIX", read with
    your own login (`pi-sec-cam home login`). It is the folder that has the cameras' folders in it. WHAT is an event, a
    day, or a camera; without any, everything. TIME is written as for `pi-sec-cam events`.

    Each file is compared with the camera's signed record of it as it comes. What is not as the camera sent it is
    fetched once more, and then kept apart in DIR/.pi-sec-cam-wrong. What is in DIR already is not fetched again, and
    nothing in it is ever replaced; so after an interruption the same command goes on where it stopped.

    With --deleted, use a DIR of its own: what was altered in the store, and was fetched before, is not replaced in DIR.
    Nothing is changed in the store.

    \b
    pi-sec-cam fetch dropbox: -o footage -p Yard.pem Yard/2026-05-04/18.30.12
    pi-sec-cam fetch dropbox: -o footage -p Yard.pem Yard/2026-05-04
    pi-sec-cam fetch s3://footage -o footage -p Yard.pem --camera Yard --from 3d

    Exit codes: 0 all of it is here and whole, 1 it is not, 2 the command line is at fault, 3 all of it is here, but for
    something nobody vouches (or no key was given).
    """
    selection = Selection(tuple(map(_name, what)), tuple(map(_name, cameras)), begin, until)
    public_keys = [read_public_key(key) for key in keys]
    with (
        FetchProgress() as progress,
        closing(
            open_place(origin, endpoint_url=endpoint_url, ca_pem_path=ca, patience=Patience(tell=progress.say))
        ) as place,
    ):
        where = _refused_in_itself(place, origin, out)
        with Destination(out) as destination:
            fetching = Fetch(place, destination, selection, public_keys, progress, deleted=deleted)
            try:
                manifest = _fetch(fetching, selection, where, progress, out)
            except KeyboardInterrupt:
                progress.say(f"interrupted; {_left(fetching)}")
                sys.exit(1)
            except (TemporaryError, StorageError):
                if fetching.arrivals.files:
                    progress.say(_left(fetching))
                raise
            progress.phase("verifying")
            verification = verify(
                FolderFootage(out),
                public_keys,
                scope=Scope(asked=manifest.events.__contains__, of_store=of_fetched(manifest.places)),
                pruned=pruned_of(str(out)),
                on_progress=progress.verified,
            )
    _tell(fetching.arrivals, out)
    show(verification)
    sys.exit(1 if fetching.arrivals.failed else EXIT_CODES[outcome(verification)])


def _fetch(fetching: Fetch, selection: Selection, where: str, progress: FetchProgress, out: Path) -> Manifest:
    before = read_manifest(out) or Manifest()
    plan = fetching.plan()
    own = fetching.arrivals.files + fetching.arrivals.there
    chains = f"; and {count(own, 'file')} of the cameras' own records" if own else ""
    manifest = before.with_fetch(where, selection, plan.events, SystemClock().wall())
    manifest.write(out)
    here = f", of which {size_text(plan.there)} are here already" if plan.there else ""
    progress.say(
        f"{count(len(plan.events), 'event')}, {count(plan.files, 'file')}, {size_text(plan.bytes)}{here}{chains}"
    )
    progress.phase("fetching", plan.bytes - plan.there)
    fetching.bring(plan)
    manifest.finished().write(out)
    return manifest


def _left(fetching: Fetch) -> str:
    files, size = fetching.left()
    left = f"left to fetch: {count(files, 'file')}, {size_text(size)}. " if files else ""
    return f"{left}What has come stays: the same command goes on from there"


def _tell(arrivals: Arrivals, out: Path) -> None:
    there = f", {count(arrivals.there, 'file')} were here already" if arrivals.there else ""
    click.echo(f"fetched {count(arrivals.files, 'file')} ({size_text(arrivals.bytes)}){there}: {out}")
    if arrivals.restored:
        click.echo(f"{count(len(arrivals.restored), 'file')} of them had been deleted or overwritten in the store:")
        _list(arrivals.restored)
    if arrivals.failed:
        click.echo(f"{count(len(arrivals.failed), 'file')} did not come as sent by the camera:")
        _list(arrivals.failed)


def _list(paths: Sequence[str]) -> None:
    for path in paths[:_SHOWN]:
        click.echo(f"  {printable(path)}")
    if len(paths) > _SHOWN:
        click.echo(f"  … and {len(paths) - _SHOWN:,} more")


def _name(text: str) -> str:
    """A name as the place has it: without slashes at its ends."""
    name = text.strip("/")
    if not name or not {"", ".", ".."}.isdisjoint(name.split("/")):
        raise click.BadParameter(
            f'{text!r} is no event, day or camera; write "Yard/2026-05-04/18.30.12", or parts of it'
        )
    return name


def _refused_in_itself(place: Place, origin: str, out: Path) -> str:
    """What the place is called in notes; a folder by its whole path.

    Raises:
        click.BadParameter: what is fetched would be in what is to be fetched.
    """
    if place.kind != "folder":
        return place.where
    top = Path(origin).expanduser().resolve()
    if top in {out.resolve(), *out.resolve().parents}:
        raise click.BadParameter(f"{out} is {origin}, or in it; choose a folder outside of it for -o")
    return str(top)
