"""Options that several commands share: which configuration file to use."""

import os
from pathlib import Path

import click

CONFIG_FILES = (Path("config/camera_config.json"), Path("/etc/pi-sec-cam/camera_config.json"))
"""Where the configuration is looked for when none is named."""


def _named_or_found(context: click.Context, _option: click.Parameter, named: Path | None) -> Path:
    if named is not None:
        return named
    if context.parent is not None and (of_group := context.parent.params.get("config")):
        return Path(of_group)  # `-c FILE events lock …` and `events -c FILE lock …` are `events lock -c FILE …`
    return next((file for file in CONFIG_FILES if os.path.exists(file)), CONFIG_FILES[0])


config_option = click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    callback=_named_or_found,
    help=f"The configuration. Without this: {CONFIG_FILES[0]} in the current folder, else {CONFIG_FILES[1]}.",
)
"""Gives the command `config: Path`. The file may not exist: reading it (config/load.py) says so with a clear error."""

not_configured = click.option("-c", "--config", metavar="FILE", expose_value=False, help="Not needed here.")
"""For commands that need no configuration: `-c FILE` may stand after every command."""
