"""The commands `dropbox login` and `dropbox revoke`: let the camera write to Dropbox, and cut it off."""

import re
from pathlib import Path

import click

from pi_sec_cam.cli.options import config_option
from pi_sec_cam.clock import SystemClock
from pi_sec_cam.config import load_configuration
from pi_sec_cam.errors import KeyUnusable, StorageError, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.dropbox_login import (
    SCOPE,
    Authorisation,
    Login,
    check_login,
    keep_login,
    login_path,
    read_login,
    read_login_file,
    remove_login,
    revoke,
    write_login,
)
from pi_sec_cam.offsite.stores.dropbox_errors import CodeRefused
from pi_sec_cam.record.disk import Disk
from pi_sec_cam.remembered import Remembered

CONNECTED_APPS = "https://www.dropbox.com/account/connected_apps"
_MAKE_AN_APP = f"""\
The camera writes to Dropbox as an app of your own, so that nobody else is between you and your footage. Once:

  1. Open https://www.dropbox.com/developers/apps and choose "Create app".
  2. Choose "Scoped access", then "App folder", and give it a name, say "cameras of (your name)".
     The app then sees its own folder in your Dropbox, and nothing else.
  3. On its page "Permissions" tick {SCOPE}, and nothing else. Choose "Submit".
     What is ticked by itself there stays so.
  4. On its page "Settings" stands the "App key".
"""


@click.group()
@config_option
def dropbox(config: Path) -> None:
    """Let the camera write to its own folder in your Dropbox, or cut it off."""


@dropbox.command()
@config_option
@click.option("--app-key", metavar="KEY", help="The key of your app in Dropbox; else it is asked for.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a copy of the login to FILE: by it, `dropbox revoke --login FILE` cuts off a stolen camera from home.",
)
def login(config: Path, app_key: str | None, keep: Path | None) -> None:
    """Log the camera in at Dropbox, step by step.

    You need a browser, on any machine. The login may write files into the app's folder, and is kept in identity/ of
    the storage directory, for the daemon's user alone. Run this as that user, or as root.

    Exit codes: 0 the camera can write, 1 it did not work, 2 the command line or the configuration is at fault.
    """
    configuration = load_configuration(config)
    directory = configuration.storage.directory
    disk = Disk(directory, Remembered(directory))
    disk.claim()
    disk.guard()
    if keep is not None and keep.exists():
        raise click.UsageError(f"{keep} exists already; name another file")
    app_key = app_key or configuration.dropbox.app_key
    if app_key is None:
        click.echo(_MAKE_AN_APP)
        app_key = str(click.prompt("App key", value_proc=checked_app_key))
    made, _ = authorised(checked_app_key(app_key))
    check_login(made, SystemClock())
    before = _kept(directory / "identity")
    click.echo(f"The camera can write. The login is in {keep_login(made, directory)}.")
    if before is not None:
        _end_before(before)
    if keep is not None:
        click.echo(f"A copy is in {write_login(made, keep)}. Move it off the camera, to where you keep secrets.")
    click.echo("A camera that runs takes it up within 5 minutes; after the very first login, start it anew.")
    click.echo(
        f"If the camera is stolen, end its login at {CONNECTED_APPS}"
        + (f", or by `pi-sec-cam dropbox revoke --login {keep.name}` at home." if keep is not None else ".")
        + " What is in Dropbox stays there."
    )


@dropbox.command("revoke")
@config_option
@click.option(
    "--login",
    "copy",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The copy that `dropbox login --keep FILE` wrote; else the camera's own is revoked. Needs no configuration.",
)
def revoke_command(config: Path, copy: Path | None) -> None:
    """End the camera's login at Dropbox, and delete the file that holds it.

    Whoever has the camera can then no longer write to, or delete from, the folder in Dropbox. What is there stays.

    Exit codes: 0 the login is not valid any more, 1 it could not be revoked, 2 the command line or the configuration
    is at fault.
    """
    if copy is not None:
        found = read_login_file(copy)
        if found is None:
            raise StorageError(f"there is no {copy}")
        _end(refresh_token=found.refresh_token, app_key=found.app_key)
        _delete(copy)
        return
    configuration = load_configuration(config)
    directory, said = configuration.storage.directory, configuration.dropbox
    Disk(directory, Remembered(directory)).guard()
    own = login_path(directory / "identity")
    found = read_login_file(own)
    if found is not None:
        _end(refresh_token=found.refresh_token, app_key=found.app_key)
        _delete(own)
    if said.token is not None or said.refresh_token is not None:
        _end(token=said.token, refresh_token=said.refresh_token, app_key=said.app_key)
        click.echo(f"That was the one in the configuration: take token and refresh_token out of {config}.")
    elif found is None:
        click.echo(f"There is no login in {own}: nothing to revoke. All logins: {CONNECTED_APPS}")


def _kept(identity: Path) -> Login | None:
    try:
        return read_login(identity)
    except KeyUnusable:  # is replaced
        return None


def _end_before(login: Login) -> None:
    """A daemon that runs would go on with it, and `revoke` would not know of it any more."""
    try:
        revoke(SystemClock(), refresh_token=login.refresh_token, app_key=login.app_key)
        click.echo("The login that was there before is revoked.")
    except TemporaryError as error:
        click.echo(f"The login that was there before could not be revoked: {error}. See {CONNECTED_APPS}", err=True)


def _end(**login: str | None) -> None:
    try:
        was_valid = revoke(SystemClock(), **login)
    except TemporaryError as error:
        raise TemporaryError(f"{error}\nThe login may still be valid. Another way: {CONNECTED_APPS}") from error
    click.echo("The login is revoked." if was_valid else "The login was not valid any more.")
    click.echo("Everything that is in Dropbox stays there.")


def _delete(path: Path) -> None:
    remove_login(path)
    click.echo(f"{path} is deleted.")


def authorised(app_key: str, scopes: tuple[str, ...] = (SCOPE,)) -> tuple[Login, tuple[str, ...]]:
    """Walk somebody through Dropbox's login, and ask for the code until it is right.

    Args:
        scopes: the permissions to ask for.

    Returns:
        The login, and the permissions that Dropbox says it has.
    """
    authorisation = Authorisation(app_key, SystemClock(), scopes)
    click.echo(
        f"Open this address in a browser, log in, and allow it:\n\n{authorisation.url}\n\n"
        "Dropbox then shows a code; it is good for some minutes, and once."
    )
    while True:
        try:
            made, given = authorisation.finish(str(click.prompt("Code")))
        except CodeRefused as error:
            click.echo(f"{error}. Open the address again, and take the new code.", err=True)
            continue
        except StoreRefuses:
            raise
        except TemporaryError as error:
            click.echo(f"{error}. Once more, when that is mended.", err=True)
            continue
        given = given or scopes
        click.echo(f"Dropbox says that this login may use: {', '.join(given)}")
        return made, given


def checked_app_key(text: str) -> str:
    """The key of an app in Dropbox, without what is around it.

    Raises:
        click.BadParameter: it is none.
    """
    key = text.strip()
    if not re.fullmatch(r"[a-z0-9]{8,40}", key):
        raise click.BadParameter(f"{key!r} is no app key: those are small letters and digits, about 15 of them")
    return key
