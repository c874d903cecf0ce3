"""Gives the pictures in an MP4 file other times, whatever program has made it (ISO/IEC 14496-12); for records.py."""
# ruff: noqa: B905, RUF007 - Python 3.9 will do

import itertools
import os
import shutil
import struct

HOLDERS = (b"trak", b"mdia", b"minf", b"stbl")  # boxes that hold others, below moov
MICROSECONDS = 1_000_000


def boxes(data):
    """The boxes in these bytes: kind and content."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        size = size or len(data) - at
        yield kind, data[at + 8 : at + size]
        at += size


def leaves(data):
    """The boxes that hold no others."""
    for kind, content in boxes(data):
        yield from leaves(content) if kind in HOLDERS else ((kind, content),)


def remade(data, change):
    """The same boxes, each of those that hold no others being replaced by what `change` makes of it."""
    made = b""
    for kind, content in boxes(data):
        for new, inside in ((kind, remade(content, change)),) if kind in HOLDERS else change(kind, content):
            made += struct.pack(">I4s", len(inside) + 8, new) + inside
    return made


def pairs(content):
    """What stts and ctts hold: so many samples, of this length or shift."""
    return [(count, value) for count, value in struct.iter_unpack(">Ii", content[8:])]


def table(values):
    """The same, of a value for each sample."""
    runs = [(len(list(run)), value) for value, run in itertools.groupby(values)]
    return struct.pack(">II", 0, len(runs)) + b"".join(struct.pack(">II", *run) for run in runs)


def shown_at(content):
    """When each sample is shown, in the track's ticks."""
    steps = [step for count, step in pairs(content[b"stts"]) for _ in range(count)]
    shifts = [shift for count, shift in pairs(content.get(b"ctts", bytes(8))) for _ in range(count)]
    return [at + shift for at, shift in zip([0, *itertools.accumulate(steps)], shifts or [0] * len(steps))]


def retimed(moov, pts_us, last_us, shift):
    """A film's index with other times.

    pts_us: when each picture is shown. last_us: for how long the last one is. shift: how far the pictures have moved.
    """
    shown = sorted(pts_us)
    delay = max(at - pts for at, pts in zip(shown, pts_us))  # pictures are decoded in time for all that need them
    steps = [after - before for before, after in zip(shown, shown[1:])] + [last_us]
    later = [pts + delay - at for at, pts in zip(shown, pts_us)]
    length_us = sum(steps)
    movie = next(content for kind, content in leaves(moov) if kind == b"mvhd")
    length = -(-length_us * struct.unpack_from(">I", movie, 20 if movie[0] else 12)[0] // MICROSECONDS)

    def change(kind, content):
        if kind == b"mvhd":
            return [(kind, with_length(content, 24 if content[0] else 16))]
        if kind == b"tkhd":
            edit = struct.pack(">IIQqI", 1 << 24, 1, length, delay, 1 << 16)
            elst = struct.pack(">I4s", len(edit) + 8, b"elst") + edit
            return [(kind, with_length(content, 28 if content[0] else 20)), (b"edts", elst)]
        if kind == b"mdhd":
            made, changed, language = (4, 12, 32) if content[0] else (4, 8, 20)
            dates = [int.from_bytes(content[at : at + changed - made], "big") for at in (made, changed)]
            whole = struct.pack(">IQQIQ", 1 << 24, *dates, MICROSECONDS, length_us)
            return [(kind, whole + content[language:])]
        if kind == b"stts":
            return [(kind, table(steps)), *([(b"ctts", table(later))] if any(later) else [])]
        if kind in (b"stco", b"co64"):
            form = "I" if kind == b"stco" else "Q"
            places = [place + shift for (place,) in struct.iter_unpack(">" + form, content[8:])]
            return [(kind, content[:8] + struct.pack(f">{len(places)}{form}", *places))]
        return [] if kind in (b"ctts", b"edts") else [(kind, content)]

    def with_length(content, at):
        form = ">Q" if content[0] else ">I"
        return content[:at] + struct.pack(form, length) + content[at + struct.calcsize(form) :]

    return remade(moov, change)


def set_times(path, known, left_out):
    """Give a film's pictures these times in microseconds, in the order of the stream.

    Those that come after all of `known` keep their distance to these. left_out: the first so many of `known` are not in
    the film.
    """
    with open(path, "rb") as film:
        begin, end, moov, media = index_of(film)
        content = dict(leaves(moov))
        scale = struct.unpack_from(">I", content[b"mdhd"], 20 if content[b"mdhd"][0] else 12)[0]
        before_us = [tick * MICROSECONDS / scale for tick in shown_at(content)]
        pts_us = known[left_out:]
        last, last_before = max(zip(pts_us, before_us), default=(0, 0))
        pts_us += [last + round(at - last_before) for at in before_us[len(pts_us) :]]
        in_turn = sorted(pts_us)
        last_us = in_turn[-1] - in_turn[-2] if in_turn[1:] else 40_000
        made = retimed(moov, pts_us, last_us, 0)
        if begin < media:
            made = retimed(moov, pts_us, last_us, len(made) - len(moov))
        with open(path + ".timed", "wb") as timed:
            film.seek(0)
            timed.write(film.read(begin))
            timed.write(struct.pack(">I4s", len(made) + 8, b"moov") + made)
            film.seek(end)
            shutil.copyfileobj(film, timed, 1 << 20)
    os.replace(path + ".timed", path)


def pictures_in(path):
    """How many pictures a film has."""
    with open(path, "rb") as film:
        content = dict(leaves(index_of(film)[2]))
    return sum(count for count, _ in pairs(content[b"stts"]))


def index_of(film):
    """Where the box moov begins and ends, what it holds, and where the pictures are."""
    size_of_all, at, found, media = os.fstat(film.fileno()).st_size, 0, None, None
    while at < size_of_all:
        film.seek(at)
        size, kind = struct.unpack(">I4s", film.read(8))
        if size == 1:
            size = struct.unpack(">Q", film.read(8))[0]
        size = size or size_of_all - at
        if kind == b"moov":
            found = at, at + size, film.read(size - 8)
        media = at if kind == b"mdat" else media
        at += size
    return (*found, media)
