#!/usr/bin/env python3
"""Is footage that a pi_sec_cam camera sent whole? A second checker, small enough to be read beside docs/evidence.md.

    python3 verify.py -p CAMERA_PUBLIC.pem [--complete | --only-here] [--head CHAIN:N:HASH] FOLDER

Needs Python 3.9 and `cryptography`. Prints a line for each thing that is wrong or open (with tabs between: which of the
two, where, why), then WHOLE, OPEN or WRONG. Exit code: 0 whole, 3 open, 1 wrong, 2 the command line is at fault.

What it demands has the numbers of "What a reader demands" in docs/evidence.md:
1. Each line in an evidence file is a record, signed with a key that was given.
2. Each record follows one that is here, back to the opening of its chain, and no other one contradicts it.
3. Each chain lies in the folder that it names, or in one that looks like no chain's.
4. Each file beside it is one that a record of that chain names, and each file that is named is here.
5. What is not here, the camera has given up, or it did not go to this store then; one store must explain all. It is
   open while it may be on its way.
6. What the camera's own chain names is here: the start before, each event, its newest record.
7. Of records of a later version nothing is said.

It does not tell kinds of wrong apart, list what is explained, look into stamps, or say until when all is whole. In this
it is less strict than the program: a folder without records that comes after all events of its camera is OPEN, even
where the camera's chain goes on; beside records it passes by stamps, copies of an event's files under any name that no
camera gives, and what has the name of such a file and something like `.part` after it.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import sys
from collections import Counter, defaultdict

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

EVIDENCE = re.compile(r"evidence(0|[1-9][0-9]*)\.jsonl")
FOOTAGE = re.compile(r"(video|motion)(0|[1-9][0-9]*)\.(h264|h265|jpg)")
PASSED_BY = re.compile(EVIDENCE.pattern + r"|\..*|offsite\.jsonl|event\.json|Thumbs\.db|desktop\.ini|stamp[0-9]+\.tsr")
MINUTE_US = 60_000_000


def public_key(text):
    """A key, from a PEM file or 64 digits."""
    if re.fullmatch("[0-9a-fA-F]{64}", text):
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    try:
        with open(text, "rb") as file:
            key = load_pem_public_key(file.read())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{text} is no key: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise argparse.ArgumentTypeError(f"{text} is not a camera's key (Ed25519), but one of another kind")
    return key


def plain(value):
    """Whether a record may hold this ("A record")."""
    if isinstance(value, dict):
        return all(key.isascii() and plain(each) for key, each in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    if isinstance(value, str):
        return not re.search("[\ud800-\udfff]", value)
    return value is None or (isinstance(value, int) and abs(value) < 1 << 53)


def read_record(line, keys):
    """A record's hash, what it says, and who has signed it (1). Raises ValueError or others where that is nobody's."""
    encoded, _, text = line.partition(b" ")
    signature, says = base64.urlsafe_b64decode(encoded + b"=="), json.loads(text)
    same = json.dumps(says, sort_keys=True, separators=(",", ":")).encode("ascii") == text
    same = same and base64.urlsafe_b64encode(signature) == encoded + b"==" and len(line) < 1 << 20
    types = [type(says[key]) for key in ("kind", "chain", "prev", "n", "at_us")]
    if not (same and plain(says) and types == [str, str, str, int, int] and says["n"] >= 0):
        raise ValueError("it has not the form of a record")
    for key in keys:
        try:
            key.verify(signature, b"pi_sec_cam evidence 1\n" + text)
        except InvalidSignature:
            continue
        return hashlib.sha256(text).hexdigest(), says, key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    raise ValueError("the camera has not signed it")


def of_kind(records, *kinds):
    return [says for says in records.values() if says["kind"] in kinds]


def events_in(says):
    """The events that a record of a camera's chain names: `event`, `of`; `hash` and `n` of its newest record (6)."""
    named = {"began": [{}], "ended": [says.get("last")], "head": says.get("open")}
    return [{"hash": "", **says, **each} for each in named.get(says["kind"], ())]


def same_place(folder, home):
    """Whether these can be one: a download may begin at any level (3)."""
    return f"/{home}".endswith(f"/{folder}") or f"/{folder}".endswith(f"/{home}")


def form(path):
    """What a folder's name looks like: its digits exchanged."""
    return re.sub("[0-9a-f]+", "0", path)


class Chain:
    """One chain. `rows`: hash, record, folder and key; `tips`, `renamed`: what a camera's chain says of it."""

    def __init__(self, name, rows, tips, renamed):
        self.name, self.tips = name, tips
        self.records, self.keys = {row[0]: row[1] for row in rows}, {row[3] for row in rows}
        self.folders = {row[2] for row in rows}
        self.opening = next(iter(of_kind(self.records, "event", "segment")), {})
        self.event = self.opening.get("event") or next((tip["event"] for tip in tips), "")
        self.camera = self.opening.get("camera") or self.event.split("/")[0]
        start = f"{self.camera}/evidence/{self.opening.get('ordinal', 0):06}-{name[:8]}"
        self.homes = {self.event or start} | {says["to"] for says in renamed if says["of"] == name}  # (3)
        self.place = min(self.folders or self.homes)
        files = sorted(of_kind(self.records, "file", "stamped"), key=lambda says: says["n"])
        self.newest = {says.get("name") or says["file"]: says for says in files}  # two branches may have one name
        self.claims, self.seen = {(says.get("name") or says["file"], says["sha256"]) for says in files}, set()
        self.settled = bool(of_kind(self.records, "end", "segment")) and not of_kind(self.records, "resumed")

    def stores_without(self, says):
        """The stores that this did not go to when it was signed (5)."""
        openings = sorted(of_kind(self.records, "event", "resumed"), key=lambda each: each["n"])
        had = [each["stores"] for each in openings if each["n"] < says["n"]]
        return {store for each in openings for store in each["stores"]}.difference(*had[-1:])


class Check:
    """Holds what lies in a folder against its records. `found`: verdict, place, why."""

    def __init__(self, top, keys, unknown):
        self.top, self.unknown = top, unknown  # what to say where nobody knows whether something should be here
        self.found, self.names, self.rows, self.absent = set(), {}, defaultdict(list), defaultdict(list)
        for path, folders, names in os.walk(top):
            folders[:] = [each for each in folders if each[0] != "." and each != "__MACOSX"]
            folder = "" if path == top else os.path.relpath(path, top).replace(os.sep, "/")
            self.names[folder] = names
            for name in filter(EVIDENCE.fullmatch, names):
                self.read_evidence(folder, name, keys)

    def read_evidence(self, folder, name, keys):
        *lines, torn = self.bytes_of(folder, name).split(b"\n")
        if torn or not lines:
            self.say("wrong", f"{folder}/{name}", "this evidence file was cut")
        for line in lines:
            try:
                digest, says, key = read_record(line, keys)
                self.rows[says["chain"]].append((digest, says, folder, key))
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                self.say("wrong", f"{folder}/{name}", f"a line is none of the camera's records: {error}")

    def bytes_of(self, folder, name):
        with open(os.path.join(self.top, folder, name), "rb") as file:
            return file.read()

    def say(self, verdict, place, why):
        self.found.add((verdict, place, why))

    def judge(self):
        self.records = {row[0]: row[1] for rows in self.rows.values() for row in rows}
        self.given_up = of_kind(self.records, "dropped", "refused", "withdrawn")
        renamed, tips, owners = of_kind(self.records, "renamed"), defaultdict(list), defaultdict(list)
        for tip in [tip for says in self.records.values() for tip in events_in(says)]:
            tips[tip["of"]].append(tip)
        self.chains = {name: Chain(name, self.rows[name], tips[name], renamed) for name in {*self.rows, *tips}}
        self.starts = {name: chain for name, chain in self.chains.items() if "ordinal" in chain.opening}
        self.ordinals = {name: start.opening["ordinal"] for name, start in self.starts.items()}
        self.needed = {*self.chains, *(says["segment"] for says in of_kind(self.records, "event", "resumed"))}
        self.cameras = {start.camera for start in self.starts.values()}
        homes = {home for chain in self.chains.values() for home in chain.homes} | {"?/evidence/000000-0"}
        parts = [form(home).split("/") for home in homes]
        forms = {"/".join(each[at:]) for each in parts for at in range(1, len(each))}
        self.forms = forms | {f"{each}-0" for each in forms if self.cameras}  # else nobody knows of second folders
        for chain in self.chains.values():
            self.judge_records(chain)
            others = self.names if len(chain.homes) > 1 else ()  # the rest of a renamed event lies in another folder
            for folder in chain.folders | {each for each in others for home in chain.homes if same_place(each, home)}:
                owners[folder].append(chain)
        for folder, names in self.names.items():
            if folder in owners:
                self.judge_places(folder, owners[folder])
                self.judge_files(folder, owners[folder])
            elif any(map(FOOTAGE.fullmatch, names)):
                self.judge_bare(folder)
        for chain in self.chains.values():
            self.judge_chain(chain)
        for absent in self.absent.values():  # a folder comes from one store, which must explain all (5)
            stores = Counter(store for _, never, coming in absent for store in never | coming)
            best = max(sorted(stores), key=stores.get, default=None)
            for place, _, coming in [each for each in absent if best not in each[1]]:
                self.say("open" if best in coming else "wrong", place, "is not here as it was sent")

    def judge_chain(self, chain):
        if not chain.records and self.unknown == "wrong":
            self.lacks(chain, chain.event, EVIDENCE)
        elif not chain.records:
            self.say(self.unknown, chain.event, "this event is not here")
        elif chain.opening.get("version", 1) != 1:
            self.say("open", chain.place, "records of a later version: they take a newer checker (7)")
        elif chain.event:
            self.judge_event(chain)
        elif chain.opening:
            self.judge_start(chain)

    def lacks(self, chain, place, pattern, explained=()):
        """Something is not here; tombstones of files with such names explain it (5)."""
        its = [says for says in self.given_up if (says["of"] or says["event"]) in (chain.name, chain.event)]
        stores = {says["store"] for says in its if any(re.fullmatch(pattern, name) for name in says["names"])}
        self.absent[chain.camera].append((place, stores.union(explained), self.on_its_way(chain)))

    def on_its_way(self, chain):
        """The stores to which an event may still be on its way: it runs, or waits on the camera (5)."""
        starts = [start for start in self.starts.values() if start.camera == chain.camera and chain.event]
        if not starts:
            return set()
        newest = max(starts, key=lambda start: (start.opening["at_us"], start.opening["ordinal"]))
        runs = not any(tip["kind"] == "ended" for tip in chain.tips)
        runs = runs and newest.name in {tip["chain"] for tip in chain.tips or [{"chain": newest.name}]}
        heads = sorted(of_kind(newest.records, "head"), key=lambda says: says["n"])
        waiting = heads[-1].get("waiting", {}) if heads else {}
        began = {tip["event"]: self.began(each) for each in self.chains.values() for tip in each.tips[:1]}
        after = {store for store, event in waiting.items() if self.began(chain) >= began.get(event, (0, 0))}
        return after | set(newest.opening["stores"] if runs else ())

    def began(self, chain):
        """Where the camera's own chain names an event first: the start's number, the record's."""
        named = [(self.ordinals.get(tip["chain"], 0), tip["n"]) for tip in chain.tips if tip["kind"] == "began"]
        return min(named, default=(0, 0))

    def judge_records(self, chain):
        """They make one chain (2), of one key, camera and event (3)."""
        after = Counter(says["prev"] for says in chain.records.values() if says["kind"] != "resumed")
        for says in chain.records.values():
            before, opens = chain.records.get(says["prev"]), says["kind"] in ("event", "segment")
            follows = not before or (before["n"] + 1 == says["n"] and before["kind"] != "end")
            if not opens == (says["n"] == 0) == (says["prev"] == "") or not follows or after[says["prev"]] > 1:
                self.say("wrong", chain.place, f"record {says['n']} contradicts others")
            elif not opens and not before:
                chain.settled = False
                self.lacks(chain, f"{chain.place}: what record {says['n']} follows", EVIDENCE)
        for says in of_kind(chain.records, "event", "segment", "resumed"):
            own = (says["camera"], says.get("event", ""), {says["key"]}) == (chain.camera, chain.event, chain.keys)
            if not own or min(chain.homes).split("/")[0] != chain.camera:
                self.say("wrong", chain.place, "records of several keys, cameras or events")

    def judge_places(self, folder, chains):
        """Chains lie at home, or where a person has put them: in a folder that looks like no chain's (3)."""
        for chain in chains:
            here, below = folder.split("/"), min(chain.homes).count("/")
            camera, lies = {*here[-below - 1 : -below]}, "/".join(here[-below:])
            lies = lies if chain.event else re.sub("(-[0-9a-f]+)-[0-9]+$", r"\1", lies)  # a start's may have a number
            at_home = any(home.endswith(f"/{lies}") for home in chain.homes)
            if camera & self.cameras - {chain.camera} or (not at_home and form(lies) in self.forms):
                self.say("wrong", folder, f"records that belong elsewhere: in {min(chain.homes)}")

    def judge_files(self, folder, chains):
        """Each file beside records is in them (4). Where an event was cut short, others are open ("Branches")."""
        here = {(name, hashlib.sha256(self.bytes_of(folder, name)).hexdigest()) for name in self.names[folder]}
        for chain in chains:
            chain.seen |= chain.claims & here
        claims = {claim for chain in chains for claim in chain.claims}
        names, sums = {name for name, _ in claims}, {digest for _, digest in claims}
        sums |= {digest for name, digest in here if EVIDENCE.fullmatch(name)}
        for name, digest in here - claims:
            first, footage = os.path.splitext(name)[0], FOOTAGE.fullmatch(name)
            copy = digest in sums or first in names or PASSED_BY.fullmatch(first)
            if footage or not (copy or PASSED_BY.fullmatch(name)):
                unsettled = footage and not all(chain.settled for chain in chains)
                self.say("open" if unsettled else "wrong", f"{folder}/{name}", "no record speaks of a file like this")

    def judge_absent_files(self, chain):
        for name, says in chain.newest.items():
            if (name, says["sha256"]) not in chain.seen:
                self.lacks(chain, f"{chain.place}/{name}", re.escape(name), chain.stores_without(says))

    def judge_bare(self, folder):
        """Footage without records: what the camera names is missing, and between that there is nothing else (6)."""
        footage = [name for name in self.names[folder] if FOOTAGE.fullmatch(name)]
        if folder.split("/")[-2:-1] == ["rehearsal"] and footage == ["motion0.jpg"]:
            return  # of the owner's key ("Where the records are")
        named = [chain for chain in self.chains.values() if chain.tips and chain.camera == folder.split("/")[0]]
        for chain in named:
            if not chain.records and same_place(folder, chain.event):
                self.lacks(chain, folder, EVIDENCE)
        between = named and min(each.event for each in named) < folder < max(each.event for each in named)
        self.say("wrong" if between else "open", folder, "no record speaks of these files")

    def judge_event(self, chain):
        """Its files (4), its end and its newest records are here, and the camera's own chain names it (6)."""
        self.judge_absent_files(chain)
        openings = of_kind(chain.records, "event", "resumed")
        for tip in [tip for tip in chain.tips if tip["hash"] and tip["hash"] not in self.records]:
            went_on = [self.ordinals.get(says["segment"], 0) for says in openings if says["n"] <= tip["n"]]
            if max(went_on, default=0) > self.ordinals.get(tip["chain"], 0):
                self.say("open", chain.place, "a record went with the power, or was taken away")
            else:
                self.lacks(chain, f"{chain.place}: record {tip['n']}", EVIDENCE)
        if not of_kind(chain.records, "end") and "ended" not in {tip["kind"] for tip in chain.tips}:
            self.say("open", chain.place, "the end of the event is not here")
        if chain.camera not in self.cameras:
            self.say(self.unknown, chain.camera, "the camera's own chain is not here")
        elif not chain.tips:
            then = [says["at_us"] for says in self.records.values() if says["chain"] == chain.opening["segment"]]
            ran_on = max(then, default=0) > chain.opening["at_us"] + MINUTE_US
            self.say("wrong" if ran_on else "open", chain.place, "the camera's own chain does not name it")
        elif {says["segment"] for says in openings} - {"", *self.starts}:
            self.say("open", chain.place, "the camera's own chain of that time is not here")

    def judge_start(self, chain):
        """What came before it is here (6), and its stamps (4)."""
        self.judge_absent_files(chain)
        ordinal, before = chain.opening["ordinal"], chain.opening["previous"]
        same_key = [start for start in self.starts.values() if (start.camera, start.keys) == (chain.camera, chain.keys)]
        ordinals = {self.ordinals[start.name] for start in same_key}
        lacking, first = before and before["hash"] not in self.records, ordinal == min(ordinals)
        if lacking and first and before["chain"] not in self.needed:
            added = ordinal in chain.opening.get("since", {"": ordinal}).values()  # a store that has nothing older
            self.say("" if added else self.unknown, chain.place, "what the camera said before is not here")
        elif lacking or not (first or ordinal - 1 in ordinals):
            self.say("wrong", chain.place, "what the camera said before is not here")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-p", "--public-key", action="append", required=True, type=public_key, metavar="PEM|DIGITS")
    parser.add_argument("--complete", action="store_true", help="FOLDER has all that the camera sent to one store")
    parser.add_argument("--only-here", action="store_true", help="nothing is asked about what is not in FOLDER")
    parser.add_argument("--head", action="append", default=[], help="a known head of the camera's chain")
    parser.add_argument("folder", metavar="FOLDER")
    given = parser.parse_args()
    if not os.path.isdir(given.folder):
        parser.error(f"{given.folder} is no folder")
    check = Check(given.folder, given.public_key, "wrong" if given.complete else "" if given.only_here else "open")
    try:
        check.judge()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        check.say("wrong", given.folder, f"a signed record makes no sense: {error!r}")
    if not check.rows:
        check.say("wrong", given.folder, "no record of this camera is here")
    for head in given.head:
        check.say("" if head.split(":")[-1] in check.records else "wrong", head, "what this head names is not here")
    for line in sorted(each for each in check.found if each[0]):
        print("\t".join(text.encode("unicode_escape").decode() for text in line))
    worst = max((verdict for verdict, _, _ in check.found), default="") or "whole"  # "wrong" > "open" > ""
    print(worst.upper())
    return {"wrong": 1, "open": 3, "whole": 0}[worst]


if __name__ == "__main__":
    sys.exit(main())
