"""Events as they are found off-site: chunks of real video, sealed or not; and a judge of the films made of them."""

import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.offsite.envelope import Envelope
from pi_sec_cam.offsite.journal import JournalFile, file_line
from pi_sec_cam.offsite.outgoing import OutgoingFile, Video
from tests.unit.owner_keys import private_pem, public_key

JPEG = b"\xff\xd8\xff\xe0 a picture"
BITS = 1024


def sealed(data: bytes) -> bytes:
    return Envelope(public_key(BITS)).seal(data)


def key(directory: Path) -> Path:
    path = directory / "private.pem"
    path.write_bytes(private_pem(BITS))
    return path


def cut(pictures: Sequence[AccessUnit], chunks: int) -> list[list[AccessUnit]]:
    """As many chunks as asked for, of nearly the same number of pictures."""
    bounds = [round(len(pictures) * number / chunks) for number in range(chunks + 1)]
    return [list(pictures[a:b]) for a, b in pairwise(bounds)]


def download(folder: Path, pictures: Sequence[AccessUnit], chunks: int = 12, seal: bool = False) -> Path:
    """What somebody finds who fetches an event."""
    folder.mkdir(parents=True)
    for number, chunk in enumerate(cut(pictures, chunks)):
        data = b"".join(unit.data for unit in chunk)
        (folder / f"video{number}.{chunk[0].info.codec}").write_bytes(sealed(data) if seal else data)
    (folder / "motion0.jpg").write_bytes(sealed(JPEG) if seal else JPEG)
    return folder


def journal(folder: Path, chunks: Sequence[Sequence[AccessUnit]]) -> None:
    """The camera's own notes of an event."""
    lines = []
    for number, chunk in enumerate(chunks):
        info, pts = chunk[0].info, tuple(unit.pts_us for unit in chunk)
        video = Video(info.codec, info.width, info.height, len(chunk), pts, len(chunk) / 25, "", 0, chunk[0].keyframe)
        lines.append(file_line(OutgoingFile(f"video{number}.{info.codec}", b"", "live", video), ["nas"]))
    JournalFile(folder / "offsite.jsonl", "Yard/2026-05-04/12.00.00").append(lines)


def pictures_of(film: Path) -> list[str]:
    """A hash of each decoded picture; a complaint of the decoder fails."""
    command = ["ffmpeg", "-nostdin", "-v", "warning", "-i", film, "-fps_mode", "passthrough", "-f", "framemd5", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not done.stderr
    return [line.split(",")[-1].strip() for line in done.stdout.splitlines() if not line.startswith("#")]
