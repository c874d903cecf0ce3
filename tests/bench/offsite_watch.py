"""Runs the real daemon before a stamped network camera, with the loopback Dropbox as its store, and gathers events."""

import datetime
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pi_sec_cam.offsite.envelope import open_sealed
from tests.bench.offsite_judge import OffsiteEvent, StoredChunk, pictures_in
from tests.bench.passer_by import RATE, Film, canonical_units
from tests.bench.process_figures import cpu_seconds
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.loopback_dropbox.tokens import APP_KEY
from tests.system.daemon import Home
from tests.system.two_stores import is_footage

POST_ROLL_S, PRE_ROLL_S = 8, 8
_CHUNK = re.compile(r"video(\d+)\.h264")


@cache
def owner_key() -> rsa.RSAPrivateKey:
    """RSA-4096, as `keys new` makes it; minted once a run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=4096)


class SendingHome(Home):
    """A configuration that sends to a Dropbox; its `environment` tells the SDK where that is."""

    def __init__(self, folder: Path, store: LoopbackDropbox, **configuration: Any) -> None:
        self._store = store
        super().__init__(folder, **configuration)

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | self._store.environment


class Watching:
    """The daemon while it runs, and what its camera has sent.

    Attributes:
        pid: of the daemon.
        dropbox: the store.
        home: the daemon's.
    """

    def __init__(self, film: Film, home: SendingHome, dropbox: LoopbackDropbox, pid: int, stamps: Path) -> None:
        self.film, self.home, self.dropbox, self.pid = film, home, dropbox, pid
        self._stamps = stamps
        self._wall_s = time.time() - time.monotonic()
        self._from_before = set(self._folders())

    @property
    def sent_s(self) -> list[float]:
        """When each picture was captured, of the camera's last viewer."""
        lines = [line.split() for line in self._stamps.read_text().splitlines()]
        assert {viewer for viewer, *_ in lines} == {"0"}, "the daemon has lost its camera and connected again"
        return [float(at_s) for _, _, at_s in lines]

    def wait_for_picture(self, number: int) -> None:
        """Until the camera has sent it."""
        while len(self.sent_s) <= number:
            self._check()
            time.sleep(0.1)

    def wait_for_events(self, count: int) -> None:
        """Until so many rounds of the film have come to the end of their post-roll."""
        rest_s = self.film.first_resting / RATE + POST_ROLL_S + 1.0
        self.wait_for_picture((count - 1) * len(self.film.units) + round(rest_s * RATE))

    def wait_until_sent(self, seconds: float) -> float:
        """Until nothing waits to leave any more; how long that took."""
        began = time.monotonic()
        while self.waiting():
            self._check()
            assert time.monotonic() - began < seconds, f"{self.waiting()} files still wait; {self.home.log}"
            time.sleep(0.1)
        return time.monotonic() - began

    def waiting(self) -> int:
        """Files on the disk that have not left yet."""
        return sum(1 for path in (self.home.storage / "outbox").rglob("*") if path.is_file())

    def cpu_s(self) -> float:
        """What the daemon has used since it began."""
        return cpu_seconds(self.pid)

    def threads_cpu_s(self) -> dict[str, float]:
        """The same by thread, by the names that the kernel keeps (15 characters)."""
        used: dict[str, float] = {}
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            name = (task / "comm").read_text().strip()
            run_ns = int((task / "schedstat").read_text().split()[0])
            used[name] = used.get(name, 0.0) + run_ns / 1e9
        return used

    def in_ring(self) -> list[tuple[float, int]]:
        """When each picture came into the daemon's ring, and its bytes; only if it was run from `inside`."""
        lines = [line.split() for line in (self.home.folder / "inside").read_text().splitlines()]
        return [(float(at_s), int(size)) for at_s, size in lines]

    def signing_s(self) -> float:
        """Processor time that signing has taken since the daemon began; only if it was run from `inside`."""
        return sum(map(float, (self.home.folder / "inside.signing").read_text().split()))

    def events(self) -> list[OffsiteEvent]:
        """All events of this run that the store or the disk has, by time; see `OffsiteEvent.faults`."""
        sent, stored = self.sent_s, self.dropbox.stored()
        files: dict[str, dict[str, Any]] = {}
        for path, file in stored.items():
            event, _, name = path.strip("/").rpartition("/")
            if is_footage(name):
                files.setdefault(event, {})[name] = file
        on_disk = self._folders()
        names = sorted({*files, *on_disk} - self._from_before)
        return [self._event(name, files.get(name, {}), on_disk.get(name), sent) for name in names]

    def _folders(self) -> dict[str, Path]:
        recordings = self.home.storage / "recordings"
        return {str(path.parent.relative_to(recordings)): path for path in recordings.glob("*/*/*/video.mp4")}

    def _event(self, name: str, files: dict[str, Any], clip: Path | None, sent: list[float]) -> OffsiteEvent:
        began = datetime.datetime.strptime(name.partition("/")[2][:19], "%Y-%m-%d/%H.%M.%S").astimezone()
        moving = self._moving_at(began.timestamp() - self._wall_s, sent)
        round_first = moving - self.film.first_moving
        chunks, next_picture = [], None
        for number, file in sorted(
            (int(match[1]), file) for found, file in files.items() if (match := _CHUNK.fullmatch(found))
        ):
            plain = open_sealed(file.data, owner_key())
            first, end = pictures_in(plain, self.film, next_picture)
            next_picture = end
            chunks.append(StoredChunk(number, round_first + first, round_first + end, file.at_s))
        picture = files.get("motion0.jpg")
        if picture is not None:
            assert open_sealed(picture.data, owner_key()).startswith(b"\xff\xd8\xff")
        span = None
        if clip is not None:
            first, end = pictures_in(b"".join(canonical_units(clip)), self.film)
            span = round_first + first, round_first + end
        return OffsiteEvent(name, sent, moving, tuple(chunks), picture.at_s if picture else None, span)

    def _moving_at(self, began_s: float, sent: list[float]) -> int:
        """The picture in which movement starts, in the round of the film in which an event of this time began."""
        rounds = range(self.film.first_moving, len(sent), len(self.film.units))
        return min(rounds, key=lambda picture: abs(sent[picture] - began_s))

    def _check(self) -> None:
        if not Path(f"/proc/{self.pid}").exists():
            raise AssertionError(f"the daemon has ended: {self.home.log}")


@contextmanager
def watching(
    film: Film,
    dropbox: LoopbackDropbox,
    *,
    chunk_s: float | None = None,
    sends: bool = True,
    backlog: int = 0,
    inside: bool = False,
    sync_ms: float = 0,
) -> Iterator[Watching]:
    """The real daemon before a camera that plays the film, again and again.

    Args:
        chunk_s: `dropbox.file_chunk_secs`; None: the default.
        sends: whether it has a store at all.
        backlog: so many files wait to leave from before, at least.
        inside: run it by `inside`, for `Watching.in_ring` and threads with names.
        sync_ms: how much longer each sync of a file or directory takes; by `inside` too.
    """
    with tempfile.TemporaryDirectory(prefix="pi-sec-cam-bench-") as name:
        folder = Path(name)
        store = _store(folder, dropbox, sends=sends)
        home = SendingHome(folder, dropbox)
        if backlog:
            _let_wait(backlog, film, dropbox, home, store)
        if chunk_s is not None:
            store["file_chunk_secs"] = chunk_s
        stamps = folder / "stamps"
        command = [sys.executable, "-m", "tests.bench.rtsp_farm", "--stamps", str(stamps), f"film={film.path}"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as camera:
            try:
                assert camera.stdout is not None
                url = f"rtsp://127.0.0.1:{int(camera.stdout.readline())}/film"
                home.write(cam_name="cam", camera={"backend": "stream", "url": url}, dropbox=store)
                before = (sys.executable, "-m", "tests.bench.inside", str(folder / "inside"), f"{sync_ms}")
                with home.running(before=before if inside or sync_ms else ()) as daemon:
                    yield Watching(film, home, dropbox, daemon.pid, stamps)
                    home.stop(daemon)
                assert camera.poll() is None, "the daemon did not follow its camera"
            finally:
                camera.kill()


def _store(folder: Path, dropbox: LoopbackDropbox, *, sends: bool) -> dict[str, Any]:
    """The configuration's `dropbox`."""
    public = folder / "owner.pem"
    public.write_bytes(
        owner_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    store: dict[str, Any] = {"public_pem_path": str(public)}
    if sends:
        with dropbox.lock:
            store |= {"app_key": APP_KEY, "refresh_token": dropbox.tokens.new_refresh_token()}
    return store


def _let_wait(count: int, film: Film, dropbox: LoopbackDropbox, home: SendingHome, store: dict[str, Any]) -> None:
    """Watch the film's file, played fast, while the store is away, until so many files wait to leave."""
    # While a store is away chunks grow in time: their bytes keep them at a second's length here.
    megs = film.bits_per_second / 8 / (1 << 20)
    camera = {"backend": "stream", "url": str(film.path), "pace": "fast", "at_end": "loop"}
    home.write(cam_name="cam", camera=camera, dropbox={**store, "file_chunk_megs": megs})
    dropbox.go_away()
    with home.running() as daemon:
        home.until(lambda: sum(1 for path in (home.storage / "outbox").rglob("*") if path.is_file()) >= count, 300)
        home.stop(daemon)
    dropbox.come_back()
