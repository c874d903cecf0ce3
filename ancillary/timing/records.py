#!/usr/bin/env python3
"""What the camera's records say of an event's chunks, for mp4_wrapper.sh: whether they fit, how many, and their times.

    python3 records.py check EVENT
        prints "<how many chunks there are> <pictures a second>"
    python3 records.py retime EVENT FILM PICTURES CHUNK…
        gives the pictures of FILM the times at which they were taken; it was made of these chunks, which hold PICTURES

EVENT is a folder with chunks and evidence0.jsonl, evidence1.jsonl, … (docs/evidence.md), or the camera's offsite.jsonl.
Who has signed the records is not asked: that is the work of verification/verify.py. It needs Python 3.9 or later, and
nothing else.

Exit codes: 0 done, 1 something is wrong (the message says what), 2 the command line is at fault.
"""

import hashlib
import json
import os
import re
import struct
import sys
from collections import Counter

from film_times import pictures_in, set_times

CHUNK = re.compile(r"video(0|[1-9][0-9]{0,8})\.h26[45]")
EVIDENCE = re.compile(r"evidence(0|[1-9][0-9]{0,8})\.jsonl")
JOURNAL = "offsite.jsonl"
PICTURE = "motion0.jpg"
LATEST_US = 1 << 53


class WrongError(Exception):
    """Says what is wrong, for people."""


class Records:
    """What is said of the files of an event.

    files: by name, a list of (bytes, sha256, times in microseconds or None), as the records have them.
    journal: by name, the times that the camera's own journal has.
    unknown: how many more files there are: by the chain's end, less the records that are here.
    """

    def __init__(self, folder):
        self.files, self.journal = {}, {}
        places, ends = set(), []
        for name in sorted(filter(EVIDENCE.fullmatch, os.listdir(folder)), key=number_of):
            for record in lines_of(os.path.join(folder, name), record=True):
                kind, chain = record.get("kind"), record.get("chain")
                if kind == "file" and isinstance(record.get("name"), str):
                    said = record.get("bytes"), record.get("sha256"), times(record)
                    self.files.setdefault(record["name"], []).append(said)
                    places.add((chain, record.get("n")))
                elif kind == "end" and isinstance(record.get("files"), int):
                    ends.append((record["files"], chain))
        counts = Counter(chain for chain, _ in places)  # records may have left twice
        self.unknown = max((files - counts[chain] for files, chain in ends if files > counts[chain]), default=0)
        journal = os.path.join(folder, JOURNAL)
        for line in lines_of(journal) if os.path.exists(journal) else ():
            if isinstance(version := line.get("version"), int) and version > 1:
                raise WrongError(f"{JOURNAL} is of version {version}: a later version of this program is needed")
            name = line.get("file")
            if isinstance(name, str) and CHUNK.fullmatch(name) and times(line) is not None:
                self.journal[name] = times(line)

    def times_of(self, folder, name):
        """When the pictures of this file were taken; None where nothing says it. The file must be the recorded one."""
        recorded = self.files.get(name)
        if not recorded:
            return self.journal.get(name)
        size, digest = measured(os.path.join(folder, name))
        for each in recorded:
            if (size, digest) == each[:2]:
                return self.journal.get(name) if each[2] is None else each[2]
        if size < min(each[0] for each in recorded):
            raise WrongError(f"{name} is cut: {size} of its {recorded[0][0]} bytes are here; fetch it anew")
        raise WrongError(f"{name} is not the file of its record: it was altered, or belongs to another event")


def lines_of(path, record=False):
    """The JSON objects in a file's lines, or behind the signatures in them; a line that is torn says nothing."""
    with open(path, "rb") as file:
        for line in file:
            try:
                found = json.loads(line.partition(b" ")[2] if record else line) if line.endswith(b"\n") else None
            except (ValueError, RecursionError):
                found = None
            if isinstance(found, dict):
                yield found
            elif not record:
                return


def times(line):
    pts_us = line.get("pts_us")
    sound = isinstance(pts_us, list) and all(type(at) is int and abs(at) <= LATEST_US for at in pts_us)
    return pts_us if sound else None


def measured(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
        return file.tell(), digest.hexdigest()


def number_of(name):
    return int(re.sub(r"[^0-9]", "", name.partition(".")[0]) or 0)


def check(folder):
    """How many chunks the event has, 0 if nothing says it; and its mean rate, "-" if nothing says it."""
    records = Records(folder)
    names = sorted(filter(CHUNK.fullmatch, os.listdir(folder)), key=number_of)
    known = [at for name in names for at in records.times_of(folder, name) or ()]
    if os.path.exists(os.path.join(folder, PICTURE)):
        records.times_of(folder, PICTURE)
    numbers = {number_of(name) for name in (*records.files, *records.journal, *names) if CHUNK.fullmatch(name)}
    unknown = records.unknown - sum(name not in records.files for name in (*names, PICTURE))
    # What is unknown may be where numbers are missing, or come after the last one.
    expected = max(max(numbers, default=-1) + 1, len(numbers) + unknown)
    span = max(known, default=0) - min(known, default=0)
    return f"{expected} {(len(known) - 1) * 1e6 / span:.6f}" if span else f"{expected} -"


def retime(folder, film, pictures, names):
    """Give each picture of a film the time at which it was taken, where a record says that.

    pictures: how many there are in its chunks; 0 where nobody has counted: then as many as in the film.
    """
    pictures = pictures or pictures_in(film)
    records = Records(folder)
    found = [records.times_of(folder, name) for name in names]
    timed = [each is not None for each in found]
    if timed != sorted(timed, reverse=True):
        raise WrongError(
            f"nothing says when the pictures of {names[timed.index(False)]} were taken: its record in evidence0.jsonl, "
            "evidence1.jsonl, … is not here; were they fetched? -f takes the camera's pictures a second instead"
        )
    known = [at for each in found for at in each or ()]
    if len(known) > pictures or (all(timed) and len(known) < pictures):
        raise WrongError(
            f"{len(known)} pictures should be in these chunks, and {pictures} are: they belong to another event"
        )
    set_times(film, known, pictures - pictures_in(film))  # what comes before the first keyframe is left out of films


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "check":
        print(check(arguments[1]))
    elif len(arguments) > 4 and arguments[0] == "retime":
        retime(arguments[1], arguments[2], int(arguments[3]), arguments[4:])
    else:
        print(__doc__, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except WrongError as wrong:
        sys.exit(str(wrong))
    except struct.error:
        sys.exit("the times that the records give its pictures fit no film; or the film is none that is known here")
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror or error}")
