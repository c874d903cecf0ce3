"""`export --evidence`: one zip with all that proves an event, from the camera's disk or from what was fetched."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from pi_sec_cam import __version__
from pi_sec_cam.cli.copying import copying
from pi_sec_cam.cli.private_files import private_files
from pi_sec_cam.clock import SystemClock
from pi_sec_cam.durable import storage_error
from pi_sec_cam.errors import PiSecCamError, SealedFileDamaged
from pi_sec_cam.evidence.camera_key import PublicKey, fingerprint, public_pem, read_camera_key, read_public_key
from pi_sec_cam.home.evidence_contents import (
    FOOTAGE,
    EventEvidence,
    ItemFootage,
    evidence_of_folder,
    evidence_on_camera,
    program_alone,
)
from pi_sec_cam.home.evidence_readme import NAME as README
from pi_sec_cam.home.evidence_readme import KeyFrom, readme
from pi_sec_cam.home.evidence_zip import Item, write_evidence_zip
from pi_sec_cam.offsite.attested import NotAsRecorded
from pi_sec_cam.offsite.downloaded import ChunksMissing, stored_event
from pi_sec_cam.offsite.joining import NoVideo
from pi_sec_cam.offsite.owner_key import PrivateKey
from pi_sec_cam.offsite.wrapping import Opening, write_films
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_folder import PICTURE_NAME, EventFolder
from pi_sec_cam.record.export import export_video

FILM = "clip.mp4"


@dataclass(frozen=True, slots=True)
class _Signer:
    """Whose key the records are signed with.

    Attributes:
        key: the camera's.
        by: who says that it is.
        known: those with which the records are verified; none where it is known from the records alone.
    """

    key: PublicKey
    by: KeyFrom
    known: Sequence[PublicKey]


def export_fetched(
    folder: Path, out: Path, *, force: bool, private_key: PrivateKey | None, public_keys: Sequence[str]
) -> list[str]:
    """Write the zip of the event in this folder; what is not as it should be, in words.

    Raises:
        PiSecCamError: it could not be written.
    """
    evidence = evidence_of_folder(folder)
    given = [read_public_key(text) for text in public_keys]
    key = next((each for each in given if evidence.opening.signed_by(each)), None)
    if given and key is None:
        raise NotAsRecorded(f"what is in {folder} is not signed with the camera's key that was given")
    signer = _Signer(key, "owner", given) if key is not None else _Signer(evidence.key, "records", ())
    faults: list[str] = []
    with _work_folder(out) as work:
        shown = _opened(folder, evidence, work, private_key, faults)
        _write(out, evidence, signer, [*shown, *_told(evidence, signer, private_key)], force)
    return faults


def export_kept(
    archive: Archive, folder: EventFolder, out: Path, *, force: bool, private_key: PrivateKey | None
) -> list[str]:
    """The same, of an event on the camera's own disk."""
    sealed = folder.sealed_files() if folder.kept_sealed() else []
    evidence = evidence_on_camera(folder.path, sealed, archive.directory)
    private = read_camera_key(archive.directory / "identity")
    key = private.public_key() if private else None
    signer = _Signer(key, "camera", (key,)) if key is not None else _Signer(evidence.key, "records", ())
    faults: list[str] = []
    with _work_folder(out) as work:
        if sealed:
            shown = _opened(folder.path, evidence, work, private_key, faults)
            shown += _told(evidence, signer, private_key)
        else:
            shown = _clear_copy(folder, evidence, work, faults)
            click.echo(
                "the camera keeps a clear copy of this event and its records, but not the files that it sent: fetch "
                "those, and export from there, for what can be verified"
            )
        _write(out, evidence, signer, shown, force)
    return faults


def _write(out: Path, evidence: EventEvidence, signer: _Signer, shown: Sequence[Item], force: bool) -> None:
    items = [*shown, *evidence.items, Item("camera_public.pem", public_pem(signer.key))]
    programs = [*(["verify.py"] if evidence.originals else []), *(["decrypt.py"] if evidence.sealed else [])]
    items += [Item(name, program_alone(name)) for name in programs]
    page = readme(evidence, {item.name for item in items}, key=signer.key, by=signer.by)
    items = [Item(README, page), *items]
    with copying(sum(item.size for item in items)) as progress:
        write_evidence_zip(out, items, at=evidence.at, force=force, progress=progress)
    click.echo(f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB)")


def _opened(
    folder: Path, evidence: EventEvidence, work: Path, private_key: PrivateKey | None, faults: list[str]
) -> list[Item]:
    """The film and the picture, made of the originals."""
    if evidence.sealed and private_key is None:
        click.echo("its files are sealed: without your private key (-k) there is no film in the zip")
        return []
    opening = Opening(private_key if evidence.sealed else None)
    items = []
    try:
        event = stored_event(folder)
        if missing := event.missing():
            faults.append(f"chunks are missing: {missing}")
        films = write_films(event, work / FILM, opening=opening, rate=None, taken=evidence.at)
        items = [Item(film.name, film) for film in films]
        if event.picture is not None:
            items.append(Item(PICTURE_NAME, opening.plain(event.picture)))
    except (NotAsRecorded, SealedFileDamaged, NoVideo, ChunksMissing) as error:  # the more it is evidence
        faults.append(f"not all could be made into a film: {error}")
    return items


def _clear_copy(folder: EventFolder, evidence: EventEvidence, work: Path, faults: list[str]) -> list[Item]:
    """The film and the picture, as the camera keeps them."""
    done = export_video(folder.video_files(), work / FILM, taken=evidence.at)
    faults += [f"{file} cannot be read and is left out" for file in done.unreadable]
    picture = folder.path / PICTURE_NAME
    return [Item(film.path.name, film.path) for film in done.films] + (
        [Item(PICTURE_NAME, picture)] if picture.exists() else []
    )


def _told(evidence: EventEvidence, signer: _Signer, private_key: PrivateKey | None) -> list[Item]:
    """What verification finds, as a page and as text."""
    from pi_sec_cam.evidence.reporting.as_text import report_lines
    from pi_sec_cam.evidence.reporting.page import ReportedCheck, html_report
    from pi_sec_cam.evidence.scope import Scope
    from pi_sec_cam.evidence.verify import verify
    from pi_sec_cam.home.event_pictures import small_pictures

    footage = ItemFootage(evidence.event, evidence.items)
    found = verify(footage, signer.known, scope=Scope(only_here=True))
    lines = [line.text for line in report_lines(found, UTC)]
    click.echo(lines[0])
    check = ReportedCheck(
        at=SystemClock().wall(),
        program=f"pi_sec_cam {__version__}",
        keys=[fingerprint(key) for key in signer.known],
        heads=(),
        command=f"pi-sec-cam verify {FOOTAGE} -p camera_public.pem --only-here",
    )
    page = html_report(found, check, dict(small_pictures(footage, found, private_key)), UTC)
    return [Item("report.html", page), Item("report.txt", "\n".join([*lines, ""]).encode())]


@contextmanager
def _work_folder(out: Path) -> Iterator[Path]:
    """Where clear video lies until it is in the zip: on the same disk, for its user alone, and gone afterwards."""
    try:
        with private_files(), TemporaryDirectory(prefix=f".{out.name}.", dir=out.absolute().parent) as work:
            yield Path(work)
    except PiSecCamError:
        raise
    except OSError as error:
        raise storage_error(f"cannot write {out}", error) from error
