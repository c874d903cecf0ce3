"""Brings H.264 and H.265 into the one form that is used everywhere: Annex B, parameter sets before each keyframe.

The rules are in docs/recording-format.md, "Canonical stream".
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pi_sec_cam.media import parameter_sets as sets
from pi_sec_cam.media.access_unit import Codec

START_CODE = b"\x00\x00\x00\x01"

# NAL unit types: H.264 table 7-1, H.265 table 7-1.
_H264_SLICES = range(1, 6)
_H264_IDR = 5
_H264_SPS, _H264_PPS = 7, 8
_H264_DROPPED = {9, 12}  # access unit delimiters and filler: they carry nothing
_H265_SLICES = range(32)
_H265_TRAILING = range(16)
_H265_IRAP = range(16, 24)
_H265_VPS, _H265_SPS, _H265_PPS = 32, 33, 34
_H265_DROPPED = {35, 38}
# The first bytes of slices that no decoding begins at.
_H264_PLAIN = frozenset(byte for byte in range(256) if byte & 0x1F in _H264_SLICES and byte & 0x1F != _H264_IDR)
_H265_PLAIN = frozenset(byte for byte in range(256) if byte >> 1 & 0x3F in _H265_TRAILING)


@dataclass(frozen=True, slots=True)
class Unit:
    """One canonical access unit: its bytes, and whether decoding may begin at it."""

    data: bytes
    keyframe: bool


def split_annex_b(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream, without start codes; what stands before the first one is left out."""
    nals = []
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        end = data.find(b"\x00\x00\x01", start + 3)
        # A NAL unit never ends in a zero byte (7.4.1): those belong to the next start code or are padding.
        nal = data[start + 3 : end if end >= 0 else None].rstrip(b"\x00")
        if nal:
            nals.append(nal)
        start = end
    return nals


def split_length_prefixed(data: bytes, length_size: int) -> list[bytes]:
    """The NAL units of an MP4 sample, each behind its length in `length_size` bytes; a cut tail is left out."""
    nals = []
    position = 0
    while position + length_size <= len(data):
        length = int.from_bytes(data[position : position + length_size], "big")
        position += length_size
        if length and position + length <= len(data):
            nals.append(data[position : position + length])
        position += length
    return nals


def put_lengths(pictures: bytearray) -> None:
    """Turn canonical pictures, one behind the other, into MP4's form: in place of each start code, a length.

    Both have four bytes. A start code has 00 00 at an even place, coded pictures hardly anywhere else: NumPy finds the
    few pairs in a tenth of the time that `bytearray.find` takes for the start codes.
    """
    pairs = np.frombuffer(pictures, np.uint16, len(pictures) // 2)
    zeros = 2 * (pairs == 0).nonzero()[0]
    starts = [place for at in zeros.tolist() for place in (at - 1, at) if pictures.startswith(START_CODE, place)]
    for start, end in pairwise([*starts, len(pictures)]):
        pictures[start : start + 4] = (end - start - 4).to_bytes(4, "big")


class Canonicaliser:
    """Turns one stream's packets into canonical access units; one for each opened stream.

    Args:
        codec: of the stream.
        extradata: what the container or the SDP knows beforehand: an avcC or hvcC record (samples are then
            length-prefixed), Annex B parameter sets, or None.

    Attributes:
        parameter_sets, width, height: in force since the last keyframe.
        refused_sets: damaged parameter sets that came; those known before them stay in force.
    """

    def __init__(self, codec: Codec, extradata: bytes | None) -> None:
        self._h264 = codec == "h264"
        self._plain = _H264_PLAIN if self._h264 else _H265_PLAIN
        self._length_size = 0
        self._sets: dict[tuple[int, int], bytes] = {}  # by kind and number
        self._sizes: dict[int, tuple[int, int]] = {}  # of each SPS, by number
        self.parameter_sets = b""
        self.width = 0
        self.height = 0
        self.refused_sets = 0
        for nal in self._read_extradata(extradata or b""):
            self._remember(nal)

    def convert(self, packet: bytes, keyframe: bool) -> Unit | None:
        """One packet's picture, or None if it has none or none of the stream's parameter sets is known yet.

        `keyframe` is the demuxer's word. It counts for H.264, where an open GOP begins with a picture
        that only a recovery point message tells from others.
        """
        if not keyframe and self._is_only_slices(packet):
            return Unit(packet, keyframe=False) if self.parameter_sets else None
        split = split_length_prefixed(packet, self._length_size) if self._length_size else split_annex_b(packet)
        picture, kept = False, []
        entry = keyframe and self._h264
        for nal in split:
            kind = self._kind(nal)
            if self._is_set(kind):
                if not self._remember(nal):
                    continue
            elif kind in (_H264_DROPPED if self._h264 else _H265_DROPPED):
                continue
            elif kind in (_H264_SLICES if self._h264 else _H265_SLICES):
                picture = True
                entry = entry or (kind == _H264_IDR if self._h264 else kind in _H265_IRAP)
            kept.append(nal)
        if not picture:
            return None
        if not entry:
            return Unit(_join(kept), keyframe=False) if self.parameter_sets else None
        if not self._activate():
            return None
        return Unit(self.parameter_sets + _join([n for n in kept if not self._is_set(self._kind(n))]), keyframe=True)

    def _is_only_slices(self, packet: bytes) -> bool:
        """Whether a packet is canonical as it is: nothing but slices, as most pictures of most cameras are."""
        if self._length_size or not packet.startswith(START_CODE) or not packet[-1]:
            return False
        nal = len(START_CODE)
        while nal < len(packet):
            if packet[nal] not in self._plain:
                return False
            start = packet.find(b"\x00\x00\x01", nal)
            if start < 0:
                return True
            if start < nal + 2 or packet[start - 1] or not packet[start - 2]:
                return False  # nothing in it, a start code of three bytes, or zeros before it
            nal = start + 3
        return False

    def _activate(self) -> bool:
        """What is known becomes what is in force; whether it is enough to decode."""
        kinds = {kind for kind, _ in self._sets}
        if not kinds >= ({_H264_SPS, _H264_PPS} if self._h264 else {_H265_VPS, _H265_SPS, _H265_PPS}):
            return False
        joined = _join([self._sets[key] for key in sorted(self._sets)])
        if joined != self.parameter_sets:
            self.parameter_sets = joined
            self.width, self.height = self._sizes[min(self._sizes)]
        return True

    def _remember(self, nal: bytes) -> bool:
        """Keep a parameter set for the next keyframe; whether it is sound."""
        kind = self._kind(nal)
        if not self._is_set(kind):
            return False
        number: int | None
        if kind == (_H264_SPS if self._h264 else _H265_SPS):
            read = sets.h264_sps(nal) if self._h264 else sets.h265_sps(nal)
            number = None
            if read is not None:
                number, width, height = read
                self._sizes[number] = width, height
        elif self._h264:
            number = sets.h264_pps_id(nal)
        else:
            number = sets.h265_vps_id(nal) if kind == _H265_VPS else sets.h265_pps_id(nal)
        if number is None:
            self.refused_sets += 1
            return False
        self._sets[kind, number] = nal
        return True

    def _kind(self, nal: bytes) -> int:
        return nal[0] & 0x1F if self._h264 else (nal[0] >> 1) & 0x3F

    def _is_set(self, kind: int) -> bool:
        return kind in {_H264_SPS, _H264_PPS} if self._h264 else kind in {_H265_VPS, _H265_SPS, _H265_PPS}

    def _read_extradata(self, extradata: bytes) -> list[bytes]:
        if not extradata or extradata[0] != 1:
            return split_annex_b(extradata)
        return self._read_avcc(extradata) if self._h264 else self._read_hvcc(extradata)

    def _read_avcc(self, record: bytes) -> list[bytes]:
        """AVCDecoderConfigurationRecord, ISO/IEC 14496-15, 5.3.3.1."""
        self._length_size = (record[4] & 3) + 1 if len(record) > 4 else 4
        nals = []
        position = 5
        for mask in (0x1F, 0xFF):
            count = record[position] & mask if position < len(record) else 0
            position += 1
            for _ in range(count):
                length = int.from_bytes(record[position : position + 2], "big")
                nals.append(record[position + 2 : position + 2 + length])
                position += 2 + length
        return [n for n in nals if n]

    def _read_hvcc(self, record: bytes) -> list[bytes]:
        """HEVCDecoderConfigurationRecord, ISO/IEC 14496-15, 8.3.3.1."""
        self._length_size = (record[21] & 3) + 1 if len(record) > 21 else 4
        nals = []
        position = 23
        for _ in range(record[22] if len(record) > 22 else 0):
            count = int.from_bytes(record[position + 1 : position + 3], "big")
            position += 3
            for _ in range(count):
                length = int.from_bytes(record[position : position + 2], "big")
                nals.append(record[position + 2 : position + 2 + length])
                position += 2 + length
                if position > len(record):
                    break
        return [n for n in nals if n]


def _join(nals: list[bytes]) -> bytes:
    return b"".join([START_CODE + nal for nal in nals])
