"""The command `storage`: which disk recordings are kept on, and that the one that is there now is the right one."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from pi_sec_cam.cli.options import config_option
from pi_sec_cam.config import load_configuration
from pi_sec_cam.errors import StorageError
from pi_sec_cam.record.disk import Disk, DiskState
from pi_sec_cam.remembered import Remembered


@click.command()
@click.argument("action", type=click.Choice(["accept"]), required=False)
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
def storage(action: str | None, config: Path, as_json: bool) -> None:
    """Show where recordings are kept, whether that is the right disk, and what is free on it.

    The disk has an id (in the file storage-id), and this machine remembers which one belongs there: a disk that is not
    mounted, or another one in its place, is an alarm, and nothing is written to what is there instead.

    `pi-sec-cam storage accept` says that the disk that is there now is the right one from now on: after you have
    replaced it, or have emptied it on purpose. A daemon that runs notices by itself.

    Run it as the user that the daemon runs as (or as root). Exit codes: 0 the right disk is there, 1 it is not, or it
    cannot be used, 2 the command line or the configuration is at fault.
    """
    directory = load_configuration(config).storage.directory
    remembered = Remembered(directory)
    disk = Disk(directory, remembered)
    state = disk.accept() if action else disk.check()
    if action and remembered.trouble is not None:
        raise StorageError(f"{remembered.trouble}: this machine cannot remember which disk is the right one")
    if as_json:
        found = {"directory": str(disk.directory), **asdict(state)}
        found |= {"remembered_id": remembered.storage_id, "remembered_in": str(remembered.path)}
        click.echo(json.dumps(found, indent=2))
    else:
        for line in _lines(disk, state, remembered):
            click.echo(line)
    sys.exit(0 if state.kind in {"ready", "new"} else 1)


def _lines(disk: Disk, state: DiskState, remembered: Remembered) -> list[str]:
    lines = [f"{disk.directory}: {state.kind}"]
    if state.detail:
        lines.append(f"  {state.detail}")
    if state.free_bytes is not None and state.total_bytes is not None:
        files = "" if state.free_inodes is None else f", room for {state.free_inodes} more files"
        lines.append(f"  {state.free_bytes / 1e9:.1f} GB of {state.total_bytes / 1e9:.1f} GB free{files}")
    lines.append(f"  id of this disk: {state.storage_id or 'none'}")
    lines.append(f"  the right one: {remembered.storage_id or 'none yet'} (remembered in {remembered.path})")
    if remembered.trouble is not None:
        lines.append(f"  {remembered.trouble}")
    return lines
