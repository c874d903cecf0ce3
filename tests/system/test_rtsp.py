"""Network cameras, by a real RTSP server: what arrives, what is said when it does not, and that it comes back."""

import queue
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from pi_sec_cam.backoff import Backoff
from pi_sec_cam.camera.source_health import SourceState
from pi_sec_cam.camera.stream import StreamCamera
from pi_sec_cam.camera.supervisor import CameraSupervisor
from pi_sec_cam.errors import SourceAway, SourceUnusable
from pi_sec_cam.media.access_unit import Codec
from pi_sec_cam.media.picture import decode_picture
from tests.recording_sink import RecordingSink, Running, check_delivery
from tests.system.rtsp_camera import RtspCamera
from tests.unit import streams

PATIENCE_S = 40
RATE = 15


def receive(url: str, pictures: int) -> tuple[RecordingSink, StreamCamera, Running]:
    """Watch until so many pictures have come."""
    sink = RecordingSink(lambda sink: len(sink.units) >= pictures)
    camera = StreamCamera(url)
    with Running(camera, sink) as running:
        assert sink.full.wait(PATIENCE_S), running.error
    return sink, camera, running


@pytest.mark.parametrize(
    ("options", "codec"),
    [
        ([], "h264"),
        (["--b-frames", "2", "--sound"], "h264"),
        (["--headers-once", "--gop", "45"], "h264"),
        (["--codec", "h265"], "h265"),
    ],
    ids=["plain", "b-frames", "headers in the SDP alone", "h265"],
)
def test_delivers_whole_gops_with_true_times(options: list[str], codec: Codec) -> None:
    with RtspCamera(*options) as source:
        sink, camera, running = receive(source.url(), 45)
    units = sink.units
    check_delivery(units)
    assert {unit.info.codec for unit in units} == {codec}
    assert (units[0].info.width, units[0].info.height) == (320, 240)
    assert [unit.info.epoch for unit in units] == [0] * len(units)
    for field in ("dts_us", "pts_us"):
        times = sorted(getattr(unit, field) for unit in units)[: 3 - len(units) or None]
        assert all(abs(b - a - 1_000_000 // RATE) < 300 for a, b in pairwise(times)), field
    reordered = any(after.pts_us < before.pts_us for before, after in pairwise(units))
    assert reordered == ("--b-frames" in options)
    # Media time is the time of arrival: of the pictures that waited for nothing.
    late_us = [arrival * 1e6 - unit.pts_us for arrival, unit in zip(sink.arrivals, units, strict=True)]
    assert abs(min(late_us)) < 100_000
    assert decode_picture(units, units[-1].pts_us) is not None
    assert running.stopped_in < 1
    assert (camera.describe()["pictures"], camera.describe()["time_jumps"]) == (len(units), 0)


def test_what_needs_encoding_is_encoded() -> None:
    with RtspCamera("--codec", "mjpeg") as source:
        sink, camera, _ = receive(source.url(), 20)
    check_delivery(sink.units)
    assert sink.units[0].info.with_frames
    assert [frame.pts_us for frame in sink.frames[:19]] == [unit.pts_us for unit in sink.units[:19]]
    assert "mjpeg" in str(camera.describe()["note"])


def test_a_looped_file_as_a_camera(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(streams.encoded(seconds=2))
    with RtspCamera("--loop", str(clip)) as source:
        sink, _, _ = receive(source.url(), 75)
    check_delivery(sink.units)
    picture = decode_picture(sink.units[:25], sink.units[0].pts_us)
    assert picture is not None
    assert streams.number_in(picture[..., 0]) in {0, 25}, "a keyframe of the clip"


def test_main_and_detection_stream_agree_on_the_time() -> None:
    """Two sessions of one camera have unrelated timestamps; both are mapped to our clock."""
    with RtspCamera() as main, RtspCamera("--rate", "10") as detection:
        first = RecordingSink(lambda sink: len(sink.units) >= 40)
        second = RecordingSink(lambda sink: len(sink.units) >= 20)
        with Running(StreamCamera(main.url()), first):
            assert first.full.wait(PATIENCE_S)
            with Running(StreamCamera(detection.url()), second):
                assert second.full.wait(PATIENCE_S)
                seen_us = first.units[-1].pts_us, second.units[-1].pts_us
    assert abs(seen_us[0] - seen_us[1]) < 250_000


class TestLogin:
    PASSWORD = "s3cr@t:word"
    IN_ADDRESS = "owner:s3cr%40t%3Aword"

    @pytest.fixture
    def source(self) -> Iterator[RtspCamera]:
        with RtspCamera(user="owner", password=self.PASSWORD) as camera:
            yield camera

    def test_the_right_password_opens(self, source: RtspCamera) -> None:
        sink, camera, _ = receive(source.url(self.IN_ADDRESS), 5)
        assert sink.units
        assert "owner" in camera.label
        assert "s3cr" not in camera.label + str(camera.describe())

    @pytest.mark.parametrize("login", ["", "owner:wr0ng"])
    def test_the_wrong_one_is_said_without_being_shown(
        self, source: RtspCamera, login: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with pytest.raises(SourceAway, match="refused the login") as raised:
            StreamCamera(source.url(login)).run(RecordingSink(), threading.Event())
        assert "wr0ng" not in "".join(traceback.format_exception(raised.value)) + caplog.text


def test_a_wrong_path_is_named() -> None:
    with RtspCamera() as source, pytest.raises(SourceAway, match="no stream /else"):
        StreamCamera(source.url().replace("/cam", "/else")).run(RecordingSink(), threading.Event())


def test_a_port_where_nobody_listens_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        port = taken.getsockname()[1]
        with pytest.raises(SourceAway, match=f"nothing listens at 127.0.0.1:{port}"):
            StreamCamera(f"rtsp://127.0.0.1:{port}/cam").run(RecordingSink(), threading.Event())


def answering(server: socket.socket, answer: bytes) -> None:
    """Give one client one answer, whatever it asks."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()


def test_a_server_that_is_no_camera_is_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering(server, b"SSH-2.0-OpenSSH_9.2\r\n")
        with pytest.raises(SourceAway, match="RTSP"):
            StreamCamera(f"rtsp://127.0.0.1:{server.getsockname()[1]}/").run(RecordingSink(), threading.Event())


def test_the_address_of_a_web_page_is_no_video() -> None:
    page = b"<html><body>" + b"hello " * 1000 + b"</body></html>"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering(server, head % len(page) + page)
        with pytest.raises(SourceUnusable, match="web page"):
            StreamCamera(f"http://127.0.0.1:{server.getsockname()[1]}/").run(RecordingSink(), threading.Event())


def test_a_stop_does_not_wait_for_a_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        camera = StreamCamera(f"rtsp://127.0.0.1:{server.getsockname()[1]}/cam")
        with Running(camera, RecordingSink()) as running:
            connection, _ = server.accept()
        connection.close()
    assert running.error is None
    assert running.stopped_in < 1


class Watched:
    """A supervised camera and the states that it goes through."""

    def __init__(self, url: str) -> None:
        self.sink = RecordingSink()
        self.states: queue.Queue[SourceState] = queue.Queue()
        self.supervisor = CameraSupervisor(
            StreamCamera(url),
            self.sink,
            name="supervisor",
            on_state=self.states.put,
            backoff=Backoff(first=0.2, cap=0.5, chance=Random(1)),
        )
        self.supervisor.start()

    def await_state(self, *wanted: SourceState) -> list[SourceState]:
        """All states up to the first that is wanted."""
        seen: list[SourceState] = []
        until = time.monotonic() + PATIENCE_S
        while not seen or seen[-1] not in wanted:
            seen.append(self.states.get(timeout=max(0.0, until - time.monotonic())))
        return seen


@pytest.fixture
def watch() -> Iterator[Callable[[str], Watched]]:
    made: list[Watched] = []

    def start(url: str) -> Watched:
        made.append(Watched(url))
        return made[-1]

    yield start
    for watched in made:
        watched.supervisor.stop()
    for watched in made:
        assert watched.supervisor.join(2), "must end within the daemon's five seconds"


def test_a_camera_that_loses_its_power_comes_back_in_a_new_epoch(watch: Callable[[str], Watched]) -> None:
    with RtspCamera() as source:
        watched = watch(source.url())
        watched.await_state("live")
        source.pull_the_plug()
        watched.await_state("away")
        assert "127.0.0.1" in (watched.supervisor.trouble() or "")
        before = len(watched.sink.units)
        source.switch_on()
        watched.await_state("live")
        assert watched.supervisor.trouble() is None
    units = watched.sink.units
    check_delivery(units)
    assert units[before].info.epoch > units[0].info.epoch
    assert units[before].keyframe
    gap_us = units[before].pts_us - units[before - 1].pts_us
    assert gap_us > 100_000


def test_a_camera_that_hangs_is_noticed_and_comes_back(watch: Callable[[str], Watched]) -> None:
    with RtspCamera() as source:
        watched = watch(source.url())
        watched.await_state("live")
        source.freeze()
        frozen = time.monotonic()
        watched.await_state("stalled")
        assert 4 < time.monotonic() - frozen < 8
        before = len(watched.sink.units)
        source.thaw()
        watched.await_state("live")
    check_delivery(watched.sink.units)
    assert watched.sink.units[before].info.epoch > watched.sink.units[0].info.epoch
