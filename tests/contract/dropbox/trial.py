"""Trying the Dropbox store: a file is put, or refused."""

import pytest

from pi_sec_cam.errors import PermanentError, TemporaryError
from pi_sec_cam.offsite.stores.dropbox import DropboxStore

PATH = "Yard/2026-11-20/10.00.00/video0.h264"
UPLOAD = "files/upload"


def put(store: DropboxStore, data: bytes = b"sealed", path: str = PATH) -> None:
    store.put(path, data, interrupted=lambda: False)


def refusal(store: DropboxStore, data: bytes = b"sealed", path: str = PATH) -> TemporaryError | PermanentError:
    """Why it does not take the file."""
    with pytest.raises((TemporaryError, PermanentError)) as caught:
        put(store, data, path)
    return caught.value
