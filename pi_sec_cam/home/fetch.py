"""Brings footage back: lists, plans, fetches file by file; each is checked against what the camera has signed of it."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pi_sec_cam.errors import StorageError
from pi_sec_cam.evidence.camera_key import PublicKey
from pi_sec_cam.evidence.footage import FoundFile
from pi_sec_cam.evidence.judging.listing import evidence_names
from pi_sec_cam.evidence.judging.place import without_number
from pi_sec_cam.evidence.judging.signed_lines import Signers
from pi_sec_cam.evidence.record import EVIDENCE_FOLDER, SignedRecord
from pi_sec_cam.evidence.reporting.outcome import printable, size_text
from pi_sec_cam.home.arrival import Arrivals, Wanted
from pi_sec_cam.home.destination import PART, Destination
from pi_sec_cam.home.listing import in_order, listed, well_named, where_cameras_are
from pi_sec_cam.home.names import is_safe
from pi_sec_cam.home.onlooker import Onlooker
from pi_sec_cam.home.protocol import DeletedFile, NamesRefused, Place
from pi_sec_cam.home.recorded import Files, files_of, records_in, spans_of
from pi_sec_cam.home.selection import NothingFits, Selection, Span, camera_of, event_of, in_chain, span_of

States = dict[str, list[DeletedFile]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be fetched, the cameras' own chains apart: they are here by now.

    Attributes:
        events: by name, in order: the files that the place has of each; of some that the camera names it may have none.
        files, bytes: of all of them together.
        there: how many bytes of that are here already.
    """

    events: dict[str, list[FoundFile]]
    files: int
    bytes: int
    there: int


class Fetch:
    """One fetch: first `plan`, then `bring`. One thread.

    Args:
        keys: the cameras' public keys. Without any, records are believed whoever has signed them.
        deleted: also bring back what was deleted or overwritten in the place; nothing is changed there.

    Attributes:
        arrivals: what has come until now, and what has not.

    Raises (both methods):
        TemporaryError, StoreRefuses: the place's; what has come stays, and another fetch goes on from there.
        StorageError: the disk's; the same.
    """

    def __init__(
        self,
        place: Place,
        destination: Destination,
        selection: Selection,
        keys: Sequence[PublicKey],
        onlooker: Onlooker,
        *,
        deleted: bool = False,
    ) -> None:
        self._place = place
        self._destination = destination
        self._selection = selection
        self._signers = Signers(keys)
        self._onlooker = onlooker
        self._deleted = deleted
        self._doubted: set[str] = set()
        self._planned: list[FoundFile] = []
        self.arrivals = Arrivals(place, destination, onlooker)

    def plan(self) -> Plan:
        """Bring the cameras' own chains, and find the events that are asked for.

        Raises:
            NothingFits: something that was named is not there, or nothing is there at all.
        """
        found = listed(self._place, self._selection, self._refused)
        if hint := where_cameras_are(self._place.where, found):
            self._onlooker.say(hint)
        cameras = {camera_of(path) for path in found if in_chain(path) or event_of(path)}
        if self._deleted and not cameras and not self._selection.cameras:  # everything is gone, the cameras' names too
            cameras = {camera_of(state.path) for state in well_named(self._place.deleted(), self._refused)}
        spans: dict[str, Span] = {}
        for camera in self._selection.cameras_among(cameras):
            spans.update(self._chain_of(camera, found))
        events: dict[str, list[FoundFile]] = {event: [] for event in spans}
        for path, file in found.items():
            event = event_of(path)
            if event is not None and not path.endswith(PART):
                events.setdefault(event, []).append(file)
        self._need_all_named(events)
        chosen = {event: events[event] for event in sorted(events) if self._selection.has(event, span_of(event, spans))}
        if not chosen:
            raise NothingFits(f"{self._place.where} has nothing of that time")
        files = [file for each in chosen.values() for file in each]
        there = sum(file.bytes for file in files if self._destination.length(file.path) is not None)
        self._planned = files
        return Plan(chosen, len(files), sum(file.bytes for file in files), there)

    def left(self) -> tuple[int, int]:
        """How many files of what is planned are not here, and their bytes."""
        left = [file.bytes for file in self._planned if self._destination.length(file.path) is None]
        return len(left), sum(left)

    def bring(self, plan: Plan) -> None:
        """Fetch what is planned, event by event: records first, then the picture, then the video."""
        need, free = plan.bytes - plan.there, self._destination.free_bytes()
        if need > free:
            raise StorageError(
                f"{self._destination.top} has {size_text(free)} free, and {size_text(need)} are to come: make room, "
                "name another folder with -o, or fetch less at a time"
            )
        together: dict[str, list[str]] = defaultdict(list)  # where a name was taken, the rest of an event is beside it
        for event in plan.events:
            first = without_number(event)
            together[first if first in plan.events else event].append(event)
        for events in together.values():
            self._together({event: {file.path: file for file in plan.events[event]} for event in events})

    def _chain_of(self, camera: str, found: dict[str, FoundFile]) -> dict[str, Span]:
        """Bring the camera's own chain; when the events were that it names."""
        folder = f"{camera}/{EVIDENCE_FOLDER}"
        files = {path: file for path, file in found.items() if in_chain(path) and camera_of(path) == camera}
        states = self._states(folder, in_chain) if self._deleted else {}
        paths = sorted({*files, *states}, key=in_order)
        self._bring_evidence(paths, files, states)
        for each in {path.rpartition("/")[0] for path in paths}:
            self._destination.sync(each)
        spans = spans_of(record for record in self._records(paths) if record is not None)
        return {event: span for event, span in spans.items() if camera_of(event) == camera and is_safe(event)}

    def _refused(self, refusal: NamesRefused) -> None:
        """Names that lead elsewhere: what has them is no footage, but somebody's doing."""
        self.arrivals.failed.extend(refusal.names)
        self._onlooker.say(str(refusal))

    def _need_all_named(self, events: Collection[str]) -> None:
        where = self._place.where
        if unmatched := self._selection.unmatched(events):
            cameras = sorted({camera_of(event) for event in events})
            there = f". It has events of {printable(', '.join(cameras))}" if cameras else ""
            hint = "" if self._deleted else "; if it was deleted there, --deleted may find it"
            raise NothingFits(f"{where} has nothing of {printable(', '.join(unmatched))}{there}{hint}")
        if not events:
            raise NothingFits(f"{where} has no event in any camera's folder")

    def _together(self, events: Mapping[str, Mapping[str, FoundFile]]) -> None:
        """Bring events whose records may be in each other's folders."""
        evidence, states = set[str](), States()
        for event, files in events.items():
            size = sum(file.bytes for file in files.values())
            self._onlooker.event(event, len(files), size)
            evidence |= self._evidence_of(event, files, states)
        recorded = files_of(record for record in self._records(sorted(evidence, key=in_order)) if record is not None)
        for event, files in events.items():
            self._footage_of(event, files, evidence, states, recorded)
            self._destination.sync(event)

    def _evidence_of(self, event: str, files: Mapping[str, FoundFile], states: States) -> set[str]:
        """Bring an event's records; their paths.

        Args:
            states: the event's former states are put there, if they have been asked for.
        """
        evidence = {path for path in files if _is_evidence(path)}
        self._bring_evidence(evidence, files, {})
        if self._deleted and not self._complete(evidence):
            former = self._states(event, lambda path: event_of(path) == event)
            lacking = {path for path in former if _is_evidence(path)} - evidence
            self._bring_evidence(lacking, files, former)
            evidence |= lacking
            states.update(former)
        return evidence

    def _footage_of(
        self, event: str, files: Mapping[str, FoundFile], evidence: set[str], states: States, recorded: Files
    ) -> None:
        """Bring an event's other files."""
        paths = {*files, *(path for path in states if event_of(path) == event)}
        if self._deleted:
            paths |= {f"{event}/{name}" for name in recorded if "/" not in name and is_safe(f"{event}/{name}")}
        for path in sorted(paths - evidence, key=in_order):
            sent = recorded.get(path.rpartition("/")[2])
            self.arrivals.bring(path, files.get(path), _as_recorded(sent) if sent else None, self._former(path, states))

    def _bring_evidence(self, paths: Iterable[str], files: Mapping[str, FoundFile], states: States) -> None:
        """Who verifies judges records one by one; here they are only looked at to choose among several states."""
        sound = Wanted(lambda part: None not in records_in(part.read(), self._signers)) if self._deleted else None
        for path in sorted(paths, key=in_order):
            wanted = sound if _is_evidence(path) else None  # a stamp is none
            self.arrivals.bring(path, files.get(path), wanted, self._former(path, states))

    def _former(self, path: str, states: States) -> Callable[[], Iterable[DeletedFile]]:
        """Former states of a file, asked for only where they are needed."""
        if not self._deleted:
            return tuple
        return lambda: states.get(path) or self._states(path, lambda found: found == path).get(path, [])

    def _states(self, under: str, of_use: Callable[[str], bool]) -> States:
        states: States = {}
        for state in well_named(self._place.deleted(under), self._refused):
            if of_use(state.path):
                states.setdefault(state.path, []).append(state)
        return states

    def _complete(self, evidence: Iterable[str]) -> bool:
        """Whether these are all of an event's records."""
        records = list(self._records(sorted(evidence, key=in_order)))
        fields = [record.fields for record in records if record is not None]
        numbers = {each["n"] for each in fields}
        return (
            len(fields) == len(records)
            and any(each["kind"] == "end" for each in fields)
            and len(numbers) == max(numbers) + 1
        )

    def _records(self, paths: Iterable[str]) -> Iterator[SignedRecord | None]:
        """From what has come."""
        for path in paths:
            for record in records_in(self._destination.read(path), self._signers):
                if record is None and (camera := camera_of(path)) not in self._doubted:
                    self._doubted.add(camera)
                    self._onlooker.say(
                        f"{printable(path)}: not all of it is signed"
                        + (" by the key that was given" if self._signers.given else "")
                        + "; what else there is of this kind is said at the end"
                    )
                yield record


def _as_recorded(sent: set[tuple[int, str]]) -> Wanted:
    return Wanted(lambda part: (part.bytes, part.sha256) in sent, frozenset(length for length, _ in sent))


def _is_evidence(path: str) -> bool:
    return bool(evidence_names([path.rpartition("/")[2]]))
