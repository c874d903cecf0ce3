"""The command `devices`: what this machine has to see, to hear and to talk to."""

import dataclasses
import json
import sys
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from pi_sec_cam.camera.accessories import Microphone, SerialPort, microphones, serial_ports
from pi_sec_cam.camera.discover import best, cameras
from pi_sec_cam.camera.found import FoundCamera

_CODED = {None: "", "jpeg": "JPEG pictures", "h264": "H.264 video", "h265": "H.265 video"}


@click.command()
@click.option("-c", "--config", metavar="FILE", expose_value=False, help="Taken as by every command; not read here.")
@click.option(
    "--best", "best_only", is_flag=True, help='Print the camera that backend "auto" takes; exit code 1 if none.'
)
@click.option("--json", "as_json", is_flag=True, help="Print one object, for scripts.")
def devices(as_json: bool, best_only: bool) -> None:
    """List cameras with their modes, microphones and serial ports.

    What stands under "device" is what the configuration takes: camera.device for a webcam, audio.device,
    infrared_controller.serial_port. What could not be looked at, and what to do about it, goes to stderr.

    \b
    pi-sec-cam devices
    pi-sec-cam devices --json | jq -r '.cameras[].name'

    In a pipe each device is a line with tabs between. Only a Pi camera that is in use cannot be asked for its modes.
    Exit codes: 0 done (also when nothing was found), 1 --best found no camera.
    """
    if best_only:
        _print_best(as_json)
        return
    found_cameras, faults = cameras()
    found_microphones, sound_faults = microphones()
    found_ports, port_faults = serial_ports()
    faults += sound_faults + port_faults
    if as_json:
        everything = {
            "cameras": [dataclasses.asdict(found) for found in found_cameras],
            "microphones": [dataclasses.asdict(found) for found in found_microphones],
            "serial_ports": [dataclasses.asdict(found) for found in found_ports],
            "problems": faults,
        }
        click.echo(json.dumps(everything, indent=2))
        return
    _show_cameras(found_cameras)
    _show_microphones(found_microphones)
    _show_ports(found_ports)
    for fault in faults:
        click.echo(fault, err=True)


def _print_best(as_json: bool) -> None:
    camera = best()
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(camera) if camera else None, indent=2))
    elif camera:
        click.echo(f"{camera.kind} {camera.device} {camera.name}")
    if camera is None:
        click.echo("no camera found", err=True)
        sys.exit(1)


def _show_cameras(found: list[FoundCamera]) -> None:
    rows = []
    for camera in found:
        start = (camera.kind, camera.device, camera.name)
        modes = [
            (str(mode), ", ".join(f"{rate:g}" for rate in mode.rates), _CODED[mode.coding]) for mode in camera.modes
        ] or [("", "", "")]
        rows += [(*start, *modes[0]), *(("", "", "", *mode) for mode in modes[1:])]
    _show("Cameras", ("backend", "device", "name", "mode", "pictures a second", "coded by the camera"), rows)
    for camera in found:
        if camera.lasting:
            click.echo(f"  {camera.device} may get another number; this stays: {camera.lasting}")
    if not found:
        click.echo(
            "  A Pi camera: is its ribbon cable seated at both ends, with the contacts the right way round?\n"
            "  A webcam: is it plugged in; does `dmesg` speak of it?\n"
            '  A network camera is not listed: name its address as camera.url with camera.backend "stream".\n'
            "  To look around without any: `pi-sec-cam run --demo`."
        )


def _show_microphones(found: list[Microphone]) -> None:
    rows = [(m.device, m.name, ", ".join(str(rate) for rate in m.rates)) for m in found]
    _show("Microphones", ("device", "name", "samples a second"), rows)


def _show_ports(found: list[SerialPort]) -> None:
    _show("Serial ports", ("device", "name"), [(port.device, port.name) for port in found])
    if not found:
        click.echo("  On a Pi, switch the port on with `sudo raspi-config` (Interface Options, Serial Port).")


def _show(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """A table for people at a terminal; else plain lines with tabs, which tools can cut."""
    if not rows:
        click.echo(f"{title}: none found")
    elif sys.stdout.isatty():
        table = Table(*columns, title=title, title_justify="left")
        for row in rows:
            table.add_row(*row)
        Console().print(table, markup=False)
    else:
        click.echo(f"{title}:")
        for row in rows:
            click.echo("\t".join(("", *row)).rstrip())
