"""The real picamera2 on libcamera's virtual pipeline, with what that one does unlike a Pi's evened out.

It has no raw stream, it wants buffers of two planes, and it runs as fast as it is fed.
"""

import collections
import mmap
import os
import threading
import time
from typing import Any

import libcamera
from picamera2 import Picamera2
from picamera2.allocators import DmaAllocator


class TwoPlaneAllocator(DmaAllocator):
    """Buffers with a plane for brightness and one for colour, in one piece of memory."""

    def allocate(self, libcamera_config: Any, use_case: Any) -> None:
        self.libcamera_fds = []
        self.cleanup()
        for descriptor in self.open_fds:
            os.close(descriptor)
        self.frame_buffers, self.open_fds = {}, []
        for stream in libcamera_config:
            self.frame_buffers[stream.stream] = [self._buffer(stream) for _ in range(stream.buffer_count)]

    def _buffer(self, stream: Any) -> Any:
        descriptor = self.dmaHeap.alloc("virtual", stream.frame_size).get()
        self.open_fds.append(descriptor)
        brightness = stream.stride * stream.size.height
        planes = []
        for offset, length in ((0, brightness), (brightness, stream.frame_size - brightness)):
            plane = libcamera.FrameBuffer.Plane()
            plane.fd, plane.offset, plane.length = descriptor, offset, length
            planes.append(plane)
        buffer = libcamera.FrameBuffer(planes)
        known_as = buffer.planes[0].fd  # libcamera's own copy of the descriptor
        self.libcamera_fds.append(known_as)
        self.mapped_buffers_used[known_as] = False
        self.mapped_buffers[buffer] = mmap.mmap(descriptor, stream.frame_size)
        return buffer


class PacedCamera:
    """libcamera's Camera, with a sensor's pace: hands it one request each frame period, or none while `stalled`."""

    def __init__(self, camera: Any, frame_rate: float) -> None:
        self.stalled = False
        self._camera = camera
        self._period = 1 / frame_rate
        self._changed = threading.Condition()  # protects the two below
        self._requests: collections.deque[Any] = collections.deque()
        self._running = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._camera, name)

    def queue_request(self, request: Any) -> None:
        with self._changed:
            self._requests.append(request)
            self._changed.notify()

    def start(self, *arguments: Any) -> None:
        self._camera.start(*arguments)
        self._running = True
        self._thread = threading.Thread(target=self._pace, name="sensor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._running = False
            self._requests.clear()
            self._changed.notify()
        self._thread.join()
        self._camera.stop()

    def _pace(self) -> None:
        due = time.monotonic()
        while True:
            due = max(due + self._period, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))
            with self._changed:
                while self._running and (self.stalled or not self._requests):
                    self._changed.wait(self._period)
                if not self._running:
                    return
                self._camera.queue_request(self._requests.popleft())


class VirtualPicamera2(Picamera2):
    """Takes the place of Picamera2 in the module; `latest` is the one that was opened last."""

    frame_rate = 20.0
    latest: "VirtualPicamera2"

    def __init__(self, camera_num: int = 0) -> None:
        VirtualPicamera2.latest = self
        super().__init__(camera_num, allocator=TwoPlaneAllocator())

    def _get_raw_modes(self) -> list[dict[str, Any]]:
        formats = self.camera.generate_configuration([libcamera.StreamRole.Viewfinder]).at(0).formats
        return [
            {"format": str(pixels), "size": (size.width, size.height)}
            for pixels in formats.pixel_formats
            for size in formats.sizes(pixels)
        ]

    def _open_camera(self) -> None:
        super()._open_camera()
        self.camera = PacedCamera(self.camera, self.frame_rate)
