"""The command `keys rehearse`: sends a sealed picture, and has the owner prove that it can be opened."""

import sys
from pathlib import Path

import click

from pi_sec_cam.cli.chosen_event import chosen_event
from pi_sec_cam.cli.options import config_option
from pi_sec_cam.clock import SystemClock
from pi_sec_cam.config import Configuration, load_configuration
from pi_sec_cam.errors import ConfigError, EventNotFound, OffsiteError, StorageError
from pi_sec_cam.offsite.downloaded import REHEARSALS
from pi_sec_cam.offsite.envelope import Envelope
from pi_sec_cam.offsite.owner_key import PublicKey, fingerprint, read_public_key
from pi_sec_cam.offsite.rehearsal import are_the_words, code_words, note_rehearsed
from pi_sec_cam.offsite.stores.protocol import Store
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.disk import Disk
from pi_sec_cam.record.event_folder import PICTURE_NAME
from pi_sec_cam.remembered import Remembered
from pi_sec_cam.sending import IDENTITY, stores_of

_TRIES = 3
_WHAT_TO_DO = """
Now, on the computer that has your private key:
  1. Fetch that file from there.
  2. pi-sec-cam decrypt -k pi_sec_cam_private.pem motion0.jpg
     or, with nothing installed but Python's cryptography:
     python3 decrypt.py -k pi_sec_cam_private.pem -i motion0.jpg -o clear-motion0.jpg
  3. Look at clear-motion0.jpg: two words are written across it.
"""
_WRONG = """\
Those are not the words. If the picture says so, it may be that of another rehearsal: this one's is in
{folder}.
If it cannot be opened: the private key that you have is not the other half of {public}.
Its fingerprint is {fingerprint}; that of yours is printed by
  openssl pkey -in pi_sec_cam_private.pem -pubout -outform DER | sha256sum
If they differ, and you find no other private key, make a new pair ("pi-sec-cam keys new") and use its public key:
what is sealed until then cannot be opened by anybody."""


@click.command()
@config_option
@click.option("--no-wait", is_flag=True, help="Only send it, and say which words it shows; nothing is noted.")
def rehearse(config: Path, no_wait: bool) -> None:
    """Try whether what is sealed arrives and opens.

    A sealed picture is sent to every place off-site; you open it, and type what it says. So you know, before it
    matters, that what the camera sends arrives and that your private key opens it. The picture is the newest event's,
    or a test picture, with two words across it. Run this on the camera, as the user that the daemon runs as (or as
    root), with or without a running daemon.

    Exit codes: 0 every place took it and the words were right, 1 not, 2 the command line or the configuration is at
    fault.
    """
    configuration = load_configuration(config)
    directory, public_pem = configuration.storage.directory, configuration.dropbox.public_pem_path
    if public_pem is None:
        raise ConfigError(
            f"{config} names no dropbox.public_pem_path: nothing is sealed, so there is no key to rehearse"
        )
    public_key = read_public_key(public_pem)
    remembered, clock = Remembered(directory), SystemClock()
    stores = list(stores_of(configuration, remembered, clock).values())
    if not stores:
        raise ConfigError(f"{config} names no place off-site to send to (dropbox, stores)")
    disk = Disk(directory, remembered)
    disk.claim()
    disk.guard()
    words, taken = code_words(), clock.wall().astimezone()
    folder = f"{configuration.cameras_resolved()[0].cam_name}/{REHEARSALS}/{taken:%Y-%m-%d_%H.%M.%S}"
    sealed = Envelope(public_key).seal(_picture(configuration, words, f"rehearsal of {taken:%Y-%m-%d %H:%M:%S}"))
    sent = [_sent(store, f"{folder}/motion0.jpg", sealed) for store in stores]
    if not any(sent):
        raise StorageError("no place off-site took the picture; there is nothing to rehearse with yet")
    click.echo(_WHAT_TO_DO)
    if no_wait:
        click.echo(f"They should be: {words}")
    else:
        _have_words_typed(words, folder, public_pem, public_key)
        note_rehearsed(directory / IDENTITY, public_key, taken)
        click.echo("Right: your private key opens what this camera sends. Keep it, and its passphrase, in two places.")
    sys.exit(0 if all(sent) else 1)


def _sent(store: Store, path: str, sealed: bytes) -> bool:
    try:
        store.put(path, sealed, interrupted=lambda: False)
    except OffsiteError as error:
        click.echo(f"{store.kind} {store.where} did not take it: {error}", err=True)
        return False
    finally:
        store.close()
    click.echo(f"sent {path} to {store.kind} {store.where}")
    return True


def _picture(configuration: Configuration, words: str, below: str) -> bytes:
    from pi_sec_cam.offsite.rehearsal_picture import rehearsal_picture  # OpenCV: not for what comes to nothing

    try:
        seen = (chosen_event(Archive(configuration.storage.directory), "last").path / PICTURE_NAME).read_bytes()
    except (EventNotFound, OSError):  # also without a picture, or with one that is kept sealed
        seen = None
    return rehearsal_picture(seen, words, below)


def _have_words_typed(words: str, folder: str, public_pem: Path, public_key: PublicKey) -> None:
    for _ in range(_TRIES):
        typed = click.prompt("The two words in the picture", default="", show_default=False)
        if are_the_words(typed, words):
            return
        click.echo(
            _WRONG.format(folder=folder, public=public_pem, fingerprint=fingerprint(public_key)) + "\n", err=True
        )
    click.echo("The key is not rehearsed: nobody knows yet whether what is sent can be opened.", err=True)
    sys.exit(1)
