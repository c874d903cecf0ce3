"""A reader that asks to sleep is not woken for each unit, and loses none of them."""

import threading
from collections.abc import Iterator

import pytest

from pi_sec_cam.media.access_unit import AccessUnit, StreamInfo
from pi_sec_cam.media.ring import Cursor, Ring

PATIENCE_S = 10
INFO = StreamInfo("h264", 160, 96, b"")


def unit(dts_us: int) -> AccessUnit:
    return AccessUnit(b"x", dts_us, dts_us, dts_us == 0, INFO)


class Reader(threading.Thread):
    """Waits for one unit."""

    def __init__(self, cursor: Cursor) -> None:
        super().__init__(daemon=True)
        self._cursor = cursor
        self.got: AccessUnit | None = None

    def run(self) -> None:
        self.got = self._cursor.read(PATIENCE_S)


@pytest.fixture
def ring() -> Iterator[Ring]:
    made = Ring(seconds=10, max_bytes=1000)
    made.append(unit(0))
    yield made
    made.finish()


def sleeping(ring: Ring, until_us: int) -> tuple[Cursor, Reader]:
    cursor = ring.cursor()
    assert cursor.read(0) is not None
    cursor.wakes_from_us = until_us
    reader = Reader(cursor)
    reader.start()
    return cursor, reader


def test_it_is_woken_by_the_unit_that_it_waits_for_and_reads_those_before_too(ring: Ring) -> None:
    cursor, reader = sleeping(ring, 200)
    ring.append(unit(100))
    reader.join(0.05)
    assert reader.is_alive(), "woken too early"
    ring.append(unit(200))
    reader.join(PATIENCE_S / 2)
    assert reader.got is not None
    assert reader.got.dts_us == 100
    following = cursor.read(0)
    assert following is not None
    assert following.dts_us == 200


def test_it_can_be_woken_by_hand(ring: Ring) -> None:
    cursor, reader = sleeping(ring, 200)
    ring.append(unit(100))
    cursor.wake()
    reader.join(PATIENCE_S / 2)
    assert reader.got is not None
    assert cursor.wakes_from_us == 0


def test_woken_by_hand_it_returns_though_there_is_nothing(ring: Ring) -> None:
    cursor, reader = sleeping(ring, 200)
    cursor.wake()
    reader.join(PATIENCE_S / 2)
    assert not reader.is_alive()
    assert reader.got is None


def test_a_wake_that_comes_before_it_waits_is_not_lost(ring: Ring) -> None:
    cursor = ring.cursor()
    assert cursor.read(0) is not None
    cursor.wake()
    reader = Reader(cursor)
    reader.start()
    reader.join(PATIENCE_S / 2)
    assert not reader.is_alive()


def test_it_does_not_sleep_on_when_there_will_be_no_more(ring: Ring) -> None:
    _, reader = sleeping(ring, 200)
    ring.append(unit(100))
    ring.finish()
    reader.join(PATIENCE_S / 2)
    assert reader.got is not None
