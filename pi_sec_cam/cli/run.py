"""The command `run`: the daemon, from start to a clean stop."""

import signal
import sys
import threading
from pathlib import Path
from types import FrameType

import click

from pi_sec_cam.cli.log import log_to_stderr
from pi_sec_cam.cli.main import drop_output
from pi_sec_cam.cli.options import config_option
from pi_sec_cam.cli.summary import watched
from pi_sec_cam.config import load_configuration
from pi_sec_cam.errors import SourceError


@click.command()
@config_option
@click.option("--demo", is_flag=True, help="Watch a rendered yard instead of the configured cameras.")
@click.option("-v", "--verbose", is_flag=True, help="Log more: for finding out why something does not work.")
def run(config: Path, demo: bool, verbose: bool) -> None:
    """Watch, and keep a clip of whatever moves, until stopped by Ctrl+C or SIGTERM.

    A camera that is absent is waited for; meanwhile `pi-sec-cam status` says so. Clips begin before the
    movement and are listed by `pi-sec-cam events`; each is a folder with video.mp4, motion.jpg (what moved,
    outlined in red) and event.json.

    With camera.at_end "exit", the end of the file is the end of the program.

    Exit codes: 0 stopped or at the source's end, 1 it could not go on, 2 the configuration is at fault.
    """
    log_to_stderr(verbose=verbose)
    whole = load_configuration(config)
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    # Only now: what comes before it would delay the answer to a wrong configuration.
    from pi_sec_cam.daemon import Daemon

    with Daemon(whole, demo=demo) as daemon:
        _say(
            *watched(whole, demo=demo),
            f"clips go to {daemon.directory / 'recordings'}",
            f"list them with: pi-sec-cam events -c {config}    stop with: Ctrl+C",
        )
        failure = daemon.wait(stop)
    if failure is not None:
        raise SourceError(failure)


def _say(*lines: str) -> None:
    """Print, if somebody reads it: a camera watches also when nobody does."""
    try:
        for line in lines:
            click.echo(line)
    except OSError:
        drop_output(sys.stdout)
