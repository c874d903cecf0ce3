"""The commands `home`: the owner's own login at Dropbox, at the computer where footage is looked at."""

from contextlib import suppress

import click

from pi_sec_cam.cli.dropbox import CONNECTED_APPS, authorised, checked_app_key
from pi_sec_cam.cli.options import not_configured
from pi_sec_cam.clock import SystemClock
from pi_sec_cam.errors import KeyUnusable, StoreRefuses, TemporaryError
from pi_sec_cam.home.owner_login import (
    DELETE_SCOPE,
    LOGIN,
    READ_SCOPES,
    OwnerLogin,
    keep_owner_login,
    owner_login_path,
    read_owner_login,
)
from pi_sec_cam.offsite.dropbox_login import remove_login, revoke

_WHAT_IT_IS = f"""\
This computer gets a login of its own, which reads what your cameras have put into Dropbox. It never belongs on a
camera: whoever takes the camera must not be able to read anything. So if this IS a camera, stop here (Ctrl+C).

The login is one of the same app that the cameras use, since each app sees its own folder alone. Once:

  1. Open https://www.dropbox.com/developers/apps and choose the app of your cameras.
  2. On its page "Permissions" tick {" and ".join(READ_SCOPES)}, and choose "Submit".
     {DELETE_SCOPE} is ticked already, for the cameras.
  3. On its page "Settings" stands the "App key".

The cameras cannot read more by that: their logins keep what they were given, and a new one for a camera asks for
{DELETE_SCOPE} alone.
"""


@click.group()
@not_configured
def home() -> None:
    """At home: your own login at Dropbox, by which this computer reads what the cameras have sent.

    For S3 there is nothing to log in: the login of your other programs is used (environment, ~/.aws).
    """


@home.command()
@not_configured
@click.argument("place", type=click.Choice(["dropbox"]), metavar="dropbox", expose_value=False)
@click.option("--app-key", metavar="KEY", help="The key of your cameras' app in Dropbox; else it is asked for.")
@click.option("--may-delete", is_flag=True, help=f"Also ask for {DELETE_SCOPE}, which `prune` needs.")
def login(app_key: str | None, may_delete: bool) -> None:
    """Log this computer in at Dropbox, step by step. Not on a camera.

    You need a browser, on any machine. The login may list and read the files in the app's folder, and is kept in your
    own configuration (~/.config/pi-sec-cam), for your user alone.

    Exit codes: 0 this computer can read, 1 it did not work, 2 the command line is at fault.
    """
    click.echo(_WHAT_IT_IS)
    before = _kept()
    if app_key is None:
        usual = before.app_key if before is not None else None
        app_key = str(click.prompt("App key", default=usual, value_proc=checked_app_key))
    wanted = (*READ_SCOPES, DELETE_SCOPE) if may_delete else READ_SCOPES
    made, given = authorised(checked_app_key(app_key), wanted)
    new = OwnerLogin(
        app_key=made.app_key, refresh_token=made.refresh_token, account=made.account, made=made.made, scopes=given
    )
    if missing := set(wanted) - set(given):
        with suppress(TemporaryError):
            _end(new)
        raise StoreRefuses(f"the login lacks {', '.join(sorted(missing))}: tick that on the app's page, then {LOGIN}")
    _try_out(new)
    click.echo(f"This computer can read what the cameras send. The login is in {keep_owner_login(new)}.")
    if before is not None:
        _end_quietly(before)
    click.echo("It reads everything in the app's folder. End it by `pi-sec-cam home logout` when you give this")
    click.echo(f"computer away; if it is stolen, at {CONNECTED_APPS} (which ends those of the cameras too).")


@home.command()
@not_configured
def logout() -> None:
    """End this computer's login at Dropbox.

    The file that holds it is deleted. The cameras' logins go on.

    Exit codes: 0 the login is not valid any more, 1 it could not be ended.
    """
    path = owner_login_path()
    found = read_owner_login()
    if found is None:
        click.echo(f"There is no login in {path}: nothing to end. All logins: {CONNECTED_APPS}")
        return
    try:
        was_valid = _end(found)
    except TemporaryError as error:
        raise TemporaryError(f"{error}\nThe login may still be valid. Another way: {CONNECTED_APPS}") from error
    remove_login(path)
    click.echo(f"The login {'is ended' if was_valid else 'was not valid any more'}, and {path} is deleted.")


@home.command()
@not_configured
def show() -> None:
    """Say which login this computer has.

    What it may do, and whether it works.

    Exit codes: 0 there is one, and it works; 1 not so.
    """
    found = read_owner_login()
    if found is None:
        raise StoreRefuses(f"there is no login of yours at Dropbox in {owner_login_path()}: {LOGIN}")
    click.echo(f"Dropbox, in {owner_login_path()}")
    click.echo(f"  app key      {found.app_key}")
    click.echo(f"  account      {found.account or 'not said'}")
    click.echo(f"  made         {found.made}")
    click.echo(f"  may use      {', '.join(found.scopes) or 'not said'}")
    click.echo(f"  may delete   {'yes' if DELETE_SCOPE in found.scopes else 'no'}")
    _try_out(found)
    click.echo("  works        yes")


def _kept() -> OwnerLogin | None:
    try:
        return read_owner_login()
    except KeyUnusable:  # is replaced
        return None


def _try_out(found: OwnerLogin) -> None:
    """Ask for what is in the folder's top: that is the least that needs the permission to list."""
    from pi_sec_cam.home.dropbox import check_owner_login

    check_owner_login(found, SystemClock())


def _end(found: OwnerLogin) -> bool:
    return revoke(SystemClock(), refresh_token=found.refresh_token, app_key=found.app_key)


def _end_quietly(found: OwnerLogin) -> None:
    try:
        _end(found)
        click.echo("The login that was there before is ended.")
    except TemporaryError as error:
        click.echo(f"The login that was there before could not be ended: {error}. See {CONNECTED_APPS}", err=True)
