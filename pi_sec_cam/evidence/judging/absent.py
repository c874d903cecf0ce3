"""What is not here though a record names it: explained by the camera, or missing."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pi_sec_cam.evidence.judging.camera_chain import ON_ITS_WAY, TOMBSTONES
from pi_sec_cam.evidence.judging.findings import Findings, Spot, and_more
from pi_sec_cam.evidence.scope import Scope
from pi_sec_cam.evidence.verdict import Verdict

NOT_FOR_IT = "not for it"
MOST_NAMED = 100
"""So many missing files are named one by one in an event."""


@dataclass(slots=True)
class EventDraft:
    """An event's result, as far as it is known.

    Attributes:
        verdicts: of its findings so far.
    """

    event: str
    folder: str
    camera: str
    chain: str | None
    began_us: int | None = None
    synchronised: bool | None = None
    files: int = 0
    bytes: int = 0
    pictures: int = 0
    duration_us: int = 0
    picture: str | None = None
    verdicts: set[Verdict] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Absent:
    """One thing that is not here.

    Attributes:
        place: its path.
        missing: what to say if nothing explains it.
        reasons: by store: why it need not be in that one (a tombstone's kind, NOT_FOR_IT, or ON_ITS_WAY).
    """

    draft: EventDraft
    place: str
    missing: str
    at_us: int
    spot: Spot
    reasons: Mapping[str, str]


class Absences:
    """Gathers what is not here, and judges it when all is known: a folder is one store's, which must explain it all."""

    def __init__(self) -> None:
        self._by_camera: dict[str, list[Absent]] = defaultdict(list)

    def add(self, absent: Absent) -> None:
        self._by_camera[absent.draft.camera].append(absent)

    def judge(self, findings: Findings, scope: Scope, stores: Mapping[str, Collection[str]]) -> None:
        """Says which are explained, and which are missing.

        Args:
            stores: by camera, those that it names.
        """
        for camera, all_absent in self._by_camera.items():
            explains = Counter(store for absent in all_absent for store in absent.reasons)
            here = scope.stores_here({*explains, *stores.get(camera, ())})
            store = max(sorted(set(here) & set(explains)), key=lambda name: explains[name], default=None)
            missing: dict[int, list[Absent]] = defaultdict(list)
            explained: dict[tuple[int, str], list[Absent]] = defaultdict(list)
            for absent in all_absent:
                if store is not None and store in absent.reasons:
                    explained[id(absent.draft), absent.reasons[store]].append(absent)
                else:
                    missing[id(absent.draft)].append(absent)
            for (_, reason), group in explained.items():
                _say_explained(findings, camera, str(store), reason, group)
            for group in missing.values():
                _say_missing(findings, camera, group)


def _say_explained(findings: Findings, camera: str, store: str, reason: str, group: list[Absent]) -> None:
    draft = group[0].draft
    names = and_more(absent.place.rpartition("/")[2] for absent in group)
    if reason == NOT_FOR_IT:
        verdict, why = Verdict.OUTSIDE, f"the event did not go to {store} then"
    elif reason == ON_ITS_WAY:
        verdict, why = Verdict.UNATTESTED, f"by the camera's last records, it may still be on its way to {store}"
    else:
        verdict, why = Verdict.DROPPED, f"{TOMBSTONES[reason]}, as the camera says of {store}"
    place = group[0].place if len(group) == 1 else draft.folder
    text = f"not here: {names} ({why})"
    spot = min(absent.spot for absent in group)
    at_us = group[0].at_us
    draft.verdicts.add(findings.add(verdict, place, text, camera=camera, event=draft.event, at_us=at_us, spot=spot))


def _say_missing(findings: Findings, camera: str, group: list[Absent]) -> None:
    draft = group[0].draft
    for absent in group[:MOST_NAMED]:
        draft.verdicts.add(
            findings.add(
                Verdict.MISSING,
                absent.place,
                absent.missing,
                camera=camera,
                event=draft.event,
                at_us=absent.at_us,
                spot=absent.spot,
            )
        )
    if rest := group[MOST_NAMED:]:
        spot = min(absent.spot for absent in rest)
        text = f"{len(rest)} more files of this event are missing"
        findings.add(Verdict.MISSING, draft.folder, text, camera=camera, event=draft.event, spot=spot)
