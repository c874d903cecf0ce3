"""Opens the catalogue, and makes it anew from the files where it is missing, damaged or not believed."""

from collections.abc import Callable
from dataclasses import replace

from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.catalogue_file import CatalogueDamaged, set_aside
from pi_sec_cam.record.event_record import RecordDamaged
from pi_sec_cam.record.recovery import recover, survey


def open_or_rebuild(archive: Archive) -> tuple[Catalogue, str | None]:
    """Open the catalogue; one that is missing or damaged begins anew, empty, for `survey` and `recover` to fill.

    Damage is looked for in the whole file (`Catalogue.check`). A damaged file is kept beside the new one.

    Returns:
        The catalogue, and what had to be done, in words for the log and the status; None if nothing.

    Raises:
        StorageError: it can be neither read nor replaced; of a later version, it is left as it is.
    """
    path = archive.catalogue_path
    happened = None
    if not path.exists() and any(place.kind == "event" for place in archive.places()):
        happened = f"{path} was missing: it is made anew from the files"
    try:
        catalogue = Catalogue(path)
        try:
            catalogue.check()
        except CatalogueDamaged:
            catalogue.close()
            raise
    except CatalogueDamaged:
        set_aside(path)
        catalogue = Catalogue(path)
        happened = f"{path} was damaged: it is kept as {path.name}.damaged, and a new one is made from the files"
    archive.sequence.reach(catalogue.newest_sequence())
    return catalogue, happened


def rebuild(
    archive: Archive,
    catalogue: Catalogue | None,
    *,
    on_progress: Callable[[], None] = lambda: None,
    stopping: Callable[[], bool] = lambda: False,
) -> Catalogue:
    """Make the catalogue anew from the files, whatever state it is in; events that are running now are listed too.

    This process may record meanwhile: nothing that is written to the catalogue then is lost. Until it is done the list
    is not whole, so nothing may be chosen from it for deletion.

    Args:
        catalogue: the one in use, which goes on to be; None if none could be opened.
        on_progress: called for each folder and each event.
        stopping: whether to do no more; the next survey finds what is not listed yet.

    Raises:
        StorageError: the recordings cannot be read, or the catalogue cannot be written.
    """
    next(archive.places(), None)  # raises if there is nothing to make it from
    if catalogue is None:
        set_aside(archive.catalogue_path)
        catalogue = Catalogue(archive.catalogue_path)
    else:
        catalogue.start_anew()
    # An empty directory may be that of an event which begins just now.
    found = survey(archive, catalogue, on_progress=on_progress, stopping=stopping)
    recover(archive, catalogue, replace(found, bare=()), on_progress=on_progress, stopping=stopping)
    for event_id in tuple(archive.running):
        try:
            record = archive.folder(event_id).read_record()
        except RecordDamaged:
            continue  # the recorder will write another
        if record is not None:
            catalogue.put(record)
    return catalogue
