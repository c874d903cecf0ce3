"""Withdraws an event from an outbox that no daemon has: what of it has not left never will."""

from pathlib import Path

from pi_sec_cam.offsite.left_behind import stores_in
from pi_sec_cam.offsite.outbox_files import OutboxFiles
from pi_sec_cam.offsite.waiting import WaitingEvent


def withdraw(outbox: Path, folder: str) -> None:
    """Remove what waits of an event, for all stores, those too that are not configured any more; durable on return.

    Args:
        outbox: the directory; need not be there.
        folder: of the event, below `recordings/`.

    Raises:
        OSError: from the disk; the same call may be made again.
    """
    files = OutboxFiles(outbox, stores_in(outbox))
    events = {event.name: event for event, _ in files.half_written()}
    for found in files.waiting(lambda: None):
        event = events.setdefault(found.event, WaitingEvent(found.event, folder=found.folder))
        event.places[found.store] = found.place
    for event in events.values():
        if (event.folder or event.name) == folder:
            files.withdraw(event)
