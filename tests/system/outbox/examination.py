"""Whether an outbox that was cut short has lost nothing and sent nothing twice, after the next start has sent all."""

import json
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from pi_sec_cam.offsite.journal import Journal, read_journal
from tests.system.outbox.program import FILES, FLAG, FOREIGN, STORES, TAKEN, store_folder


def faults(storage: Path, said: bytes, *, power_cut: bool = False) -> list[str]:
    """What is not as it must be, after the chapter "drain".

    Args:
        said: what the program had promised before it was cut short.
        power_cut: then an event whose name was taken may have a file in both of its folders (docs/outbox.md).
    """
    promises = [json.loads(line) for line in said.splitlines() if line.endswith(b"}")]
    begun = {promise["event"] for promise in promises if "durable" in promise}
    found = []
    for event in FILES:
        if not (storage / "recordings" / event).is_dir():
            if event in begun:
                found.append(f"{event} is gone")
            continue
        journal = read_journal(storage / "recordings" / event)
        if journal is None:
            found.append(f"{event} has no journal")
        else:
            found += _event(storage, event, journal, 2 if power_cut and event == TAKEN else 1)
    left = [path for path in (storage / "outbox").rglob("*") if path.is_file()]
    left += (storage / "outbox").glob("*/*")
    return [*found, *(f"{path} was left over" for path in left)]


def _event(storage: Path, event: str, journal: Journal, most: int) -> Iterator[str]:
    if not journal.final or journal.event != event:
        yield f"the journal of {event} is not final: {journal}"
    handed_over = {file.name: file.data for file in FILES[event]}
    said = {name: line["sha256"] for name, line in journal.files.items()}
    if said != {name: sha256(data).hexdigest() for name, data in handed_over.items()}:
        yield f"the journal of {event} speaks of {sorted(said)}"
    if len([line for line in journal.lines if "file" in line]) != len(handed_over):
        yield f"the journal of {event} says things twice: {journal.lines}"
    whole = False
    for key in STORES:
        stored = Counter[str]()
        for folder in (store_folder(storage, key) / event).parent.glob(f"{Path(event).name}*"):
            # What a store was writing may be left beside: it has no name there yet.
            for path in (path for path in folder.iterdir() if not path.name.startswith(".")):
                if path.name not in handed_over or path.read_bytes() not in {FOREIGN, handed_over[path.name]}:
                    yield f"{path} is not what was handed over"
                stored[path.name] += path.read_bytes() != FOREIGN
        missed = set(journal.missed_by(key))
        for name in handed_over:
            if stored[name] > most or (stored[name] == 0 and name not in missed):
                yield f"{key} holds {event}/{name} {stored[name]} times"
        whole = whole or not missed
    if (storage / "recordings" / event / FLAG).exists() != whole:
        yield f"{event} is marked wrongly: {journal.lines}"
