"""What an MP4 file of ours holds that is sound, though it may be torn by a power cut or still grow."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.container import InputContainer

from pi_sec_cam.errors import StorageError
from pi_sec_cam.media.access_unit import Codec

# The boxes that our muxer writes at the top of a file (ISO/IEC 14496-12).
_KNOWN = {b"ftyp", b"moov", b"free", b"styp", b"sidx", b"moof", b"mdat", b"mfra"}
_CODECS: dict[str, Codec] = {"h264": "h264", "hevc": "h265"}


@dataclass(frozen=True, slots=True)
class Soundness:
    """How far a file can be relied on.

    Attributes:
        sound_bytes: the end of the last whole fragment (and of the index, if whole); the whole size for a file
            that is not in fragments.
        torn: something comes after that.
        empty: certainly no picture has ever been in it: it has at most a header and the head of a fragment.
    """

    sound_bytes: int
    torn: bool
    empty: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """What the sound part of a file holds. `duration_us` is up to the end of the last picture."""

    codec: Codec
    width: int
    height: int
    pictures: int
    duration_us: int


def soundness(path: Path) -> Soundness:
    """Judge by the boxes alone; does not look into the pictures.

    Raises:
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    sound = 0
    has_header = in_fragments = has_payload = False
    for kind, start, length in _boxes(path):
        end = start + length
        known = kind in _KNOWN
        has_payload = has_payload or not known or (kind == b"mdat" and min(end, size) > start + 8)
        if end > size or not known:
            break
        has_header = has_header or kind == b"moov"
        in_fragments = in_fragments or kind == b"moof"
        if has_header and kind in {b"mdat", b"mfra"}:
            sound = end
    if not in_fragments:
        sound = size
    return Soundness(sound, torn=sound < size, empty=not has_payload)


def contents(path: Path) -> Contents:
    """Count the pictures in the sound part of a file.

    Raises:
        StorageError: no video of ours can be found in it.
        OSError: the file cannot be read.
    """
    with open_sound(path) as container:
        stream = container.streams.video[0]
        starts_us: list[int] = []
        end_us = 0
        for packet in packets(container):
            if packet.stream is stream and packet.pts is not None and packet.time_base is not None:
                starts_us.append(round(packet.pts * packet.time_base * 1_000_000))
                length_us = round((packet.duration or 0) * packet.time_base * 1_000_000)
                end_us = max(end_us, starts_us[-1] + length_us)
        codec = _CODECS.get(stream.codec_context.name)
        if codec is None or not starts_us:
            raise StorageError(f"no picture can be read from {path}")
        width, height = stream.codec_context.width, stream.codec_context.height
        return Contents(codec, width, height, len(starts_us), end_us - min(starts_us))


@contextmanager
def open_sound(path: Path) -> Iterator[InputContainer]:
    """Open the sound part of a file to read its packets; the file may grow meanwhile.

    A file that was torn in its first fragment has no sound part: it is opened as it is.

    Raises:
        StorageError: it holds no video.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        beginning = _Beginning(file, soundness(path).sound_bytes or path.stat().st_size)
        try:
            # What is damaged may be a text; nobody looks at those.
            container = av.open(beginning, "r", format="mp4", metadata_errors="replace")
        except av.FFmpegError as error:
            raise StorageError(f"no video can be read from {path}: {error.strerror}") from error
        with container:
            # Of a codec that FFmpeg does not know, there is no context (the annotations of PyAV say there is).
            if not container.streams.video or container.streams.video[0].codec_context is None:
                raise StorageError(f"there is no video in {path}")
            yield container


def packets(container: InputContainer) -> "Iterator[av.Packet[Any]]":
    """The whole packets of all streams, in the file's order, up to the first that is damaged."""
    try:
        for packet in container.demux():
            if packet.is_corrupt:
                return
            if packet.size:  # the last packet of each stream is an empty mark of its end
                yield packet
    except av.FFmpegError:
        return


def whole_pictures(path: Path) -> bytes:
    """What is whole in a file that was torn in its first fragment, as a file that is not torn; empty if nothing is.

    Raises:
        StorageError: it holds no video.
        OSError: the file cannot be read.
    """
    out = io.BytesIO()
    with open_sound(path) as torn:
        whole = [packet for packet in packets(torn) if packet.stream is torn.streams.video[0]]
        if not whole:
            return b""
        # As media/mp4.py writes it; there is less than a fragment.
        options = {"movflags": "empty_moov+default_base_moof+delay_moov", "video_track_timescale": "1000000"}
        with av.open(out, "w", format="mp4", options=options) as film:
            stream = film.add_stream_from_template(torn.streams.video[0])
            stream.time_base = torn.streams.video[0].time_base
            stream.codec_context.codec_tag = torn.streams.video[0].codec_context.codec_tag
            for packet in whole:
                packet.stream = stream
                film.mux_one(packet)
    return out.getvalue()


class _Beginning:
    """The first `end` bytes of a file, as PyAV reads files."""

    def __init__(self, file: BinaryIO, end: int) -> None:
        self._file = file
        self._end = end

    def read(self, size: int) -> bytes:
        return self._file.read(max(0, min(size, self._end - self._file.tell())))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            return self._file.seek(self._end + offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _boxes(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and length of the boxes at the top of a file; the last may be longer than what is there."""
    with path.open("rb") as file:
        start = 0
        while len(head := file.read(16)) >= 8:
            length = int.from_bytes(head[:4], "big")
            if length == 1 and len(head) == 16:  # the length is in the next eight bytes
                length = int.from_bytes(head[8:], "big")
            if length < 8:
                length = 1 << 62  # broken, or "up to the end of the file": nothing can come after it
            yield head[4:8], start, length
            start += length
            file.seek(start)
