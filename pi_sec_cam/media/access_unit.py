"""The unit of encoded video that flows through the program, and what is said of its stream."""

from dataclasses import dataclass
from typing import Literal

Codec = Literal["h264", "h265"]


@dataclass(frozen=True, slots=True, eq=False)
class StreamInfo:
    """What all access units between two changes of a stream share; compared by identity.

    Attributes:
        codec: which of the two codings.
        width, height: of the shown picture, in pixels.
        parameter_sets: SPS and PPS (and VPS), Annex B with 4-byte start codes.
        epoch: counts the breaks of a camera's timestamps (a jump, a new connection). Within an epoch,
            differences of timestamps are the source's own.
        frame_rate: nominal pictures a second, None where the source does not say.
        with_frames: the camera delivers `Frame`s beside these units, nobody has to decode them for detection.
    """

    codec: Codec
    width: int
    height: int
    parameter_sets: bytes
    epoch: int = 0
    frame_rate: float | None = None
    with_frames: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class AccessUnit:
    """One coded picture in canonical form: Annex B, 4-byte start codes, parameter sets before each keyframe.

    Attributes:
        data: the bytes.
        pts_us, dts_us: when it is shown and when decoded, in the camera's media time (docs/time.md).
            `dts_us` strictly increases.
        keyframe: decoding may begin here (IDR, or a recovery point: pictures that follow it in the stream and
            are shown before it may then be missing).
        info: of its stream; another object once anything in it changes.
    """

    data: bytes
    pts_us: int
    dts_us: int
    keyframe: bool
    info: StreamInfo
