"""Reads a recorded event back as the access units that were recorded."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from pi_sec_cam.errors import StorageError
from pi_sec_cam.media.access_unit import AccessUnit, Codec, StreamInfo
from pi_sec_cam.media.h264 import Canonicaliser
from pi_sec_cam.record.clip_file import open_sound, packets
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import EventRecord

_CODECS: dict[str, Codec] = {"h264": "h264", "hevc": "h265"}
_MICROSECOND = timedelta(microseconds=1)


def stored_units(folder: EventFolder, record: EventRecord) -> Iterator[AccessUnit]:
    """The event's pictures in decoding order, in canonical form: equal, byte for byte, to what was recorded.

    Each part has a StreamInfo of its own. Timestamps are media time, as they were, where the record tells when a part's
    first picture was shown; where it does not (after a crash), a part goes on where the one before it ended.

    Args:
        record: of the event, as it stands in its folder.

    Raises:
        StorageError: a part holds no video that can be read.
        OSError: the disk's.
    """
    known = {part.file: part.first_pts_us for part in record.parts}
    end_us = _first_pts_us(record)
    for file in folder.video_files():
        first_us = known.get(file.name)
        dts_us = last_us = None
        for unit in _part(file, end_us if first_us is None else first_us):
            last_us, dts_us = dts_us, unit.dts_us
            yield unit
            end_us = max(end_us, unit.pts_us + (unit.dts_us - last_us if last_us is not None else 0))


def _first_pts_us(record: EventRecord) -> int:
    """When the clip's first picture was shown, reckoned from the trigger; 0 where that is not known either."""
    if record.trigger_pts_us is None:
        return 0
    return record.trigger_pts_us - (record.motion_start - record.start) // _MICROSECOND


def _part(file: Path, first_pts_us: int) -> Iterator[AccessUnit]:
    with open_sound(file) as container:
        stream = container.streams.video[0]
        codec = _CODECS.get(stream.codec_context.name)
        if codec is None:
            raise StorageError(f"{file} holds neither H.264 nor H.265")
        canonical = Canonicaliser(codec, stream.codec_context.extradata)
        info: StreamInfo | None = None
        for packet in packets(container):
            if packet.stream is not stream or packet.pts is None or packet.dts is None or packet.time_base is None:
                continue
            unit = canonical.convert(bytes(packet), packet.is_keyframe)
            if unit is None:
                continue
            if info is None:
                info = StreamInfo(codec, canonical.width, canonical.height, canonical.parameter_sets)
            microseconds = packet.time_base * 1_000_000
            yield AccessUnit(
                unit.data,
                first_pts_us + round(packet.pts * microseconds),
                first_pts_us + round(packet.dts * microseconds),
                unit.keyframe,
                info,
            )
