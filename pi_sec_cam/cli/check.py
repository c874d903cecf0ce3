"""The commands `check` and `schema`: is the configuration right, and what may stand in one."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from pi_sec_cam.cli.options import config_option, not_configured
from pi_sec_cam.cli.summary import hindrances, notes, summary
from pi_sec_cam.config import load_configuration
from pi_sec_cam.errors import ConfigError


@click.command("check")
@config_option
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object (file, ok, message, faults, hindrances, summary, notes).",
)
def check(config: Path, as_json: bool) -> None:
    """Check a configuration file and say what the daemon would do with it.

    All faults are named at once, each with its place in the file and what is allowed there. Nothing is
    changed, no camera is touched, secrets are not shown. docs/configuration.md explains all keys.

    Exit codes: 0 the file can be used, 1 the file is right, but the camera would not start with it on this machine (the
    owner's key cannot be used, a library is missing), 2 the file or the command line is at fault.
    """
    result: dict[str, Any] = {"file": str(config), "ok": True, "message": "", "faults": [], "summary": [], "notes": []}
    result["hindrances"] = []
    try:
        whole = load_configuration(config)
    except ConfigError as error:
        result |= {"ok": False, "message": str(error), "faults": list(error.faults)}
    else:
        result |= {"summary": summary(whole), "notes": notes(whole), "hindrances": hindrances(whole)}
    if as_json:
        click.echo(json.dumps(result, indent=2))
    elif result["ok"]:
        click.echo(
            f"ok, but the camera does not start with it here: {config}" if result["hindrances"] else f"ok: {config}"
        )
        for line in result["hindrances"]:
            click.echo(f"  does not start: {line}")
        for line in [*result["summary"], *(f"note: {note}" for note in result["notes"])]:
            click.echo(f"  {line}")
    else:
        click.echo(result["message"], err=True)
        for fault in result["faults"]:
            click.echo(f"  {fault}", err=True)
    sys.exit(2 if not result["ok"] else 1 if result["hindrances"] else 0)


@click.command("schema")
@not_configured
def schema() -> None:
    """Print the JSON Schema of the configuration file.

    An editor that knows the schema completes the keys, explains them and marks faults. It stands ready in
    config/camera_config.schema.json; a configuration names it with the key "$schema".
    """
    from pi_sec_cam.config.schema import json_schema_text

    click.echo(json_schema_text(), nl=False)
