"""Small copies of events' pictures, for a report: opened with the owner's private key where they are sealed."""

from collections.abc import Iterator

import cv2
import numpy as np
import simplejpeg

from pi_sec_cam.errors import OffsiteError, SealedFileDamaged, WrongKey
from pi_sec_cam.evidence.footage import Footage
from pi_sec_cam.evidence.verdict import EventResult, Verdict, Verification
from pi_sec_cam.media.picture import jpeg
from pi_sec_cam.offsite.envelope import is_clear, open_sealed
from pi_sec_cam.offsite.owner_key import PrivateKey

WIDTH = 320
_MOST_FILE_BYTES = 30_000_000  # a picture of a camera has some hundred kilobytes
_MOST_PIXELS = 50_000_000
_NEWEST = 100
_MOST = 500
_MOST_BYTES = 12_000_000  # of all together: the report is to be sent by mail


def events_to_show(verification: Verification) -> list[EventResult]:
    """Events whose picture a report has: the newest hundred, and those of which something is to be said; 500 at most.

    Only what is as it was recorded: a picture that was altered, is not the event's, or of which no record speaks, is
    not shown as the event's.
    """
    doubtful = {finding.place for finding in verification.findings}
    recorded = [event for event in verification.events if event.chain is not None]
    shown = [event for event in recorded if event.picture is not None and event.picture not in doubtful]
    newest = shown[-_NEWEST:]
    others = [event for event in shown[:-_NEWEST] if event.verdict is not Verdict.WHOLE]
    return others[-(_MOST - _NEWEST) :] + newest


def small_pictures(
    footage: Footage, verification: Verification, private_key: PrivateKey | None
) -> Iterator[tuple[str, bytes]]:
    """The events' folders, each with a JPEG of WIDTH pixels or less; none of those that cannot be had.

    Beginning with the newest, 12 MB in all.
    """
    left = _MOST_BYTES
    for event in reversed(events_to_show(verification)):
        try:
            small = small_picture(_read(footage, event.picture or ""), private_key)
        except (OSError, OffsiteError):  # it was verified a moment ago; the report does without
            continue
        if small is not None:
            left -= len(small)
            if left < 0:
                return
            yield event.folder, small


def small_picture(stored: bytes, private_key: PrivateKey | None) -> bytes | None:
    """A picture as it lies in the store, made small; None if it cannot be opened, or is no JPEG."""
    if not is_clear(stored):
        if private_key is None:
            return None
        try:
            stored = open_sealed(stored, private_key)
        except (SealedFileDamaged, WrongKey):
            return None
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(stored)
        if height * width > _MOST_PIXELS:
            return None
        picture = np.asarray(simplejpeg.decode_jpeg(stored, colorspace="BGR", min_width=WIDTH), np.uint8)
    except ValueError:
        return None
    height, width = picture.shape[:2]
    if width > WIDTH:
        size = (WIDTH, max(1, round(height * WIDTH / width)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return jpeg(picture, quality=75)


def _read(footage: Footage, path: str) -> bytes:
    """A file's bytes; nothing of one that is too long for a picture."""
    read = bytearray()
    for piece in footage.read(path):
        read += piece
        if len(read) > _MOST_FILE_BYTES:
            return b""
    return bytes(read)
