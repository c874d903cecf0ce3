"""Fragments of an MP4 file with one video track, and their index: moof, mdat, mfra (ISO/IEC 14496-12, 8.8)."""

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pi_sec_cam.media.h264 import put_lengths

# 8.8.3.1: depends on no other sample; depends on others, and is no sync sample.
_SYNC, _NO_SYNC = 0x02000000, 0x01010000
_MFHD_BYTES, _TFHD_BYTES, _TFDT_BYTES, _TRUN_BYTES, _OF_A_SAMPLE = 16, 16, 20, 20, 16
_HEADS = struct.Struct(">I4s I4sII I4s I4sII I4sIQ I4sIII")
_SAMPLE = struct.Struct(">IIIi")
_INDEXED = struct.Struct(">QQBBI")
_DEFAULT_BASE_IS_MOOF = 0x020000
# trun, version 1 (offsets have a sign): data offset; of each sample its duration, size, flags, composition offset.
_TRUN_FLAGS = 0x01000F01
_LONGEST = 0xFFFF_FFFF


class Sample(NamedTuple):
    """One coded picture, canonical; times in units of the track's timescale, `dts` counted from the track's first."""

    data: bytes
    dts: int
    composition_offset: int
    keyframe: bool


class Indexed(NamedTuple):
    """Where a keyframe is: the file offset of its moof, and which of that fragment's samples it is, from 1."""

    time: int
    moof_at: int
    sample: int


def fits(composition_offset: int) -> bool:
    """Whether a sample can be shown that much later than it is decoded."""
    return -(1 << 31) <= composition_offset < 1 << 31


def fragment(number: int, samples: Sequence[Sample], durations: Iterable[int]) -> bytes:
    """A moof and its mdat.

    Args:
        number: of the fragment in the file, from 1.
        samples: at least one; each is decoded as soon as the one before has lasted its duration.
        durations: of each sample; longer ones than 2^32 - 1 are shortened (the next fragment says when it begins).
    """
    trun_bytes = _TRUN_BYTES + _OF_A_SAMPLE * len(samples)
    traf_bytes = 8 + _TFHD_BYTES + _TFDT_BYTES + trun_bytes
    moof_bytes = 8 + _MFHD_BYTES + traf_bytes
    heads = _HEADS.pack(
        *(moof_bytes, b"moof"),
        *(_MFHD_BYTES, b"mfhd", 0, number),
        *(traf_bytes, b"traf"),
        *(_TFHD_BYTES, b"tfhd", _DEFAULT_BASE_IS_MOOF, 1),
        *(_TFDT_BYTES, b"tfdt", 1 << 24, samples[0].dts),
        *(trun_bytes, b"trun", _TRUN_FLAGS, len(samples), moof_bytes + 8),
    )
    run = [
        _SAMPLE.pack(
            min(duration, _LONGEST),
            len(sample.data),
            _SYNC if sample.keyframe else _NO_SYNC,
            sample.composition_offset,
        )
        for sample, duration in zip(samples, durations, strict=True)
    ]
    payload = bytearray().join([sample.data for sample in samples])
    put_lengths(payload)
    return b"".join([heads, *run, struct.pack(">I4s", 8 + len(payload), b"mdat"), payload])


def index(keyframes: Sequence[Indexed]) -> bytes:
    """The mfra that ends a file: players find its keyframes without looking through all fragments."""
    rows = b"".join([_INDEXED.pack(at.time, at.moof_at, 1, 1, at.sample) for at in keyframes])
    # Version 1 (64-bit times and offsets), track 1; numbers of traf and trun have one byte, of samples four.
    tfra = struct.pack(">I4sIIII", 24 + len(rows), b"tfra", 1 << 24, 1, 0b000011, len(keyframes)) + rows
    mfro = struct.pack(">I4sII", 16, b"mfro", 0, 8 + len(tfra) + 16)
    return struct.pack(">I4s", 8 + len(tfra) + 16, b"mfra") + tfra + mfro
