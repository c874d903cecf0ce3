"""In sealed mode an event's files are kept in its folder as they leave; what waits to leave are links to them."""

from pathlib import Path

from pi_sec_cam.durable import storage_error, sync_directory, write_atomically
from pi_sec_cam.errors import StorageError
from pi_sec_cam.offsite.outgoing import EventHome, OutgoingFile


def keep_sealed(_event: str, file: OutgoingFile, home: EventHome) -> Path:
    """Put a sealed file into its event's folder, durably: what the outbox's writer does first with each file.

    Raises:
        StorageError: its folder does not stand, or the disk's.
    """
    folder = home.folder()
    if folder is None:
        raise StorageError(f"{file.name} waits for the folder of its event")
    path = folder / file.name
    try:
        # After trouble with a later step the file stands already, perhaps with links, which are to be the same file.
        if path.exists() and path.read_bytes() == file.data:
            sync_directory(folder)
        else:
            write_atomically(path, file.data)
    except OSError as error:
        raise storage_error(f"cannot write {path}", error) from error
    return path
