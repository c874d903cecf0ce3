"""What is known of one event: the contents of its event.json (docs/recording-format.md)."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, get_args
from urllib.parse import quote, unquote

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from pi_sec_cam.errors import StorageError
from pi_sec_cam.media.access_unit import Codec
from pi_sec_cam.motion.event import Area, EndReason

State = Literal["recording", "complete", "interrupted"]
STATES: tuple[State, ...] = get_args(State)

RECORDINGS = "recordings"
_VERSION = 1
_MOMENTS = ("start", "end", "motion_start", "motion_end")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# What can be true at all, so that nothing that is made of it overflows: the catalogue counts in 64 bits, and Python's
# years end with 9999. Linux's clock ends in 2262; a folder that is named without its year reads as one of 1900.
EARLIEST, LATEST = datetime(1800, 1, 1, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC)
LONGEST_S = 9e9  # 285 years
_Moment = Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST)]
_Count = Annotated[int, Field(ge=0, le=2**53)]  # a thousand such can be added up
_Order = Annotated[int, Field(ge=0, le=2**62)]  # and counted on from there
_Microseconds = Annotated[int, Field(ge=-(2**62), le=2**62)]
_Seconds = Annotated[float, Field(ge=0, le=LONGEST_S, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One video file of an event.

    Attributes:
        file: its name in the event's folder.
        codec, width, height: as in the StreamInfo of its access units.
        pictures: how many it holds.
        first_pts_us: media time of the first picture; None where it is not known (found after a crash).
        duration_s: from the first picture to the end of the last.
        bytes: its size.
    """

    file: str
    codec: Codec
    width: _Count
    height: _Count
    pictures: _Count
    first_pts_us: _Microseconds | None
    duration_s: _Seconds
    bytes: _Count


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One event.

    Attributes:
        id: names the event for ever: its folder below `recordings/`, percent-encoded where a URL or a shell would
            stumble; unique in a storage directory. See `id_of_folder`.
        camera: the camera's name.
        start, end: when the clip's first picture was taken and its last one ended; while the event runs, what was
            known at the last writing. Aware, in any zone; event.json has the local one.
        duration_s: of the clip: the sum of its parts' media time, in seconds.
        motion_start, motion_end: the first and the last movement.
        clock_synchronised: whether someone vouched for the wall clock at the trigger; if not, all four times are
            guesses (the differences between them are right).
        state: "interrupted" is an event whose end nobody wrote (power cut, crash) and that was repaired.
        end_reason: why it ended, None while it runs and when interrupted.
        trigger_pts_us: media time of the frame that triggered; None where it is not known.
        areas: what had changed in that frame.
        continues: id of the event that this one goes on from without gap.
        parts: the video files, in order.
        bytes: of the video files and motion.jpg.
        dropped_pictures: how many the recorder could not write.
        labels: what was recognised.
        offsite: at least one store holds all of it.
        locked: kept until somebody unlocks it.
        note: the owner's words.
        sequence: rises from event to event of a storage directory, whatever the wall clock does: says which of two is
            older (`EventSequence`). Always above 0: without one (an event of an earlier version, or adopted after a
            crash) it is the microseconds since 1970 of `start`.
        revision: rises with each rewriting of event.json: says which of two states of one event is newer.
        newer: what a later version of the program has written and this one does not know; kept on rewriting.
    """

    id: str
    camera: str
    start: _Moment
    end: _Moment
    duration_s: _Seconds = 0.0
    motion_start: _Moment
    motion_end: _Moment
    clock_synchronised: bool
    state: State
    end_reason: EndReason | None = None
    trigger_pts_us: _Microseconds | None = None
    areas: tuple[Area, ...] = ()
    continues: str | None = None
    parts: tuple[Part, ...] = ()
    bytes: _Count = 0
    dropped_pictures: _Count = 0
    labels: tuple[str, ...] = ()
    offsite: bool = False
    locked: bool = False
    note: str = ""
    sequence: _Order = 0
    revision: _Order = 0
    newer: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.sequence == 0:
            object.__setattr__(self, "sequence", max(1, epoch_us(self.start)))

    @property
    def path(self) -> str:
        """The event's folder, relative to the storage directory, with forward slashes."""
        return f"{RECORDINGS}/{folder_of_id(self.id)}"


def epoch_us(moment: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(us: int) -> datetime:
    """The time, in UTC, that is `us` microseconds after the beginning of 1970."""
    return _EPOCH + timedelta(microseconds=us)


def nearest_moment_of(us: int) -> datetime:
    """`moment_of`, or the nearest that a record can speak of."""
    return moment_of(min(max(us, epoch_us(EARLIEST)), epoch_us(LATEST)))


def id_of_folder(folder: str) -> str:
    """The id of the event in `folder` (relative to `recordings/`, forward slashes)."""
    return quote(folder, safe="/:")


def folder_of_id(event_id: str) -> str:
    """The folder, relative to `recordings/`, of the event with that id."""
    return unquote(event_id, errors="strict")


def to_json(record: EventRecord) -> bytes:
    """The contents of event.json: times to the microsecond, in the local zone."""
    values = asdict(record)
    newer = values.pop("newer")
    for name in _MOMENTS:
        moment: datetime = values[name]
        values[name] = moment.astimezone().isoformat(timespec="microseconds")
    known = {"version": _VERSION, "id": values.pop("id"), "path": record.path, **values}
    return (json.dumps({**known, **newer}, indent=2, ensure_ascii=False) + "\n").encode()


def from_json(data: bytes, where: str) -> EventRecord:
    """Read event.json: types are strict, unknown keys are kept in `newer`.

    Args:
        where: the file's name, for the message.

    Raises:
        RecordTooNew: a later version wrote it in a way that this one would misread.
        RecordDamaged: the message names what is wrong.
    """
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RecordDamaged(f"{where} is damaged: {error}") from None
    if not isinstance(values, dict) or type(values.get("version")) is not int:
        raise RecordDamaged(f"{where} is not the record of an event: it has no version")
    if values["version"] > _VERSION:
        raise RecordTooNew(f"{where} was written by a later version of pi_sec_cam: update this one to read it")
    known = {name: values.pop(name) for name in _FIELDS if name in values}
    newer = {name: value for name, value in values.items() if name not in {"version", "path"}}
    try:
        return _ADAPTER.validate_json(json.dumps({**known, "newer": newer}), strict=True)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise RecordDamaged(f"{where} is damaged: {'; '.join(faults)}") from None


class RecordDamaged(StorageError):
    """An event.json that cannot be understood."""


class RecordTooNew(StorageError):
    """An event.json of a later version of the program; it is left as it is."""


_ADAPTER = TypeAdapter(EventRecord)
_FIELDS = [entry.name for entry in fields(EventRecord) if entry.name != "newer"]
