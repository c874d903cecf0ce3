"""The command `run`: the daemon, from start to a clean stop."""

import shutil
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from pi_sec_cam.allocator import share_arenas
from pi_sec_cam.cli.log import log_to_stderr
from pi_sec_cam.cli.main import drop_output
from pi_sec_cam.cli.options import config_option
from pi_sec_cam.cli.service_manager import ServiceManager
from pi_sec_cam.cli.summary import off_site, watched
from pi_sec_cam.clock import SystemClock
from pi_sec_cam.config import Configuration, load_configuration
from pi_sec_cam.errors import SourceError

if TYPE_CHECKING:
    from pi_sec_cam.daemon import Daemon


@click.command()
@config_option
@click.option("--demo", is_flag=True, help="Watch a rendered yard instead of the configured cameras.")
@click.option(
    "--demo-if-none",
    is_flag=True,
    help='The same only if the configuration names no camera (backend "auto") and none is found; `make run` says this.',
)
@click.option("-v", "--verbose", is_flag=True, help="Log more: for finding out why something does not work.")
def run(config: Path, demo: bool, demo_if_none: bool, verbose: bool) -> None:
    """Watch, and keep a clip of whatever moves, until stopped by Ctrl+C or SIGTERM.

    A camera that is absent is waited for; meanwhile `pi-sec-cam status` says so. Clips begin before the
    movement and are listed by `pi-sec-cam events`; each is a folder with video.mp4, motion.jpg (what moved,
    outlined in red) and event.json.

    With camera.at_end "exit", the end of the file is the end of the program.

    Exit codes: 0 stopped or at the source's end, 1 it could not go on, 2 the configuration is at fault.
    """
    share_arenas()
    log_to_stderr(verbose=verbose)
    whole = load_configuration(config)
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    why = ""
    if demo_if_none and not demo:
        demo, why = demo_instead(whole)
    # Only now: what comes before it would delay the answer to a wrong configuration.
    from pi_sec_cam.daemon import Daemon

    manager = ServiceManager.of_this_process(SystemClock())
    with Daemon(whole, demo=demo) as daemon:
        manager.ready()
        _say(
            *([why] if why else []),
            *watched(whole, demo=demo, stopped={node.name for node in daemon.nodes if not node.running}),
            f"clips go to {daemon.directory / 'recordings'}",
            off_site(whole),
            f"list them with: {_command()} events -c {config}    stop with: Ctrl+C",
        )
        failure = daemon.wait(stop, on_look=lambda: _tell(manager, daemon))
        manager.stopping()
    if failure is not None:
        raise SourceError(failure)


def _command() -> str:
    """How this program can be called from the current folder."""
    return "pi-sec-cam" if shutil.which("pi-sec-cam") else sys.argv[0]


def _tell(manager: ServiceManager, daemon: "Daemon") -> None:
    if daemon.advances:
        manager.alive()
    manager.status(daemon.in_short)


def demo_instead(whole: Configuration) -> tuple[bool, str]:
    """Whether to watch the demo scene because there is nothing else to watch, and why or why not, for people.

    Nobody's house is guarded by a cartoon: a camera that is named is waited for, and so is one that could not be
    looked at (no permission, say).
    """
    sources = [camera.camera for camera in whole.cameras_resolved()]
    if any(source.backend != "auto" or source.device is not None for source in sources):
        return False, ""
    from pi_sec_cam.camera.discover import cameras

    found, faults = cameras(with_modes=False)
    if found:
        return False, ""
    if faults:
        return False, f"no camera can be used yet, and no demo is shown in its place: {'; '.join(faults)}"
    return True, (
        "DEMO: no camera was found and the configuration names none, so a rendered yard is watched: "
        "connect a camera and start again, or name one in the configuration"
    )


def _say(*lines: str) -> None:
    """Print, if somebody reads it: a camera watches also when nobody does."""
    try:
        for line in lines:
            click.echo(line)
    except OSError:
        drop_output(sys.stdout)
