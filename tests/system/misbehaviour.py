"""Ways in which a network camera may misbehave, each from a moment on and until another."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np
import simplejpeg

from tests.system import films
from tests.system.crooked_camera import Rtsp, played, sets_of
from tests.unit.parameter_sets import h264_sps

FILM_S = 90.0
SIZE, OTHER_SIZE = (320, 192), (192, 128)
PICTURE_S = 1 / films.RATE
BEGIN_OF_WALK = round(films.STILL_S * films.RATE)
_MJPEG_SIZE = (160, 96)


@dataclass
class Script:
    """When one camera misbehaves.

    Attributes:
        from_now: it is to begin.
        healed: it is to behave again.
    """

    act: Callable[["Script", socket.socket, int], None]
    scheme: str = "rtsp"
    from_now: threading.Event = field(default_factory=threading.Event)
    healed: threading.Event = field(default_factory=threading.Event)

    @property
    def bad(self) -> bool:
        return self.from_now.is_set() and not self.healed.is_set()

    def serve(self, connection: socket.socket, number: int) -> None:
        self.act(self, connection, number)


def show(
    connection: socket.socket,
    size: tuple[int, int] = SIZE,
    *,
    begin: int = 0,
    until: Callable[[], bool] = lambda: False,
) -> None:
    """Play well, from the picture of this number on, which is a keyframe."""
    film = films.walk(*size, FILM_S)[begin:]
    session = Rtsp(connection, sets_of(film[0]))
    session.play()
    for seconds, nals in played(film, films.RATE):
        session.picture(nals, seconds)
        if until():
            return


def behaves(script: Script, connection: socket.socket, number: int) -> None:
    show(connection)


def freezes(script: Script, connection: socket.socket, number: int) -> None:
    if not script.bad:
        show(connection, until=lambda: script.bad)
    script.healed.wait()


def dies(script: Script, connection: socket.socket, number: int) -> None:
    if not script.bad:
        show(connection, until=lambda: script.bad)


def drips(script: Script, connection: socket.socket, number: int) -> None:
    if not script.bad:
        show(connection, until=lambda: script.bad)
    while script.bad:
        connection.sendall(b"$")
        time.sleep(1)


def goes_mad(script: Script, connection: socket.socket, number: int) -> None:
    if not script.bad:
        show(connection, until=lambda: script.bad)
    chance = Random(number)
    while script.bad:
        connection.sendall(chance.randbytes(2000))
        time.sleep(0.1)


def damages_its_pictures(script: Script, connection: socket.socket, number: int) -> None:
    """Well-formed RTP, NAL units that begin as they should, and then nothing that could be decoded."""
    session = Rtsp(connection, sets_of(films.walk(*SIZE, FILM_S)[0]))
    session.play()
    for seconds, nals in played(films.walk(*SIZE, FILM_S), films.RATE):
        session.picture([nal[:1] + b"\xff" * 100 for nal in nals[-1:]] if script.bad else nals, seconds)


def lies_about_its_size(script: Script, connection: socket.socket, number: int) -> None:
    """Parameter sets that are cut, or promise pictures of a quarter of a gigabyte."""
    film = films.walk(*SIZE, FILM_S)
    session = Rtsp(connection, sets_of(film[0]))
    session.play()
    for seconds, nals in played(film, films.RATE):
        lies = [h264_sps(16384, 16384), nals[0][:6]] if script.bad and len(nals) > 1 else []
        session.picture([*lies, *nals], seconds)


def changes_its_size(script: Script, connection: socket.socket, number: int) -> None:
    """By new parameter sets, on the same connection; and back."""
    film, other = films.walk(*SIZE, FILM_S), films.walk(*OTHER_SIZE, FILM_S)
    session = Rtsp(connection, sets_of(film[0]))
    session.play()
    changed = False
    for (seconds, nals), (_, others) in zip(played(film, films.RATE), played(other, films.RATE), strict=True):
        if len(nals) > 1:  # a keyframe, behind its parameter sets
            changed = script.bad
        session.picture(others if changed else nals, seconds)


def restarts_with_another_size(script: Script, connection: socket.socket, number: int) -> None:
    if number:
        show(connection, OTHER_SIZE, begin=BEGIN_OF_WALK)
    show(connection, until=lambda: script.bad)


def show_over_http(connection: socket.socket, pieces: Sequence[bytes], until: Callable[[], bool]) -> None:
    """Play MPEG-TS well."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n")
    begun = time.monotonic()
    for index, piece in enumerate(pieces):
        time.sleep(max(0.0, begun + index * PICTURE_S - time.monotonic()))
        if until():
            return
        connection.sendall(piece)


def loses_its_stream(script: Script, connection: socket.socket, number: int) -> None:
    """MPEG-TS over HTTP that turns into rubbish; then there is nothing at that address."""
    connection.recv(4096)
    if script.bad:
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        return
    show_over_http(connection, films.as_transport_stream(films.walk(*SIZE, FILM_S)), lambda: script.bad)
    connection.sendall(Random(1).randbytes(100_000))


def changes_its_codec(script: Script, connection: socket.socket, number: int) -> None:
    """Breaks off, and is there again with H.265."""
    connection.recv(4096)
    if number:
        h265 = films.walk(*SIZE, FILM_S, "h265")[BEGIN_OF_WALK:]
        show_over_http(connection, films.as_transport_stream(h265, "h265"), lambda: False)
    else:
        h264 = films.walk(*SIZE, FILM_S)
        show_over_http(connection, films.as_transport_stream(h264), lambda: script.bad)


def sends_broken_jpegs(script: Script, connection: socket.socket, number: int) -> None:
    """MJPEG over HTTP; what is between the marks makes no sense any more."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=F\r\n\r\n")
    width, height = _MJPEG_SIZE
    for index in range(round(FILM_S / 2 / PICTURE_S)):
        picture = np.full((height, width, 3), 90, np.uint8)
        left = 0 if index < 40 else index * 4 % (width - 30)
        picture[20:80, left : left + 30] = 220
        jpeg = simplejpeg.encode_jpeg(picture)
        if script.bad:
            jpeg = jpeg[:2] + Random(index).randbytes(500) + jpeg[-2:]
        connection.sendall(
            b"--F\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg) + jpeg + b"\r\n"
        )
        time.sleep(PICTURE_S)


SCRIPTS: dict[str, tuple[Callable[[Script, socket.socket, int], None], str]] = {
    act.__name__: (act, scheme)
    for act, scheme in (
        (behaves, "rtsp"),
        (freezes, "rtsp"),
        (dies, "rtsp"),
        (drips, "rtsp"),
        (goes_mad, "rtsp"),
        (damages_its_pictures, "rtsp"),
        (lies_about_its_size, "rtsp"),
        (changes_its_size, "rtsp"),
        (restarts_with_another_size, "rtsp"),
        (loses_its_stream, "http"),
        (changes_its_codec, "http"),
        (sends_broken_jpegs, "http"),
    )
}
