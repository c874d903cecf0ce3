"""What comes back, what does not, and what is left where it is."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pi_sec_cam.errors import PermanentError, StorageError, TemporaryError
from pi_sec_cam.evidence.footage import FoundFile
from pi_sec_cam.home.destination import ASIDE, Destination
from pi_sec_cam.home.fetch import Fetch
from pi_sec_cam.home.names import well_named
from pi_sec_cam.home.selection import NothingFits, Selection
from tests.unit.camera_made import MadeCamera, MadeEvent
from tests.unit.made_places import KeepingPlace


class Said:
    """What somebody who looks on is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.done = 0

    def advance(self, count: int) -> None:
        self.done += count

    def event(self, event: str, files: int, size: int) -> None:
        pass

    def say(self, text: str) -> None:
        self.texts.append(text)


class Store:
    """A camera with three events on two days, where it sends them to, and a folder at home."""

    def __init__(self, directory: Path) -> None:
        self.place = KeepingPlace(directory / "store")
        self.home = directory / "home"
        self.camera = MadeCamera(self.place.top)
        first = self.camera.event()
        second = self.camera.event()
        self.camera.clock.advance(86400)
        self.events: list[MadeEvent] = [first, second, self.camera.event()]
        self.said = Said()

    def fetch(self, *what: str, deleted: bool = False, key: bool = True, **asked: object) -> Fetch:
        self.said = Said()
        with Destination(self.home) as destination:
            keys = [self.camera.public_key] if key else []
            selection = Selection(what, **asked)  # type: ignore[arg-type]
            fetch = Fetch(self.place, destination, selection, keys, self.said, deleted=deleted)
            fetch.bring(fetch.plan())
        return fetch

    def at_home(self, under: str = "") -> dict[str, bytes]:
        """Files by their paths below the folder, hidden ones too."""
        top = self.home / under
        return {path.relative_to(self.home).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}

    def there(self, under: str = "") -> dict[str, bytes]:
        top = self.place.top / under
        files = [path for path in top.rglob("*") if path.is_file()]
        return {path.relative_to(self.place.top).as_posix(): path.read_bytes() for path in files}

    def video(self, event: int, number: int) -> str:
        return f"{self.events[event].name}/video{number}.h264"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_everything_comes_and_is_private(store: Store) -> None:
    fetch = store.fetch()
    assert store.at_home() == store.there()
    assert fetch.arrivals.failed == []
    assert store.said.texts == []
    assert {path.stat().st_mode & 0o077 for path in [store.home, *store.home.rglob("*")]} == {0}


def test_an_event_comes_with_its_cameras_chain_records_first(store: Store) -> None:
    event = store.events[1].name
    store.fetch(event)
    assert store.at_home() == store.there(event) | store.there("Yard/evidence")
    order = [path.rpartition("/")[2] for path, _ in store.place.reads if path.startswith(event)]
    assert order == ["evidence0.jsonl", "motion0.jpg", "video0.h264", "video1.h264", "video2.h264"]
    assert store.place.reads[0][0].startswith("Yard/evidence/")


@pytest.mark.parametrize(
    ("what", "count"), [("Yard", 3), ("2026-03-01", 2), ("Yard/2026-03-02", 1), ("2026-03-01/12.00.00", 1)]
)
def test_what_is_named_comes(store: Store, what: str, count: int) -> None:
    store.fetch(what)
    assert len({path.rpartition("/")[0] for path in store.at_home() if "video" in path}) == count


def test_a_span_is_judged_by_the_cameras_signed_times(store: Store) -> None:
    begin = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
    store.fetch(begin=begin, until=begin + timedelta(hours=2))
    assert {path.rpartition("/")[0] for path in store.at_home() if "video" in path} == {store.events[1].name}


def test_a_second_camera_stays_where_it_is(store: Store) -> None:
    MadeCamera(store.place.top, "Door").event()
    store.fetch(cameras=("Yard",))
    assert {path.partition("/")[0] for path in store.at_home()} == {"Yard"}


@pytest.mark.parametrize("what", ["Yrad", "Yard/2026-03-03", "Yard/2026-03-01/12.00", "2026"])
def test_what_is_not_there_is_said_before_anything_is_fetched_of_the_rest(store: Store, what: str) -> None:
    with pytest.raises(NothingFits, match=what):
        store.fetch("Yard/2026-03-02", what)
    assert not any("video" in path for path in store.at_home())


def test_a_folder_of_something_else_is_said(tmp_path: Path, store: Store) -> None:
    (tmp_path / "letters").mkdir()
    store.place = KeepingPlace(tmp_path / "letters")
    with pytest.raises(NothingFits, match="no event"):
        store.fetch()
    assert store.said.texts == []


@pytest.mark.parametrize(("top", "says"), [("store/Yard", "the one that it is in"), (".", "to be in store:")])
def test_a_folder_of_another_level_is_said(tmp_path: Path, store: Store, top: str, says: str) -> None:
    store.place = KeepingPlace(tmp_path / top)
    with suppress(NothingFits):
        store.fetch()
    assert says in store.said.texts[0]


def test_what_is_here_is_not_fetched_again(store: Store) -> None:
    store.fetch("Yard/2026-03-01")
    store.place.reads.clear()
    fetch = store.fetch()
    assert {path for path, _ in store.place.reads} == set(store.there(store.events[2].name))
    assert fetch.arrivals.there == len(store.there("Yard/2026-03-01")) + len(store.there("Yard/evidence"))


def test_after_a_broken_connection_the_next_fetch_goes_on_in_mid_file(store: Store) -> None:
    path = store.video(0, 1)
    store.fetch("Yard/2026-03-02")  # the chain is here
    store.place.breaks_after = sum(len(data) for name, data in store.there(store.events[0].name).items() if name < path)
    store.place.breaks_after += 1500
    with pytest.raises(TemporaryError):
        store.fetch()
    assert len((store.home / f"{path}.part").read_bytes()) == 1000
    assert path not in store.at_home()
    store.place.breaks_after = None
    store.place.reads.clear()
    fetch = store.fetch()
    assert (path, 1000) in store.place.reads
    assert store.at_home() == store.there()
    assert store.said.done == sum(map(len, store.there().values())) - _already(fetch, store)


def _already(fetch: Fetch, store: Store) -> int:
    """Bytes of files that were whole before."""
    return sum(map(len, store.there().values())) - fetch.arrivals.bytes


def test_a_part_that_is_another_files_is_fetched_from_the_beginning(store: Store) -> None:
    path = store.home / store.video(0, 1)
    path.parent.mkdir(parents=True)
    path.with_name(f"{path.name}.part").write_bytes(b"x" * 1000)
    fetch = store.fetch()
    assert store.at_home() == store.there()
    assert fetch.arrivals.failed == []


def test_a_part_of_what_no_record_names_is_not_gone_on_with(store: Store) -> None:
    event = store.events[0].folder
    (event / "evidence0.jsonl").unlink()
    path = store.home / store.video(0, 1)
    path.parent.mkdir(parents=True)
    path.with_name(f"{path.name}.part").write_bytes(b"x" * 1000)
    store.fetch()
    assert store.at_home() == store.there()


def test_a_part_that_is_too_long_is_not_gone_on_with(store: Store) -> None:
    path = store.video(0, 1)
    part = store.home / f"{path}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 5000)
    store.fetch()
    assert [read for read in store.place.reads if read[0] == path] == [(path, 0)]
    assert store.at_home() == store.there()


def test_of_what_no_record_names_half_is_not_taken_for_the_whole(store: Store) -> None:
    (store.events[0].folder / "evidence0.jsonl").unlink()
    path = store.video(0, 1)
    store.place.shortened = {path}
    assert store.fetch().arrivals.failed == [path]
    assert path not in store.at_home()


def test_halves_that_lie_in_the_place_stay_there(store: Store) -> None:
    half = store.events[0].folder / "video9.h264.part"
    half.write_bytes(b"half")
    store.fetch()
    assert store.at_home() == {
        path: data for path, data in store.there().items() if path != f"{store.video(0, 9)}.part"
    }


def test_what_came_wrong_once_is_fetched_once_more(store: Store) -> None:
    store.place.garbled = {store.video(0, 0): 1}
    fetch = store.fetch()
    assert store.at_home() == store.there()
    assert fetch.arrivals.failed == []
    assert store.said.done == fetch.arrivals.bytes


def change(store: Store, path: str, data: Callable[[bytes], bytes]) -> None:
    file = store.place.top / path
    file.write_bytes(data(file.read_bytes()))


@pytest.mark.parametrize("data", [lambda old: b"x" + old[1:], lambda old: old[:-1], lambda old: old + b"x"])
def test_what_is_not_as_it_was_sent_is_kept_aside_and_named(store: Store, data: Callable[[bytes], bytes]) -> None:
    path = store.video(1, 2)
    change(store, path, data)
    fetch = store.fetch()
    assert fetch.arrivals.failed == [path]
    assert len(store.said.texts) == 1
    assert store.said.texts[0].startswith(f"{path}: ")
    assert path not in store.at_home()
    (aside,) = store.at_home(ASIDE).values()
    assert aside == store.there()[path]
    assert store.at_home(store.events[0].name) == store.there(store.events[0].name)
    can_be_it = len(aside) == len(store.there()[store.video(1, 1)])
    assert len([read for read, _ in store.place.reads if read == path]) == (2 if can_be_it else 1)


def test_names_do_not_control_the_terminal(store: Store) -> None:
    path = f"{store.events[0].name}/video\x1b[2J.h264"
    (store.home / path).parent.mkdir(parents=True)
    (store.home / path).write_bytes(b"mine")
    (store.place.top / path).write_bytes(b"theirs")
    assert store.fetch().arrivals.failed == [path]
    assert "\x1b" not in "".join(store.said.texts)


def test_two_files_in_each_others_place_are_both_named(store: Store) -> None:
    one, other = store.video(0, 0), store.video(1, 0)
    data = store.there()
    (store.place.top / one).write_bytes(data[other])
    (store.place.top / other).write_bytes(data[one])
    assert store.fetch().arrivals.failed == [one, other]


def test_records_that_the_key_has_not_signed_vouch_for_nothing(store: Store) -> None:
    forger = MadeCamera(store.place.top.parent / "forged", key=MadeCamera(store.place.top.parent / "x", "Door").key)
    evidence = f"{store.events[0].name}/evidence0.jsonl"
    forged = forger.event()
    (store.place.top / evidence).write_bytes((forged.folder / "evidence0.jsonl").read_bytes())
    store.fetch()
    assert any("not all of it is signed" in text for text in store.said.texts)
    assert store.at_home() == store.there(), "who verifies says what is wrong"


def test_nothing_that_is_here_is_replaced(store: Store) -> None:
    path = store.home / store.video(0, 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"my own")
    fetch = store.fetch()
    assert path.read_bytes() == b"my own"
    assert fetch.arrivals.failed == [store.video(0, 0)]
    assert "move it away" in store.said.texts[0]


def test_nor_what_somebody_puts_there_meanwhile(store: Store) -> None:
    path = store.video(0, 0)
    whole = store.place.read

    def read(asked: str, begin: int = 0) -> Iterator[bytes]:
        if asked == path:
            (store.home / path).write_bytes(b"my own")
        return whole(asked, begin)

    store.place.read = read  # type: ignore[method-assign]
    fetch = store.fetch()
    assert (store.home / path).read_bytes() == b"my own"
    assert fetch.arrivals.failed == [path]
    assert not (store.home / f"{path}.part").exists()


def test_what_goes_away_meanwhile_is_named(store: Store) -> None:
    path = store.video(0, 0)
    whole = store.place.read

    def read(asked: str, begin: int = 0) -> Iterator[bytes]:
        if asked == path:
            raise FileNotFoundError(asked)
        return whole(asked, begin)

    store.place.read = read  # type: ignore[method-assign]
    assert store.fetch().arrivals.failed == [path]
    assert store.at_home() == {name: data for name, data in store.there().items() if name != path}


@pytest.mark.parametrize("link", ["Yard", "Yard/2026-03-01"])
def test_no_link_is_followed(store: Store, tmp_path: Path, link: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (store.home / link).parent.mkdir(parents=True)
    (store.home / link).symlink_to(elsewhere, target_is_directory=True)
    with pytest.raises(StorageError, match="link"):
        store.fetch()
    assert list(elsewhere.iterdir()) == []


def test_a_link_in_the_place_of_a_part_is_not_written_through(store: Store, tmp_path: Path) -> None:
    path = store.home / store.video(0, 0)
    path.parent.mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    path.with_name(f"{path.name}.part").symlink_to(victim)
    with pytest.raises(StorageError):
        store.fetch()
    assert victim.read_text() == "mine"


def test_hostile_names_in_records_lead_nowhere(store: Store, tmp_path: Path) -> None:
    event = store.camera.begin()
    for name in ("../../../../escaped", "/escaped", "..", "a/../../escaped", "x" * 300):
        event.sign("file", name=name, bytes=3, sha256="0" * 64)
    event.end()
    for name in ("Yard/../../escaped", "Door/2026-03-01/12.00.00"):
        store.camera.sign("began", event=name, of="0" * 32)
    store.camera.send()
    store.fetch(deleted=True)
    with Destination(store.home) as destination:
        plan = Fetch(store.place, destination, Selection(), [store.camera.public_key], store.said).plan()
        assert set(plan.events) == {each.name for each in [*store.events, event]}, "nor does one camera speak of others"
        for path in ("../escaped", "/escaped", "a/../../escaped"):
            with pytest.raises(PermanentError), destination.part(path):
                pass
    assert store.at_home() == store.there()
    assert [path.name for path in tmp_path.iterdir() if "escaped" in path.name] == []


def test_files_with_hostile_names_are_named_and_the_others_come(store: Store) -> None:
    files = store.place.files

    def hostile(under: str = "") -> Iterator[FoundFile]:
        return well_named("store", [FoundFile("Yard/../../escaped", 3), *files(under)])

    store.place.files = hostile  # type: ignore[method-assign]
    fetch = store.fetch()
    assert "Yard/../../escaped" in fetch.arrivals.failed
    assert any("up to something" in text for text in store.said.texts)
    assert store.at_home() == store.there()


def test_a_name_as_long_as_names_may_be_does_not_stop_the_rest(store: Store) -> None:
    path = store.place.top / store.video(0, 0)
    path.with_name("x" * 255).write_bytes(b"no room for an end that says: not whole")
    fetched = store.fetch()
    assert fetched.arrivals.failed == [f"{store.video(0, 0).rpartition('/')[0]}/{'x' * 255}"]
    assert store.at_home() == {name: data for name, data in store.there().items() if "xxx" not in name}


def test_a_file_that_is_a_folder_too_does_not_stop_the_rest(store: Store) -> None:
    """As a bucket can have it."""
    whole, strange = store.place.files, f"{store.video(0, 0)}/more/video0.h264"

    def files(under: str = "") -> Iterator[FoundFile]:
        yield from whole(under)
        if strange.startswith(under):
            yield FoundFile(strange, 3)

    store.place.files = files  # type: ignore[method-assign]
    assert store.fetch().arrivals.failed == [strange]
    assert store.at_home() == store.there()


def test_two_fetches_do_not_write_into_one_folder(store: Store) -> None:
    with Destination(store.home), pytest.raises(StorageError, match="another"):
        store.fetch()


def test_too_little_room_is_said_before(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Destination, "free_bytes", lambda _: 5000)
    with pytest.raises(StorageError, match="make room"):
        store.fetch()
    assert not any("video" in path for path in store.at_home())


# What was deleted or overwritten


def test_what_was_deleted_comes_back(store: Store) -> None:
    was = store.there()
    for path in [store.video(0, 1), f"{store.events[1].name}/evidence0.jsonl", *store.there(store.events[2].name)]:
        store.place.remove(path)
    plain = store.fetch()
    assert plain.arrivals.failed == []
    assert store.at_home() == store.there()
    fetch = store.fetch(deleted=True)
    assert store.at_home() == was
    assert len(fetch.arrivals.restored) == 2 + len([path for path in was if path.startswith(store.events[2].name)])
    assert store.there() != was, "nothing is changed in the place"


def test_what_was_overwritten_comes_back_as_it_was_sent(store: Store) -> None:
    path = store.video(0, 1)
    was = store.there()
    for data in (b"x" * len(was[path]), b"of another length", b"y" * len(was[path])):
        store.place.overwrite(path, data)
    fetch = store.fetch(deleted=True)
    assert store.at_home("Yard") == was
    assert fetch.arrivals.restored == [path]
    assert fetch.arrivals.failed == []
    assert sorted(store.at_home(ASIDE).values()) == [b"x" * len(was[path]), b"y" * len(was[path])]


def test_overwritten_records_come_back(store: Store) -> None:
    path = f"{store.events[0].name}/evidence0.jsonl"
    was = store.there()
    store.place.overwrite(path, was[path][:100] + b"x" + was[path][101:])
    store.fetch(deleted=True)
    assert store.at_home("Yard") == was


def test_the_cameras_chain_comes_back_and_with_it_what_it_names(store: Store) -> None:
    was = store.there()
    for path in was:
        store.place.remove(path)
    with pytest.raises(NothingFits, match="no event"):
        store.fetch()
    store.fetch(deleted=True)
    assert store.at_home("Yard") == was


def test_what_cannot_be_brought_back_is_no_failure_of_the_fetch(store: Store) -> None:
    (store.place.top / store.video(0, 1)).unlink()
    assert store.fetch(deleted=True).arrivals.failed == []


def test_the_place_is_asked_for_former_states_of_what_is_not_right_only(store: Store) -> None:
    store.place.remove(store.video(0, 1))
    asked: list[str] = []
    deleted = store.place.deleted
    store.place.deleted = lambda under="": asked.append(under) or deleted(under)  # type: ignore[method-assign, func-returns-value]
    store.fetch(deleted=True)
    assert asked == ["Yard/evidence", store.video(0, 1)]


def test_the_rest_of_a_renamed_event_is_checked_too(store: Store) -> None:
    event = store.camera.begin()
    chunks = [event.chunk()]
    event.rename()
    chunks.append(event.chunk())
    event.end()
    for chunk in chunks:
        chunk.write_bytes(b"x" * 3000)
    fetch = store.fetch(event.name)
    assert fetch.arrivals.failed == [chunk.relative_to(store.place.top).as_posix() for chunk in chunks]
