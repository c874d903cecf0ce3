"""Events that the camera's chain names and that are not here, and folders that no record speaks of."""

from collections import defaultdict
from collections.abc import Sequence

from pi_sec_cam.evidence.judging.absent import Absent, EventDraft
from pi_sec_cam.evidence.judging.camera_chain import CameraChain, Named
from pi_sec_cam.evidence.judging.case import Case
from pi_sec_cam.evidence.judging.findings import Spot
from pi_sec_cam.evidence.judging.listing import PICTURE, evidence_names
from pi_sec_cam.evidence.judging.place import path_of, same_place, time_in_name
from pi_sec_cam.evidence.scope import Scope
from pi_sec_cam.evidence.verdict import Verdict

_MARGIN_US = 60_000_000


def judge_expected(case: Case, scope: Scope, left: Sequence[str]) -> None:
    """Says what of that is wrong.

    Args:
        left: folders with an event's files, in which no record that is believed says what event they are.
    """
    rest = dict.fromkeys(left)
    by_time: dict[str, list[str]] = defaultdict(list)
    for each in left:
        by_time[each.rpartition("/")[2]].append(each)
    for camera in case.cameras.values():
        elsewhere: dict[Verdict, list[Named]] = defaultdict(list)
        for chain, named in camera.named.items():
            if chain in case.seen:
                continue
            near = by_time.get(named.event.rpartition("/")[2], []) or by_time.get("", [])
            folder = next((each for each in near if each in rest and same_place(each, named.event)), None)
            if folder is not None:
                del rest[folder]
            if case.pruned(named.event):
                elsewhere[Verdict.PRUNED].append(named)
            elif folder is None and not (expected := scope.expects(named.event)):
                elsewhere[Verdict.ABSENT if expected is None else Verdict.OUTSIDE].append(named)
            else:
                _missing(case, camera, chain, named, folder)
        for verdict, events in elsewhere.items():
            _say_elsewhere(case, camera.camera, verdict, events)
    for name, segments in case.needed.items():
        _judge_needed(case, name, segments, scope)
    for folder in rest:
        _judge_unnamed(case, folder)


def _missing(case: Case, camera: CameraChain, chain: str, named: Named, folder: str | None) -> None:
    given_up = camera.given_up(chain, named.event)
    reasons = dict(camera.on_its_way(chain, named.event))
    for name in evidence_names(given_up):
        reasons |= given_up[name]
    spot = Spot(camera.segments[named.segment].order, named.n, named.until_us)
    draft = EventDraft(named.event, folder or named.event, camera.camera, None)
    text = "the camera's chain names this event, and nothing of it is here"
    if folder is not None:
        case.drafts.append(draft)
        text = "the camera's chain names this event, and its records are not here: nobody vouches for its files"
    if reasons:
        case.absences.add(Absent(draft, draft.folder, text, named.at_us, spot, reasons))
        return
    found = case.findings.add(
        Verdict.MISSING, draft.folder, text, camera=camera.camera, event=named.event, at_us=named.at_us, spot=spot
    )
    draft.verdicts.add(found)


def _say_elsewhere(case: Case, camera: str, verdict: Verdict, events: list[Named]) -> None:
    first, last = events[0].event, events[-1].event
    which = f"1 event ({first})" if len(events) == 1 else f"{len(events)} events ({first} to {last})"
    if verdict is Verdict.PRUNED:
        text = f"{which} deleted by the owner"
    elif verdict is Verdict.OUTSIDE:
        text = f"{which} not asked for"
    else:
        text = (
            f"{which} that the camera tells of {'is' if len(events) == 1 else 'are'} not here: not downloaded, or "
            "deleted. To know, verify straight from the store. If this should be all, say --complete; if only these "
            "events matter, --only-here"
        )
    case.findings.add(verdict, camera, text, camera=camera, at_us=events[0].at_us)


def _judge_needed(case: Case, name: str, segments: set[str], scope: Scope) -> None:
    """The starts that events name must be here, if anything of the camera's own chain should."""
    camera = case.cameras.get(name)
    if camera is None:
        verdict = Verdict.MISSING if scope.complete else Verdict.OUTSIDE if scope.only_here else Verdict.ABSENT
        text = (
            "the camera's own chain (its folder `evidence`) is not here: each event can be judged, but not whether "
            "others are missing. If only a part was named to look into, say --only-here"
        )
        case.findings.add(verdict, name, text, camera=name)
        return
    named = {segment.previous[0] for segment in camera.segments.values() if segment.previous}
    lacking = segments - set(camera.segments) - named
    if lacking and (newest := camera.newest):
        text = (
            "events here name a start of the program that the camera's chain does not have: its records have not come, "
            "or were taken away"
        )
        spot = Spot(newest.order, 1 << 53, newest.newest_us)
        case.findings.add(Verdict.UNATTESTED, name, text, camera=name, spot=spot)


def _judge_unnamed(case: Case, folder: str) -> None:
    """A folder with files and no records, which the camera's chain does not name either."""
    name = case.camera_of(folder)
    case.drafts.append(draft := EventDraft(folder, folder, name, None))
    strange = case.strangers.within(folder)
    if strange:
        draft.verdicts.add(Verdict.FOREIGN)
        return
    camera = case.cameras.get(name)
    verdict, text = Verdict.UNATTESTED, "there are no records of these files"
    if camera and camera.by_name:
        first = min(segment.at_us for segment in camera.segments.values())
        newest = max(segment.newest_us for segment in camera.segments.values())
        at_us = time_in_name(folder)
        zone_us = case.zones_us.get(name)
        between = camera.by_name[0].event < folder < camera.by_name[-1].event
        timed = at_us is not None and zone_us is not None and first < at_us - zone_us < newest - _MARGIN_US
        if between or timed:
            verdict, text = Verdict.FOREIGN, "no record of the camera speaks of this event, though it was running then"
    if PICTURE in case.listing.names(folder):
        draft.picture = path_of(folder, PICTURE)
    spot = case.spot_by_name(name, folder)
    draft.verdicts.add(case.findings.add(verdict, folder, text, camera=name, event=folder, spot=spot))
