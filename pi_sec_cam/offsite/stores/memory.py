"""A store in memory that behaves like a real one, with trouble by script: for tests and benchmarks."""

import threading
from collections import deque
from collections.abc import Callable, Iterable

from pi_sec_cam.errors import Interrupted, NameTaken, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.stores.path import parts_of

PIECE_BYTES = 1 << 18


class ReplyLost(TemporaryError):
    """In a script: the file is stored, but whoever sent it is not told."""


Step = Exception | Callable[[str], None] | None


class MemoryStore:
    """Keeps what it is given. One thread puts; any thread may look at it and change its script.

    Args:
        capacity_bytes: how much it takes; None: any amount.
        script: what happens in the next puts, one step a put: an exception that is raised before anything is stored
            (ReplyLost: after it is stored); a callable that is given the path while the bytes are on their way and may
            raise, block, or move a clock; None for a put without trouble. When the script is at its end, all goes well.
        travel: called with the number of bytes of each piece that is on its way (256 KiB at most): a line that takes
            its time waits in it, or moves a simulated clock on.

    Attributes:
        files: what it holds, by path, in the order in which it came.
        asked: the path of each put, those that failed too.
        script: what is still to happen.
        gone: while it is set, this is what every put raises: a dead network, a revoked key.
        closed: how often it was closed.
    """

    kind = "memory"

    def __init__(
        self,
        *,
        where: str = "memory",
        capacity_bytes: int | None = None,
        script: Iterable[Step] = (),
        travel: Callable[[int], None] = lambda _size: None,
    ) -> None:
        self.where = where
        self.capacity_bytes = capacity_bytes
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.script: deque[Step] = deque(script)
        self.gone: Exception | None = None
        self.closed = 0
        self._travel = travel
        self._came = threading.Condition()  # protects `files`, which the sender fills and tests wait for

    def warm(self) -> None:
        pass

    def put(self, path: str, data: bytes, *, interrupted: Callable[[], bool]) -> None:
        parts_of(path)
        self.asked.append(path)
        if self.gone is not None:
            raise self.gone
        step = self.script.popleft() if self.script else None
        if isinstance(step, Exception) and not isinstance(step, ReplyLost):
            raise step
        for start in range(0, len(data), PIECE_BYTES):
            if interrupted():
                raise Interrupted(f"{path} was given up")
            self._travel(min(PIECE_BYTES, len(data) - start))
        if callable(step):
            step(path)
        self._keep(path, data)
        if isinstance(step, ReplyLost):
            raise step

    def close(self) -> None:
        self.closed += 1

    def wait(self, enough: Callable[[dict[str, bytes]], bool], seconds: float) -> bool:
        """Wait until what it holds is enough; False if it was not after so many seconds."""
        with self._came:
            return self._came.wait_for(lambda: enough(self.files), seconds)

    def _keep(self, path: str, data: bytes) -> None:
        with self._came:
            standing = self.files.get(path)
            if standing is not None:
                if standing != data:
                    raise NameTaken(f"another file stands under {path} in {self.where}")
                return
            if self.capacity_bytes is not None:
                held = sum(map(len, self.files.values()))
                if held + len(data) > self.capacity_bytes:
                    raise StoreRefuses(f"{self.where} is full")
            self.files[path] = bytes(data)
            self._came.notify_all()
