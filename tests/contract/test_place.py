"""What every place promises that is read back from (home/protocol.py), tried on each kind."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.errors import ConfigError, PermanentError, StorageError, StoreRefuses, TemporaryError
from pi_sec_cam.home import s3 as s3_room
from pi_sec_cam.home.owner_login import READ_SCOPES, OwnerLogin, keep_owner_login
from pi_sec_cam.home.patience import TRIES, Patience
from pi_sec_cam.home.places import open_place
from pi_sec_cam.home.protocol import NothingKept, Place
from tests.contract.test_s3_store import documented_policy
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.loopback_dropbox.tokens import APP_KEY, WRITE
from tests.relay import Relay
from tests.s3_server import Login, S3Server

EVENT = "cam1/2026-11-21/09.15.00"
FILES = {
    f"{EVENT}/motion0.jpg": b"a picture",
    f"{EVENT}/video0.h264": os.urandom(2_500_000),
    f"{EVENT}/video1.h264": b"",
    "cam1/2026-11-21/09.15.00-2/video0.h264": b"beside it",
    "cam1/evidence/000001-0123abcd/evidence0.jsonl": b"signed",
    'Höfchen 🐈/2026-11-21/09.15.00/it\'s "here" 100%+a&b.jpg': b"odd names",
}
VIDEO = f"{EVENT}/video0.h264"

Put = Callable[[str, bytes], None]


@dataclass
class Case:
    """One kind of place.

    Attributes:
        text: what it is called on the command line.
        open: opens such a place; `told` and `waits` hear of its patience.
        put, remove: what cameras do, and others who may write there: `put` overwrites.
        held: all that the place holds, asked by another way than the place's own.
        small_pages: listings come in many pages.
        unreachable: while the block runs, nobody answers.
    """

    text: str
    open: Callable[[str], Place]
    put: Put
    remove: Callable[[str], None]
    held: Callable[[], dict[str, bytes]]
    small_pages: Callable[[], None]
    told: list[str]
    waits: list[float]
    unreachable: Callable[[], AbstractContextManager[object]] | None = None


def opener(resources: ExitStack, told: list[str], waits: list[float], **more: Any) -> Callable[[str], Place]:
    def opened(text: str) -> Place:
        place = open_place(text, patience=Patience(told.append, waits.append), **more)
        resources.callback(place.close)
        return place

    return opened


def folder(request: pytest.FixtureRequest, resources: ExitStack) -> Case:
    top: Path = request.getfixturevalue("tmp_path") / "a folder"
    top.mkdir()

    def put(path: str, data: bytes) -> None:
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(data)

    def held() -> dict[str, bytes]:
        return {str(file.relative_to(top)): file.read_bytes() for file in top.rglob("*") if file.is_file()}

    told, waits = list[str](), list[float]()
    opened = opener(resources, told, waits)
    return Case(str(top), opened, put, lambda path: (top / path).unlink(), held, lambda: None, told, waits)


def dropbox(request: pytest.FixtureRequest, resources: ExitStack) -> Case:
    server: LoopbackDropbox = request.getfixturevalue("dropbox_server")
    resources.callback(setattr, server.reading, "most_entries", server.reading.most_entries)
    with server.lock:
        server.files.clear()
        token = server.tokens.new_refresh_token(*READ_SCOPES, WRITE)
    keep_owner_login(
        OwnerLogin(app_key=APP_KEY, refresh_token=token, account=None, made="2026", scopes=(*READ_SCOPES, WRITE))
    )

    def put(path: str, data: bytes) -> None:
        with server.lock:
            server.files.upload("files/upload", {"path": f"/{path}", "mode": "overwrite"}, data)

    def remove(path: str) -> None:
        with server.lock:
            server.files.delete({"path": f"/{path}"})

    @contextmanager
    def gone() -> Iterator[None]:
        server.go_away()
        yield
        server.come_back()

    def held() -> dict[str, bytes]:
        return {path.removeprefix("/"): file.data for path, file in server.stored().items()}

    told, waits = list[str](), list[float]()
    opened = opener(resources, told, waits)
    return Case(
        "dropbox:",
        opened,
        put,
        remove,
        held,
        lambda: setattr(server.reading, "most_entries", 2),
        told,
        waits,
        unreachable=gone,
    )


@dataclass
class Bucket:
    """A bucket that keeps versions: its owner's login, and somebody who may do anything there."""

    server: S3Server
    name: str
    login: Login
    anybody: Any


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> Bucket:
    name = s3_server.make_bucket()
    s3_server.keep_versions(name)
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    login = s3_server.make_login(documented_policy("at home", name))
    return Bucket(s3_server, name, login, s3_server.client(s3_server.make_login(anything)))


def s3(request: pytest.FixtureRequest, resources: ExitStack) -> Case:
    bucket: Bucket = request.getfixturevalue("bucket")
    prefix = f"cameras of {next(_NUMBERS)}/"
    relay = resources.enter_context(Relay(bucket.server.port))
    patch = resources.enter_context(pytest.MonkeyPatch.context())
    patch.setenv("AWS_ACCESS_KEY_ID", bucket.login.access_key_id)
    patch.setenv("AWS_SECRET_ACCESS_KEY", bucket.login.secret_access_key)

    def put(path: str, data: bytes) -> None:
        bucket.anybody.put_object(Bucket=bucket.name, Key=prefix + path, Body=data)

    def remove(path: str) -> None:
        """Of a folder, all that is in it: there are none."""
        for standing in held():
            if f"{standing}/".startswith(f"{path}/"):
                bucket.anybody.delete_object(Bucket=bucket.name, Key=prefix + standing)

    def held() -> dict[str, bytes]:
        page = bucket.anybody.list_objects_v2(Bucket=bucket.name, Prefix=prefix)
        keys = [found["Key"] for found in page.get("Contents", ())]
        return {
            key.removeprefix(prefix): bucket.anybody.get_object(Bucket=bucket.name, Key=key)["Body"].read()
            for key in keys
        }

    told, waits = list[str](), list[float]()
    opened = opener(resources, told, waits, endpoint_url=f"http://127.0.0.1:{relay.port}")
    return Case(
        f"s3://{bucket.name}/{prefix}",
        opened,
        put,
        remove,
        held,
        lambda: patch.setattr(s3_room, "PAGE", 4),
        told,
        waits,
        unreachable=relay.gone,
    )


_NUMBERS = count(1)
CASES = {"folder": folder, "dropbox": dropbox, "s3": s3}


@pytest.fixture(autouse=True)
def no_other_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs this has logins of his own."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with ExitStack() as resources:
        yield CASES[request.param](request, resources)


remote = pytest.mark.parametrize("case", ["dropbox", "s3"], indirect=True)
only_folder = pytest.mark.parametrize("case", ["folder"], indirect=True)


@pytest.fixture
def place(case: Case) -> Place:
    for path, data in FILES.items():
        case.put(path, data)
    return case.open(case.text)


def listed(place: Place, under: str = "") -> dict[str, int]:
    found = list(place.files(under))
    assert len({file.path for file in found}) == len(found)
    return {file.path: file.bytes for file in found}


def former(place: Place, under: str = "") -> list[tuple[str, bytes]]:
    return [(found.path, b"".join(place.read_deleted(found))) for found in place.deleted(under)]


def test_all_files_are_listed_with_their_lengths(case: Case, place: Place) -> None:
    case.small_pages()
    assert listed(place) == {path: len(data) for path, data in FILES.items()}
    assert all(file.modified is None or file.modified.tzinfo is not None for file in place.files())
    assert place.kind in CASES


def test_a_folder_is_listed_without_those_that_are_called_alike(place: Place) -> None:
    assert set(listed(place, EVENT)) == {path for path in FILES if path.startswith(f"{EVENT}/")}
    assert listed(place, "cam1/2026-11-22") == {}
    assert listed(place, "cam1/2026-11-21/09.15") == {}


def test_files_are_read_whole_and_from_anywhere(place: Place) -> None:
    for path, data in FILES.items():
        pieces = list(place.read(path))
        assert b"".join(pieces) == data
        assert max(map(len, pieces), default=0) <= 1 << 20
    whole = FILES[VIDEO]
    for begin in (1, 1_234_567, len(whole) - 1, len(whole), len(whole) + 1):
        assert b"".join(place.read(VIDEO, begin)) == whole[begin:], begin


def test_what_is_not_there_is_said_when_it_is_read(place: Place) -> None:
    for path in (f"{EVENT}/video7.h264", "cam9/x", EVENT):
        for begin in (0, 5):
            with pytest.raises((FileNotFoundError, StorageError)):
                list(place.read(path, begin))
    with pytest.raises(FileNotFoundError):
        list(place.read(f"{EVENT}/video7.h264"))


def test_a_file_that_is_deleted_is_gone_and_nothing_else(case: Case, place: Place) -> None:
    place.delete(VIDEO)
    place.delete(VIDEO)
    place.delete("cam9/never/was")
    for path in (EVENT, "cam1"):
        with suppress(PermanentError):
            place.delete(path)
    assert case.held() == {path: data for path, data in FILES.items() if path != VIDEO}


def test_no_path_leads_out(case: Case, place: Place, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"outside")
    for path in ("../out", f"{EVENT}/../../../../out", "/out", str(tmp_path / "out"), "cam1//x", ".", "a\0b", ""):
        for call in (place.read, place.delete):
            with pytest.raises(PermanentError):
                call(path)
        if path:
            with pytest.raises(PermanentError):
                place.files(path)
    assert (tmp_path / "out").read_bytes() == b"outside"
    assert case.held() == FILES


@remote
def test_what_was_deleted_can_be_read_and_stays_deleted(case: Case, place: Place) -> None:
    before = datetime.now(UTC) if case.text.startswith("s3") else datetime(2026, 1, 1, tzinfo=UTC)
    case.remove(VIDEO)
    [found] = place.deleted(EVENT)
    assert (found.path, found.bytes) == (VIDEO, len(FILES[VIDEO]))
    assert found.deleted_at is not None
    assert found.deleted_at >= before.replace(microsecond=0)
    assert b"".join(place.read_deleted(found)) == FILES[VIDEO]
    assert b"".join(place.read_deleted(found, 2_400_000)) == FILES[VIDEO][2_400_000:]
    assert b"".join(place.read_deleted(found, len(FILES[VIDEO]))) == b""
    assert VIDEO not in listed(place)
    assert VIDEO not in case.held()
    assert list(place.deleted("cam1/evidence")) == []


@remote
def test_what_was_overwritten_can_be_read_the_newest_first(case: Case, place: Place) -> None:
    path = f"{EVENT}/motion0.jpg"
    for data in (b"second", b"third"):
        case.put(path, data)
    expected = [(path, b"second"), (path, FILES[path])]
    assert former(place) == former(place, path) == expected
    case.remove(path)
    assert former(place, path) == [(path, b"third"), *expected]
    case.put(path, b"fourth")
    assert former(place, EVENT) == [(path, b"third"), *expected]
    assert former(place, f"{EVENT}/motion0") == []
    case.small_pages()
    gone_at = [found.deleted_at for found in place.deleted()]
    assert None not in gone_at
    assert len(gone_at) == 3


@remote
def test_of_a_folder_that_was_deleted_all_files_come_back(case: Case, place: Place) -> None:
    case.small_pages()
    case.remove("cam1")
    gone = {path: data for path, data in FILES.items() if path.startswith("cam1/")}
    assert dict(former(place)) == gone
    assert dict(former(place, EVENT)) == {path: data for path, data in gone.items() if path.startswith(f"{EVENT}/")}
    assert dict(former(case.open(f"{case.text}cam1"))) == {
        path.removeprefix("cam1/"): data for path, data in gone.items()
    }


@remote
def test_one_may_begin_in_a_folder(case: Case, place: Place) -> None:
    deeper = case.open(f"{case.text}cam1/2026-11-21/")
    assert listed(deeper, "09.15.00") == {
        path.removeprefix("cam1/2026-11-21/"): len(data) for path, data in FILES.items() if path.startswith(f"{EVENT}/")
    }
    assert b"".join(deeper.read("09.15.00/motion0.jpg")) == b"a picture"
    deeper.delete("09.15.00/motion0.jpg")
    assert set(FILES) - set(case.held()) == {f"{EVENT}/motion0.jpg"}


@remote
def test_who_cannot_be_reached_is_tried_again_a_few_times(case: Case, place: Place) -> None:
    assert case.unreachable is not None
    listed(place)
    with case.unreachable():
        for ask in (place.files, place.deleted, lambda: place.read(VIDEO), lambda: place.read(VIDEO, 7)):
            with pytest.raises(TemporaryError) as caught:
                list(ask())
            assert not isinstance(caught.value, StoreRefuses)
        with pytest.raises(TemporaryError):
            place.delete(VIDEO)
    assert len(case.waits) == len(case.told) == 5 * (TRIES - 1)
    assert 0 < min(case.waits) <= max(case.waits) <= 8
    assert "Once more in" in case.told[0]
    assert len(listed(place)) == len(FILES)


@remote
def test_a_closed_place_may_be_closed_again(place: Place) -> None:
    listed(place)
    place.close()
    place.close()


@only_folder
def test_a_folder_keeps_nothing_and_says_what_might(case: Case, place: Place) -> None:
    with pytest.raises(NothingKept, match="snapshot"):
        place.deleted()


@only_folder
def test_links_in_a_folder_are_not_followed(case: Case, place: Place, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_bytes(b"outside")
    top = Path(case.text)
    (top / "cam1" / "way").symlink_to(tmp_path / "out")
    (top / "cam1" / "one").symlink_to(tmp_path / "out" / "file")
    assert set(listed(place)) == set(FILES)
    with pytest.raises(PermanentError):
        place.delete("cam1/way/file")
    place.delete("cam1/one")
    assert not (top / "cam1" / "one").is_symlink()
    assert (tmp_path / "out" / "file").read_bytes() == b"outside"


@only_folder
def test_a_folder_that_nothing_is_in_any_more_goes(case: Case, place: Place) -> None:
    for path in FILES:
        place.delete(path)
    assert list(Path(case.text).iterdir()) == []


@pytest.mark.parametrize("text", ["no/such/folder", "s3:", "s3://", "s3:///x", "Dropbox", "", "s3://b/../x"])
def test_what_is_no_place_is_said_with_what_is_one(text: str) -> None:
    with pytest.raises((ConfigError, PermanentError)) as caught:
        open_place(text)
    assert "s3://BUCKET" in str(caught.value) or text == "s3://b/../x"


def test_a_file_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="dropbox:"):
        open_place(str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="s3://BUCKET"):
        open_place(str(tmp_path), endpoint_url="http://127.0.0.1:1")


def test_without_a_login_the_command_for_it_is_named() -> None:
    with pytest.raises(StoreRefuses, match="home login dropbox"):
        open_place("dropbox:")
