"""What former configurations have left in the outbox, for stores that nothing is sent to any more."""

from collections.abc import Collection
from pathlib import Path

from pi_sec_cam.durable import storage_error
from pi_sec_cam.offsite.left_behind import LeftBehind
from pi_sec_cam.record.event_record import folder_of_id


def warn_where_nothing_is_sent(outbox: Path) -> None:
    """Say in the log what waits; where something is sent, the outbox's own thread does."""
    LeftBehind(outbox, ()).warn()


def withdraw_left_behind(outbox: Path, event_id: str, stores: Collection[str] = ()) -> None:
    """Of a deleted event, remove what waits for others than these stores.

    Raises:
        StorageError: from the disk.
    """
    try:
        LeftBehind(outbox, stores).withdraw(folder_of_id(event_id))
    except OSError as error:
        raise storage_error(f"{event_id} is deleted, but not what of it was left in {outbox}", error) from error
