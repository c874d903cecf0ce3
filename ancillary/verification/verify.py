#!/usr/bin/env python3
"""Is footage that a pi_sec_cam camera sent whole? A checker that shares nothing with the program but docs/evidence.md.

    python3 verify.py -p CAMERA_PUBLIC.pem [--complete] [--head CHAIN:N:HASH] FOLDER

Needs Python 3.9 and `cryptography`. A line a finding: verdict, place, why. Exit code: 0 whole, 1 wrong, 3 open.
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
STAMP = re.compile(r"stamp[0-9]+\.tsr")
FOOTAGE = re.compile(r"(video|motion)[0-9]+\.(h264|h265|jpg)")
LEFT_OVER = re.compile(r"(.+?)( ?\([0-9]+\)(?=\.)|\.part$|\.partial$|\.crdownload$|\.tmp$)")
PASSED_BY = re.compile(EVIDENCE.pattern + r"|\..*|offsite\.jsonl|event\.json|Thumbs\.db|desktop\.ini")
TEXTS = {"event", "of", "store", "to", "file", "sha256", "segment", "camera", "key", "name"}
NUMBERS = {"version", "ordinal", "bytes", "files", "pictures_lost"}
LISTS = {"names", "stores"}
findings = {}  # line: verdict


def say(verdict, place, why):
    said = (text.encode("unicode_escape").decode() for text in (verdict, place or ".", why))
    findings["\t".join(said)] = verdict


def public_key(text):
    """A key, from a PEM file or 64 digits."""
    digits = re.sub(r"[\s:]", "", text)
    if re.fullmatch("[0-9a-fA-F]{64}", digits):
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(digits))
    with open(text, "rb") as file:
        return load_pem_public_key(file.read())


def signed_by(key, signature, text):
    try:
        key.verify(signature, b"pi_sec_cam evidence 1\n" + text)
    except InvalidSignature:
        return False
    return True


def plain(value):
    """Whether a record may hold it."""
    if isinstance(value, dict):
        return all(key.isascii() and plain(each) for key, each in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    if isinstance(value, str):
        return not re.search("[\ud800-\udfff]", value)
    return value is None or (isinstance(value, int) and abs(value) < 1 << 53)


def parse(line):
    """A line's signature, text and fields; None if it is no record."""
    encoded, _, text = line.partition(b" ")
    try:
        signature, says = base64.urlsafe_b64decode(encoded + b"=="), json.loads(text)
        form = json.dumps(says, sort_keys=True, separators=(",", ":")).encode("ascii")
        place = [type(says[key]) for key in ("kind", "chain", "prev", "n", "at_us")]
        right = place == [str, str, str, int, int] and says["n"] >= 0 and plain(says) and form == text
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return (signature, text, says) if right and base64.urlsafe_b64encode(signature) == encoded + b"==" else None


def makes_sense(says):
    """Whether what is relied on below is of its kind, where it is there."""
    texts = [each for key in LISTS & says.keys() for each in (says[key] if isinstance(says[key], list) else [None])]
    texts += [says[key] for key in TEXTS & says.keys()]
    return {*map(type, texts)} <= {str} and all(type(says[key]) is int for key in NUMBERS & says.keys())


def digest_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def unnumbered(name):
    return re.sub("(?<=[0-9])-[1-9][0-9]*$", "", name)


def same_place(folder, event):
    """Whether a folder is that of an event; a download begins at any level."""
    return not folder or all(a == b for a, b in zip(folder.split("/")[::-1], event.split("/")[::-1]))  # noqa: B905


def belongs(folder, event, cameras):
    """Whether an event's records may lie there: people give folders names of their own, not those of other events."""
    day_and_time = event.partition("/")[2]
    if folder.split("/")[-2:-1] == ["evidence"]:
        return False
    if same_place(folder, event) or (event.split("/")[0] not in cameras and same_place(unnumbered(folder), event)):
        return True
    if same_place(folder, f"?/{day_and_time}") or folder.endswith(f"/{day_and_time}"):
        return folder[: -len(day_and_time) - 1].split("/")[-1] not in cameras
    shapes = [re.sub("[0-9]+", "0", unnumbered(name)) for name in (folder, day_and_time)]
    return not same_place("/".join(shapes[0].split("/")[-day_and_time.count("/") - 1 :]), shapes[1])


class Chain:
    """One chain: its records by their hashes, the folders where they lie, who has signed it."""

    def __init__(self):
        self.records, self.folders, self.keys, self.event = {}, {}, set(), None

    def kind(self, *kinds):
        return [says for says in self.records.values() if says["kind"] in kinds]

    def way(self, says):
        """A record, the one before it, and so on to the first."""
        while says:
            yield says
            says = self.records.get(says["prev"])

    def check(self):
        """Whether its records make one chain, of this camera and event."""
        after, self.place = defaultdict(list), next(iter(self.folders))
        for says in self.records.values():
            before, opens = self.records.get(says["prev"]), says["kind"] in ("event", "segment")
            after[says["prev"]].append(says["kind"])
            if opens != (says["n"] == 0) or opens != (says["prev"] == ""):
                say("forged", self.place, "an opening that is not the first record, or a first record that is none")
            elif not opens and (before is None or before["n"] + 1 != says["n"]):
                say("missing", self.place, f"records before number {says['n']}")
            elif not opens and before["kind"] == "end":
                say("forged", self.place, f"record {says['n']} comes after the end")
        if any(len(kinds) - kinds.count("resumed") > 1 for kinds in after.values()):
            say("forged", self.place, "records contradict each other")
        self.opening = next(iter(self.kind("event", "segment")), None)
        if not self.opening or self.opening["version"] != 1:
            return bool(self.opening) and say("unattested", self.place, "a newer format: get a newer checker")
        self.id, self.camera, self.event = self.opening["chain"], self.opening["camera"], self.opening.get("event")
        for says in self.kind("event", "segment", "resumed"):
            own = {says["key"]} == self.keys and (says["camera"], says.get("event")) == (self.camera, self.event)
            if not own or (self.event or self.camera).split("/")[0] != self.camera:
                say("forged", self.place, "it speaks of another key, camera or event than its own")
        return True


class Footage:
    """A folder: what lies in it, and what its records say."""

    def __init__(self, top, keys, complete):
        self.top, self.keys, self.complete = top, keys, complete
        self.names, self.chains, self.strangers = {}, defaultdict(Chain), []
        self.absent = []  # camera, place, stores for which it was given up, stores that came later
        for folder, _, names in os.walk(top):
            here = "" if folder == top else os.path.relpath(folder, top).replace(os.sep, "/")
            self.names[here] = [name for name in sorted(names) if not os.path.islink(self.path(here, name))]
            for name in filter(EVIDENCE.fullmatch, self.names[here]):
                if not os.path.getsize(self.path(here, name)):
                    say("cut", f"{here}/{name}", "empty")
                with open(self.path(here, name), "rb") as file:
                    for line in iter(lambda: file.readline(1 << 20), b""):
                        self.take(line, here, f"{here}/{name}".lstrip("/"))

    def path(self, *parts):
        return os.path.join(self.top, *parts)

    def take(self, line, folder, place):
        """One line of an evidence file."""
        if not line.endswith(b"\n"):
            return say("cut", place, "its last line is torn")
        record = parse(line[:-1])
        if record is None:
            return say("forged", place, "a line is no record")
        signature, text, says = record
        for key in self.keys:
            if signed_by(key, signature, text):
                if not makes_sense(says):
                    return say("forged", place, "a record without sense, signed by the camera's key")
                says.pop("pts_us", None)  # most of its bulk, and not needed here
                chain = self.chains[says["chain"]]
                chain.records[hashlib.sha256(text).hexdigest()] = says
                chain.folders[folder] = None
                return chain.keys.add(key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex())
        if re.fullmatch("[0-9a-f]{64}", str(says.get("key"))):
            self.strangers.append(public_key(says["key"]))
        stranger = any(signed_by(key, signature, text) for key in self.strangers)
        return say("foreign" if stranger else "forged", place, "a record that this camera has not signed")

    def judge(self):
        chains = [chain for chain in self.chains.values() if sensible(chain, chain.check)]
        self.hashes = {digest for chain in chains for digest in chain.records}
        self.events = {chain.id: chain for chain in chains if chain.event}
        self.segments = [chain for chain in chains if not chain.event]
        self.cameras = {chain.camera for chain in self.segments}
        self.said = [says for chain in self.segments for says in chain.records.values()]
        self.began = {says.get("of"): says.get("event", "") for says in self.said if says["kind"] == "began"}
        self.renamed = defaultdict(list)
        for says in self.said:
            if says["kind"] == "renamed":
                self.renamed[says.get("of")].append(says.get("to", ""))
        with_records = {folder for chain in self.events.values() for folder in chain.folders}
        self.bare = [
            folder
            for folder, names in self.names.items()
            if folder not in with_records
            and "rehearsal" not in folder.split("/")
            and any(map(FOOTAGE.fullmatch, names))
        ]
        for chain in self.segments:
            sensible(chain, self.judge_segment, chain)
        for folder in self.bare:
            between = self.began and min(self.began.values()) < folder < max(self.began.values())
            say("foreign" if between else "unattested", folder, "no record speaks of these files")
        for chain in self.events.values():
            sensible(chain, self.find_folders, chain)
        self.found = defaultdict(dict)  # by folder and name: SHA-256 and length
        for folder in {folder for chain in self.events.values() for folder in chain.folders}:
            for name in self.names[folder]:
                if not PASSED_BY.fullmatch(name):
                    path = self.path(folder, name)
                    self.found[folder][name] = digest_of(path), os.path.getsize(path)
        files = [(chain, says) for chain in self.events.values() for says in chain.kind("file")]
        self.recorded = {says.get("sha256") for _, says in files}
        self.right = {
            (folder, says.get("name"))
            for chain, says in files
            for folder in chain.folders
            if self.found[folder].get(says.get("name")) == (says.get("sha256"), says.get("bytes"))
        }
        for chain in self.events.values():
            sensible(chain, self.judge_event, chain)
        self.explain()

    def find_folders(self, chain):
        """Where an event's files may be: with its records, or where it was before or after a change of its name."""
        renamed = self.renamed[chain.id]
        for folder in chain.folders:
            if not any(belongs(folder, name, self.cameras) for name in (chain.event, *renamed)):
                say("replayed", folder, f"these are the records of {chain.event}")
        for name in (chain.event, *renamed) if renamed else ():
            beside = os.path.join(os.path.dirname(chain.place), os.path.basename(name))
            chain.folders.update({beside: None} if beside in self.names else {})

    def judge_event(self, chain):
        own, ends, judged = {says["sha256"] for says in chain.kind("file")}, chain.kind("end"), set()
        for says in chain.kind("file"):
            name, recorded = says["name"], (says["sha256"], says["bytes"])
            here = [folder for folder in chain.folders if name in self.found[folder]]
            if any(self.found[folder][name] == recorded for folder in here):
                continue
            wrong = [(folder, name) for folder in here if (folder, name) not in self.right]
            for folder, _ in wrong:
                digest, length = self.found[folder][name]
                verdict = "swapped" if digest in own else "replayed" if digest in self.recorded else "altered"
                verdict = "cut" if verdict == "altered" and length < says["bytes"] else verdict
                say(verdict, f"{folder}/{name}", "is not the file that was signed")
            judged.update(wrong)
            if not wrong:
                had = next(set(each["stores"]) for each in chain.way(says) if "stores" in each)
                later = {store for each in chain.kind("resumed") for store in each["stores"]} - had
                self.lacks(chain, f"{chain.place}/{name}", self.given_up(chain, re.escape(name)), later)
        for end in ends:
            if end["pictures_lost"]:
                say("dropped", chain.place, f"pictures that could not be sent: {end['pictures_lost']}")
        if not ends:
            lost = self.given_up(chain, EVIDENCE.pattern)
            say("dropped" if lost else "unattested", chain.place, "the end of the event is not here")
        here = {(folder, name) for folder in chain.folders for name in self.found[folder]}
        for folder, name in here - self.right - judged:
            left = LEFT_OVER.match(name)
            copy = left and (self.found[folder][name][0] in own or left[1] in self.found[folder])
            forgotten = FOOTAGE.fullmatch(name) and (not ends or chain.kind("resumed"))
            verdict = "outside" if copy else "unattested" if forgotten else "foreign"
            say(verdict, f"{folder}/{name}", "left over of a download" if copy else "no record speaks of it")
        if chain.camera not in self.cameras:
            say("missing" if self.complete else "outside", chain.camera, "the camera's own chain is not here")
        elif chain.id not in self.began:
            then = [says["at_us"] for says in self.said if says["chain"] == chain.opening["segment"]]
            verdict = "foreign" if max(then, default=0) > chain.opening["at_us"] + 60_000_000 else "unattested"
            say(verdict, chain.place, "the camera's chain does not speak of this event")

    def judge_segment(self, chain):
        """A start of the camera: what it names is here."""
        before = chain.opening["previous"]
        for folder in chain.folders:
            parts = folder.split("/")
            start = re.fullmatch(r"[0-9]{6,}-([0-9a-f]+)", parts[-1])
            another = {*parts[-3:-2]} & self.cameras - {chain.camera} or (start and not chain.id.startswith(start[1]))
            if parts[-2:-1] not in ([], ["evidence"]) or another:
                say("replayed", folder, f"these are records of another start, of the camera {chain.camera}")
            for name in self.names[folder]:
                if not PASSED_BY.fullmatch(name) and not STAMP.fullmatch(name):
                    say("foreign", f"{folder}/{name}", "no record speaks of it")
        if before and before["hash"] not in self.hashes:
            same = (chain.camera, chain.opening["key"])
            every = [each.opening for each in self.segments]
            ordinals = [each["ordinal"] for each in every if (each["camera"], each["key"]) == same]
            needed = before["chain"] in [each.opening["segment"] for each in self.events.values()]
            first = chain.opening["ordinal"] == min(ordinals) and not needed
            say("outside" if first else "missing", chain.place, "what the camera said before this start")
        for says in chain.kind("began", "ended", "head"):
            for named in says.get("open", [{**says, "hash": says.get("last", {}).get("hash")}]):
                event = self.events.get(named["of"])
                here = [each for each in self.bare if same_place(each, named["event"])]
                self.bare = [each for each in self.bare if each not in here]
                if event is None and (self.complete or here):
                    lost = self.given_up(argparse.Namespace(id=named["of"], event=named["event"]), "evidence0.jsonl")
                    self.lacks(chain, named["event"], lost, ())
                elif event is None:
                    say("outside", named["event"], "not downloaded, or deleted: without --complete nobody knows")
                elif named["hash"] and named["hash"] not in self.hashes:
                    self.lacks(chain, event.place, self.given_up(event, EVIDENCE.pattern), ())
        for says in chain.kind("stamped"):
            path = self.path(chain.place, os.path.basename(says["file"]))
            if not os.path.isfile(path) or digest_of(path) != says["sha256"]:
                say("altered" if os.path.isfile(path) else "missing", f"{chain.place}/{says['file']}", "a stamp")

    def given_up(self, chain, pattern):
        """The stores for which files of an event were given up."""
        return {
            says["store"]
            for says in self.said
            if says["kind"] in ("dropped", "refused", "withdrawn")
            and (says["of"] == chain.id or (says["of"] == "" and says["event"] == chain.event))
            and any(re.fullmatch(pattern, name) for name in says["names"])
        }

    def lacks(self, chain, place, given_up, later):
        self.absent.append((chain.camera, place, given_up, later))

    def explain(self):
        """What is not here is explained if one store explains all of it, since this folder comes from one."""
        for camera in {each[0] for each in self.absent}:
            absent = [each for each in self.absent if each[0] == camera]
            stores = Counter(store for _, _, given_up, later in absent for store in {*given_up, *later})
            store = max(sorted(stores), key=stores.get, default="")
            for _, place, given_up, later in absent:
                verdict = "dropped" if store in given_up else "outside" if store in later else "missing"
                say(verdict, place, f"not here, if this comes from the store {store}" if store else "not here")


def sensible(chain, judge, *arguments):
    """Judges; signed records that make no sense are wrong as well, since a thief has the key."""
    try:
        return judge(*arguments)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
        return say("forged", chain.place, f"records without sense: {error!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-p", "--public-key", action="append", required=True, type=public_key, metavar="PEM|DIGITS")
    parser.add_argument("--complete", action="store_true", help="FOLDER has all that the camera sent to one store")
    parser.add_argument("--head", action="append", default=[], help="of the camera's chain, known from elsewhere")
    parser.add_argument("folder", metavar="FOLDER")
    given = parser.parse_args()
    if not os.path.isdir(given.folder):
        parser.error(f"{given.folder} is no folder")
    footage = Footage(given.folder, given.public_key, given.complete)
    footage.judge()
    if not footage.events and not footage.segments and not findings:
        parser.exit(1, f"nothing of a camera lies in {given.folder}\n")
    for head in given.head:
        if head.split(":")[-1] not in footage.hashes:
            say("missing", head, "the head that was given, and what it binds")
    verdicts = set(findings.values()) - {"dropped", "outside"}
    print(*sorted(findings), "WHOLE" if not verdicts else "OPEN" if verdicts == {"unattested"} else "WRONG", sep="\n")
    return 0 if not verdicts else 3 if verdicts == {"unattested"} else 1


if __name__ == "__main__":
    sys.exit(main())
