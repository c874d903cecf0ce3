"""Captures pictures from a V4L2 device into a few buffers that are shared with the kernel.

Not with FFmpeg's own reader (PyAV's format "v4l2"): it waits for a picture in a call that nothing can interrupt, so
that a camera that falls silent could not be stopped; it tells nothing of pictures that were damaged or missed; and it
takes 32 buffers.
"""

import contextlib
import ctypes
import fcntl
import mmap
import select
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from pi_sec_cam.camera import v4l2_structures as v4l2


@dataclass(frozen=True, slots=True, eq=False)
class Captured:
    """One buffer's picture.

    Attributes:
        data: as the camera sent it, a piece for each of the buffer's pieces of memory; None if the driver says that it
            is damaged.
        taken_us: on the monotonic clock; None where the driver counts by another one.
        missed: pictures between the one before and this one that found no free buffer.
        keyframe: the driver says that it is one, which not all do.
    """

    data: tuple[bytes, ...] | None
    taken_us: int | None
    missed: int
    keyframe: bool


class Capture:
    """A running capture: `with Capture(fd, buffer_type, 4) as capture`.

    Few buffers, because each holds a whole picture in the kernel's memory, and a reader that falls behind should miss
    pictures rather than show the past.
    """

    def __init__(self, fd: int, buffer_type: int, count: int) -> None:
        self._fd = fd
        self._type = buffer_type
        self._count = count
        self._maps: list[list[mmap.mmap]] = []  # for each buffer, its pieces of memory
        self._sequence: int | None = None
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as held:
            request = v4l2.RequestBuffers(count=self._count, type=self._type, memory=v4l2.MMAP)
            fcntl.ioctl(self._fd, v4l2.REQBUFS, request)
            none = v4l2.RequestBuffers(count=0, type=self._type, memory=v4l2.MMAP)
            held.callback(self._give_up, v4l2.REQBUFS, none)
            for index in range(request.count):
                self._maps.append([held.enter_context(piece) for piece in self._map(index)])
                self._call(v4l2.QBUF, index)
            fcntl.ioctl(self._fd, v4l2.STREAMON, ctypes.c_uint32(self._type))
            held.callback(self._give_up, v4l2.STREAMOFF, ctypes.c_uint32(self._type))
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
        try:
            buffer, planes = self._call(v4l2.DQBUF)
        except BlockingIOError:
            return None
        data = None
        if not buffer.flags & v4l2.FLAG_ERROR and all(used > start for start, used in planes):
            data = tuple(
                piece[start:used] for piece, (start, used) in zip(self._maps[buffer.index], planes, strict=True)
            )
        monotonic = buffer.flags & v4l2.FLAG_TIMESTAMPS == v4l2.FLAG_MONOTONIC
        taken_us = buffer.seconds * 1_000_000 + buffer.microseconds if monotonic else None
        missed = 0 if self._sequence is None else max(0, buffer.sequence - self._sequence - 1)
        self._sequence = buffer.sequence
        captured = Captured(data, taken_us, missed, bool(buffer.flags & v4l2.FLAG_KEYFRAME))
        self._call(v4l2.QBUF, buffer.index)
        return captured

    def _call(self, request: int, index: int = 0) -> tuple[v4l2.Buffer, list[tuple[int, int]]]:
        """Give a buffer to the driver or take one back: what it says, and where data begins and ends in each piece."""
        buffer, planes = self._buffer(index)
        fcntl.ioctl(self._fd, request, buffer)
        if planes is None:
            return buffer, [(0, buffer.bytes_used)]
        # `bytes_used` counts from the start of the piece (v4l2_plane.data_offset).
        return buffer, [(plane.data_offset, plane.bytes_used) for plane in planes[: buffer.length]]

    def _map(self, index: int) -> list[mmap.mmap]:
        buffer, planes = self._buffer(index)
        fcntl.ioctl(self._fd, v4l2.QUERYBUF, buffer)
        pieces = [(buffer.length, buffer.place)]
        if planes is not None:
            pieces = [(plane.length, plane.offset & 0xFFFFFFFF) for plane in planes[: buffer.length]]
        return [mmap.mmap(self._fd, length, offset=offset) for length, offset in pieces]

    def _buffer(self, index: int) -> "tuple[v4l2.Buffer, ctypes.Array[v4l2.Plane] | None]":
        buffer = v4l2.Buffer(index=index, type=self._type, memory=v4l2.MMAP)
        if self._type == v4l2.CAPTURE:
            return buffer, None
        planes = (v4l2.Plane * v4l2.MOST_PLANES)()
        # Before the first look nobody knows how many pieces there are; after it the driver wants to hear their number.
        buffer.length = len(self._maps[index]) if index < len(self._maps) else v4l2.MOST_PLANES
        buffer.place = ctypes.addressof(planes)
        return buffer, planes

    def _give_up(self, request: int, argument: ctypes.Structure | ctypes.c_uint32) -> None:
        """A device that has been unplugged refuses, and has let go already."""
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._fd, request, argument)
