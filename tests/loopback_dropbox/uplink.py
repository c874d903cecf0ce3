"""A line that all uploads share, with so many bytes a second."""

import threading
import time


class Uplink:
    """Asked by the server's threads for each piece of a body.

    Attributes:
        bytes_per_s: of all connections together; None is as fast as it gets.
    """

    def __init__(self) -> None:
        self.bytes_per_s: float | None = None
        self._lock = threading.Lock()
        self._free_at_s = 0.0

    def wait_for(self, size: int) -> None:
        """Return when `size` bytes more have come through."""
        if self.bytes_per_s is None:
            return
        with self._lock:
            self._free_at_s = max(self._free_at_s, time.monotonic()) + size / self.bytes_per_s
            ready_s = self._free_at_s
        time.sleep(max(0.0, ready_s - time.monotonic()))
