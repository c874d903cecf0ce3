"""The detection stream is decoded as it comes; what comes too late is passed over whole."""

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.frame import FrameSlot
from pi_sec_cam.node.sinks import DetectionSink
from tests.unit import streams


def units(clock: SimulatedClock) -> list[AccessUnit]:
    return streams.units(seconds=4, start_us=clock.monotonic_us())


def shown(slot: FrameSlot) -> int | None:
    taken = slot.take(0, 0)
    return None if taken is None else streams.number_in(taken[1].luma)


def test_each_picture_is_in_the_slot_when_it_was_delivered() -> None:
    clock, slot = SimulatedClock(), FrameSlot()
    sink = DetectionSink(slot, due=lambda _: True, live=True, clock=clock)
    for index, unit in enumerate(units(clock)):
        sink.access_unit(unit)
        assert shown(slot) == index
    assert sink.status()["decoded"] == 100
    assert sink.status()["missed"] == 0


def test_late_pictures_are_passed_over_up_to_a_keyframe() -> None:
    clock, slot = SimulatedClock(), FrameSlot()
    sink = DetectionSink(slot, due=lambda _: True, live=True, clock=clock)
    delivered = units(clock)
    for unit in delivered[:10]:
        sink.access_unit(unit)
    clock.advance(4.4)  # units are late from now on: by more than three seconds up to number 34
    for unit in delivered[10:50]:
        sink.access_unit(unit)
    assert shown(slot) == 9, "nothing made up after what is missing"
    assert sink.status()["missed"] == 25
    for unit in delivered[50:]:
        sink.access_unit(unit)
    assert shown(slot) == 99
    assert sink.status()["decoded"] == 60


def test_a_file_is_never_late() -> None:
    clock, slot = SimulatedClock(), FrameSlot()
    sink = DetectionSink(slot, due=lambda _: True, live=False, clock=clock)
    delivered = units(clock)
    clock.advance(1000)
    for unit in delivered:
        sink.access_unit(unit)
    assert sink.status()["decoded"] == 100
