"""The commands `keys`: `new` makes the owner's key pair, `rehearse` tries it out, `camera` shows the camera's own."""

import json
from pathlib import Path

import click

from pi_sec_cam.cli.camera_key import camera_key
from pi_sec_cam.cli.options import config_option, not_configured
from pi_sec_cam.cli.passphrase import new_passphrase
from pi_sec_cam.cli.rehearse import rehearse
from pi_sec_cam.offsite.new_key_pair import check_room, new_private_key, write_key_pair
from pi_sec_cam.offsite.owner_key import fingerprint

_AFTERWARDS = """
{private} opens everything that will be sealed. It belongs OFF the camera:
whoever takes the camera must not find it there. Nobody can make it anew: a lost key means lost footage. So keep it,
and its passphrase, in two places.

What next:
  1. Move the private key to the computer where you will look at footage, copy it to a second place, and
     delete it here if this is the camera.
  2. Copy the public key to the camera, and name it in the camera's configuration, by where it is there:
     "dropbox": {{"public_pem_path": {public}}}
  3. On the camera: pi-sec-cam keys rehearse
     It sends a sealed picture, and you open it at home: then you know that you can."""


@click.group()
@config_option
def keys(config: Path) -> None:
    """Your key pair, which footage is sealed with; and the camera's own, with which it signs what it sends."""


@keys.command()
@not_configured
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Where to write them; the current folder without this.",
)
@click.option(
    "--bits",
    type=click.Choice(["2048", "3072", "4096"]),
    default="4096",
    show_default=True,
    help="The size of the RSA key.",
)
@click.option("--no-passphrase", is_flag=True, help="Leave the private key unprotected.")
@click.option(
    "--passphrase-stdin", is_flag=True, help="Read the passphrase from standard input (one line), for scripts."
)
def new(out: Path, bits: str, no_passphrase: bool, passphrase_stdin: bool) -> None:
    """Make your key pair.

    pi_sec_cam_private.pem and pi_sec_cam_public.pem. Best made on the computer where you will look at footage: then the
    private key never is on the camera. Its passphrase is asked for. Existing keys are never overwritten.

    Exit codes: 0 both were written, 1 neither was, 2 the command line is at fault.
    """
    if no_passphrase and passphrase_stdin:
        raise click.UsageError("--no-passphrase and --passphrase-stdin exclude each other")
    check_room(out)
    passphrase = None if no_passphrase else new_passphrase(from_stdin=passphrase_stdin)
    click.echo(f"making an RSA key of {bits} bits; this may take a while", err=True)
    key = new_private_key(int(bits))
    private, public = write_key_pair(out.resolve(), key, passphrase)
    click.echo(f"wrote {private}\nwrote {public}\nfingerprint {fingerprint(key.public_key())}")
    click.echo(_AFTERWARDS.format(private=private.name, public=json.dumps(str(public))))
    if passphrase is None:
        click.echo("\nThe private key has no passphrase: whoever reads that file can look at all footage.", err=True)


keys.add_command(rehearse)
keys.add_command(camera_key)
