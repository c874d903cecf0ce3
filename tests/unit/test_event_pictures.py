"""The motion picture is the frame that made the event, decoded once, also after the ring has let go of it."""

import io
import threading

import av
import pytest

from pi_sec_cam.media.ring import Ring
from pi_sec_cam.motion import event_pictures
from pi_sec_cam.motion.event import EventStarted
from pi_sec_cam.motion.event_pictures import EventPictures
from tests.unit.streams import BASE_US, number_in, units

PICTURE_US = 40_000


def started(picture: int, number: int = 1) -> EventStarted:
    at_us = BASE_US + picture * PICTURE_US
    return EventStarted(number, at_us - 2 * PICTURE_US, at_us - 1_000_000, decided_pts_us=at_us)


def number_of(jpeg: bytes | None) -> int:
    assert jpeg is not None
    with av.open(io.BytesIO(jpeg)) as file:
        return number_in(next(file.decode(video=0)).to_ndarray(format="gray"))


def test_it_is_the_frame_that_made_the_event() -> None:
    ring = Ring(seconds=60, max_bytes=10_000_000)
    pictures = EventPictures(ring)
    for unit in units():
        ring.append(unit)
    pictures.on_event(started(60))
    assert number_of(pictures.of(started(60))) == 60
    assert number_of(pictures.of(started(37, number=2))) == 37, "asked about an event that it was not told of"


def test_the_ring_may_let_go_of_it_meanwhile() -> None:
    ring = Ring(seconds=0, max_bytes=10_000_000)
    pictures = EventPictures(ring)
    video = units()
    for unit in video[:31]:
        ring.append(unit)
    pictures.on_event(started(30))
    for unit in video[31:]:
        ring.append(unit)
    assert not ring.gop_at(started(30).decided_pts_us or 0)
    assert number_of(pictures.of(started(30))) == 30


def test_what_had_not_arrived_when_the_event_began_is_taken_when_somebody_asks() -> None:
    ring = Ring(seconds=60, max_bytes=10_000_000)
    pictures = EventPictures(ring)
    video = units()
    for unit in video[:35]:
        ring.append(unit)
    pictures.on_event(started(40))
    for unit in video[35:45]:
        ring.append(unit)
    assert number_of(pictures.of(started(40))) == 40


def test_it_is_decoded_once_however_many_ask_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring(seconds=60, max_bytes=10_000_000)
    for unit in units():
        ring.append(unit)
    pictures = EventPictures(ring)
    decoded: list[int] = []
    everybody_asks = threading.Barrier(4, timeout=10)

    def decode(gop: object, pts_us: int, areas: object) -> bytes:
        decoded.append(pts_us)
        return b"picture"

    def ask() -> None:
        everybody_asks.wait()
        got.append(pictures.of(started(30)))

    monkeypatch.setattr(event_pictures, "motion_picture", decode)
    got: list[bytes | None] = []
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    everybody_asks.wait()
    for thread in threads:
        thread.join(10)
    assert (got, decoded) == ([b"picture"] * 3, [started(30).decided_pts_us])


def test_events_that_nobody_asks_about_do_not_pile_up() -> None:
    ring = Ring(seconds=60, max_bytes=10_000_000)
    pictures = EventPictures(ring)
    for number in range(1, 30):
        pictures.on_event(started(30, number))
    assert len(pictures._events) < 10


def test_without_video_there_is_none() -> None:
    assert EventPictures(Ring(seconds=1, max_bytes=1000)).of(started(5)) is None
