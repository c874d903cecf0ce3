"""What happens to a camera in its life, played fast: runs, kills, outages, deletions; and what its stores have then."""

import io
import shutil
import signal
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.stream import VideoStream
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pi_sec_cam.evidence.camera_key import read_camera_key
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.system import films
from tests.system.judged_evidence import write_download
from tests.system.test_clocks import ShiftedHome
from tests.system.two_stores import TwoStores, is_footage

SHORT = 12.0  # seconds of film
_PICTURES = 85  # of the loud one


@dataclass(frozen=True)
class Stored:
    """What the stores have at some time: copies of all of it, in folders; and the keys that the camera has had."""

    folder: Path
    dropbox: Path
    keys: tuple[Ed25519PublicKey, ...]


class Life(TwoStores, ShiftedHome):
    """A camera that watches a film; the wall clock is the test's.

    Attributes:
        keys: of the camera, one for each time that it was installed.
    """

    def __init__(self, folder: Path, owner: rsa.RSAPrivateKey, dropbox: LoopbackDropbox, *, loud: bool = False) -> None:
        self.film = folder / "film.ts"
        self.film.write_bytes(loud_film() if loud else b"".join(films.as_transport_stream(films.walk(seconds=SHORT))))
        self.keys: list[Ed25519PublicKey] = []
        self._copies = 0
        super().__init__(folder, owner, dropbox)
        self.set_clock(0, vouched=True)

    def watch(self, at_end: str, **configuration: Any) -> None:
        """Configure it to see the film, once ("exit") or again and again ("loop")."""
        self.write(
            camera={"backend": "stream", "url": str(self.film), "pace": "fast", "at_end": at_end}, **configuration
        )

    def run(self, **configuration: Any) -> None:
        """One round of the film, from start to end."""
        self.watch("exit", **configuration)
        done = self.command("run")
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        self.note_key()

    def run_until_killed(self, files: int, **configuration: Any) -> None:
        """Until so many pictures and chunks more have arrived in the folder."""
        self.watch("loop", **configuration)
        before = self.arrived()
        with self.running() as daemon:
            self.until(lambda: self.arrived() >= before + files, 20)
            daemon.send_signal(signal.SIGKILL)
            daemon.wait()

    def arrived(self) -> int:
        """How many pictures and chunks are in the folder."""
        return sum(map(is_footage, self.in_folder()))

    def note_key(self) -> None:
        private = read_camera_key(self.storage / "identity")
        assert private is not None
        if private.public_key() not in self.keys:
            self.keys.append(private.public_key())

    def stored(self) -> Stored:
        self._copies += 1
        top = self.folder / f"copy{self._copies}"
        (top / "dropbox").mkdir(parents=True)
        shutil.copytree(self.store, top / "folder", ignore=shutil.ignore_patterns(".*"))
        return Stored(top / "folder", write_download(self.in_dropbox(), top / "dropbox"), tuple(self.keys))


@cache
def loud_film() -> bytes:
    """Somebody walks through so much grain that an event of it is about 8 MB when it is sealed."""
    out = io.BytesIO()
    chance = np.random.default_rng(3)
    with av.open(out, "w", format="mpegts") as file:
        stream = file.add_stream("libx264", rate=films.RATE, options={"preset": "ultrafast", "qp": "2", "g": "10"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 192, "yuv420p"
        for index in range(_PICTURES):
            planes = chance.integers(80, 112, (288, 320)).astype(np.uint8)
            if index >= films.STILL_S * films.RATE:
                left = 4 * index % 260
                planes[40:150, left : left + 60] = 230
            picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            picture.pts = index
            file.mux(stream.encode(picture))
        file.mux(stream.encode(None))
    return out.getvalue()
