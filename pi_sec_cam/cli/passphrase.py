"""Asks for the passphrase of a private key: at the terminal, or takes it from where scripts put it."""

import os
import sys
from pathlib import Path

import click

from pi_sec_cam.errors import WrongPassphrase
from pi_sec_cam.offsite.owner_key import PrivateKey, read_private_key

VARIABLE = "PI_SEC_CAM_PASSPHRASE"
"""The environment variable that scripts give the passphrase of an existing key in."""

_TRIES = 3
_SHORTEST = 8
_LONGEST = 200  # in characters; the library takes 1,023 bytes


def open_private_key(path: Path) -> PrivateKey:
    """The private key in `path`, whose passphrase is asked for where it has one: three times, if need be.

    Raises:
        KeyUnusable: as `read_private_key`.
    """
    given = os.environ.get(VARIABLE)
    for _ in range(_TRIES - 1 if given is None else 0):
        try:
            return read_private_key(path, lambda: _asked(path))
        except WrongPassphrase as error:
            click.echo(f"{error}; once more", err=True)
    return read_private_key(path, lambda: _asked(path) if given is None else given)


def new_passphrase(*, from_stdin: bool) -> str:
    """A passphrase for a new key: asked for twice, or one line of standard input.

    Raises:
        click.UsageError: there is nobody to ask.
        click.BadParameter: it is too short or too long, or has characters that cannot be typed everywhere.
    """
    if from_stdin:
        return _good(sys.stdin.readline().rstrip("\r\n"))
    _need_terminal("use --passphrase-stdin, or --no-passphrase")
    return str(
        click.prompt(
            f"A passphrase for the private key ({_SHORTEST} characters or more)",
            hide_input=True,
            confirmation_prompt="The same again",
            value_proc=_good,
            err=True,
        )
    )


def _asked(path: Path) -> str:
    _need_terminal(f"give the passphrase of {path} in the environment ({VARIABLE})")
    return str(click.prompt(f"Passphrase of {path}", hide_input=True, default="", show_default=False, err=True))


def _need_terminal(else_do: str) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError(f"there is no terminal to ask at; {else_do}")


def _good(passphrase: str) -> str:
    if not _SHORTEST <= len(passphrase) <= _LONGEST:
        raise click.BadParameter(f"a passphrase has {_SHORTEST} to {_LONGEST} characters, this one {len(passphrase)}")
    if not passphrase.isprintable():
        raise click.BadParameter("a passphrase consists of characters that can be printed")
    return passphrase
