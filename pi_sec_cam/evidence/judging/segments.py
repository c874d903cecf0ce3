"""Reads the cameras' own chains, all of them, before anything is said of an event."""

from collections.abc import Sequence
from dataclasses import dataclass

from pi_sec_cam.evidence.judging.beside import original, passed_over, unfinished
from pi_sec_cam.evidence.judging.camera_chain import CameraChain
from pi_sec_cam.evidence.judging.case import Case, LineFault
from pi_sec_cam.evidence.judging.findings import BEFORE_ALL, Spot
from pi_sec_cam.evidence.judging.listing import evidence_names, may_hold
from pi_sec_cam.evidence.judging.place import path_of
from pi_sec_cam.evidence.judging.stamps import is_stamp
from pi_sec_cam.evidence.record import EVIDENCE_FOLDER, RecordMalformed, SignedRecord, parse_line
from pi_sec_cam.evidence.verdict import Verdict

_KINDS_OF_EVENTS = {"event", "file", "resumed", "end"}
_FIRST_BYTES = 1 << 21


@dataclass(slots=True)
class _Read:
    """One folder, when it has been read."""

    folder: str
    camera: str
    chains: set[str]
    faults: list[LineFault]


def begins_segment(case: Case, path: str) -> bool:
    """Whether an evidence file begins as that of a camera's own chain does, whoever has signed it."""
    text = b""
    try:
        for piece in case.footage.read(path):
            text += piece
            if b"\n" in piece or len(text) > _FIRST_BYTES:
                break
        return bool(parse_line(text.partition(b"\n")[0]).fields["kind"] == "segment")
    except (RecordMalformed, FileNotFoundError):
        return False


def read_segments(case: Case, folders: Sequence[str]) -> None:
    """Reads what lies in these folders into the cameras' chains, and says what is wrong with the files."""
    read = [_read(case, folder) for folder in folders]
    for camera in case.cameras.values():
        camera.arrange()
    for each in read:
        _judge_files(case, each)


def _read(case: Case, folder: str) -> _Read:
    parts = folder.split("/")
    in_place = parts[-3] if len(parts) > 2 and parts[-2] == EVIDENCE_FOLDER else ""
    read = _Read(folder, in_place, set(), [])

    def take(record: SignedRecord, key: bytes) -> str:
        fields = record.fields
        if fields["kind"] in _KINDS_OF_EVENTS:
            return "records of an event lie in the folder of the camera's own chain"
        if fields["kind"] == "segment":
            camera = fields.get("camera")
            if not isinstance(camera, str) or not camera or fields.get("key") != key.hex():
                return "this start names no camera, or another key than it is signed by"
            read.camera = camera
        name = read.camera or case.camera_of(folder)
        read.camera = name
        case.cameras.setdefault(name, CameraChain(name)).take(record, folder, key)
        read.chains.add(fields["chain"])
        case.keys[name] = key
        return "" if may_hold(folder, fields["chain"]) else "records of another start lie in this folder"

    for name in evidence_names(case.listing.names(folder)):
        read.faults += case.read_lines(path_of(folder, name), take)
    return read


def _judge_files(case: Case, read: _Read) -> None:
    folder, camera = read.folder, read.camera or case.camera_of(read.folder)
    chain = case.cameras.get(camera)
    orders = [chain.segments[each].order for each in read.chains] if chain else []
    first = min(orders, default=0)
    before = [each for each in chain.segments.values() if each.order < first] if chain else []
    spot = Spot(first, -1, max((each.newest_us for each in before), default=-1)) if before else BEFORE_ALL
    for fault in read.faults:
        case.findings.add(fault.verdict, fault.path, fault.text, camera=camera, spot=spot)
    parts = folder.split("/")
    if len(parts) > 2 and parts[-3] != camera and parts[-3] in case.cameras:
        text = f"this is the chain of another camera, {camera}"
        case.findings.add(Verdict.REPLAYED, folder, text, camera=camera, spot=spot)
    for strange in case.strangers.within(folder):
        strange.camera = strange.camera or camera
        strange.spot = spot
    names = case.listing.names(folder)
    for name in sorted(names):
        path = path_of(folder, name)
        # Of stamps, judge_stamps says what is to be said. One may lack its record: it leaves seconds before it.
        if passed_over(name) or _is_sent(name):
            continue
        verdict, text = Verdict.FOREIGN, "no record of the camera speaks of this file"
        if _is_sent(wanted := unfinished(name)):
            verdict, text = Verdict.OUTSIDE, f"left over of a download of {wanted} that was not finished"
        elif (copied := original(name)) in names and _is_sent(copied):
            digest = case.digest(path, names[name])
            if digest is not None and digest == case.digest(path_of(folder, copied), names[copied]):
                verdict, text = Verdict.OUTSIDE, f"a copy of {copied} under another name"
        case.findings.add(verdict, path, text, camera=camera, spot=spot)


def _is_sent(name: str) -> bool:
    """Whether cameras put files of such names into the folders of their own chains."""
    return bool(evidence_names([name])) or is_stamp(name)
