"""Reads the records in event folders, and finds out which folders and records belong to one event."""

from collections.abc import Sequence

from pi_sec_cam.evidence.judging.absent import EventDraft
from pi_sec_cam.evidence.judging.camera_chain import TOMBSTONES
from pi_sec_cam.evidence.judging.case import Case, LineFault
from pi_sec_cam.evidence.judging.event_chain import EventChain
from pi_sec_cam.evidence.judging.event_judge import EventJudge
from pi_sec_cam.evidence.judging.listing import evidence_names
from pi_sec_cam.evidence.judging.place import path_of, same_place, same_shape, without_number
from pi_sec_cam.evidence.record import SignedRecord
from pi_sec_cam.evidence.verdict import Verdict

_KINDS_OF_CAMERA = {"segment", "began", "ended", "head", "stop", "stamped", "renamed", *TOMBSTONES}


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
            faults += self._case.read_lines(path_of(folder, name), take)

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

    def _events(self, proper: dict[str, list[EventChain]]) -> list[EventJudge]:
        """Chains and folders that belong together."""
        events: dict[str, EventJudge] = {}
        for folder, chains in proper.items():
            for chain in chains:
                home = next(each for each in self._folders if chain in proper[each])
                name, camera = self._named(chain)
                event = events.setdefault(
                    home, EventJudge(self._case, home, name or home, camera or self._case.camera_of(home))
                )
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

    def _say_faults(self, folder: str, misplaced: list[EventChain], events: list[EventJudge]) -> None:
        case = self._case
        owner = next((event for event in events if folder in event.folders), None)
        camera = owner.draft.camera if owner else self._case.camera_of(folder)
        name = owner.draft.event if owner else folder
        spot = owner.words.spot if owner else case.spot_by_name(camera, folder)
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
