"""Captures pictures from a V4L2 device into a few buffers that are shared with the kernel."""

import contextlib
import ctypes
import fcntl
import mmap
import select
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from pi_sec_cam.camera.v4l2_kernel import (
    CAPTURE,
    DQBUF,
    FLAG_ERROR,
    FLAG_MONOTONIC,
    FLAG_TIMESTAMPS,
    MMAP,
    QBUF,
    QUERYBUF,
    REQBUFS,
    STREAMOFF,
    STREAMON,
    Buffer,
    RequestBuffers,
)


@dataclass(frozen=True, slots=True, eq=False)
class Captured:
    """One buffer's picture.

    Attributes:
        data: as the camera sent it; None if the driver says that it is damaged.
        taken_us: on the monotonic clock; None where the driver counts by another one.
        sequence: counts the camera's pictures, with those that found no free buffer.
    """

    data: bytes | None
    taken_us: int | None
    sequence: int


class Capture:
    """A running capture: `with Capture(fd, 4) as capture`.

    Few buffers, because each holds a whole picture in the kernel's memory (FFmpeg's reader takes 32), and a reader that
    falls behind should miss pictures rather than show the past.
    """

    def __init__(self, fd: int, count: int) -> None:
        self._fd = fd
        self._count = count
        self._maps: list[mmap.mmap] = []
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as held:
            request = RequestBuffers(count=self._count, type=CAPTURE, memory=MMAP)
            fcntl.ioctl(self._fd, REQBUFS, request)
            held.callback(self._give_up, REQBUFS, RequestBuffers(count=0, type=CAPTURE, memory=MMAP))
            for index in range(request.count):
                buffer = Buffer(index=index, type=CAPTURE, memory=MMAP)
                fcntl.ioctl(self._fd, QUERYBUF, buffer)
                self._maps.append(held.enter_context(mmap.mmap(self._fd, buffer.length, offset=buffer.offset)))
                fcntl.ioctl(self._fd, QBUF, buffer)
            fcntl.ioctl(self._fd, STREAMON, ctypes.c_uint32(CAPTURE))
            held.callback(self._give_up, STREAMOFF, ctypes.c_uint32(CAPTURE))
            self._held = held.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def next(self, seconds: float) -> Captured | None:
        """The next picture, None if none comes in time.

        Raises:
            OSError: ENODEV or EIO: the device is gone.
        """
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if not ready:
            return None
        buffer = Buffer(type=CAPTURE, memory=MMAP)
        try:
            fcntl.ioctl(self._fd, DQBUF, buffer)
        except BlockingIOError:
            return None
        damaged = buffer.flags & FLAG_ERROR or not buffer.bytes_used
        data = None if damaged else self._maps[buffer.index][: buffer.bytes_used]
        monotonic = buffer.flags & FLAG_TIMESTAMPS == FLAG_MONOTONIC
        taken_us = buffer.seconds * 1_000_000 + buffer.microseconds if monotonic else None
        captured = Captured(data, taken_us, buffer.sequence)
        fcntl.ioctl(self._fd, QBUF, Buffer(index=buffer.index, type=CAPTURE, memory=MMAP))
        return captured

    def _give_up(self, request: int, argument: ctypes.Structure | ctypes.c_uint32) -> None:
        """A device that has been unplugged refuses, and has let go already."""
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._fd, request, argument)
