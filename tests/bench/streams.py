"""What watching network cameras costs, beside a bare PyAV loop and beside Debian's `motion`, on the same streams.

    .venv/bin/python -m tests.bench.streams [--cameras 1 4 16] [--runs 5] [--seconds 15] [--story quiet|walk] …

Each camera is a 720p25 main stream that is kept, and a 640x360 stream of 10 pictures a second for detection, over RTSP
(TCP) on loopback. Ours is the real daemon; bare_receiver.py says what the bare loop does; motion has its best layout
(netcam_url the small stream, netcam_high_url the large one, recorded without encoding). "quiet": a tree in the wind and
no event; "walk": somebody is there nearly all the time, so that ours and motion record. "sending" is ours with a store.

Prints CPU-seconds (user and system) a camera-minute, the medians of interleaved runs, and the ratios to the bars. The
senders' processor time is not counted. Both ours and the bare loop must have received all pictures, or it is an error.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bench.camera_videos import video
from tests.bench.process_figures import cpu_seconds, resident_kib
from tests.system.daemon import COMMAND, Home
from tests.system.rtsp_camera import RtspCamera

_MAIN, _DETECT = (1280, 720, 25), (640, 360, 10)
_FPS = 5.0
_SETTLE_S = 8.0
_MOST_TIMES_BARE = 1.35


class Watched(ABC):
    """A program that watches `count` cameras; `with` runs it."""

    def __init__(self, count: int, main: str, detect: str, folder: Path) -> None:
        self.count, self.main, self.detect, self.folder = count, main, detect, folder

    def __enter__(self) -> Self:
        with (self.folder / "said").open("w") as said:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.communicate()

    @abstractmethod
    def command(self) -> list[str]:
        """What to run."""

    def received(self) -> tuple[int, int] | None:
        """Pictures of main and detection streams up to now; None where the program does not say."""
        return None


class Ours(Watched):
    def command(self) -> list[str]:
        motion = {"fps": _FPS}
        cameras = [
            {
                "cam_name": f"c{i}",
                "camera": {"backend": "stream", "url": self.main, "detect_url": self.detect},
                "motion": motion,
            }
            for i in range(self.count)
        ]
        self.home = Home(self.folder, cameras=cameras, stores=self.stores())
        return [str(COMMAND), "run", "-c", str(self.home.config)]

    def stores(self) -> list[dict[str, str]]:
        """Where events would be sent."""
        return []

    def received(self) -> tuple[int, int]:
        cameras = self.home.status()["cameras"]
        return (
            sum(camera["source"]["pictures"] for camera in cameras),
            sum(camera["detection_source"]["pictures"] for camera in cameras),
        )


class Sending(Ours):
    """Ready to send: streams are read more often then."""

    def stores(self) -> list[dict[str, str]]:
        store = self.folder / "store"
        store.mkdir()
        return [{"kind": "directory", "path": str(store)}]


class Bare(Watched):
    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.bench.bare_receiver", str(self.count), self.main, self.detect, f"{_FPS}"]

    def received(self) -> tuple[int, int]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        main, detect, _ = self.process.stdout.readline().split()
        return int(main), int(detect)


class Motion(Watched):
    def command(self) -> list[str]:
        common = {
            "daemon": "off",
            "webcontrol_port": 0,
            "stream_port": 0,
            "log_level": 6,
            "log_file": f"{self.folder}/log",
            "width": _DETECT[0],
            "height": _DETECT[1],
            "framerate": round(_FPS),
            "threshold": round(0.005 * _DETECT[0] * _DETECT[1]),
            "text_left": "",
            "text_right": "",
            "event_gap": 8,
            "pre_capture": round(8 * _FPS),
            "picture_output": "off",
            "movie_output": "on",
            "movie_passthrough": "on",
            "movie_codec": "mp4",
            "target_dir": self.folder,
            "netcam_params": "rtsp_transport=tcp",
            "netcam_high_params": "rtsp_transport=tcp",
        }
        cameras = []
        for i in range(self.count):
            cameras.append(self.folder / f"camera{i}.conf")
            own = {
                "camera_id": i + 1,
                "movie_filename": f"{i}-%v",
                "netcam_url": self.detect,
                "netcam_high_url": self.main,
            }
            cameras[-1].write_text("".join(f"{key} {value}\n" for key, value in own.items()))
        config = self.folder / "motion.conf"
        config.write_text("".join([f"{k} {v}\n" for k, v in common.items()] + [f"camera {path}\n" for path in cameras]))
        return ["motion", "-n", "-c", str(config)]


_PROGRAMS: dict[str, type[Watched]] = {"ours": Ours, "sending": Sending, "bare": Bare, "motion": Motion}


@contextmanager
def farm(story: str) -> Iterator[tuple[str, str]]:
    """The addresses of a main and a detection stream."""
    files = [f"main={video(story, *_MAIN)}", f"detect={video(story, *_DETECT)}"]
    command = [sys.executable, "-m", "tests.bench.rtsp_farm", *files]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout is not None
        try:
            url = f"rtsp://127.0.0.1:{int(sender.stdout.readline())}"
            yield f"{url}/main", f"{url}/detect"
            assert sender.poll() is None, "a viewer was too slow"
        finally:
            sender.kill()


@contextmanager
def gstreamer(story: str) -> Iterator[tuple[str, str]]:
    """The same from GStreamer's RTSP server, as the system tests use it: all viewers get the same pictures at once."""
    with (
        RtspCamera("--loop", str(video(story, *_MAIN))) as main,
        RtspCamera("--loop", str(video(story, *_DETECT))) as detect,
    ):
        yield main.url(), detect.url()


_SERVERS = {"farm": farm, "gstreamer": gstreamer}


def measured(name: str, count: int, seconds: float, urls: tuple[str, str]) -> tuple[float, float]:
    """CPU-seconds a camera-minute, and MiB resident at the end."""
    with tempfile.TemporaryDirectory() as folder, _PROGRAMS[name](count, *urls, Path(folder)) as watched:
        time.sleep(_SETTLE_S + count / 8)
        pid = watched.process.pid
        pictures = watched.received()
        began, used = time.monotonic(), cpu_seconds(pid)
        time.sleep(seconds)
        used, took = cpu_seconds(pid) - used, time.monotonic() - began
        memory = resident_kib(pid) / 1024
        if pictures is not None:
            came = [after - before for before, after in zip(pictures, watched.received() or (), strict=True)]
            for rate, got in zip((_MAIN[2], _DETECT[2]), came, strict=True):
                expected = count * rate * took
                assert got > 0.97 * expected, f"{name} got {got} of {expected:.0f} pictures"
    return used * 60 / took / count, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--story", choices=["quiet", "walk"], default="quiet")
    parser.add_argument("--server", choices=list(_SERVERS), default="farm")
    parser.add_argument("--programs", choices=list(_PROGRAMS), nargs="+", default=["ours", "bare", "motion"])
    asked = parser.parse_args()
    print(
        f"story {asked.story}: CPU-seconds a camera-minute, medians of {asked.runs} (lowest and highest); MiB resident"
    )
    for count in asked.cameras:
        with _SERVERS[asked.server](asked.story) as urls:
            runs = [{n: measured(n, count, asked.seconds, urls) for n in asked.programs} for _ in range(asked.runs)]
        report(count, runs)


def report(count: int, runs: list[dict[str, tuple[float, float]]]) -> None:
    print(f"{count} cameras")
    costs = {}
    for name in runs[0]:
        used = [run[name][0] for run in runs]
        costs[name] = statistics.median(used)
        memory = statistics.median(run[name][1] for run in runs)
        print(f"  {name:7} {costs[name]:6.3f} ({min(used):.3f}–{max(used):.3f})  {memory:6.1f} MiB", flush=True)
    bars = {"bare": _MOST_TIMES_BARE, "motion": 1.0 if count > 1 else None}
    for other, bar in bars.items():
        if "ours" in costs and other in costs:
            ratio = costs["ours"] / costs[other]
            verdict = "" if bar is None else f" (bar: {bar:g}, {'met' if ratio <= bar else 'MISSED'})"
            print(f"  ours / {other}: {ratio:.2f}{verdict}", flush=True)


if __name__ == "__main__":
    main()
