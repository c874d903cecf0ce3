"""Withdraws an event from an outbox that no daemon has: what of it has not left never will."""

from pathlib import Path

from pi_sec_cam.offsite.left_behind import stores_in
from pi_sec_cam.offsite.outbox_files import OutboxFiles
from pi_sec_cam.offsite.waiting import WaitingEvent
from pi_sec_cam.offsite.withdrawn_notes import note_withdrawn


def withdraw(outbox: Path, folder: str) -> None:
    """Remove what waits of an event, for all stores, those too that are not configured any more; durable on return.

    The next start signs that it was removed.

    Args:
        outbox: the directory; need not be there.
        folder: of the event, below `recordings/`.

    Raises:
        OSError: from the disk; the same call may be made again.
    """
    files = OutboxFiles(outbox, stores_in(outbox))
    events = {event.name: event for event, _ in files.half_written()}
    names: dict[str, dict[str, list[str]]] = {name: {} for name in events}
    for found in files.waiting(lambda: None):
        names.setdefault(found.event, {})[found.store] = [name for name, *_ in found.files]
        event = events.setdefault(found.event, WaitingEvent(found.event, folder=found.folder))
        event.places[found.store] = found.place
    for event in events.values():
        if (event.folder or event.name) == folder:
            note_withdrawn(outbox.parent, event.name, names[event.name])
            files.withdraw(event)
