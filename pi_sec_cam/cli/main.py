"""The command `pi-sec-cam`: finds the subcommand, and turns errors into messages and exit codes."""

import errno
import importlib
import io
import os
import sys
from pathlib import Path
from typing import TextIO

import click

from pi_sec_cam import __version__
from pi_sec_cam.cli.log import without_secrets
from pi_sec_cam.cli.options import config_option
from pi_sec_cam.errors import ConfigError, PiSecCamError
from pi_sec_cam.evidence.reporting.outcome import printable

# Where each command is, and what the list of commands says of it. A module is imported only when it is used, so that
# the daemon starts quickly.
_COMMANDS = {
    "run": ("pi_sec_cam.cli.run", "Watch, and keep a clip of whatever moves."),
    "check": ("pi_sec_cam.cli.check", "Find all faults of a configuration."),
    "schema": ("pi_sec_cam.cli.check", "Print the configuration's JSON Schema, for editors."),
    "devices": ("pi_sec_cam.cli.devices", "List cameras, microphones and serial ports."),
    "status": ("pi_sec_cam.cli.status", "Ask the running daemon what works and what does not."),
    "start": ("pi_sec_cam.cli.control", "Make cameras watch that were stopped."),
    "stop": ("pi_sec_cam.cli.control", "Make cameras look no more, until `start`."),
    "storage": ("pi_sec_cam.cli.storage", "Show which disk recordings are kept on, or accept another."),
    "events": ("pi_sec_cam.cli.events", "List what moved, and when; lock, label, note, delete."),
    "catalogue": ("pi_sec_cam.cli.catalogue", "Make the list of events anew from the files."),
    "export": ("pi_sec_cam.cli.export", "Write an event's video to one ordinary MP4 file."),
    "keys": ("pi_sec_cam.cli.keys", "Make your key pair; try it out; show the camera's own key."),
    "dropbox": ("pi_sec_cam.cli.dropbox", "Let the camera write to your Dropbox, or cut it off."),
    "home": ("pi_sec_cam.cli.home", "Log your own computer in, to read back what cameras have sent."),
    "fetch": ("pi_sec_cam.cli.fetch", "Bring footage back from where the camera has sent it."),
    "prune": ("pi_sec_cam.cli.prune", "Delete old footage where the camera has sent it."),
    "verify": ("pi_sec_cam.cli.verify", "Tell whether footage is complete and unaltered."),
    "wrap": ("pi_sec_cam.cli.wrap", "Make films of events that were downloaded from off-site."),
    "decrypt": ("pi_sec_cam.cli.decrypt", "Open sealed files with your private key."),
}


class _Commands(click.Group):
    """Loads commands late, and knows the exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, in_short = _COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), cmd_name)
        assert isinstance(command, click.Command)
        command.short_help = in_short
        return command

    def invoke(self, ctx: click.Context) -> object:
        for stream in (sys.stdout, sys.stderr):
            # A camera may be called what this terminal's character set does not have.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            done = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()
        except ConfigError as error:
            _complain("\n  ".join((str(error), *error.faults)))
            sys.exit(2)
        except PiSecCamError as error:
            _complain(str(error))
            sys.exit(1)
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EPIPE} or error.filename is not None:
                raise
            drop_output(sys.stdout)
            _complain(f"cannot write the output: {error.strerror}")
            sys.exit(1)
        return done


def drop_output(stream: TextIO) -> None:
    """Send a stream nowhere from now on: nobody reads on (`| head`), or the disk that it goes to is full.

    What it still holds would else fail again at each flush, the one at the end of the process too.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _complain(text: str) -> None:
    """Names in it may be anybody's, of files in a store, say."""
    shown = "\n".join(map(printable, without_secrets(text).split("\n")))
    try:
        click.echo(f"pi-sec-cam: {shown}", err=True)
    except OSError:  # the exit code is then all that can be said
        drop_output(sys.stderr)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pi-sec-cam")
@config_option
def main(config: Path) -> None:
    """A security camera: watches, and keeps a clip of whatever moves.

    \b
    pi-sec-cam run --demo      look around without a camera
    pi-sec-cam check           is my configuration right?
    pi-sec-cam run             watch, as the configuration says
    pi-sec-cam events          what moved
    pi-sec-cam export last clip.mp4

    -c FILE may stand before the command or after it.

    Exit codes: 0 done, 1 it did not work (the message says why), 2 the command line or the configuration is
    at fault.
    """
