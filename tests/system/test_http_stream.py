"""MJPEG over HTTP, as cheap cameras and phones send it: no timestamps, so the time of arrival counts."""

import io
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import numpy as np
import pytest
import simplejpeg

from pi_sec_cam.camera.stream import StreamCamera
from pi_sec_cam.errors import SourceAway
from tests.recording_sink import RecordingSink, Running, check_delivery

PATIENCE_S = 20
# Uneven on purpose: nobody could guess it from a nominal rate.
PAUSES_S = (0.1, 0.3, 0.05, 0.2)


class PhoneCamera(BaseHTTPRequestHandler):
    sent: list[float]

    def do_GET(self) -> None:
        if self.path != "/video":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=FRAME")
        self.end_headers()
        for index in range(16):
            jpeg = simplejpeg.encode_jpeg(np.full((96, 160, 3), 10 * index, np.uint8))
            part = io.BytesIO()
            part.write(b"--FRAME\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg))
            part.write(jpeg + b"\r\n")
            self.wfile.write(part.getvalue())
            type(self).sent.append(time.monotonic())
            time.sleep(PAUSES_S[index % len(PAUSES_S)])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    PhoneCamera.sent = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), PhoneCamera)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_pictures_have_the_times_at_which_they_came(address: str) -> None:
    sink = RecordingSink(lambda sink: len(sink.units) >= 12)
    with Running(StreamCamera(f"{address}/video"), sink) as running:
        assert sink.full.wait(PATIENCE_S), running.error
        running.join(PATIENCE_S)  # the phone hangs up after its sixteenth picture
    assert isinstance(running.error, SourceAway)
    assert "the connection" in str(running.error)
    check_delivery(sink.units)
    units = sink.units[-12:]
    assert {unit.info.epoch for unit in units} == {0}
    came = [unit.pts_us / 1e6 for unit in units]
    sent = PhoneCamera.sent[len(PhoneCamera.sent) - 12 :]
    assert all(abs((b - a) - (d - c)) < 0.04 for (a, b), (c, d) in zip(pairwise(came), pairwise(sent), strict=True))
    assert sink.frames[-1].luma.mean() == pytest.approx(150, abs=3)


def test_a_wrong_path_is_named(address: str) -> None:
    with pytest.raises(SourceAway, match="no stream /vidoe"):
        StreamCamera(f"{address}/vidoe").run(RecordingSink(), threading.Event())
