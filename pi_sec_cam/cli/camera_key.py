"""The command `keys camera`: shows the camera's own public key, with which anyone can verify what the camera sent."""

import json
import sys
from pathlib import Path

import click

from pi_sec_cam.cli.options import config_option
from pi_sec_cam.config import load_configuration
from pi_sec_cam.durable import storage_error, write_atomically
from pi_sec_cam.errors import StorageError
from pi_sec_cam.evidence.camera_key import PublicKey, fingerprint, public_pem, raw, read_or_make_camera_key
from pi_sec_cam.record.disk import Disk
from pi_sec_cam.remembered import Remembered

_WHAT_TO_DO = """
The camera signs what it sends with the private half of this key, which never leaves it. With this public half
anyone can tell whether footage is complete and unaltered. It is no secret; but keep a copy away from the camera,
now, while you know that the camera is yours: take a photo of this screen, or
  pi-sec-cam keys camera --out camera_public.pem
Later, wherever the footage is:
  pi-sec-cam verify FOLDER -p {digits}"""


@click.command("camera")
@config_option
@click.option("--pem", "as_pem", is_flag=True, help="Print the key as a PEM file, and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
@click.option("--qr", is_flag=True, help="Show the QR code although this is no terminal.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the key to FILE, too, as a PEM file."
)
def camera_key(config: Path, as_pem: bool, as_json: bool, qr: bool, out: Path | None) -> None:
    """Show the camera's public key, on the camera.

    Footage is verified with it. Its 64 digits, its fingerprint, and in a terminal a QR code of the digits. A camera
    that has no key yet gets one. All cameras of one configuration have the same. Run this as the user that the daemon
    runs as, or as root.

    \b
    pi-sec-cam keys camera
    pi-sec-cam keys camera --out camera_public.pem

    Exit codes: 0 here it is, 1 there is none and none can be made (the message says why), 2 the command line or the
    configuration is at fault.
    """
    if as_pem and as_json:
        raise click.UsageError("--pem and --json exclude each other")
    directory = load_configuration(config).storage.directory
    disk = Disk(directory, Remembered(directory))
    disk.claim()
    disk.guard()
    private, made = read_or_make_camera_key(disk.directory / "identity")
    key = private.public_key()
    if out is not None:
        _write(out, public_pem(key))
    if as_pem:
        click.echo(public_pem(key), nl=False)
    elif as_json:
        pem = public_pem(key).decode("ascii")
        click.echo(json.dumps({"key": raw(key).hex(), "fingerprint": fingerprint(key), "pem": pem}, indent=2))
    else:
        _show(key, made=made, qr=qr or sys.stdout.isatty())
    if out is not None:
        click.echo(f"wrote {out}", err=True)


def _show(key: PublicKey, *, made: bool, qr: bool) -> None:
    digits = raw(key).hex()
    click.echo("the camera's public key" + (" (made just now)" if made else ""))
    click.echo(f"  {digits}\nfingerprint\n  {fingerprint(key)}")
    if qr and _has_blocks():
        import segno

        click.echo("the same digits, for a phone's camera")
        segno.make(digits, error="m", micro=False).terminal(sys.stdout, compact=True)
    click.echo(_WHAT_TO_DO.format(digits=digits))


def _write(path: Path, pem: bytes) -> None:
    try:
        same = not path.exists() or path.read_bytes() == pem
        if same:
            write_atomically(path, pem)
    except OSError as error:
        raise storage_error(f"cannot write {path}", error) from error
    if not same:
        raise StorageError(f"{path} exists, and is not this key; give another name, or take it away")


def _has_blocks() -> bool:
    """Whether this terminal's character set has what a QR code is drawn with."""
    try:
        "█▀▄".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
