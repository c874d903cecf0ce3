"""The event that somebody names on the command line."""

import os
from pathlib import Path

from pi_sec_cam.errors import EventNotFound
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import id_of_folder


def chosen_event(archive: Archive, wanted: str, *, in_full: bool = False) -> EventFolder:
    """The event that the user means: "last", an id, or a folder.

    Args:
        in_full: else its beginning or end will do, if no other event has the same.

    Raises:
        EventNotFound: none, or more than one; the message lists what it could be.
        StorageError: the catalogue cannot be read.
    """
    ids: list[str] = []
    if archive.catalogue_path.exists():
        with Catalogue(archive.catalogue_path, read_only=True) as catalogue:
            ids = [event.id for event in catalogue.find(limit=1)] if wanted == "last" else list(catalogue.states())
    if wanted == "last":
        if not ids:
            raise EventNotFound(f"no event has been recorded in {archive.directory} yet")
        return archive.folder(ids[0])
    # A folder may be given below the recordings, or by its whole path.
    path = Path(os.path.relpath(wanted, archive.recordings) if wanted.startswith("/") else wanted).as_posix()
    for event_id in (wanted, id_of_folder(path)):
        if event_id in ids or _has_video(archive, event_id):
            return archive.folder(event_id)
    found = [
        event_id for event_id in ids if any(_begins_or_ends(event_id, part) for part in (wanted, id_of_folder(path)))
    ]
    if len(found) == 1 and not in_full:
        return archive.folder(found[0])
    if not found:
        raise EventNotFound(f'no event {wanted!r} in {archive.directory}; "pi-sec-cam events" lists them')
    shown = "".join(f"\n  {event_id}" for event_id in sorted(found)[:10])
    more = f"\n  and {len(found) - 10} more" if len(found) > 10 else ""
    wish = "write all of it" if in_full else "write more of it"
    raise EventNotFound(f"{wanted!r} could be any of these; {wish}:{shown}{more}")


def _has_video(archive: Archive, event_id: str) -> bool:
    """Also of an event that the catalogue does not know (yet)."""
    try:
        folder = archive.folder(event_id)
        return bool(folder.video_files() or folder.sealed_files())
    except (EventNotFound, OSError):
        return False


def _begins_or_ends(event_id: str, part: str) -> bool:
    return bool(part) and (event_id.startswith(part) or event_id.endswith(part))
