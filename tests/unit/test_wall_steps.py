"""However the wall clock is set while events are recorded: what is measured is exact, and no two events share an id."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.recorder_bench import Bench, ended, started
from tests.unit.streams import units

_STEPS = st.one_of(
    st.just(0.0),
    st.floats(-5, 5),
    st.sampled_from([-86_400.0, -3600.0, 3600.0, 86_400.0]),
    st.floats(-50 * 365 * 86_400.0, 50 * 365 * 86_400.0),
)


@settings(max_examples=30, derandomize=True, deadline=None)
@given(steps=st.lists(st.tuples(_STEPS, _STEPS, st.floats(0, 3)), min_size=1, max_size=4))
def test_durations_are_exact_and_ids_unique(steps: list[tuple[float, float, float]]) -> None:
    """For each event: what the clock is off by at its begin, and then; how long it takes until the end is noticed."""
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        bench.feed(units(seconds=22))
        triggered = []
        off = 0.0
        for number, (before, within, noticed_s) in enumerate(steps, 1):
            bench.clock.step_wall(before - off)
            event = started(5 * number - 3, 1, number)
            triggered.append(bench.clock.stamp(event.trigger_pts_us).wall)
            bench.event(event)
            bench.clock.advance(noticed_s)
            bench.clock.step_wall(within - before)
            bench.event(ended(5 * number - 2, 1, number))
            off = within
        records = bench.run()
        assert len(records) == len({record.id for record in records}) == len(steps)
        for record, wall in zip(records, triggered, strict=True):
            # From the keyframe one second before the trigger up to one second after the last movement, both included.
            assert record.duration_s == 3.04
            assert record.end - record.start == timedelta(seconds=3.04)
            assert record.motion_end - record.motion_start == timedelta(seconds=1)
            assert record.motion_start - record.start == timedelta(seconds=1)
            assert record.motion_start == wall
        sequence = [record.sequence for record in records]
        assert sequence == sorted(set(sequence)), "their true order is known whatever their dates are"
