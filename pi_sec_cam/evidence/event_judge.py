"""Judges the folders of one event: reads its records, and holds the files against them."""

import re
from bisect import bisect_left
from collections.abc import Sequence

from pi_sec_cam.evidence.absent import ADDED_LATER, Absent, EventDraft
from pi_sec_cam.evidence.camera_chain import TOMBSTONES, are, records_text
from pi_sec_cam.evidence.case import Case, LineFault
from pi_sec_cam.evidence.changed import ChangedFile
from pi_sec_cam.evidence.event_chain import Claim, EventChain
from pi_sec_cam.evidence.findings import Spot, and_more
from pi_sec_cam.evidence.listing import evidence_names, kind_and_number
from pi_sec_cam.evidence.place import same_place, same_shape, without_number, zone_us
from pi_sec_cam.evidence.record import SignedRecord
from pi_sec_cam.evidence.verdict import Verdict

_KINDS_OF_CAMERA = {
    "segment",
    "began",
    "ended",
    "head",
    "stop",
    "stamped",
    "renamed",
    *TOMBSTONES,
}
_PASSED_OVER = {"offsite.jsonl", "event.json", "thumbs.db", "desktop.ini"}
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp")
_MARGIN_US = 60_000_000
_LARGEST_TIME_US = 1 << 53
PICTURE = "motion0.jpg"


def passed_over(name: str) -> bool:
    """Whether it is something that this program or file managers put beside an event's files."""
    return name.startswith(".") or name.lower() in _PASSED_OVER


def judge_folders(case: Case, folders: Sequence[str]) -> list[str]:
    """Judges folders that may be of one event: one, and those of the same name with a number (`…-2`).

    Returns:
        Those of them in which no record says what event they are.
    """
    family = _Family(case, folders)
    for folder in folders:
        family.read(folder)
    return family.judge()


class _Family:
    """The records in these folders, and the events that they are of."""

    def __init__(self, case: Case, folders: Sequence[str]) -> None:
        self._case = case
        self._folders = folders
        self._chains: dict[tuple[str, bytes], EventChain] = {}
        self._faults: dict[str, list[LineFault]] = {}

    def read(self, folder: str) -> None:
        def take(record: SignedRecord, key: bytes) -> str:
            if record.fields["kind"] in _KINDS_OF_CAMERA:
                return "this evidence file holds records of the camera's own chain, which belong in another folder"
            name = record.fields["chain"], key
            self._chains.setdefault(name, EventChain(*name)).take(record, folder)
            return ""

        faults = self._faults[folder] = []
        for name in evidence_names(self._case.listing.names(folder)):
            faults += self._case.read_lines(_path(folder, name), take)

    def judge(self) -> list[str]:
        proper: dict[str, list[EventChain]] = {folder: [] for folder in self._folders}
        misplaced: dict[str, list[EventChain]] = {folder: [] for folder in self._folders}
        for chain in self._chains.values():
            name, camera = self._named(chain)
            for folder in chain.folders:
                here = not name or self._belongs(folder, name, camera, chain)
                (proper if here else misplaced)[folder].append(chain)
            places = {name, *self._renamed(camera, chain)} - {""}
            for other in self._folders:
                # No records of their own: those that went to a folder with another name speak of its files.
                if not self._has_records(other) and any(same_place(other, place) for place in places):
                    proper[other].append(chain)
        events = self._events(proper)
        for event in events:
            event.judge()
        left = []
        for folder in self._folders:
            if misplaced[folder] and not proper[folder]:
                self._say_replayed(folder, misplaced[folder][0])
            elif not proper[folder]:
                left.append(folder)
            self._say_faults(folder, misplaced[folder] if proper[folder] else [], events)
        return left

    def _has_records(self, folder: str) -> bool:
        return any(folder in chain.folders for chain in self._chains.values())

    def _events(self, proper: dict[str, list[EventChain]]) -> list["_Event"]:
        """Chains and folders that belong together."""
        events: dict[str, _Event] = {}
        for folder, chains in proper.items():
            for chain in chains:
                home = next(each for each in self._folders if chain in proper[each])
                name, camera = self._named(chain)
                event = events.setdefault(home, _Event(self._case, home, name or home, camera or self._camera_of(home)))
                if chain not in event.chains:
                    event.chains.append(chain)
                if folder not in event.folders:
                    event.folders.append(folder)
        return list(events.values())

    def _named(self, chain: EventChain) -> tuple[str, str]:
        """The event and the camera of a chain, as its own or the camera's records have them."""
        if chain.event:
            return chain.event, chain.camera
        for camera in self._case.cameras.values():
            if named := camera.named.get(chain.id):
                return named.event, camera.camera
        return "", ""

    def _camera_of(self, folder: str) -> str:
        return camera_of(self._case, folder)

    def _renamed(self, camera: str, chain: EventChain) -> set[str]:
        known = self._case.cameras.get(camera)
        return known.renamed(chain.id) if known else set()

    def _belongs(self, folder: str, event: str, camera: str, chain: EventChain) -> bool:
        if any(same_place(folder, place) for place in {event, *self._renamed(camera, chain)}):
            return True
        base = without_number(folder)
        if base and camera not in self._case.cameras and same_place(base, event):
            return True  # what the camera says of other folders is not here
        day_and_time = event.partition("/")[2]
        if same_place(folder, f"?/{day_and_time}") or folder.endswith(f"/{day_and_time}"):
            # The camera's folder has another name: some person's, unless another camera is called so.
            return folder[: -len(day_and_time) - 1].rpartition("/")[2] not in self._case.cameras
        return not same_shape(folder, event)

    def _say_replayed(self, folder: str, chain: EventChain) -> None:
        event, camera = self._named(chain)
        case = self._case
        draft = EventDraft(folder, folder, camera, chain.id, verdicts={Verdict.REPLAYED})
        case.drafts.append(draft)
        case.findings.add(
            Verdict.REPLAYED,
            folder,
            f"in this folder lies another event, {event}: its own records say so",
            camera=camera,
            event=folder,
            spot=case.spot_by_name(camera, folder),
        )

    def _say_faults(self, folder: str, misplaced: list[EventChain], events: list["_Event"]) -> None:
        case = self._case
        owner = next((event for event in events if folder in event.folders), None)
        camera = owner.draft.camera if owner else self._camera_of(folder)
        name = owner.draft.event if owner else folder
        spot = owner.spot if owner else case.spot_by_name(camera, folder)
        faults = list(self._faults[folder])
        for chain in misplaced:
            other = self._named(chain)[0]
            faults.append(LineFault(folder, Verdict.REPLAYED, f"records of another event ({other}) lie in this folder"))
        for fault in faults:
            case.findings.add(fault.verdict, fault.path, fault.text, camera=camera, event=name, spot=spot)
            if owner:
                owner.draft.verdicts.add(fault.verdict)
        for strange in case.strangers.within(folder):
            strange.camera = strange.camera or camera
            strange.event, strange.spot = strange.event or name, spot
            if owner:
                owner.draft.verdicts.add(Verdict.FOREIGN)


class _Event:
    """One event: its chains (several only after odd accidents) and the folders that its files are in."""

    def __init__(self, case: Case, folder: str, event: str, camera: str) -> None:
        self._case = case
        self._camera = case.cameras.get(camera)
        self.draft = EventDraft(event, folder, camera, None)
        self.chains: list[EventChain] = []
        self.folders: list[str] = []
        self.spot = Spot(0, 0, -1)
        self._here: dict[str, int] = {}
        self._twins: dict[str, str] | None = None  # by SHA-256, made when needed
        self._times: list[tuple[int, int]] | None = None  # when which record was signed, the same

    def judge(self) -> None:
        case, draft, first = self._case, self.draft, self.chains[0]
        case.drafts.append(draft)
        draft.chain = first.id
        self._begin(first)
        if not all(chain.known_version for chain in self.chains):
            self._add(Verdict.UNATTESTED, draft.folder, "the records are of a later version of the program; use that")
            return
        self._judge_files()
        for chain in self.chains:
            case.seen.add(chain.id)
            case.needed.setdefault(draft.camera, set()).update(chain.segments)
            case.newest_us[draft.camera] = max(case.newest_us.get(draft.camera, -1), chain.last_us)
            case.keys[draft.camera] = chain.key
            self._judge_absent(chain)
            self._judge_chain(chain)
            self._judge_end(chain)
            self._judge_naming(chain)

    def _begin(self, chain: EventChain) -> None:
        opening = chain.opening or {}
        started_us, at_us = opening.get("started_us"), opening.get("at_us", chain.last_us)
        segment = opening.get("segment")
        draft = self.draft
        if type(started_us) is int and abs(started_us) < _LARGEST_TIME_US:
            draft.began_us = started_us
            if (ahead_us := zone_us(draft.event, started_us)) is not None:
                self._case.zones_us[draft.camera] = ahead_us
        synchronised = opening.get("synchronised")
        draft.synchronised = synchronised if isinstance(synchronised, bool) else None
        if self._camera:
            self.spot = self._camera.spot(chain.id, segment if isinstance(segment, str) else "", at_us)
        else:
            self.spot = Spot(0, at_us, -1)

    def _judge_files(self) -> None:
        open_ended = not all(chain.ended and not chain.links.gaps() for chain in self.chains)
        for folder in self.folders:
            again = []
            names = self._case.listing.names(folder)
            for name in sorted(names, key=lambda each: (kind_and_number(each) or ("", 0), each)):
                if name in evidence_names([name]) or passed_over(name):
                    continue
                claims = [claim for chain in self.chains for claim in chain.claims.get(name, ())]
                if not claims:
                    self._judge_unclaimed(folder, name, names, open_ended=open_ended)
                elif self._judge_claimed(_path(folder, name), name, names[name], claims):
                    again.append(name)
            if again:
                text = f"here a second time, and the same: {and_more(again)}"
                self._add(Verdict.OUTSIDE, folder, text)

    def _judge_claimed(self, path: str, name: str, size: int, claims: list[Claim]) -> bool:
        """Whether it is as recorded, but has been found before."""
        digest = self._case.digest(path)
        if digest is None:
            return False
        matching = next((claim for claim in claims if claim.digest == digest and claim.size == size), None)
        known = name in self._here
        self._here[name] = max(self._here.get(name, -1), -1 if matching is None else matching.n)
        if matching is None:
            claim = claims[0]
            self._changed(path, size, digest, claim, claim.at_us, self._spot_at(claim.n))
            return False
        if not known:
            draft = self.draft
            draft.files += 1
            draft.bytes += size
            draft.pictures += matching.pictures
            draft.duration_us += matching.duration_us
            if name == PICTURE:
                draft.picture = path
        return known

    def _judge_unclaimed(self, folder: str, name: str, names: dict[str, int], *, open_ended: bool) -> None:
        path = _path(folder, name)
        known = kind_and_number(name)
        if known and open_ended:
            text = "no record here speaks of this file, and not all records of the event are here"
            last = max(self.chains, key=lambda chain: chain.links.last)
            self._add(Verdict.UNATTESTED, path, text, n=last.links.last + 1, until_us=last.last_us)
            if name == PICTURE and self.draft.picture is None:
                self.draft.picture = path
            return
        unfinished = next((name.removesuffix(end) for end in _UNFINISHED if name.endswith(end)), "")
        if unfinished and (self._claimed(unfinished) or evidence_names([unfinished])):
            self._add(Verdict.OUTSIDE, path, f"left over of a download of {unfinished} that was not finished")
            return
        digest = self._case.digest(path)
        if digest is None:
            return
        original = _original(name)
        twin = self._twin(digest)
        if original and twin:
            self._add(Verdict.OUTSIDE, path, f"a copy of {twin} under another name")
        elif original in names and evidence_names([original]) and digest == self._case.digest(_path(folder, original)):
            self._add(Verdict.OUTSIDE, path, f"a copy of {original} under another name")
        else:
            self._changed(path, names[name], digest, None, None, self.spot)

    def _claimed(self, name: str) -> bool:
        return any(name in chain.claims for chain in self.chains)

    def _twin(self, digest: str) -> str | None:
        """The name under which a record of this event has these bytes."""
        if self._twins is None:
            self._twins = {
                claim.digest: name for chain in self.chains for name, claims in chain.claims.items() for claim in claims
            }
        return self._twins.get(digest)

    def _changed(self, path: str, size: int, digest: str, claim: Claim | None, at_us: int | None, spot: Spot) -> None:
        twin = self._twin(digest)
        self._case.changed.add(ChangedFile(path, size, digest, claim, twin, self.draft, at_us, spot))

    def _judge_absent(self, chain: EventChain) -> None:
        absent = [(name, claims[0]) for name, claims in chain.claims.items() if name not in self._here]
        if not absent:
            return
        draft = self.draft
        if self._case.pruned(draft.event):
            self._add(Verdict.PRUNED, draft.folder, f"deleted by the owner: {and_more(name for name, _ in absent)}")
            return
        given_up = self._camera.given_up(chain.id, draft.event) if self._camera else {}
        for name, claim in absent:
            reasons = dict.fromkeys(chain.stores_without(claim.n), ADDED_LATER) | dict(given_up.get(name, {}))
            text = "the camera sent this file, and it is not here"
            place = _path(draft.folder, name)
            self._case.absences.add(Absent(draft, place, text, claim.at_us, self._spot_at(claim.n), reasons))

    def _judge_chain(self, chain: EventChain) -> None:
        draft = self.draft
        if chain.contradicts:
            self._add(
                Verdict.FORGED,
                draft.folder,
                f"signed by the camera's key, but no camera makes such records: {chain.contradicts}",
            )
        for n in chain.links.contradictions():
            text = f"there are two records in the place {n} of this event, and both carry the camera's signature"
            self._add(Verdict.FORGED, draft.folder, f"{text}: somebody else has had its key", n=n)
        for begin, to in chain.links.gaps():
            self._records_absent(chain, begin, to)
        if chain.pictures_lost:
            text = f"{chain.pictures_lost} pictures were recorded and could not be sent, as the camera says"
            self._add(Verdict.DROPPED, draft.folder, text)

    def _judge_end(self, chain: EventChain) -> None:
        named = self._camera.named.get(chain.id) if self._camera else None
        tips = sorted(set(named.tips.values()), key=lambda tip: tip.n) if named else []
        lacking = [tip for tip in tips if not chain.links.has(tip.n, tip.hash)]
        for tip in lacking[-1:]:
            if chain.links.resumed_by(tip.n):
                self._add(
                    Verdict.UNATTESTED,
                    self.draft.folder,
                    f"the camera's chain names a record {tip.n} of this event that is not here. The camera was started "
                    "anew in between: it may never have left",
                    n=tip.n,
                )
            elif chain.links.occupied(tip.n):
                self._add(
                    Verdict.FORGED,
                    self.draft.folder,
                    f"record {tip.n} of this event is another one than the camera's chain names",
                    n=tip.n,
                )
            else:
                self._records_absent(chain, chain.links.last + 1, tip.n)
        if not chain.ended and not lacking and not (named and named.ended):
            self._add(
                Verdict.UNATTESTED,
                self.draft.folder,
                "the end of this event is not here: it runs, was interrupted, or its end was taken away",
                n=chain.links.last + 1,
                until_us=chain.last_us,
            )

    def _judge_naming(self, chain: EventChain) -> None:
        """The camera's chain names each event; a signed one that it does not name comes after its end, or is forged."""
        if self._camera is None or chain.id in self._camera.named or not chain.opening:
            return
        segment = self._camera.segments.get(str(chain.opening["segment"]))
        if segment is None:
            return
        if segment.newest_us > chain.opening["at_us"] + _MARGIN_US:
            text = "signed by the camera's key, and the camera's own chain, which goes on after it, does not know it"
            self._add(Verdict.FOREIGN, self.draft.folder, text)
        else:
            text = "this event comes after the last record of the camera's own chain that is here"
            self._add(Verdict.UNATTESTED, self.draft.folder, text)

    def _records_absent(self, chain: EventChain, begin: int, to: int) -> None:
        draft = self.draft
        if self._case.pruned(draft.event):
            self._add(Verdict.PRUNED, draft.folder, "deleted by the owner: records of this event")
            return
        given_up = self._camera.given_up(chain.id, draft.event) if self._camera else {}
        reasons: dict[str, str] = {}
        for name in evidence_names(given_up):
            reasons |= given_up[name]
        text = f"{records_text(begin, to)} of this event {are(begin, to)}"
        at_us = draft.began_us if draft.began_us is not None else chain.last_us
        self._case.absences.add(Absent(draft, draft.folder, text, at_us, self._spot_at(begin), reasons))

    def _spot_at(self, n: int, until_us: int | None = None) -> Spot:
        """Where in the camera's records the place `n` of this event is."""
        if self._times is None:
            every = (claim for chain in self.chains for claims in chain.claims.values() for claim in claims)
            self._times = sorted((claim.n, claim.at_us) for claim in every)
        if until_us is None:
            before = bisect_left(self._times, (n, -_LARGEST_TIME_US))
            until_us = self._times[before - 1][1] if before else self.spot.until_us
        return Spot(self.spot.segment, self.spot.n, until_us)

    def _add(
        self, verdict: Verdict, place: str, text: str, *, n: int | None = None, until_us: int | None = None
    ) -> None:
        draft = self.draft
        spot = self.spot if n is None else self._spot_at(n, until_us)
        at_us = draft.began_us if until_us is None else until_us
        found = self._case.findings.add(
            verdict, place, text, camera=draft.camera, event=draft.event, at_us=at_us, spot=spot
        )
        draft.verdicts.add(found)


def camera_of(case: Case, folder: str) -> str:
    """The camera whose folder this is in, as far as its path says so."""
    parts = folder.split("/")
    known = next((part for part in parts if part in case.cameras), None)
    if known is None and len(case.cameras) == 1 and len(parts) < 3:
        return next(iter(case.cameras))
    return known or parts[0] or case.footage.where.rstrip("/").rpartition("/")[2]


def _path(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


_COPY = re.compile(r"(?:Copy of )?(.+?)(?: ?\([0-9]+\)| - Copy(?: \([0-9]+\))?| copy(?: [0-9]+)?)?(\.[A-Za-z0-9]+)")


def _original(name: str) -> str:
    """`video3.h264` of `video3 (1).h264`; empty where it is no copy's name."""
    match = _COPY.fullmatch(name)
    original = f"{match[1]}{match[2]}" if match else ""
    return original if original != name else ""
