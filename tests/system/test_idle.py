"""While nothing moves, nothing is written: a memory card lives longer, and a disk may sleep."""

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.loopback_dropbox.server import LoopbackDropbox
from tests.system.rtsp_camera import RtspCamera
from tests.system.two_stores import TwoStores

IDLE_S = 6
WRITING = (
    "write,pwrite64,writev,pwritev,pwritev2,fallocate,ftruncate,truncate,fsync,fdatasync,sync_file_range,sync,syncfs,msync,"
    "open,openat,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,"
    "rmdir,chmod,fchmod,fchmodat,chown,fchown,fchownat,utime,utimes,utimensat,setxattr,fsetxattr,copy_file_range,sendfile"
)
OPENING = {"open", "openat"}
OPENED_TO_WRITE = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")


@pytest.fixture
def still(tmp_path: Path) -> Iterator[RtspCamera]:
    """A camera that shows the same grey picture for ever."""
    video = tmp_path / "still.mp4"
    with av.open(video, "w") as file:
        stream = file.add_stream("libx264", rate=10, options={"preset": "ultrafast", "x264-params": "keyint=10"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = 320, 180
        stream.pix_fmt = "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.full((270, 320), 128, np.uint8), format="yuv420p")
        for index in range(40):
            picture.pts = index
            file.mux(stream.encode(picture))
        file.mux(stream.encode(None))
    with RtspCamera("--loop", str(video)) as camera:
        yield camera


def writes(trace: str) -> list[str]:
    """The lines of an strace that change something in a file system."""
    found = []
    for line in trace.splitlines():
        called = re.match(r"\d+ +(\w+)\(", line)  # not the second halves of interrupted lines
        if called is None:
            continue
        if called[1] in OPENING:
            changes = any(flag in line for flag in OPENED_TO_WRITE)
        else:
            # What has no name that begins with a slash is a socket, a pipe, an event.
            changes = re.match(r"\d+ +\w+\(\d+<(?!/)", line) is None
        if changes:
            found.append(line)
    return found


def test_nothing_is_written_while_nothing_moves(tmp_path: Path, still: RtspCamera) -> None:
    """Nor while all has left that was to leave: not even on disks that are stores."""
    owner = rsa.generate_private_key(65537, 2048)
    with LoopbackDropbox() as dropbox:
        home = TwoStores(tmp_path, owner, dropbox)
        home.write(camera={"backend": "stream", "url": still.url(), "detect_url": still.url()})
        watch_idle(home, tmp_path)


def watch_idle(home: TwoStores, tmp_path: Path) -> None:
    with home.running() as daemon:
        home.until(lambda: home.status()["cameras"][0]["motion"]["frames"] > 20, 20)
        home.until(home.all_left, 20)  # that it has started
        trace = tmp_path / "trace"
        tracer = subprocess.Popen(
            ["strace", "-f", "-y", "-e", f"trace={WRITING}", "-o", trace, "-p", str(daemon.pid)],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert tracer.stderr is not None
            assert "attached" in tracer.stderr.readline()
            before = home.status()["cameras"][0]
            time.sleep(IDLE_S)
            after = home.status()["cameras"][0]
            idle = trace.read_text()
            assert home.command("stop").returncode == 0  # is remembered, on disk
            home.until(lambda: writes(trace.read_text()), 5)
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.communicate(timeout=10)
        assert writes(idle) == []
        asked = ["oauth2/token", "files/upload_session/start", "files/upload"]  # the last: that it has started
        assert [request.route for request in home.dropbox.requests()] == asked
        assert after["source"]["pictures"] - before["source"]["pictures"] > 8 * IDLE_S
        assert after["motion"]["frames"] > before["motion"]["frames"]
        assert after["motion"]["events"] == 0
        home.stop(daemon)
