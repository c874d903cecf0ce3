"""Workers stop together, by a deadline, and say what went wrong."""

import threading

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.errors import WorkerStuck
from pi_sec_cam.worker import Worker, stop_all


class Waiting(Worker):
    def work(self) -> None:
        self.stopping.wait()


class Deaf(Worker):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.release = threading.Event()

    def work(self) -> None:
        self.release.wait()


class Broken(Worker):
    def work(self) -> None:
        raise ZeroDivisionError("a bug")


def test_all_are_told_before_any_is_waited_for() -> None:
    workers = [Waiting("a"), Waiting("b")]
    for worker in workers:
        worker.start()
    stop_all(workers, 10)
    assert not any(worker.alive for worker in workers)


def test_what_does_not_end_is_named() -> None:
    deaf, good = Deaf("deaf one"), Waiting("good one")
    for worker in (deaf, good):
        worker.start()
    with pytest.raises(WorkerStuck, match="deaf one") as caught:
        stop_all([deaf, good], 0.05)
    assert "good one" not in str(caught.value)
    deaf.release.set()
    assert deaf.join(10)


def test_an_unexpected_error_is_kept_and_logged_whole(caplog: pytest.LogCaptureFixture) -> None:
    worker = Broken("broken one")
    worker.start()
    assert worker.join(10)
    assert isinstance(worker.fault, ZeroDivisionError)
    assert "broken one" in caplog.text
    assert "ZeroDivisionError: a bug" in caplog.text


def test_progress_is_told_by_the_clock_that_was_given() -> None:
    clock = SimulatedClock()
    worker = Waiting("a", clock)
    clock.advance(5)
    assert clock.monotonic_us() - worker.advanced_us == 5_000_000
    worker.advance()
    assert worker.advanced_us == clock.monotonic_us()


def test_a_worker_that_was_never_started_can_be_stopped() -> None:
    stop_all([Waiting("a")], 1)


def test_who_does_not_get_on_is_overdue() -> None:
    clock = SimulatedClock()
    worker = Waiting("a", clock)
    clock.advance(1000)
    assert not worker.overdue()  # it has not begun
    worker.start()
    clock.advance(worker.patience_s - 1)
    assert not worker.overdue()
    clock.advance(2)
    assert worker.overdue()
    worker.advance()
    assert not worker.overdue()
    clock.advance(1000)
    stop_all([worker], 10)
    assert not worker.overdue()
