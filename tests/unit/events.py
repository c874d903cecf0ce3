"""Events for tests: one that is easy to vary, and all that can be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from pi_sec_cam.motion.event import Area
from pi_sec_cam.record.event_record import EventRecord, Part, id_of_folder

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

PART = Part(
    file="video.mp4",
    codec="h264",
    width=1280,
    height=720,
    pictures=400,
    first_pts_us=1_000_000_000,
    duration_s=20.0,
    bytes=1_234_567,
)


def record(start: datetime = NOON, duration_s: float = 20.0, camera: str = "Yard", **other: object) -> EventRecord:
    """A finished event with one part; its id is as the archive would give it, in UTC."""
    event = EventRecord(
        id=id_of_folder(f"{camera}/{start:%Y-%m-%d/%H.%M.%S}"),
        camera=camera,
        start=start,
        end=start + timedelta(seconds=duration_s),
        duration_s=duration_s,
        motion_start=start + timedelta(seconds=min(8, duration_s)),
        motion_end=start + timedelta(seconds=min(12, duration_s)),
        clock_synchronised=True,
        state="complete",
        end_reason="rest",
        trigger_pts_us=1_008_000_000,
        areas=(Area(0.25, 0.5, 0.125, 0.25),),
        parts=(PART,),
        bytes=1_300_000,
    )
    return replace(event, **other)  # type: ignore[arg-type]


_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
_counts = st.integers(0, 2**53)
_order = st.integers(0, 2**62)
_pts = st.none() | st.integers(-(2**62), 2**62)
_seconds = st.integers(0, 10**11).map(lambda us: us / 1e6)  # to the microsecond, as they are written
_moments = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001 (the strategy adds the zone)
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
_fractions = st.floats(0, 1)
_codecs = st.sampled_from(["h264", "h265"])
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=5,
)

parts = st.builds(
    Part,
    file=_texts,
    codec=_codecs,
    width=_counts,
    height=_counts,
    pictures=_counts,
    first_pts_us=_pts,
    duration_s=_seconds,
    bytes=_counts,
)
records = st.builds(
    EventRecord,
    id=_texts.map(id_of_folder),
    camera=_texts,
    start=_moments,
    end=_moments,
    duration_s=_seconds,
    motion_start=_moments,
    motion_end=_moments,
    clock_synchronised=st.booleans(),
    state=st.sampled_from(["recording", "complete", "interrupted"]),
    end_reason=st.none() | st.sampled_from(["rest", "max_time", "source_lost", "source_ended", "stopped"]),
    trigger_pts_us=_pts,
    areas=st.lists(st.builds(Area, _fractions, _fractions, _fractions, _fractions), max_size=3).map(tuple),
    continues=st.none() | _texts,
    parts=st.lists(parts, max_size=3).map(tuple),
    bytes=_counts,
    dropped_pictures=_counts,
    labels=st.lists(_texts, max_size=3, unique=True).map(tuple),
    offsite=st.booleans(),
    locked=st.booleans(),
    note=_texts,
    sequence=_order,
    revision=_order,
    newer=st.dictionaries(_texts.map(lambda name: f"newer {name}"), _json, max_size=3),
)
