"""Sets up the encoder of a camera that encodes itself, as far as it lets itself be set up.

The Pi's older camera driver does (bcm2835-v4l2), encoders on boards do; USB webcams mostly do not.
"""

import contextlib
import fcntl

from pi_sec_cam.camera import v4l2_structures as v4l2

# Linux, include/uapi/linux/v4l2-controls.h.
_CODEC = 0x00990900
_B_FRAMES = _CODEC + 202
_GOP_SIZE = _CODEC + 203
_BITRATE = _CODEC + 207
_REPEAT_HEADERS = _CODEC + 226
_FORCE_KEYFRAME = _CODEC + 229
_H264_I_PERIOD = _CODEC + 358
_UNUSABLE = 0x1 | 0x4  # V4L2_CTRL_FLAG_DISABLED, _READ_ONLY


def set_up_encoder(fd: int, frame_rate: float, bitrate: int | None) -> None:
    """A keyframe each second with its parameter sets, no B pictures, and `bitrate` bits a second if one is given."""
    gop = max(1, round(frame_rate))
    wanted = [(_GOP_SIZE, gop), (_H264_I_PERIOD, gop), (_REPEAT_HEADERS, 1), (_B_FRAMES, 0)]
    for control, value in wanted if bitrate is None else [*wanted, (_BITRATE, bitrate)]:
        _set(fd, control, value)


def ask_for_keyframe(fd: int) -> None:
    """Have the next picture be a keyframe, where the camera offers that."""
    _set(fd, _FORCE_KEYFRAME, 1)


def _set(fd: int, control: int, value: int) -> None:
    """Set a control to the nearest value at or below that it takes; one that is missing or busy is left alone."""
    said = v4l2.QueryControl(id=control)
    with contextlib.suppress(OSError):
        fcntl.ioctl(fd, v4l2.QUERYCTRL, said)
        if said.flags & _UNUSABLE:
            return
        if said.greatest > said.least:  # a button has no range
            value = min(max(value, said.least), said.greatest)
            value -= (value - said.least) % max(1, said.step)
        fcntl.ioctl(fd, v4l2.S_CTRL, v4l2.Control(id=control, value=value))
