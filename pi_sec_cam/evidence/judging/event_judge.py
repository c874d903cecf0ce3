"""Judges one event: its files, its chain, its end, and whether the camera's own chain names it."""

from collections.abc import Mapping

from pi_sec_cam.evidence.judging.absent import MOST_NAMED, NOT_FOR_IT, Absent, EventDraft
from pi_sec_cam.evidence.judging.case import Case
from pi_sec_cam.evidence.judging.event_chain import EventChain
from pi_sec_cam.evidence.judging.event_files import EventFiles
from pi_sec_cam.evidence.judging.event_words import EventWords
from pi_sec_cam.evidence.judging.findings import BEFORE_ALL, Spot, and_more, are, records_text
from pi_sec_cam.evidence.judging.listing import evidence_names
from pi_sec_cam.evidence.judging.place import path_of, zone_us
from pi_sec_cam.evidence.verdict import Verdict

_MARGIN_US = 60_000_000
_FILE_MISSING = "the camera sent this file, and it is not here"


class EventJudge:
    """One event: its chains (several only after odd accidents) and the folders that its files are in."""

    def __init__(self, case: Case, folder: str, event: str, camera: str) -> None:
        self._case = case
        self._camera = case.cameras.get(camera)
        self.draft = EventDraft(event, folder, camera, None)
        self.chains: list[EventChain] = []
        self.folders: list[str] = []
        self.words = EventWords(case.findings, self.draft, BEFORE_ALL, self.chains)

    def judge(self) -> None:
        """Says all that is to be said of it. Its chains and folders must be known, and all cameras' own chains."""
        case, draft, first = self._case, self.draft, self.chains[0]
        case.drafts.append(draft)
        draft.chain = first.id
        self._begin(first)
        for chain in self.chains:
            case.seen.add(chain.id)
            if chain.resumptions:  # a store that was added gets all of an event that goes on, and no earlier start
                case.needed.setdefault(draft.camera, set()).add(chain.resumptions[max(chain.resumptions)])
            case.newest_us[draft.camera] = max(case.newest_us.get(draft.camera, -1), chain.last_us)
            case.keys[draft.camera] = chain.key
        if not all(chain.known_version for chain in self.chains):
            text = "the records are of a later version of the program; verify with that one"
            self.words.add(Verdict.UNATTESTED, draft.folder, text)
            return
        files = EventFiles(case, self.words, self.chains)
        files.judge(self.folders)
        for chain in self.chains:
            self._judge_absent(chain, files)
            self._judge_chain(chain)
            self._judge_end(chain)
            self._judge_naming(chain)

    def _begin(self, chain: EventChain) -> None:
        opening = chain.opening or {}
        started_us, at_us = opening.get("started_us"), opening.get("at_us", chain.last_us)
        draft = self.draft
        if type(started_us) is int:
            draft.began_us = started_us
            if (ahead_us := zone_us(draft.event, started_us)) is not None:
                self._case.zones_us[draft.camera] = ahead_us
        synchronised = opening.get("synchronised")
        draft.synchronised = synchronised if isinstance(synchronised, bool) else None
        begins = self._camera.spot(chain.id, chain.resumptions.get(0, ""), at_us) if self._camera else None
        self.words.spot = begins or Spot(0, at_us, -1)

    def _judge_absent(self, chain: EventChain, files: EventFiles) -> None:
        draft = self.draft
        # Of several branches, the one that the camera went on with comes later in the chain. Of what it has forgotten
        # with the power, nobody knows whether the file had left.
        last = ((name, max(claims, key=lambda claim: claim.n)) for name, claims in chain.claims.items())
        absent = ((name, claim) for name, claim in last if files.lacks(name, claim))
        if self._case.pruned(draft.event):
            if names := [name for name, _ in absent]:
                self.words.add(Verdict.PRUNED, draft.folder, f"deleted by the owner: {and_more(names)}")
            return
        given_up = self._camera.given_up(chain.id, draft.event) if self._camera else {}
        on_its_way = self._on_its_way(chain)
        missing = 0
        for name, claim in absent:
            never = dict.fromkeys(chain.stores_without(claim.n), NOT_FOR_IT) | dict(given_up.get(name, {}))
            if reasons := {**on_its_way, **never}:
                spot = self.words.spot_at(claim.n)
                place = path_of(draft.folder, name)
                self._case.absences.add(Absent(draft, place, _FILE_MISSING, claim.at_us, spot, reasons))
                continue
            missing += 1
            if missing <= MOST_NAMED:
                place = path_of(draft.folder, name)
                self.words.add(Verdict.MISSING, place, _FILE_MISSING, n=claim.n, at_us=claim.at_us)
        if missing > MOST_NAMED:
            text = f"{missing - MOST_NAMED} more files of this event are missing"
            self.words.add(Verdict.MISSING, draft.folder, text)

    def _judge_chain(self, chain: EventChain) -> None:
        draft = self.draft
        if chain.contradicts:
            self.words.add(
                Verdict.FORGED,
                draft.folder,
                f"signed by the camera's key, but no camera makes such records: {chain.contradicts}",
            )
        for n in chain.links.contradictions():
            text = f"there are two records in the place {n} of this event, and both carry the camera's signature"
            self.words.add(Verdict.FORGED, draft.folder, f"{text}: somebody else has had its key", n=n)
        for begin, to in chain.links.gaps():
            self._records_absent(chain, begin, to)
        if chain.pictures_lost:
            text = f"{chain.pictures_lost} pictures were recorded and could not be sent, as the camera says"
            self.words.add(Verdict.DROPPED, draft.folder, text)

    def _judge_end(self, chain: EventChain) -> None:
        """The camera's chain names the newest records of its events; and an event has an end."""
        named = self._camera.named.get(chain.id) if self._camera else None
        tips = sorted(named.tips.items(), key=lambda item: item[1].n) if named else []
        lacking = [(segment, tip) for segment, tip in tips if not chain.links.has(tip.n, tip.hash)]
        for segment, tip in lacking[-1:]:
            if self._may_be_lost(chain, tip.n, segment):
                self.words.add(
                    Verdict.UNATTESTED,
                    self.draft.folder,
                    f"the camera's chain names a record {tip.n} of this event that is not here. The camera was started "
                    "anew in between: it may never have left",
                    n=tip.n,
                )
            elif chain.links.occupied(tip.n):
                self.words.add(
                    Verdict.FORGED,
                    self.draft.folder,
                    f"record {tip.n} of this event is another one than the camera's chain names",
                    n=tip.n,
                )
            else:
                self._records_absent(chain, chain.links.last + 1, tip.n)
        if not chain.ended and not lacking and not (named and named.ended):
            self.words.add(
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
        segment = self._camera.segments.get(chain.resumptions.get(0, ""))
        if segment is None:
            return
        if segment.newest_us > chain.opening["at_us"] + _MARGIN_US:
            text = "signed by the camera's key, and the camera's own chain, which goes on after it, does not know it"
            self.words.add(Verdict.FOREIGN, self.draft.folder, text)
        else:
            text = "this event comes after the last record of the camera's own chain that is here"
            self.words.add(Verdict.UNATTESTED, self.draft.folder, text)

    def _may_be_lost(self, chain: EventChain, n: int, segment: str) -> bool:
        """Whether a record that this start named may have been lost with the power: a later start went on before it."""
        starts = self._camera.segments if self._camera else {}
        return any(
            place <= n and later in starts and starts[later].order > starts[segment].order
            for place, later in chain.resumptions.items()
        )

    def _on_its_way(self, chain: EventChain) -> Mapping[str, str]:
        return self._camera.on_its_way(chain.id, self.draft.event) if self._camera else {}

    def _records_absent(self, chain: EventChain, begin: int, to: int) -> None:
        draft = self.draft
        if self._case.pruned(draft.event):
            self.words.add(Verdict.PRUNED, draft.folder, "deleted by the owner: records of this event")
            return
        given_up = self._camera.given_up(chain.id, draft.event) if self._camera else {}
        reasons = dict(self._on_its_way(chain))
        for name in evidence_names(given_up):
            reasons |= given_up[name]
        text = f"{records_text(begin, to)} of this event {are(begin, to)}"
        at_us = draft.began_us if draft.began_us is not None else chain.last_us
        self._case.absences.add(Absent(draft, draft.folder, text, at_us, self.words.spot_at(begin), reasons))
