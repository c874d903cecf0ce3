"""One event of real video as a camera has sent it, with its records; the camera's rate changes."""

from itertools import accumulate
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pi_sec_cam.media.access_unit import AccessUnit
from tests.unit.camera_made import MadeCamera, MadeEvent
from tests.unit.downloads import JPEG, cut, sealed
from tests.unit.streams import units

# A camera whose rate changes: in the dark it takes fewer pictures. One of them is late.
GAPS = [40_000] * 50 + [125_000] * 20 + [333_333] + [125_000] * 29
TIMES = [0, *accumulate(GAPS)][:100]


def timed(pictures: list[AccessUnit]) -> list[AccessUnit]:
    turn = {unit.pts_us: number for number, unit in enumerate(sorted(pictures, key=lambda unit: unit.pts_us))}
    return [
        AccessUnit(unit.data, 7_000_000 + TIMES[turn[unit.pts_us]], unit.dts_us, unit.keyframe, unit.info)
        for unit in pictures
    ]


def sent(
    top: Path,
    *,
    chunks: int = 4,
    b_frames: int = 0,
    seal: bool = False,
    end: bool = True,
    key: Ed25519PrivateKey | None = None,
) -> MadeEvent:
    """A hundred pictures as the camera sends them, each chunk's record in an evidence file of its own."""
    camera = MadeCamera(top, key=key)
    event = MadeEvent(camera, started=True, stores=None)
    camera.running.append(event)
    camera.sign("began", event=event.name, of=event.chain.id)
    event.picture(sealed(JPEG) if seal else JPEG)
    for chunk in cut(timed(units(b_frames=b_frames)), chunks):
        data = b"".join(unit.data for unit in chunk)
        event.chunk(sealed(data) if seal else data, pts_us=[unit.pts_us for unit in chunk])
        camera.send()
    if end:
        event.end()
    return event
