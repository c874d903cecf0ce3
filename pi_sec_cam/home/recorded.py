"""Reads what signed records say of files and events, as far as it takes to fetch and to prune; `verify` judges."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from pi_sec_cam.evidence.judging.signed_lines import Signers, signed_lines
from pi_sec_cam.evidence.record import SignedRecord
from pi_sec_cam.home.selection import Span

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)

Files = dict[str, set[tuple[int, str]]]
"""By name: length and SHA-256 of what the camera sent under it. More than one after some power cuts."""


def records_in(pieces: Iterable[bytes], signers: Signers) -> Iterator[SignedRecord | None]:
    """The records of an evidence file, one by one; None for each line that is none, or that nobody trusted has signed.

    Args:
        pieces: its bytes.
    """
    for line in signed_lines(pieces, signers):
        yield line.record if line.key in signers.trusted else None


def files_of(records: Iterable[SignedRecord]) -> Files:
    """What the `file` records of an event name."""
    found: Files = defaultdict(set)
    for record in records:
        fields = record.fields
        name, size, digest = fields.get("name"), fields.get("bytes"), fields.get("sha256")
        if fields["kind"] == "file" and isinstance(name, str) and type(size) is int and isinstance(digest, str):
            found[name].add((size, digest))
    return found


def spans_of(records: Iterable[SignedRecord]) -> dict[str, Span]:
    """When the events were that a camera's own chain names, by the clock that it had."""
    found: dict[str, Span] = {}
    for record in records:
        event = record.fields.get("event")
        if record.fields["kind"] in {"began", "ended"} and isinstance(event, str):
            try:
                at = _BEGIN + timedelta(microseconds=record.fields["at_us"])
            except OverflowError:
                continue
            known = found.get(event, Span(at, at))
            found[event] = Span(min(known.began, at), max(known.ended, at))
    return found
