"""Pictures of a live source wait to be read together, but not while they are in a hurry."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Self

import pytest

from pi_sec_cam.camera import receiver as receiver_module
from pi_sec_cam.camera.demux import Received
from pi_sec_cam.camera.reading_pace import ReadingPace
from pi_sec_cam.camera.receiver import Receiver
from pi_sec_cam.clock import SimulatedClock

_INTERVAL_US = 50_000


class Rests(threading.Event):
    """The receiver's `stopping`, which lets simulated time pass instead of waiting."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__()
        self._clock = clock
        self.count = 0

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.count += 1
        self._clock.advance(timeout)
        return False


@pytest.mark.parametrize("hurried", [range(0), range(200, 400), range(600)])
def test_pictures_wait_for_each_other_unless_they_are_in_a_hurry(
    monkeypatch: pytest.MonkeyPatch, hurried: range
) -> None:
    clock = SimulatedClock()
    lags_us: list[int] = []

    class EvenSource:
        """600 pictures, each there 50 ms after the one before."""

        def __init__(self, *_: Any) -> None: ...

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None: ...

        def packets(self) -> Iterator[Received]:
            began_us = clock.monotonic_us()
            for index in range(600):
                early_us = began_us + index * _INTERVAL_US - clock.monotonic_us()
                clock.advance(max(0, early_us) / 1e6)
                lags_us.append(max(0, -early_us))
                packet: Any = SimpleNamespace(size=5000)
                yield Received(packet, index * _INTERVAL_US, index * _INTERVAL_US, clock.monotonic_us())

    monkeypatch.setattr(receiver_module, "Source", EvenSource)
    receiver = Receiver("rtsp://camera", "receiver", clock)
    receiver.stopping = rests = Rests(clock)
    taken: list[Received] = []
    receiver.pass_to(taken.append, ReadingPace(0.2), lambda: len(taken) in hurried)
    receiver.work()
    assert len(taken) == 600
    waited = [index for index, lag_us in enumerate(lags_us) if lag_us > 10_000]
    # What is under way when the hurry begins are the pictures of one rest.
    assert not set(waited) & set(hurried[4:])
    outside = 600 - len(hurried)
    assert outside * 0.6 <= len(waited) <= outside
    assert rests.count <= 1 + outside / 3
