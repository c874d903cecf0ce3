"""What docs/evidence.md promises of a power cut at any point: of the disk right after it, of the stores in the end."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from pi_sec_cam.evidence.camera_key import read_camera_key
from pi_sec_cam.evidence.footage import FolderFootage
from pi_sec_cam.evidence.record import SignedRecord, parse_line
from pi_sec_cam.evidence.scope import Scope
from pi_sec_cam.evidence.verify import verify
from pi_sec_cam.offsite.journal import JOURNAL_NAME, parse_journal
from pi_sec_cam.offsite.own_chain import is_own_chain
from tests.system.crash.disk import Tree
from tests.system.outbox.program import STORES, TAKEN, store_folder

Waiting = tuple[str, str, str]
"""Store, event, and the file's name."""

_WAITS = re.compile(r"outbox/([a-z]+)/(\.refused/)?(.+?)(?:-2)?/([a-z]+[0-9]+\.[a-z0-9]+)")
_TOMBSTONES = {"dropped", "refused", "withdrawn"}
_NOTES = "evidence/Yard/withdrawn.json"


@dataclass(frozen=True)
class _Journal:
    """What one says.

    Attributes:
        stores: by file, who is to get it.
        attested: name and SHA-256 of the files that its records are about.
    """

    event: str
    final: bool
    stores: Mapping[str, Sequence[str]]
    records: tuple[SignedRecord, ...]
    attested: frozenset[tuple[str, str]]


class Disk:
    """What a power cut has left.

    Attributes:
        last: the last durable record of the camera's chain; None before its first.
    """

    def __init__(self, tree: Tree) -> None:
        self._files = dict(_files_in(tree))
        found = [_journal(data) for path, data in self._files.items() if path.endswith(f"/{JOURNAL_NAME}")]
        self._journals = {journal.event: journal for journal in found if journal is not None}
        self._hashes = {record.hash for journal in self._journals.values() for record in journal.records}
        own = sorted(event for event in self._journals if is_own_chain(event) and self._journals[event].records)
        self.last = self._journals[own[-1]].records[-1] if own else None

    def broken_promises(self, stored: Mapping[tuple[str, str], bytes]) -> Iterator[str]:
        """What must be durable by now, and is not.

        Args:
            stored: what had left by then, by store and path.
        """
        left = {_left(store, path): data for (store, path), data in stored.items()}
        yield from self._without_record(left)
        durable = [journal.records for event, journal in self._journals.items() if is_own_chain(event)]
        durable += [_records_in(data) for (_, event, _), data in left.items() if is_own_chain(event)]
        own = list({record.hash: record.fields for records in durable for record in records}.values())
        yield from self._gone(left, own)
        yield from self._named_too_early(own)
        renamed = {(said["store"], said["to"]) for said in own if said["kind"] == "renamed"}
        for store, path in stored:
            if "-2/" in path and (store, path.rpartition("/")[0]) not in renamed:
                yield f"{store}: {path} has left, and nothing durable says that the event was renamed"
        ended = {said["of"] for said in own if said["kind"] == "ended"}
        for event, journal in self._journals.items():
            if journal.final and not is_own_chain(event) and journal.records[0].fields["chain"] not in ended:
                yield f"{event} is over, and the camera's chain does not say that it ended"

    def _without_record(self, left: Mapping[Waiting, bytes]) -> Iterator[str]:
        """Only in `.writing` may be what is not signed yet."""
        waits = {(m[1], m[3], m[4]): data for path, data in self._files.items() if (m := _WAITS.fullmatch(path))}
        for (store, event, name), data in [*left.items(), *waits.items()]:
            journal = self._journals.get(event)
            if name.startswith("evidence"):
                durable = all(record.hash in self._hashes for record in _records_in(data))
                # The journal of a former start may be gone: another, after it, is there.
                durable = durable or (is_own_chain(event) and journal is None and self.last is not None)
            else:
                durable = journal is not None and (name, sha256(data).hexdigest()) in journal.attested
            if not durable:
                yield f"{event}/{name}, for {store}, has no durable record"

    def _gone(self, left: Mapping[Waiting, bytes], own: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Files that nobody will send any more, and of which nothing says why."""
        known = set(left) | {(m[1], m[3], m[4]) for path in self._files if (m := _WAITS.fullmatch(path)) and not m[2]}
        for said in own:
            if said["kind"] in _TOMBSTONES:
                known |= {(said["store"], said["event"], name) for name in said["names"]}
        for event, store, names in json.loads(self._files.get(_NOTES, b"[]")):
            known |= {(store, event, name) for name in names}
        for event, journal in self._journals.items():
            for name, stores in journal.stores.items():
                for store in stores:
                    if (store, event, name) not in known and f"outbox/.writing/{event}/{name}" not in self._files:
                        yield f"{event}/{name} is gone for {store}, and nothing durable says so"

    def _named_too_early(self, own: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        chains = {journal.records[0].fields["chain"] for journal in self._journals.values() if journal.records}
        for said in own:
            named = [said["last"]] if said["kind"] == "ended" else said.get("open", [])
            if not self._hashes.issuperset(each["hash"] for each in named):
                yield f"the camera's chain names records that are not durable: {said}"
            if said["kind"] == "began" and said["of"] not in chains:
                yield f"the camera's chain names an event that has no durable record: {said}"


def verdicts(storage: Path, last: SignedRecord | None) -> Iterator[str]:
    """What is wrong or open in the stores when all has left.

    Args:
        last: the camera's last durable record when it was cut short, from which its next start has to go on.
    """
    key = read_camera_key(storage / "identity")
    assert key is not None
    # There another's file has been from the beginning; and nothing else, where it was cut short before that event.
    foreign = {f"{TAKEN}/video10.h264"} | ({TAKEN} if not (storage / "recordings" / TAKEN).exists() else set())
    for store in STORES:
        top = store_folder(storage, store)
        for found in verify(FolderFootage(top), [key.public_key()], scope=Scope(complete=True)).findings:
            if (found.verdict.wrong or found.verdict.open) and found.place not in foreign:
                yield f"{store}: {found.verdict} {found.place}: {found.text}"
        starts = [_records_in(path.read_bytes())[0] for path in top.glob("Yard/evidence/*/evidence0.jsonl")]
        former = [start.fields["previous"]["hash"] for start in starts if start.fields["previous"]]
        if last is not None and last.hash not in former:
            yield f"{store}: no start goes on from {last.fields}"


def _left(store: str, path: str) -> Waiting:
    place, _, name = path.rpartition("/")
    return store, place.removesuffix("-2"), name


def _files_in(tree: Tree, below: str = "") -> Iterator[tuple[str, bytes]]:
    for name, node in tree.items():
        if isinstance(node, bytes):
            yield f"{below}{name}", node
        else:
            yield from _files_in(node, f"{below}{name}/")


@cache
def _journal(data: bytes) -> _Journal | None:
    said = parse_journal(data)
    if said is None:
        return None
    signed = [record.fields for record in said.records if record.fields["kind"] == "file"]
    attested = frozenset((fields["name"], fields["sha256"]) for fields in signed)
    stores = {name: line["stores"] for name, line in said.files.items()}
    return _Journal(said.event, said.final, stores, said.records, attested)


@cache
def _records_in(data: bytes) -> tuple[SignedRecord, ...]:
    return tuple(parse_line(line) for line in data.splitlines(keepends=True))
