"""The command `prune`: deletes old footage where the camera has sent it, from home; the camera cannot."""

import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import click

from pi_sec_cam.cli.options import not_configured
from pi_sec_cam.clock import SystemClock
from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.evidence.reporting.outcome import count, printable, size_text
from pi_sec_cam.home.listing import well_named, where_cameras_are
from pi_sec_cam.home.patience import Patience
from pi_sec_cam.home.places import open_place
from pi_sec_cam.home.protocol import Place
from pi_sec_cam.home.prune import Choice, StoredEvent, choose, stored_events
from pi_sec_cam.home.prune import prune as prune_events
from pi_sec_cam.home.pruned import PrunedNote
from pi_sec_cam.home.selection import NothingFits
from pi_sec_cam.offsite.stores.path import MARKER
from pi_sec_cam.record.disk import MARKER as STORAGE_MARKER

_AGE = re.compile(r"([0-9]{1,6})(h|d|w)")
_HOURS = {"h": 1, "d": 24, "w": 168}
_SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)([KMGT])B?")
_BYTES = {"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_SHOWN = 30


class CamerasOwnStorage(PiSecCamError, ValueError):
    """A folder that a camera keeps its own recordings in."""


def _age(context: click.Context, option: click.Parameter, text: str | None) -> timedelta | None:
    if text is None:
        return None
    found = _AGE.fullmatch(text.strip().lower())
    if not found:
        raise click.BadParameter(f'{text!r} is no age; write "90d" (days), "12w" (weeks) or "36h"', context, option)
    return timedelta(hours=int(found[1]) * _HOURS[found[2]])


def _size(context: click.Context, option: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    found = _SIZE.fullmatch(text.strip().upper())
    if not found:
        raise click.BadParameter(f'{text!r} is no size; write "50G" (50,000,000,000 bytes), "500M"', context, option)
    return round(float(found[1]) * _BYTES[found[2]])


@click.command()
@not_configured
@click.argument("origin", metavar="FROM")
@click.option("--older-than", callback=_age, metavar="AGE", help='Events that are older: "90d", "12w".')
@click.option("--most", callback=_size, metavar="SIZE", help='The oldest, until no more than this is there: "50G".')
@click.option("--camera", "cameras", metavar="NAME", multiple=True, help="Only this camera's; once for each.")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@click.option("--endpoint-url", metavar="URL", help="Of a server for S3 that is not Amazon's.")
@click.option("--ca", metavar="FILE", type=click.Path(path_type=Path), help="Certificates that vouch for that server.")
def prune(
    origin: str,
    older_than: timedelta | None,
    most: int | None,
    cameras: tuple[str, ...],
    yes: bool,
    endpoint_url: str | None,
    ca: Path | None,
) -> None:
    """Delete the video and the pictures of old events in FROM: a folder, "dropbox:", "s3://BUCKET/PREFIX".

    You are shown what would go, and asked; without a terminal to ask on, nothing is deleted unless you add --yes. Your
    own login has to allow it (`pi-sec-cam home login dropbox --may-delete`); the camera itself never deletes there.

    The signed records stay: they are small, and go on to prove what there was. What is deleted is noted on this
    computer, so that `pi-sec-cam verify` calls it pruned, and not missing. An event's age is told by its folder's
    name and by the store's own clock, whichever is later. The last 24 hours of each camera always stay.

    Dropbox and S3 with versions keep for a while what was deleted, and count it: room is made when they forget it.

    \b
    pi-sec-cam prune dropbox: --older-than 90d
    pi-sec-cam prune /mnt/nas/cameras --most 500G --camera Yard --yes

    Exit codes: 0 done, or nothing to do, 1 it did not work, 2 the command line is at fault.
    """
    if older_than is None and most is None:
        raise click.UsageError("say what should go: --older-than 90d, or --most 50G")
    patience = Patience(tell=lambda said: click.echo(said, err=True))
    with closing(open_place(origin, endpoint_url=endpoint_url, ca_pem_path=ca, patience=patience)) as place:
        if place.kind == "folder":
            _refuse_cameras_own(Path(origin).expanduser().resolve())
        files = well_named(place.files(), lambda refusal: click.echo(str(refusal), err=True))
        if hint := where_cameras_are(place.where, (file.path for file in files)):
            raise NothingFits(hint)
        events, total = stored_events(files, cameras)
        del files
        if not events:
            raise NothingFits(f"{place.where} has no footage" + (f" of {', '.join(cameras)}" if cameras else ""))
        choice = choose(events, total, SystemClock().wall(), older_than=older_than, most_bytes=most)
        _show(choice, len(events), most)
        if not choice.events:
            return
        if not yes and not sys.stdin.isatty():
            click.echo("nothing was deleted: add --yes to do it")
            return
        if not yes:
            click.confirm(f"Delete this footage in {place.where}?", abort=True)
        _delete(place, choice.events)


def _delete(place: Place, events: Sequence[StoredEvent]) -> None:
    failures: list[str] = []
    done = freed = 0
    try:
        for size in prune_events(place, events, SystemClock(), failures.append):
            done, freed = done + 1, freed + size
    except KeyboardInterrupt:
        click.echo("\ninterrupted; the same command goes on", err=True)
        sys.exit(1)
    finally:
        click.echo(f"deleted {count(done, 'event')} ({size_text(freed)}); noted in {PrunedNote(place.where).path}")
        for failure in failures:
            click.echo(f"pi-sec-cam: {printable(failure)}", err=True)
    if failures:
        sys.exit(1)


def _show(choice: Choice, of: int, most: int | None) -> None:
    days: dict[str, list[StoredEvent]] = defaultdict(list)
    for event in choice.events:
        days[event.event.rpartition("/")[0]].append(event)
    for day, events in list(days.items())[:_SHOWN]:
        size = size_text(sum(event.bytes for event in events))
        click.echo(f"  {printable(day)}: {count(len(events), 'event')}, {size}")
    if len(days) > _SHOWN:
        click.echo(f"  … and {len(days) - _SHOWN:,} days more")
    total = size_text(choice.total_bytes)
    if choice.events:
        goes = f"{len(choice.events):,} of {count(of, 'event')}"
        click.echo(f"to go: {goes} ({size_text(choice.bytes)} of {total}); their records stay")
    else:
        click.echo(f"nothing {'can' if choice.spared else 'has to'} go: {count(of, 'event')}, {total} in all")
    if choice.spared:
        click.echo(
            f"spared: {count(choice.spared, 'event')}, because each camera's last 24 hours always stay, and so does "
            "what nobody knows the age of"
        )
    if most is not None and choice.total_bytes - choice.bytes > most:
        click.echo(f"{size_text(choice.total_bytes - choice.bytes)} will be there then, more than {size_text(most)}")


def _refuse_cameras_own(folder: Path) -> None:
    """A camera looks after its own disk; whoever deletes there behind its back breaks its list of events."""
    for above in (folder, *folder.parents):
        if (above / MARKER).exists():
            return
        if (above / STORAGE_MARKER).exists():
            raise CamerasOwnStorage(
                f"{folder} is a camera's own storage, not a place that it sends to. The camera keeps its limits itself "
                "(storage.max_bytes, storage.max_age_days); single events go by `pi-sec-cam events delete`"
            )
