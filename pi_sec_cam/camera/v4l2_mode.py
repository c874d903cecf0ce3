"""Puts a V4L2 camera into the mode that suits best, and says what is different from what was wanted."""

from collections.abc import Sequence
from dataclasses import dataclass

from pi_sec_cam.camera import v4l2_kernel as kernel
from pi_sec_cam.camera.found import Mode, choose
from pi_sec_cam.camera.v4l2_devices import modes
from pi_sec_cam.camera.v4l2_formats import FORMATS
from pi_sec_cam.errors import SourceUnusable
from pi_sec_cam.media.access_unit import Codec


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the camera is to deliver.

    Attributes:
        turned: by 180°.
        format: the four-character code of the one that is wanted; None: whichever suits best.
        may_encode: False where what the camera encodes by itself has proved unusable.
    """

    width: int
    height: int
    frame_rate: float
    turned: bool
    format: str | None = None
    may_encode: bool = True


@dataclass(frozen=True, slots=True)
class Settled:
    """What it delivers.

    Attributes:
        codec: of its own encoding, None if it delivers pictures.
        frame_rate: of pictures, after those beyond the wanted rate are left out.
        has_pictures: it could deliver pictures too.
        notes: for people: what is different from what was wanted.
    """

    name: str
    buffer_type: int
    layout: kernel.Layout
    codec: Codec | None
    frame_rate: float
    has_pictures: bool
    notes: tuple[str, ...]


def settle(fd: int, device: str, wanted: Wanted) -> Settled:
    """Set format and rate.

    Raises:
        SourceUnusable: the device is no camera, or has no mode that can be used.
        OSError: it refuses, or is gone.
    """
    said = kernel.identify(fd)
    name = f"{device} ({said.card})"
    if said.buffer_type is None:
        raise SourceUnusable(f"{name} does not capture pictures; see `pi-sec-cam devices`")
    offered = modes(fd, said.buffer_type)
    if not offered:
        theirs = ", ".join(kernel.formats(fd, said.buffer_type)) or "none"
        raise SourceUnusable(f"{name} has no format that is read here ({', '.join(FORMATS)}), but {theirs}")
    usable = _usable(offered, name, wanted)
    mode, rate = choose(usable, wanted.width, wanted.height, wanted.frame_rate)
    layout = kernel.set_format(fd, said.buffer_type, mode.format, mode.width, mode.height)
    if layout.fourcc != mode.format:
        raise SourceUnusable(f"{name} offers {mode}, but delivers {layout.fourcc}")
    settled = kernel.set_rate(fd, said.buffer_type, rate) or rate
    codec: Codec | None = None if mode.coding == "jpeg" else mode.coding
    return Settled(
        said.card,
        said.buffer_type,
        layout,
        codec,
        settled if codec else min(settled, wanted.frame_rate),
        any(not other.is_video for other in usable),
        tuple(_notes(layout, codec, settled, wanted)),
    )


def _usable(offered: Sequence[Mode], name: str, wanted: Wanted) -> Sequence[Mode]:
    if wanted.format is not None:
        theirs = ", ".join(dict.fromkeys(mode.format for mode in offered))
        offered = [mode for mode in offered if mode.format == wanted.format]
        if not offered:
            raise SourceUnusable(f"{name} does not offer {wanted.format} as camera.format wants it, but {theirs}")
    pictures = [mode for mode in offered if not mode.is_video]
    if wanted.turned and not pictures:
        raise SourceUnusable(
            f"{name} encodes by itself, and what is encoded cannot be turned: set rotation to 0 and mount it upright"
        )
    return pictures if pictures and (wanted.turned or not wanted.may_encode) else offered


def _notes(layout: kernel.Layout, codec: Codec | None, rate: float, wanted: Wanted) -> list[str]:
    got, notes = [], []
    if (layout.width, layout.height) != (wanted.width, wanted.height):
        got.append(f"{layout.width}×{layout.height} instead of {wanted.width}×{wanted.height}")
    if rate < wanted.frame_rate * 0.98 or (codec and rate > wanted.frame_rate * 1.02):
        got.append(f"{rate:g} pictures a second instead of {wanted.frame_rate:g}")
    if got:
        notes.append(f"the camera does not offer what is configured: {', '.join(got)}")
    if codec:
        notes.append("the camera encodes by itself, so that name and time are not drawn into the picture")
    elif not wanted.may_encode:
        notes.append("what the camera encodes by itself cannot be used: it is encoded here")
    return notes
