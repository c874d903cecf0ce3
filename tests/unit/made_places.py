"""A folder as a place that keeps what was deleted and overwritten in it, and whose connection can break."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from pi_sec_cam.errors import TemporaryError
from pi_sec_cam.home.folder import FolderPlace
from pi_sec_cam.home.names import checked_folder
from pi_sec_cam.home.protocol import DeletedFile

PIECE = 1000


class KeepingPlace(FolderPlace):
    """Reads in pieces of a kilobyte.

    Attributes:
        reads: what was read: path and from where on.
        breaks_after: how many bytes may still be read before the connection is gone; None: it holds.
        garbled: how many more times reading a path gives other bytes.
        shortened: paths of which the last byte does not come.
    """

    def __init__(self, top: Path) -> None:
        super().__init__(top)
        self.top = top
        self.reads: list[tuple[str, int]] = []
        self.breaks_after: int | None = None
        self.garbled: dict[str, int] = {}
        self.shortened: set[str] = set()
        self._former: dict[str, list[bytes]] = defaultdict(list)

    def remove(self, path: str) -> None:
        """Somebody deletes it."""
        self.overwrite(path, None)

    def overwrite(self, path: str, data: bytes | None) -> None:
        file = self.top / path
        self._former[path].insert(0, file.read_bytes())
        if data is None:
            file.unlink()
        else:
            file.write_bytes(data)

    def read(self, path: str, begin: int = 0) -> Iterator[bytes]:
        self.reads.append((path, begin))
        data = (self.top / path).read_bytes()
        if self.garbled.get(path, 0):
            self.garbled[path] -= 1
            data = bytes(reversed(data))
        if path in self.shortened:
            data = data[:-1]
        return self._pieces(data[begin:])

    def deleted(self, under: str = "") -> Iterator[DeletedFile]:
        checked_folder(under)
        for path, states in self._former.items():
            if not under or path == under or path.startswith(f"{under}/"):
                for number, state in enumerate(states):
                    yield DeletedFile(path, len(state), None, str(number))

    def read_deleted(self, deleted: DeletedFile, begin: int = 0) -> Iterator[bytes]:
        return self._pieces(self._former[deleted.path][int(deleted.version)][begin:])

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), PIECE):
            piece = data[at : at + PIECE]
            if self.breaks_after is not None:
                if self.breaks_after < len(piece):
                    raise TemporaryError("the connection broke off")
                self.breaks_after -= len(piece)
            yield piece
