"""The commands `start` and `stop`: whether a camera watches."""

from pathlib import Path
from typing import Any

import click

from pi_sec_cam.cli.options import config_option
from pi_sec_cam.config import load_configuration
from pi_sec_cam.local_socket import ask

_STOP_SECONDS = 30.0  # a camera that hangs has some seconds to let go


@click.command()
@config_option
@click.argument("cameras", nargs=-1, metavar="[CAMERA]...")
def start(config: Path, cameras: tuple[str, ...]) -> None:
    """Make cameras watch that were stopped; all of them, or those that are named.

    A local camera looks for its exposure first: nothing is an event in the first three seconds.

    Exit codes: 0 they watch, 1 the daemon does not run or refuses, 2 the configuration is at fault.
    """
    _say(ask(load_configuration(config).storage.directory, "start", {"cameras": list(cameras)}))


@click.command()
@config_option
@click.argument("cameras", nargs=-1, metavar="[CAMERA]...")
def stop(config: Path, cameras: tuple[str, ...]) -> None:
    """Make cameras look no more, until `start`; all of them, or those that are named.

    A running event is ended and kept, the camera is switched off, and what is in memory is forgotten. They stay
    stopped when the daemon or the machine starts anew. The daemon itself runs on.

    Exit codes: 0 they are stopped, 1 the daemon does not run or refuses, 2 the configuration is at fault.
    """
    directory = load_configuration(config).storage.directory
    _say(ask(directory, "stop", {"cameras": list(cameras)}, seconds=_STOP_SECONDS))


def _say(answer: Any) -> None:
    for name, running in answer["running"].items():
        click.echo(f"{name}: {'watches' if running else 'stopped'}")
