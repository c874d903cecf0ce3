"""The command `decrypt`: opens sealed files at home, with the owner's private key."""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from pi_sec_cam.cli.options import not_configured
from pi_sec_cam.cli.passphrase import VARIABLE, open_private_key
from pi_sec_cam.cli.private_files import private_files
from pi_sec_cam.durable import storage_error, write_atomically
from pi_sec_cam.errors import PiSecCamError, StorageError
from pi_sec_cam.offsite.envelope import is_clear, open_sealed

_CLEAR = "clear-"
# The contract's names off-site; what else lies in a folder (also what was opened before) is passed by.
_NAME = re.compile(r"(motion|video)([0-9]+)\.(jpg|h264|h265)")


@dataclass(frozen=True, slots=True)
class _Job:
    """One file: where from, where to (None: standard output), and whether it was found in a folder."""

    sealed: Path
    target: Path | None
    found: bool


@click.command(epilog=f"Scripts give the key's passphrase in the environment, as {VARIABLE}.")
@not_configured
@click.option(
    "-k", "--key", type=click.Path(path_type=Path), required=True, metavar="KEY", help="Your private key (PEM)."
)
@click.argument("files", type=click.Path(path_type=Path), metavar="FILE...", nargs=-1, required=True)
@click.option(
    "-o",
    "--out",
    metavar="OUT",
    help='Where to: a file, a folder, or "-" for standard output. Without this: beside each FILE, with '
    f'"{_CLEAR}" before its name.',
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
def decrypt(key: Path, files: tuple[Path, ...], out: str | None, force: bool) -> None:
    """Open sealed FILEs with your private key. A folder means all sealed pictures and videos in it.

    \b
    pi-sec-cam decrypt -k pi_sec_cam_private.pem motion0.jpg
    pi-sec-cam decrypt -k pi_sec_cam_private.pem Dropbox/Yard -o opened
    pi-sec-cam decrypt -k pi_sec_cam_private.pem video0.h264 video1.h264 -o - | ffplay -

    Several FILEs, or a folder, need a folder as OUT, which is made, or standard output, where they follow one another
    as you named them (those of a folder by their numbers). Nothing is written of a file that is damaged, and the others
    are opened all the same.

    Exit codes: 0 all were opened, 1 not all (the messages say why), 2 the command line is at fault.
    """
    jobs = list(_jobs(files, out))
    if not jobs:
        raise StorageError(f"no sealed picture or video in {files[0]}; those are called motion0.jpg, video0.h264, …")
    _refuse_doubles(jobs)
    private_key = open_private_key(key)
    failed = 0
    for job in jobs:
        try:
            sealed = _read(job.sealed)
            if job.found and is_clear(sealed):
                click.echo(f"{job.sealed} is not sealed, and stays as it is", err=True)
                continue
            _write(job, open_sealed(sealed, private_key), force)
        except PiSecCamError as error:
            where = "" if isinstance(error, StorageError) else f"{job.sealed}: "
            click.echo(f"pi-sec-cam: {where}{error}", err=True)
            failed += 1
    if failed:
        if len(jobs) > 1:
            click.echo(f"pi-sec-cam: {failed} of {len(jobs)} files could not be opened", err=True)
        sys.exit(1)


def _jobs(files: tuple[Path, ...], out: str | None) -> Iterator[_Job]:
    one_to_one = len(files) == 1 and not files[0].is_dir()
    for file in files:
        for sealed in _in_folder(file) if file.is_dir() else [file]:
            target: Path | None
            if out == "-":
                target = None
            elif out is None:
                target = sealed.with_name(_CLEAR + sealed.name)
            elif one_to_one and not (out.endswith("/") or Path(out).is_dir()):
                target = Path(out)
            else:
                target = Path(out) / (sealed.relative_to(file) if file.is_dir() else sealed.name)
            yield _Job(sealed, target, file.is_dir())


def _in_folder(folder: Path) -> list[Path]:
    """By folder, then pictures before video, then by number: 10 comes after 9."""
    found = [(path.parent, match, path) for path in folder.rglob("*") if (match := _NAME.fullmatch(path.name))]
    found.sort(key=lambda entry: (entry[0], entry[1][1], int(entry[1][2])))
    return [path for _, _, path in found if path.is_file()]


def _refuse_doubles(jobs: list[_Job]) -> None:
    targets = [job.target for job in jobs if job.target is not None]
    twice = next((target for target, count in Counter(targets).items() if count > 1), None)
    if twice is not None:
        raise click.UsageError(f"several of these files would become {twice}; open them one by one")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise storage_error(f"cannot read {path}", error) from error


def _write(job: _Job, clear: bytes, force: bool) -> None:
    if job.target is None:
        sys.stdout.buffer.write(clear)
        return
    if job.target.exists():
        if job.target.samefile(job.sealed):
            raise StorageError(f"{job.target} is the sealed file itself; choose another folder, or leave -o away")
        if not force:
            raise StorageError(f"{job.target} exists; choose another name, or --force to replace it")
    try:
        with private_files():
            job.target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(job.target, clear)
    except OSError as error:
        raise storage_error(f"cannot write {job.target}", error) from error
    click.echo(f"wrote {job.target} ({len(clear)} bytes)")
