"""The command `verify`: whether footage that has come back, or lies in a store, is all that the camera sent."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path

import click

from pi_sec_cam import __version__
from pi_sec_cam.cli.fetch_progress import FetchProgress
from pi_sec_cam.cli.options import not_configured
from pi_sec_cam.cli.passphrase import open_private_key
from pi_sec_cam.clock import SystemClock
from pi_sec_cam.durable import storage_error, write_atomically
from pi_sec_cam.errors import ConfigError, StorageError
from pi_sec_cam.evidence.camera_key import fingerprint, raw, read_public_key
from pi_sec_cam.evidence.footage import Footage
from pi_sec_cam.evidence.judging.stamps import StampCheck
from pi_sec_cam.evidence.reporting.as_json import report_object
from pi_sec_cam.evidence.reporting.as_text import report_lines
from pi_sec_cam.evidence.reporting.outcome import Outcome, outcome
from pi_sec_cam.evidence.scope import Scope
from pi_sec_cam.evidence.verdict import Verification
from pi_sec_cam.evidence.verify import verify as verify_footage
from pi_sec_cam.home.manifest import ManifestOfOthers, read_manifest
from pi_sec_cam.home.passed_over import WellNamedFootage
from pi_sec_cam.home.patience import Patience
from pi_sec_cam.home.places import of_fetched, of_store, open_place
from pi_sec_cam.home.protocol import Place
from pi_sec_cam.home.pruned import pruned_of
from pi_sec_cam.offsite.owner_key import PrivateKey

EXIT_CODES = {Outcome.WHOLE: 0, Outcome.WRONG: 1, Outcome.OPEN: 3}
_COLOURS = {Outcome.WHOLE: "green", Outcome.EXPLAINED: "blue", Outcome.OPEN: "yellow", Outcome.WRONG: "red"}


@click.command()
@not_configured
@click.argument("where", metavar="WHERE")
@click.option(
    "-p",
    "--public-key",
    "keys",
    metavar="KEY",
    multiple=True,
    help="The camera's public key: a PEM file, or the 64 digits that `pi-sec-cam keys camera` shows. Once for each "
    "key: a camera that was installed anew has another.",
)
@click.option("--head", "heads", metavar="HEAD", multiple=True, help="A head that you have noted before.")
@click.option(
    "--tsa-ca",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Certificates (PEM) of the time-stamp authority that the camera asks: its stamps are examined too.",
)
@click.option("--complete", is_flag=True, help="All that the camera has sent should be here.")
@click.option("--only-here", is_flag=True, help="Only what is here matters; other events were not fetched.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as one JSON object, for scripts.")
@click.option("--report", metavar="OUT.html", type=click.Path(path_type=Path), help="Write a page for people, too.")
@click.option("--force", is_flag=True, help="Replace OUT.html if it exists.")
@click.option(
    "-k",
    "--key",
    "private_key",
    metavar="PRIVKEY",
    type=click.Path(path_type=Path),
    help="The owner's private key, for the pictures in OUT.html. To verify, nothing has to be opened.",
)
@click.option("--endpoint-url", metavar="URL", help="Of a server for S3 that is not Amazon's.")
@click.option("--ca", metavar="FILE", type=click.Path(path_type=Path), help="Certificates that vouch for that server.")
def verify(
    where: str,
    keys: tuple[str, ...],
    heads: tuple[str, ...],
    tsa_ca: Path | None,
    complete: bool,
    only_here: bool,
    as_json: bool,
    report: Path | None,
    force: bool,
    private_key: Path | None,
    endpoint_url: str | None,
    ca: Path | None,
) -> None:
    """Tell whether footage is complete and unaltered, until when, and what is wrong with it.

    WHERE is a folder (what was downloaded or fetched, or a network drive that the camera sends to), or a store:
    "dropbox:", "dropbox:Yard", "s3://BUCKET/PREFIX", read with your own login (`pi-sec-cam home login`). The camera's
    public key is enough; sealed files stay sealed. Without -p the key that the records name is taken on trust, which
    proves little: anyone can make a key.

    Of what was downloaded by hand nobody knows what it should be: whether events of which nothing is here were deleted
    stays open, unless you say --complete (then they are missing) or --only-here (then they do not matter). In a store,
    and in what `pi-sec-cam fetch` has fetched, that is known.

    \b
    pi-sec-cam verify footage -p Yard.pem
    pi-sec-cam verify dropbox: -p Yard.pem --report report.html -k pi_sec_cam_private.pem

    Exit codes: 0 it is whole (also where the camera or you yourself have given something up, and said so), 1 something
    is wrong, or it could not be verified, 2 the command line is at fault, 3 nothing is wrong, but something is open:
    nobody vouches for it, or it is not here and nobody knows why.
    """
    if complete and only_here:
        raise click.UsageError("--complete and --only-here exclude each other")
    if private_key is not None and report is None:
        raise click.UsageError("-k is for the pictures of a report: give --report OUT.html too")
    public_keys = [read_public_key(key) for key in keys]
    fingerprints = [fingerprint(key) for key in public_keys]
    stamp_check = _stamp_check(tsa_ca) if tsa_ca is not None else None
    if report is not None:
        _check_writable(report, force)
    owner = open_private_key(private_key) if private_key is not None else None
    with (
        FetchProgress() as progress,
        closing(
            open_place(where, endpoint_url=endpoint_url, ca_pem_path=ca, patience=Patience(tell=progress.say))
        ) as place,
    ):
        progress.phase("verifying")
        footage = WellNamedFootage(place)
        found = footage.said_in(
            verify_footage(
                footage,
                public_keys,
                heads=heads,
                scope=_scope(place, where, progress.say, complete=complete, only_here=only_here),
                pruned=pruned_of(place.where),
                check_stamp=stamp_check,
                on_progress=progress.verified,
            )
        )
        at = SystemClock().wall()
        if report is not None:
            progress.phase("looking at pictures")
            command = _command(where, [raw(key).hex() for key in public_keys], heads, tsa_ca)
            command += " --complete" if complete else " --only-here" if only_here else ""
            _write(report, _page(footage, found, owner, at=at, keys=fingerprints, heads=heads, command=command))
    if as_json:
        click.echo(json.dumps(report_object(found, checked_at=at, keys=fingerprints), indent=2))
    else:
        show(found)
        if report is not None:
            click.echo(f"wrote {report}")
    sys.exit(EXIT_CODES[outcome(found)])


def show(verification: Verification) -> None:
    """Print what was found, in colours where that is a terminal that likes them."""
    colour = False if os.environ.get("NO_COLOR") else None
    for line in report_lines(verification, None):
        click.echo(click.style(line.text, fg=_COLOURS[line.tone], bold=True) if line.tone else line.text, color=colour)


def _scope(place: Place, where: str, say: Callable[[str], None], *, complete: bool, only_here: bool) -> Scope:
    """What should be here."""
    if only_here:
        return Scope(only_here=True, of_store=of_store(place.kind))
    if complete or place.kind != "folder":
        return Scope(complete=True, of_store=of_store(place.kind))
    try:
        manifest = read_manifest(Path(where))
    except ManifestOfOthers as error:
        say(str(error))
        manifest = None
    if manifest and manifest.broken_off:
        say("the last fetch into this folder was broken off; the same command goes on, and may bring what is missing")
    return Scope(asked=manifest.events.__contains__, of_store=of_fetched(manifest.places)) if manifest else Scope()


def _command(where: str, keys: Sequence[str], heads: Sequence[str], tsa_ca: Path | None) -> str:
    """What to type to do it again, without what is this computer's alone."""
    words = ["pi-sec-cam", "verify", where]
    for key in keys or ["PUBLIC_KEY_OF_THE_CAMERA"]:
        words += ["-p", key]
    for head in heads:
        words += ["--head", head]
    if tsa_ca is not None:
        words += ["--tsa-ca", tsa_ca.name]
    return shlex.join(words)


def _page(
    footage: Footage,
    found: Verification,
    owner: PrivateKey | None,
    *,
    at: datetime,
    keys: Sequence[str],
    heads: Sequence[str],
    command: str,
) -> bytes:
    from pi_sec_cam.evidence.reporting.page import (  # OpenCV and Jinja: only for who wants a page
        ReportedCheck,
        html_report,
    )
    from pi_sec_cam.home.event_pictures import small_pictures

    check = ReportedCheck(at, f"pi_sec_cam {__version__}", keys, heads, command)
    return html_report(found, check, dict(small_pictures(footage, found, owner)), None)


def _stamp_check(tsa_ca: Path) -> StampCheck:
    from pi_sec_cam.evidence.timestamp import check_stamp, library_missing, read_authorities

    if missing := library_missing():
        raise ConfigError(missing)
    return partial(check_stamp, roots=read_authorities(tsa_ca))


def _check_writable(report: Path, force: bool) -> None:
    """Said before hours of reading, not after."""
    if not report.absolute().parent.is_dir():
        raise StorageError(f"cannot write {report}: there is no directory {report.absolute().parent}; create it first")
    if report.is_dir():
        raise StorageError(f"{report} is a directory; name a file in it")
    if report.exists() and not force:
        raise StorageError(f"{report} exists; give another name, or --force to replace it")


def _write(report: Path, page: bytes) -> None:
    try:
        write_atomically(report, page, mode=0o600)
    except OSError as error:
        raise storage_error(f"cannot write {report}", error) from error
