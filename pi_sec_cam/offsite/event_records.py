"""One event's chain of records: what is signed of each file, and when records leave (docs/evidence.md)."""

from collections.abc import Mapping, Sequence
from typing import Any

from pi_sec_cam.clock import Clock, WallStamp
from pi_sec_cam.evidence.camera_key import raw
from pi_sec_cam.evidence.chain import Chain
from pi_sec_cam.evidence.record import VERSION, SignedRecord
from pi_sec_cam.offsite.journal import Journal, Line
from pi_sec_cam.offsite.outgoing import OutgoingFile
from pi_sec_cam.offsite.own_chain import LATEST_US, SOON_US, OwnChain, evidence_file

_VIDEO_KEYS = ("codec", "width", "height", "pts_us")


class EventRecords:
    """One thread. While the camera's key is not known, what is to be signed waits.

    Args:
        event: its name off-site.
        own: the camera's own chain, which is told when the event begins and ends.
        stamp: what time it was at the trigger; None where nobody knows any more.
        journal: of an event that was interrupted: goes on from there.
    """

    def __init__(
        self,
        event: str,
        own: OwnChain,
        clock: Clock,
        *,
        stamp: WallStamp | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._event = event
        self._own = own
        self._clock = clock
        self._stamp = stamp
        self._chain: Chain | None = None
        self._files = self._bytes = 0
        self._batches = self._signed = 0
        self._unsent: list[SignedRecord] = []
        self._unsent_since_us = 0
        self._unsigned: list[tuple[str, Mapping[str, Any]]] = []
        self._standing: tuple[SignedRecord, ...] = ()
        if journal is not None:
            self._take_up(journal)

    def of_file(self, file: OutgoingFile) -> Sequence[SignedRecord]:
        """What is signed of it, and of what could not be signed before: for the journal."""
        said: dict[str, Any] = {"name": file.name, "bytes": len(file.data), "sha256": file.sha256}
        if file.video is not None:
            said |= {key: getattr(file.video, key) for key in _VIDEO_KEYS}
            said["duration_us"] = round(file.video.duration_s * 1e6)
        self._files += 1
        self._bytes += len(file.data)
        return self._sign("file", said)

    def end(self, pictures_lost: int) -> Sequence[SignedRecord]:
        """The final flag."""
        if self._standing and self._standing[-1].fields["kind"] == "end":
            signed: Sequence[SignedRecord] = ()
            self._chain = self._go_on_from(self._standing[-1])
        else:
            signed = self._sign("end", {"files": self._files, "pictures_lost": pictures_lost})
        if self._chain is not None and self._chain.last is not None:
            self._own.ended(self._event, self._chain.last, self._bytes)
        return signed

    @property
    def waits_for_key(self) -> bool:
        """Whether there is something that cannot be signed yet."""
        return bool(self._unsigned) and self._own.key_comes

    def batch(self, *, at_once: bool = False, alone: bool = False) -> OutgoingFile | None:
        """An evidence file of the records that no other holds, when it is time for one.

        Args:
            alone: nothing else leaves now.
        """
        old_us = self._clock.monotonic_us() - self._unsent_since_us
        if not self._unsent or not (at_once or old_us >= (LATEST_US if alone else SOON_US)):
            return None
        file = evidence_file(self._batches, self._unsent, self._signed)
        self._batches += 1
        self._unsent = []
        return file

    def _sign(self, kind: str, said: Mapping[str, Any]) -> Sequence[SignedRecord]:
        self._unsigned.append((kind, said))
        if self._chain is None and not self._begin():
            return ()
        assert self._chain is not None
        signed = [self._chain.sign(kind, **said) for kind, said in self._unsigned]
        self._unsigned.clear()
        if not self._unsent:
            self._unsent_since_us = self._clock.monotonic_us()
        self._unsent += signed
        self._signed += len(signed)
        self._own.running(self._event, signed[-1])
        return signed

    def _begin(self) -> bool:
        """Whether the chain stands: it does once the key is known."""
        key = self._own.key
        if key is None:
            return False
        last = self._standing[-1] if self._standing else None
        self._chain = self._go_on_from(last) if last else None
        said: dict[str, Any] = {
            "camera": self._own.camera,
            "event": self._event,
            "key": raw(key.public_key()).hex(),
            "program": self._own.program,
            "segment": self._own.id,
            "stores": list(self._own.stores),
        }
        if self._chain is not None:
            self._unsigned.insert(0, ("resumed", said))
            return True
        self._chain = Chain(key, self._clock)
        stamp = self._stamp
        said |= {
            "version": VERSION,
            "started_us": round(stamp.wall.timestamp() * 1e6) if stamp else None,
            "media_us": stamp.media_us if stamp else None,
            "synchronised": stamp.synchronised if stamp else None,
        }
        self._unsigned.insert(0, ("event", said))
        return True

    def _go_on_from(self, last: SignedRecord) -> Chain | None:
        """The chain that ends there, if it is signed by the key that this camera has now."""
        key = self._own.key
        return Chain(key, self._clock, last) if key is not None and last.signed_by(key.public_key()) else None

    def _take_up(self, journal: Journal) -> None:
        """What a former run of the program has signed, and files of which it has signed nothing."""
        self._standing = journal.records
        self._signed = len(self._standing)
        self._unsent = list(_to_send(journal, self._own.stores))
        self._unsent_since_us = self._clock.monotonic_us()
        said = {r.fields.get("name") for r in self._standing if r.fields["kind"] == "file"}
        for name, line in journal.files.items():
            if line.get("records"):
                self._batches += 1
                continue
            self._files += 1
            self._bytes += line["bytes"] if isinstance(line.get("bytes"), int) else 0
            if name not in said:
                self._unsigned.append(("file", _of_line(line)))


def _to_send(journal: Journal, stores: Sequence[str]) -> Sequence[SignedRecord]:
    """The records that were in no evidence file; all of them, if other stores get them now."""
    records = journal.records
    known = next((list(r.fields["stores"]) for r in reversed(records) if isinstance(r.fields.get("stores"), list)), [])
    return records[journal.records_handed_over :] if set(stores) <= set(known) else records


def _of_line(line: Line) -> dict[str, Any]:
    """What is signed of a file that stands in the journal without a record."""
    said = {"name": line["file"], "bytes": line.get("bytes"), "sha256": line.get("sha256")}
    if "pts_us" in line:
        said |= {key: line.get(key) for key in _VIDEO_KEYS}
        duration_s = line.get("duration_s")
        said["duration_us"] = round(duration_s * 1e6) if isinstance(duration_s, int | float) else 0
    return said
