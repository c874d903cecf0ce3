"""The small checker (ancillary/verification/verify.py) comes to what the program comes to: whole, open or wrong."""

import ast
import io
import runpy
import shutil
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pi_sec_cam.evidence.camera_key import public_pem, raw
from pi_sec_cam.evidence.footage import FolderFootage
from pi_sec_cam.evidence.scope import Scope
from pi_sec_cam.evidence.verdict import Verdict, Verification
from pi_sec_cam.evidence.verify import verify
from tests.unit import test_evidence_format as format_vectors
from tests.unit.camera_made import MadeCamera, MadeEvent, made_key, read_evidence, resigned, write_evidence

PROGRAM = Path(__file__).parents[2] / "ancillary/verification/verify.py"
PLACE = {"kind", "chain", "n", "prev", "at_us"}
OUTCOMES = {0: "whole", 1: "wrong", 3: "open"}


class Yard(MadeCamera):
    """A camera with two starts, and three events that are over."""

    def __init__(self, top: Path) -> None:
        super().__init__(top)
        self.first = self.event()
        self.second = self.event(4)
        self.stop()
        self.begun_anew()
        self.third = self.event()
        self.write_head()

    def begun_anew(self) -> None:
        self.clock.advance(60)
        self.send()
        self.start()


def alone(top: Path, keys: Sequence[Ed25519PublicKey], options: Sequence[str] = ()) -> str:
    """What the checker that stands alone comes to: whole, open or wrong; its last line and its exit code agree."""
    given = [word for key in keys for word in ("-p", raw(key).hex())]
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(io.StringIO()):
        patch.setattr(sys, "argv", [str(PROGRAM), *given, *options, str(top)])
        with pytest.raises(SystemExit) as stopped:
            runpy.run_path(str(PROGRAM), run_name="__main__")
    outcome = OUTCOMES[int(str(stopped.value.code))]
    *lines, last = printed.getvalue().splitlines()
    verdicts = {line.split("\t")[0] for line in lines}
    assert last == outcome.upper()
    assert max(verdicts, default="whole") == outcome, "`wrong` outweighs `open`"
    return outcome


def ours(top: Path, keys: Sequence[Ed25519PublicKey], options: Sequence[str] = ()) -> Verification:
    """What the program says."""
    heads = [options[index + 1] for index, option in enumerate(options) if option == "--head"]
    scope = Scope(complete="--complete" in options, only_here="--only-here" in options)
    return verify(FolderFootage(top), keys, heads=heads, scope=scope)


def outcome_of(verdict: Verdict) -> str:
    return "wrong" if verdict.wrong else "open" if verdict.open else "whole"


Harm = Callable[[Yard], Sequence[str] | None]
CASES: dict[str, tuple[Verdict, Harm]] = {}


def case(verdict: Verdict) -> Callable[[Harm], Harm]:
    """A case of what can happen to footage, and what is to be said of it; returns options of the checker."""

    def add(harm: Harm) -> Harm:
        CASES[harm.__name__] = verdict, harm
        return harm

    return add


def own_evidence(yard: Yard) -> list[Path]:
    """The evidence files of all starts, the first first."""
    return sorted((yard.top / "Yard/evidence").rglob("*.jsonl"))


def rewritten(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


@case(Verdict.WHOLE)
def untouched(yard: Yard) -> None:
    pass


@case(Verdict.WHOLE)
def known_head(yard: Yard) -> Sequence[str]:
    return ["--complete", "--head", yard.head]


@case(Verdict.WHOLE)
def same_record_twice(yard: Yard) -> None:
    rewritten(yard.first.folder / "evidence0.jsonl", lambda lines: [*lines, lines[1]])


@case(Verdict.WHOLE)
def whole_chain_sent_again(yard: Yard) -> None:
    write_evidence(yard.first.folder / "evidence7.jsonl", yard.first.records)


@case(Verdict.WHOLE)
def lines_in_another_order(yard: Yard) -> None:
    for path in yard.first.folder.glob("evidence*.jsonl"):
        rewritten(path, lambda lines: lines[::-1])


@case(Verdict.WHOLE)
def what_file_managers_leave(yard: Yard) -> None:
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "event.json", "offsite.jsonl"):
        (yard.first.folder / name).write_text("x")


@case(Verdict.ABSENT)
def event_not_downloaded(yard: Yard) -> None:
    shutil.rmtree(yard.first.folder)


@case(Verdict.OUTSIDE)
def event_not_downloaded_that_nobody_asks_about(yard: Yard) -> Sequence[str]:
    event_not_downloaded(yard)
    return ["--only-here"]


@case(Verdict.WHOLE)
def power_cut_in_mid_event(yard: Yard) -> None:
    event = yard.begin()
    event.chunk()
    yard.send()
    yard.power_cut()
    yard.start()
    event.chunk()
    event.end()


@case(Verdict.WHOLE)
def branch_that_the_camera_forgot(yard: Yard) -> None:
    event = yard.begin()
    event.chunk()
    event.chunk()
    yard.send()
    yard.power_cut(forgotten=1)
    yard.start()
    event.chunk()
    event.end()


@case(Verdict.UNATTESTED)
def waits_on_the_camera(yard: Yard) -> None:
    yard.sign("head", open=[], waiting={"directory": yard.second.name})
    yard.send()
    (yard.second.folder / "video0.h264").unlink()
    shutil.rmtree(yard.third.folder)


@case(Verdict.MISSING)
def waits_no_more(yard: Yard) -> None:
    waits_on_the_camera(yard)
    yard.sign("head", open=[], waiting={})
    yard.send()


@case(Verdict.MISSING)
def had_left_before_what_waits(yard: Yard) -> None:
    waits_on_the_camera(yard)
    (yard.first.folder / "video0.h264").unlink()


@case(Verdict.UNATTESTED)
def runs_and_is_on_its_way(yard: Yard) -> Sequence[str]:
    event = yard.begin()
    event.chunk()
    yard.send()
    shutil.rmtree(event.folder)
    return ["--complete"]


@case(Verdict.DROPPED)
def tombstone(yard: Yard) -> None:
    yard.tombstone("dropped", yard.second, "video1.h264")


@case(Verdict.WHOLE)
def renamed_folder(yard: Yard) -> None:
    event = yard.begin()
    event.chunk()
    yard.send()
    event.rename()
    event.chunk()
    event.end()


@case(Verdict.WHOLE)
def renamed_before_records_left(yard: Yard) -> None:
    event = yard.begin()
    event.rename()
    event.chunk()
    event.end()


@case(Verdict.WHOLE)
def clock_set_back(yard: Yard) -> None:
    yard.clock.step_wall(-86_400)
    yard.event()


@case(Verdict.OUTSIDE)
def stores_added_later(yard: Yard) -> None:
    event = yard.begin()
    event.chunk()
    yard.send()
    yard.stores.append("dropbox")
    yard.power_cut()
    yard.start()
    event.chunk()
    event.end()
    (event.folder / "video0.h264").unlink()


@case(Verdict.OUTSIDE)
def store_that_has_nothing_from_before_it_was_added(yard: Yard) -> Sequence[str]:
    yard.stop()
    yard.stores.append("dropbox")
    yard.begun_anew()
    last = yard.event()
    yard.write_head()
    only_the_last_start(yard, last)
    return ["--complete"]


def only_the_last_start(yard: Yard, *events: MadeEvent) -> None:
    for path in [*(yard.top / "Yard/evidence").iterdir(), *(yard.top / "Yard/2026-03-01").iterdir()]:
        if path not in {yard.folder, *(event.folder for event in events)}:
            shutil.rmtree(path)


@case(Verdict.ABSENT)
def beginning_not_downloaded(yard: Yard) -> None:
    only_the_last_start(yard, yard.third)


@case(Verdict.MISSING)
def beginning_taken_away(yard: Yard) -> Sequence[str]:
    only_the_last_start(yard, yard.third)
    return ["--complete"]


@case(Verdict.DROPPED)
def event_that_was_given_up_whole(yard: Yard) -> Sequence[str]:
    yard.tombstone("withdrawn", yard.second, *(path.name for path in yard.second.folder.iterdir()))
    yard.second.folder.rmdir()
    return ["--complete"]


@case(Verdict.UNATTESTED)
def record_that_went_with_the_power(yard: Yard) -> None:
    event = yard.begin()
    event.chunk()
    event.chunk()
    yard.write_head()
    lost = read_evidence(max(event.folder.glob("evidence*.jsonl")))[-1]
    (event.folder / "video1.h264").unlink()
    yard.power_cut(forgotten=1)
    for path in event.folder.glob("evidence*.jsonl"):
        rewritten(path, lambda lines: [line for line in lines if line != lost.line])
    yard.start()
    event.end()


@case(Verdict.MISSING)
def end_taken_away_after_an_interruption(yard: Yard) -> None:
    power_cut_in_mid_event(yard)
    event = max((yard.top / "Yard/2026-03-01").iterdir())
    rewritten(max(event.glob("evidence*.jsonl"), key=lambda path: int(path.stem[8:])), lambda lines: lines[:-1])


@case(Verdict.UNATTESTED)
def event_without_end(yard: Yard) -> None:
    yard.begin().chunk()
    yard.send()


@case(Verdict.UNATTESTED)
def end_taken_away_with_the_cameras_word(yard: Yard) -> None:
    for path in own_evidence(yard)[-2:]:
        path.unlink()


@case(Verdict.MISSING)
def deleted_file(yard: Yard) -> None:
    (yard.first.folder / "video1.h264").unlink()


@case(Verdict.MISSING)
def deleted_files_of_two_stores(yard: Yard) -> None:
    yard.tombstone("dropped", yard.first, "video1.h264")
    yard.stores.reverse()
    yard.stores.insert(0, "s3")
    yard.tombstone("dropped", yard.second, "video1.h264")


@case(Verdict.MISSING)
def tombstone_of_another_event(yard: Yard) -> None:
    yard.tombstone("dropped", yard.second, "video1.h264")
    (yard.first.folder / "video1.h264").unlink()


@case(Verdict.CUT)
def truncated_file(yard: Yard) -> None:
    path = yard.first.folder / "video1.h264"
    path.write_bytes(path.read_bytes()[:-1])


@case(Verdict.ALTERED)
def lengthened_file(yard: Yard) -> None:
    path = yard.first.folder / "video1.h264"
    path.write_bytes(path.read_bytes() + b"x")


@case(Verdict.ALTERED)
def flipped_bit(yard: Yard) -> None:
    path = yard.first.folder / "video1.h264"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


@case(Verdict.SWAPPED)
def swapped_files(yard: Yard) -> None:
    one, other = yard.first.folder / "video0.h264", yard.first.folder / "video1.h264"
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


@case(Verdict.REPLAYED)
def file_of_another_event(yard: Yard) -> None:
    shutil.copy(yard.second.folder / "video0.h264", yard.first.folder / "video0.h264")


@case(Verdict.FOREIGN)
def file_that_is_nobodys(yard: Yard) -> None:
    (yard.first.folder / "video9.h264").write_bytes(b"x")


@case(Verdict.REPLAYED)
def event_copied_to_another_day(yard: Yard) -> None:
    shutil.copytree(yard.first.folder, yard.top / "Yard/2027-01-01/10.00.00")


@case(Verdict.WHOLE)
def folders_with_names_of_a_persons_own(yard: Yard) -> None:
    yard.first.folder.rename(yard.first.folder.with_name("the burglar"))
    (yard.top / "Yard").rename(yard.top / "behind the house")


@case(Verdict.REPLAYED)
def event_taken_to_another_camera(yard: Yard) -> None:
    porch = MadeCamera(yard.top, "Porch", key=yard.key)
    porch.event()
    yard.first.folder.rename(porch.event().folder.with_name("23.00.00"))


@case(Verdict.REPLAYED)
def start_taken_to_another_camera(yard: Yard) -> None:
    MadeCamera(yard.top, "Porch", key=yard.key).event()
    shutil.copytree(yard.folder, yard.top / "Porch/evidence" / yard.folder.name)


@case(Verdict.ABSENT)
def without_the_cameras_chain(yard: Yard) -> None:
    shutil.rmtree(yard.top / "Yard/evidence")


@case(Verdict.MISSING)
def without_the_cameras_chain_that_should_be_here(yard: Yard) -> Sequence[str]:
    shutil.rmtree(yard.top / "Yard/evidence")
    return ["--complete"]


@case(Verdict.ABSENT)
def one_events_folder_alone(yard: Yard) -> None:
    yard.top = yard.first.folder


@case(Verdict.MISSING)
def records_of_an_event_taken_away(yard: Yard) -> None:
    for path in yard.first.folder.glob("*.jsonl"):
        path.unlink()


@case(Verdict.FOREIGN)
def event_without_records_between_others(yard: Yard) -> None:
    folder = yard.second.folder.with_name("12.01.30")
    folder.mkdir()
    (folder / "video0.h264").write_bytes(b"x")


@case(Verdict.UNATTESTED)
def event_without_records_after_all_others(yard: Yard) -> None:
    folder = yard.second.folder.with_name("23.00.00")
    folder.mkdir()
    (folder / "video0.h264").write_bytes(b"x")


@case(Verdict.FOREIGN)
def event_that_the_cameras_chain_does_not_know(yard: Yard) -> None:
    event = MadeEvent(yard, started=True, stores=None)
    event.sign("end", files=0, pictures_lost=0)
    event.sender.send()
    yard.clock.advance(3600)
    yard.write_head()


@case(Verdict.OUTSIDE)
def one_events_folder_alone_when_nobody_asks_about_others(yard: Yard) -> Sequence[str]:
    one_events_folder_alone(yard)
    return ["--only-here"]


@case(Verdict.OUTSIDE)
def leftovers_of_a_download(yard: Yard) -> None:
    (yard.first.folder / "video0.h264.part").write_bytes(b"x")
    shutil.copy(yard.first.folder / "video0.h264", yard.first.folder / "video0 (1).h264")


@case(Verdict.REPLAYED)
def folder_with_a_number_that_no_record_explains(yard: Yard) -> None:
    yard.first.folder.rename(yard.first.folder.with_name(yard.first.folder.name + "-2"))


@case(Verdict.FORGED)
def altered_record(yard: Yard) -> None:
    rewritten(
        yard.first.folder / "evidence0.jsonl",
        lambda lines: [line.replace(b'"bytes":900', b'"bytes":901') for line in lines],
    )


@case(Verdict.MISSING)
def deleted_record(yard: Yard) -> None:
    rewritten(yard.first.folder / "evidence0.jsonl", lambda lines: [lines[0], *lines[2:]])


@case(Verdict.MISSING)
def deleted_opening(yard: Yard) -> None:
    rewritten(yard.first.folder / "evidence0.jsonl", lambda lines: lines[1:])


@case(Verdict.MISSING)
def deleted_end(yard: Yard) -> None:
    rewritten(max(yard.first.folder.glob("evidence*.jsonl")), lambda lines: lines[:-1])


@case(Verdict.CUT)
def torn_evidence(yard: Yard) -> None:
    path = yard.first.folder / "evidence0.jsonl"
    path.write_bytes(path.read_bytes()[:-10])


@case(Verdict.FORGED)
def rubbish_among_records(yard: Yard) -> None:
    rewritten(yard.first.folder / "evidence0.jsonl", lambda lines: [*lines, b"rubbish\n"])


@case(Verdict.FORGED)
def signature_in_another_form(yard: Yard) -> None:
    rewritten(yard.first.folder / "evidence0.jsonl", lambda lines: [lines[0][:86] + b"== " + lines[0][87:], *lines[1:]])


@case(Verdict.FORGED)
def signed_by_another_key(yard: Yard) -> None:
    path = yard.first.folder / "evidence0.jsonl"
    write_evidence(path, [resigned(record, made_key("thief"), {}) for record in read_evidence(path)])


@case(Verdict.FORGED)
def two_records_in_one_place(yard: Yard) -> None:
    path = max(yard.first.folder.glob("evidence*.jsonl"))
    end = read_evidence(path)[-1]
    write_evidence(path, [*read_evidence(path), resigned(end, yard.key, {"pictures_lost": 1})])


@case(Verdict.FORGED)
def record_after_the_end(yard: Yard) -> None:
    yard.first.sign("file", name="video3.h264", bytes=1, sha256="00" * 32)
    yard.first.sender.send()


@case(Verdict.FORGED)
def anything_after_the_end(yard: Yard) -> None:
    yard.first.sign("a kind that is not known")
    yard.first.sender.send()


@case(Verdict.UNATTESTED)
def start_that_an_event_went_on_in_not_here(yard: Yard) -> None:
    power_cut_in_mid_event(yard)
    shutil.rmtree(yard.folder)


@case(Verdict.FORGED)
def opening_of_another_key(yard: Yard) -> None:
    event = MadeEvent(yard, started=True, stores=None)
    record = resigned(event.records[0], yard.key, {"key": "11" * 32})
    write_evidence(event.folder / "evidence0.jsonl", [record])


@case(Verdict.FORGED)
def senseless_record(yard: Yard) -> None:
    yard.third.chain.last = yard.third.records[-2]
    yard.third.sign("resumed", stores=7, event=[], camera=None)
    yard.third.sender.send()


@case(Verdict.MISSING)
def event_deleted_whole(yard: Yard) -> Sequence[str]:
    shutil.rmtree(yard.second.folder)
    return ["--complete"]


@case(Verdict.MISSING)
def end_of_a_start_taken_away(yard: Yard) -> None:
    first = own_evidence(yard)[0].parent
    max(first.glob("*.jsonl"), key=lambda path: int(path.stem[8:])).unlink()


@case(Verdict.MISSING)
def start_taken_away(yard: Yard) -> None:
    shutil.rmtree(own_evidence(yard)[0].parent)


@case(Verdict.MISSING)
def middle_of_a_start_taken_away(yard: Yard) -> None:
    first = own_evidence(yard)[0].parent
    sorted(first.glob("*.jsonl"))[1].unlink()


@case(Verdict.MISSING)
def head_that_nothing_reaches(yard: Yard) -> Sequence[str]:
    head = yard.head
    max(yard.folder.glob("*.jsonl"), key=lambda path: int(path.stem[8:])).unlink()
    return ["--head", head]


@case(Verdict.REPLAYED)
def records_of_two_starts_exchanged(yard: Yard) -> None:
    one, other = own_evidence(yard)[0], own_evidence(yard)[-1]
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


@case(Verdict.WHOLE)
def stamp(yard: Yard) -> None:
    (yard.folder / "stamp0.tsr").write_bytes(b"stamp")
    yard.sign("stamped", head=yard.head, file="stamp0.tsr", sha256=sha256(b"stamp").hexdigest())
    yard.send()


@case(Verdict.MISSING)
def stamp_taken_away(yard: Yard) -> None:
    stamp(yard)
    (yard.folder / "stamp0.tsr").unlink()


@case(Verdict.ALTERED)
def altered_stamp(yard: Yard) -> None:
    stamp(yard)
    (yard.folder / "stamp0.tsr").write_bytes(b"Stamp")


@case(Verdict.FOREIGN)
def file_beside_the_cameras_chain(yard: Yard) -> None:
    (yard.folder / "evidence0 .jsonl").write_bytes(b"x")


@case(Verdict.CUT)
def emptied_evidence(yard: Yard) -> None:
    shutil.copy(yard.first.folder / "evidence0.jsonl", yard.first.folder / "evidence1.jsonl")
    (yard.first.folder / "evidence1.jsonl").write_bytes(b"")


@case(Verdict.FOREIGN)
def records_of_a_camera_of_the_same_name(yard: Yard) -> None:
    MadeCamera(yard.top, key=made_key("thief"), clock=yard.clock).event()


@case(Verdict.DROPPED)
def pictures_that_could_not_be_sent(yard: Yard) -> None:
    yard.begin().end(pictures_lost=7)


@case(Verdict.DROPPED)
def end_that_was_given_up(yard: Yard) -> None:
    event = yard.begin()
    event.chunk()
    yard.send()
    event.end()
    yard.tombstone("withdrawn", event, max(path.name for path in event.folder.glob("evidence*.jsonl")))


@case(Verdict.UNATTESTED)
def later_version(yard: Yard) -> None:
    event = yard.begin()
    opening = resigned(event.records[0], yard.key, {"version": 2})
    event.end()
    shutil.rmtree(event.folder)
    yard.sign("began", event=event.name, of="22" * 16)
    yard.send()
    write_evidence(event.folder / "evidence0.jsonl", [resigned(opening, yard.key, {"chain": "22" * 16})])
    yard.sign("dropped", event=event.name, of=event.chain.id, store="directory", names=["evidence0.jsonl"], why="full")
    yard.send()


@case(Verdict.UNATTESTED)
def later_version_alone(yard: Yard) -> Sequence[str]:
    later_version(yard)
    return ["--only-here"]


@case(Verdict.WHOLE)
def start_whose_folder_had_to_be_another(yard: Yard) -> None:
    yard.folder.rename(yard.folder.with_name(f"{yard.folder.name}-2"))


@case(Verdict.WHOLE)
def rehearsal_of_the_owners_key(yard: Yard) -> None:
    folder = yard.top / "Yard/rehearsal/12.00.00"
    folder.mkdir(parents=True)
    (folder / "motion0.jpg").write_bytes(b"x")


@case(Verdict.UNATTESTED)
def footage_where_rehearsals_are(yard: Yard) -> None:
    rehearsal_of_the_owners_key(yard)
    (yard.top / "Yard/rehearsal/12.00.00/video0.h264").write_bytes(b"x")


@case(Verdict.OUTSIDE)
def evidence_downloaded_twice(yard: Yard) -> None:
    for folder in (yard.first.folder, yard.folder):
        shutil.copy(folder / "evidence0.jsonl", folder / "evidence0 (1).jsonl")
        (folder / "evidence1.jsonl.part").write_bytes(b"x")


@case(Verdict.DROPPED)
def event_given_up_of_which_the_camera_knows_no_more(yard: Yard) -> Sequence[str]:
    names = [path.name for path in yard.second.folder.iterdir()]
    shutil.rmtree(yard.second.folder)
    yard.sign("withdrawn", event=yard.second.name, of="", store="directory", names=names, why="deleted")
    yard.send()
    return ["--complete"]


@case(Verdict.FORGED)
def opening_of_another_camera(yard: Yard) -> None:
    event = MadeEvent(yard, started=True, stores=None)
    record = resigned(event.records[0], yard.key, {"camera": "Porch"})
    write_evidence(event.folder / "evidence0.jsonl", [record])


@case(Verdict.MISSING)
def file_from_before_the_power_cut_deleted(yard: Yard) -> None:
    power_cut_in_mid_event(yard)
    (max((yard.top / "Yard/2026-03-01").iterdir()) / "video0.h264").unlink()


@case(Verdict.FORGED)
def opening_in_the_middle(yard: Yard) -> None:
    event = yard.begin()
    opening = event.records[0].fields
    event.sign("event", **{key: value for key, value in opening.items() if key not in PLACE})
    event.end()


@case(Verdict.MISSING)
def opening_that_comes_after_something(yard: Yard) -> None:
    event = yard.begin()
    event.end()
    path = event.folder / "evidence0.jsonl"
    opening, *others = read_evidence(path)
    write_evidence(path, [resigned(opening, yard.key, {"prev": "00" * 32}), *others])


@case(Verdict.MISSING)
def place_left_out(yard: Yard) -> None:
    event = yard.begin()
    last = event.records[-1]
    event.chain.last = replace(last, fields={**last.fields, "n": last.fields["n"] + 1})
    event.end()


@pytest.mark.parametrize("name", CASES)
def test_it_says_what_the_program_says(name: str, tmp_path: Path) -> None:
    verdict, harm = CASES[name]
    yard = Yard(tmp_path)
    options = harm(yard) or ()
    said = ours(yard.top, [yard.public_key], options)
    assert verdict in {finding.verdict for finding in said.findings} or (verdict, said.findings) == (Verdict.WHOLE, ())
    assert outcome_of(said.verdict) == outcome_of(verdict)
    assert alone(yard.top, [yard.public_key], options) == outcome_of(verdict)


def test_it_says_what_the_program_says_of_the_vectors(tmp_path: Path) -> None:
    for path, records in format_vectors.vectors().items():
        write_evidence(tmp_path / path, records)
    for name, data in format_vectors.FILES.items():
        (tmp_path / format_vectors.EVENT / name).write_bytes(data)
    keys = [format_vectors.KEY.public_key()]
    assert alone(tmp_path, keys, ["--complete"]) == outcome_of(ours(tmp_path, keys, ["--complete"]).verdict) == "whole"
    (tmp_path / format_vectors.EVENT / "video0.h264").write_bytes(b"two pictures of Video\n")
    assert alone(tmp_path, keys, ["--complete"]) == outcome_of(ours(tmp_path, keys, ["--complete"]).verdict) == "wrong"


@pytest.mark.parametrize("text", format_vectors.OTHER_FORMS)
def test_another_form_is_no_record(text: bytes, tmp_path: Path) -> None:
    key = format_vectors.KEY
    signature = urlsafe_b64encode(key.sign(b"pi_sec_cam evidence 1\n" + text))[:86]
    (tmp_path / "evidence0.jsonl").write_bytes(signature + b" " + text + b"\n")
    assert alone(tmp_path, [key.public_key()]) == "wrong"


@pytest.mark.parametrize("seed", range(16))
def test_it_says_what_the_program_says_of_any_harm(seed: int, tmp_path: Path) -> None:
    yard, chance = Yard(tmp_path), Random(seed)
    for _ in range(chance.choice([1, 1, 2])):
        harm_something(chance, sorted(path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size))
    keys = [yard.public_key]
    assert alone(tmp_path, keys) == outcome_of(ours(tmp_path, keys).verdict)


def harm_something(chance: Random, files: list[Path]) -> None:
    """Something happens to one of these files, and may be harmless."""
    path, other = chance.sample(files, 2)
    data = path.read_bytes()
    at = chance.randrange(len(data))
    match chance.choice(["delete", "cut", "flip", "insert", "copy", "exchange", "rename", "line"]):
        case "delete":
            path.unlink()
        case "cut":
            path.write_bytes(data[:at])
        case "flip":
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :])
        case "insert":
            path.write_bytes(data[:at] + b"x" + data[at:])
        case "copy":
            path.write_bytes(other.read_bytes())
        case "exchange":
            path.write_bytes(other.read_bytes())
            other.write_bytes(data)
        case "rename":
            path.rename(path.with_name(f"{path.stem}9{path.suffix}"))
        case "line":
            lines = data.splitlines(keepends=True)
            path.write_bytes(b"".join(chance.sample(lines, len(lines) - 1)))


def test_it_needs_nothing_but_cryptography_and_an_old_python() -> None:
    tree = ast.parse(PROGRAM.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }
    assert imported - sys.stdlib_module_names == {"cryptography"}


def test_what_it_prints(tmp_path: Path) -> None:
    yard = Yard(tmp_path / "footage")
    deleted_file(yard)
    yard.tombstone("dropped", yard.second, "video1.h264")
    key = tmp_path / "camera_public.pem"
    key.write_bytes(public_pem(yard.public_key))
    done = subprocess.run(
        [sys.executable, "-I", PROGRAM, "-p", key, yard.top], capture_output=True, text=True, check=False
    )
    lines = [line.split("\t")[:2] for line in done.stdout.splitlines()]
    assert (done.returncode, lines) == (1, [["wrong", f"{yard.first.name}/video1.h264"], ["WRONG"]])


ABSENT = object()
SENSELESS = [
    ABSENT,
    None,
    True,
    -1,
    "x",
    "",
    [],
    [1],
    [None],
    {},
    {"hash": 1, "n": [], "chain": {}},
    [{"of": [], "hash": 7}],
]


@pytest.mark.parametrize("value", SENSELESS, ids=range(len(SENSELESS)))
def test_what_a_thief_signs_ends_no_checker(value: object, tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    says = (
        ""
        if value is ABSENT
        else "event of last open names store to file sha256 stores segment camera key version ordinal previous files"
    )
    kinds = "event file resumed end segment began ended dropped refused withdrawn renamed stamped head stop other"
    for kind in kinds.split():
        yard.sign(kind, **dict.fromkeys(says.split(), value))
        event = MadeEvent(yard, started=True, stores=None)
        event.sign(kind, **dict.fromkeys(f"{says} name bytes pictures_lost".split() if says else (), value))
        event.sender.send()
        yard.clock.advance(1)
    yard.send()
    assert alone(tmp_path, [yard.public_key]) == outcome_of(ours(tmp_path, [yard.public_key]).verdict) == "wrong"


@pytest.mark.parametrize("name", ["letter.txt", "video0.h264"])
def test_a_folder_of_something_else(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("x")
    assert alone(tmp_path, [made_key().public_key()]) == "wrong"


def test_it_is_less_strict_where_it_says_so(tmp_path: Path) -> None:
    """What its first lines name: the program finds more in these."""
    yard = Yard(tmp_path)
    for name in ("my copy.h264", "video0.h264.old"):
        shutil.copy(yard.first.folder / "video0.h264", yard.first.folder / name)
    (yard.first.folder / "stamp0.tsr").write_bytes(b"x")
    assert alone(tmp_path, [yard.public_key]) == "whole"
    yard.clock.advance(3600)
    yard.write_head()
    later = yard.third.folder.with_name("12.30.00")
    later.mkdir()
    (later / "video0.h264").write_bytes(b"x")
    assert alone(tmp_path, [yard.public_key]) == "open"
    assert outcome_of(ours(tmp_path, [yard.public_key]).verdict) == "wrong"


def test_it_is_short() -> None:
    """Nobody reads a long program before believing it."""
    lines = PROGRAM.read_text(encoding="utf-8").splitlines()
    assert sum(1 for line in lines if line.strip()) < 310
