"""When stamps are asked for, and what becomes of an authority that gives none."""

import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path, PurePath
from random import Random

import pytest

from pi_sec_cam.clock import SimulatedClock
from pi_sec_cam.errors import ConfigError
from pi_sec_cam.evidence import timestamp
from pi_sec_cam.evidence.record import parse_line
from pi_sec_cam.evidence.stamp_exchange import NoStamp
from pi_sec_cam.evidence.timestamp import check_stamp, read_authorities
from pi_sec_cam.offsite.stores.memory import MemoryStore
from pi_sec_cam.sending.stamping import MEMORY, Stamper
from tests.timestamp_authority import TimestampAuthority
from tests.unit.outbox_bench import Bench as OutboxBench

HOUR_S = 3600
URL = "https://user:geheim@stamps.example/tsa"


class Bench:
    """A stamper of cameras whose heads change all the time, and an authority that does as it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SimulatedClock()
        self.cameras = ["Yard"]
        self.stamps: list[tuple[str, str, bytes]] = []
        self.asked: list[str] = []
        self.says: Callable[[str], bytes] = lambda head: f"stamp of {head}".encode()
        self.stamper = self.start()

    def start(self) -> Stamper:
        """The program is started (anew)."""

        def ask(url: str, head: str) -> bytes:
            assert url == URL
            self.asked.append(head)
            return self.says(head)

        self.stamper = Stamper(
            URL,
            heads=lambda: {camera: f"{camera}:{self.clock.monotonic_us()}:hash" for camera in self.cameras},
            stamped=lambda *stamp: self.stamps.append(stamp),
            memory=self.folder / MEMORY,
            clock=self.clock,
            ask=ask,
            chance=Random(1),
        )
        return self.stamper

    def run(self, hours: float) -> list[float]:
        """So much time passes; the hours at which it was asked."""
        began, asked, found = self.clock.monotonic_us(), len(self.asked), []
        while (passed_s := (self.clock.monotonic_us() - began) / 1e6) < hours * HOUR_S:
            rest = self.stamper.step()
            found += [passed_s / HOUR_S] * (len(self.asked) - asked)
            asked = len(self.asked)
            self.clock.advance(max(rest, 600))
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def refuse(_: str) -> bytes:
    raise NoStamp("stamps.example cannot be reached: Network is unreachable")


def test_the_newest_head_is_stamped_soon_after_the_start_and_once_a_day(bench: Bench) -> None:
    assert [round(hour) for hour in bench.run(73)] == [0, 24, 48, 72]
    assert [stamp for _, _, stamp in bench.stamps] == [f"stamp of {head}".encode() for head in bench.asked]
    assert len(set(bench.asked)) == 4


def test_each_camera_is_stamped_as_soon_as_it_has_a_head(bench: Bench) -> None:
    bench.cameras = []
    assert bench.run(5) == []
    bench.cameras = ["Yard", "Door"]
    assert bench.run(1) == [0, 0]
    assert [camera for camera, _, _ in bench.stamps] == ["Yard", "Door"]


def test_restarts_do_not_ask_more_often(bench: Bench) -> None:
    bench.run(1)
    for _ in range(22):
        bench.start()
        assert bench.run(1) == []
    bench.start()
    assert len(bench.run(2)) == 1
    assert len(bench.stamps) == 2


def test_a_clock_that_was_wrong_costs_a_stamp_and_no_more(bench: Bench) -> None:
    bench.clock.step_wall(365 * 86400)
    bench.run(1)
    bench.clock.step_wall(-365 * 86400)
    bench.start()
    assert bench.run(23) == [0]
    bench.start()
    assert len(bench.run(2)) == 1


@pytest.mark.parametrize("text", ["", "[]", '{"Yard": 5}', '{"Yard": "soon"}', '{"Yard": "2026-01-01T00:00:00"}', "{"])
def test_what_is_remembered_may_be_damaged_or_gone(bench: Bench, text: str) -> None:
    (bench.folder / MEMORY).write_text(text)
    assert bench.run(1) == [0]
    bench.start()
    assert bench.run(1) == []


def test_without_a_disk_it_is_stamped_all_the_same(bench: Bench) -> None:
    bench.folder /= "absent"
    bench.start()
    assert [round(hour) for hour in bench.run(25)] == [0, 24]
    assert not bench.folder.exists()


def test_an_authority_that_is_away_is_asked_again_at_longer_intervals_and_forgiven(bench: Bench) -> None:
    bench.says = refuse
    pauses = [bench.stamper.step() for _ in range(9)]
    for pause, most in zip(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600], strict=True):
        assert most / 2 <= pause <= most
    assert bench.stamper.status()["last_error"] == "stamps.example cannot be reached: Network is unreachable"
    assert bench.stamper.status()["last_stamp"] is None
    bench.says = lambda _: b"stamp"
    assert bench.run(1) == [0]
    assert bench.stamper.status()["last_error"] is None
    assert bench.stamper.status()["last_stamp"] is not None
    bench.says = refuse
    bench.clock.advance(24 * HOUR_S)
    assert bench.stamper.step() <= 60


def test_a_bad_hour_is_no_problem_a_bad_day_is(bench: Bench) -> None:
    bench.says = refuse
    bench.run(5)
    assert bench.stamper.problems() == []
    bench.run(19)
    (said,) = bench.stamper.problems()
    assert said.startswith("no time stamp for 2")
    assert "Network is unreachable" in said
    assert "geheim" not in f"{said}{bench.stamper.status()}"
    bench.says = lambda _: b"stamp"
    bench.run(2)
    assert bench.stamper.problems() == []


@pytest.fixture
def silence(bench: Bench) -> Iterator[threading.Event]:
    """An authority that answers when this is set; meanwhile the time passes."""
    answered = threading.Event()

    def says(_: str) -> bytes:
        bench.clock.advance(40)
        assert answered.wait(20)
        return b"late"

    bench.says = says
    yield answered
    answered.set()


def test_an_authority_that_hangs_is_not_asked_by_more_than_one_thread(bench: Bench, silence: threading.Event) -> None:
    for _ in range(5):
        bench.stamper.step()
    assert len(bench.asked) == 1
    assert "not answer" in str(bench.stamper.status()["last_error"])
    silence.set()
    bench.says = lambda _: b"stamp"
    while not bench.stamps:
        bench.stamper.step()
    assert [stamp for _, _, stamp in bench.stamps] == [b"stamp"]


def test_a_stop_does_not_wait_for_the_authority(bench: Bench) -> None:
    asked, answered = threading.Event(), threading.Event()

    def says(_: str) -> bytes:
        asked.set()
        assert answered.wait(20)
        return b"late"

    bench.says = says
    bench.stamper.start()
    assert asked.wait(5)
    bench.stamper.stop()
    assert bench.stamper.join(5)
    assert bench.stamps == []
    answered.set()


def test_a_fault_of_ours_does_not_end_it(bench: Bench) -> None:
    bench.says = lambda _: {}["fault"]  # type: ignore[index]
    bench.stamper.step()
    assert "please report it" in str(bench.stamper.status()["last_error"])
    bench.says = lambda _: b"stamp"
    bench.stamper.step()
    assert len(bench.stamps) == 1


def test_without_its_library_nothing_starts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timestamp, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="pip install rfc3161-client"):
        bench.start()


def test_a_stamp_leaves_beside_the_chain_whose_head_it_is_about_and_a_record_tells_so(tmp_path: Path) -> None:
    store = MemoryStore()
    sending = OutboxBench(tmp_path / "storage", {"one": store}, SimulatedClock())
    sending.writer.round(0)
    attestor = sending.attestor
    attestor.own("Yard")
    with TimestampAuthority(tmp_path / "authority") as authority:
        stamper = Stamper(
            authority.url, heads=attestor.heads, stamped=attestor.stamped, memory=tmp_path / MEMORY, clock=sending.clock
        )
        stamper.step()
        assert not authority.asked, "there is no chain yet"
        attestor.look()
        for _ in range(2):
            stamper.step()
            sending.clock.advance(24 * HOUR_S)
            attestor.look()
    sending.writer.round(0)
    sending.send()
    paths = sorted(path for path in store.files if path.endswith(".tsr"))
    assert [PurePath(path).name for path in paths] == ["stamp0.tsr", "stamp1.tsr"]
    lines = b"".join(data for path, data in store.files.items() if path.endswith(".jsonl")).splitlines()
    records = {record.hash: record for record in map(parse_line, lines)}
    said = [record.fields for record in records.values() if record.fields["kind"] == "stamped"]
    assert [each["file"] for each in said] == ["stamp0.tsr", "stamp1.tsr"]
    for path, each in zip(paths, said, strict=True):
        assert each["sha256"] == sha256(store.files[path]).hexdigest()
        assert check_stamp(store.files[path], each["head"], read_authorities(authority.root))
        chain, n, digest = each["head"].split(":")
        assert (chain, int(n)) == (each["chain"], records[digest].fields["n"])
        assert path.split("/")[2].endswith(f"-{chain[:8]}")
