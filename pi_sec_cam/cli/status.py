"""The command `status`: what the running daemon knows of itself."""

import json
from pathlib import Path
from typing import Any

import click

from pi_sec_cam.cli.options import config_option
from pi_sec_cam.config import load_configuration
from pi_sec_cam.local_socket import ask


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print all of it as one JSON object, for scripts.")
def status(config: Path, as_json: bool) -> None:
    """Ask the running daemon what works and what does not, since when, and what was dropped.

    Run it as the user that the daemon runs as (or as root). Exit codes: 0 the daemon answered (it may be
    degraded: read "state"), 1 no daemon answers, 2 the configuration is at fault.
    """
    found = ask(load_configuration(config).storage.directory, "status")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    assert isinstance(found, dict)
    for line in _lines(found):
        click.echo(line)


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"pi_sec_cam {found['version']}, process {found['pid']}, since {found['started']}: {found['state']}"]
    for camera in found["cameras"]:
        source, motion, recorder = camera["source"], camera["motion"], camera["recorder"]
        detail = f" ({source['detail']})" if source.get("detail") else ""
        lines.append(f"{camera['name']}: {source['state']} since {source['since']}{detail}")
        ring = camera["ring"]
        lines.append(f"  ring: {ring['seconds']:.1f} s, {ring['bytes'] / 1e6:.1f} MB; motion: {motion['state']}")
        lines.append(
            f"  recorder: {recorder['state']}, {_count(recorder['events_recorded'], 'event')} since the start, "
            f"{recorder['pictures_dropped']} pictures dropped"
        )
    storage = found["storage"]
    free = "nothing is known" if storage["free_bytes"] is None else f"{_size(storage['free_bytes'])} free"
    count = storage["events"]
    events = "events unknown" if count is None else "1 event" if count == 1 else f"{count} events"
    if storage["events_bytes"] is not None:
        events += f" ({_size(storage['events_bytes'])})"
    deleted = f", {storage['events_deleted']} deleted since the start" if storage["events_deleted"] else ""
    lines.append(f"storage: {storage['directory']}, disk {storage['disk']}, {free}, {events}{deleted}")
    if storage["lasts_days"] is not None:
        lines.append(f"  room for about {_days(storage['lasts_days'])} more, at the rate of the last week")
    if storage["note"]:
        lines.append(f"  {storage['note']}")
    lines += _offsite(found["offsite"])
    lines += [f"does not work: {problem}" for problem in found["problems"]]
    return lines


def _offsite(offsite: dict[str, Any] | None) -> list[str]:
    if offsite is None:
        return ["off-site: nothing leaves this machine"]
    sealed = f"sealed for key {offsite['key'][:16]}…" if offsite["key"] else "NOT sealed"
    if offsite["key"] and not offsite["rehearsed"]:
        sealed += ", which nobody has tried yet: `pi-sec-cam keys rehearse`"
    lines = [f"off-site: {sealed}", *(f"  {_store(store)}" for store in offsite["stores"])]
    evidence = offsite["evidence"]
    if evidence["key"]:
        lines.append(
            f"  signed by the camera's key {evidence['key'][:16]}…; its newest heads, to be noted away from the camera:"
        )
        lines += [f"    {camera} {head}" for camera, head in evidence["heads"].items()]
    if stamps := evidence["stamps"]:
        last = f"last at {stamps['last_stamp']}" if stamps["last_stamp"] else "not yet"
        failing = f"; since then: {stamps['last_error']}" if stamps["last_error"] else ""
        lines.append(f"  stamped once a day by {stamps['authority']}: {last}{failing}")
    return lines


def _store(store: dict[str, Any]) -> str:
    where = f"{store['kind']} {store['where']}".strip()
    number = store["files_waiting"]
    if not number:
        sent = f"all has left ({_count(store['files_sent'], 'file')} since the start)"
    else:
        sent = f"{_count(number, 'file')} ({_size(store['bytes_waiting'])}) {'waits' if number == 1 else 'wait'}"
        if store["oldest_unsent_s"] is not None:
            sent += f", the oldest for {_duration(store['oldest_unsent_s'])}"
    given_up = store["files_dropped"] + store["files_refused"]
    lost = f", {given_up} given up" if given_up else ""
    failing = f"; since {store['failing_since']}: {store['last_error']}" if store["failing_since"] else ""
    return f"{where}: {store['state']}, {sent}{lost}{failing}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 2 * 86400 else f"{seconds / 86400:.0f} days"


def _days(days: float) -> str:
    return "1000 days and" if days > 1000 else _duration(days * 86400)


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"
