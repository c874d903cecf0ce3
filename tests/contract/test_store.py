"""What every store promises (offsite/stores/protocol.py), tried on each."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from pi_sec_cam.errors import Interrupted, NameTaken, PermanentError, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.stores.directory import DirectoryStore
from pi_sec_cam.offsite.stores.dropbox import DropboxStore
from pi_sec_cam.offsite.stores.memory import MemoryStore, ReplyLost
from pi_sec_cam.offsite.stores.path import MARKER
from pi_sec_cam.offsite.stores.protocol import Store
from pi_sec_cam.offsite.stores.s3 import S3Store
from tests.loopback_dropbox.answer import unauthorised
from tests.loopback_dropbox.faults import Fault
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.loopback_dropbox.tokens import APP_KEY, WRITE
from tests.relay import Relay
from tests.s3_server import S3Server, s3_policy
from tests.system.filesystems import Mounts

PATH = "cam1/2026-11-21/09.15.00/video0.h264"
CHUNK = os.urandom(4_195_000)  # a chunk of 3 MiB, sealed
NAMES = (
    "front yard",
    "Höfchen",
    "ガレージ",
    "100%",
    "%2e%2e",
    "a+b&c=d?e#f",
    'it\'s "here"',
    "semi;colon: <tag> | (*)",
    "n" * 200,
    "ü" * 100,
    "~",
    "-rf",
)

Trouble = Callable[[], AbstractContextManager[object]]


@dataclass
class Case:
    """One kind of store.

    Attributes:
        store: what is tried.
        held: all that the place holds, asked by another way than the store's own.
        refused, unreachable, full, reply_lost: while the block runs, the place does not know the one who sends; cannot
            be reached; has no room for a chunk; stores, and its answer is lost. None: cannot be brought about here (the
            tests of that store alone do it in other ways), or does not exist.
    """

    store: Store
    held: Callable[[], dict[str, bytes]]
    refused: Trouble
    unreachable: Trouble | None = None
    full: Trouble | None = None
    reply_lost: Trouble | None = None


def memory(request: pytest.FixtureRequest, resources: ExitStack) -> Case:
    store = MemoryStore(capacity_bytes=10_000_000)

    @contextmanager
    def gone(error: Exception) -> Iterator[None]:
        store.gone = error
        yield
        store.gone = None

    @contextmanager
    def full() -> Iterator[None]:
        store.capacity_bytes = 1000
        yield
        store.capacity_bytes = None

    @contextmanager
    def reply_lost() -> Iterator[None]:
        store.script.append(ReplyLost("no answer"))
        yield

    return Case(
        store,
        lambda: store.files,
        refused=lambda: gone(StoreRefuses("who are you?")),
        unreachable=lambda: gone(TemporaryError("nobody there")),
        full=full,
        reply_lost=reply_lost,
    )


def directory(request: pytest.FixtureRequest, resources: ExitStack) -> Case:
    mounts: Mounts = request.getfixturevalue("mounts")
    folder = request.getfixturevalue("tmp_path")
    mounts.mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", folder)
    resources.callback(mounts.unmount, folder)
    seen = mounts.seen(folder)
    known: list[str] = []
    store = DirectoryStore(seen, known_id=lambda: known[-1] if known else None, remember=known.append)

    @contextmanager
    def another_disk() -> Iterator[None]:
        (seen / MARKER).rename(seen / "elsewhere")
        yield
        (seen / "elsewhere").rename(seen / MARKER)

    @contextmanager
    def full() -> Iterator[None]:
        space = os.statvfs(seen)
        (seen / "filling").write_bytes(bytes(space.f_bavail * space.f_frsize - 1_000_000))
        yield
        (seen / "filling").unlink()

    def held() -> dict[str, bytes]:
        files = (path for path in seen.rglob("*") if path.is_file())
        return {str(path.relative_to(seen)): path.read_bytes() for path in files if path.name != MARKER}

    return Case(store, held, refused=another_disk, full=full)


def s3(request: pytest.FixtureRequest, resources: ExitStack) -> Case:
    server: S3Server = request.getfixturevalue("s3_server")
    relay = resources.enter_context(Relay(server.port))
    bucket = server.make_bucket()
    policy = s3_policy(bucket, "cameras", "s3:PutObject", "s3:GetObject")
    login = server.make_login(policy)
    store = S3Store(
        bucket=bucket,
        prefix="cameras",
        endpoint_url=f"http://127.0.0.1:{relay.port}",
        access_key_id=login.access_key_id,
        secret_access_key=login.secret_access_key,
    )

    @contextmanager
    def forbidden() -> Iterator[None]:
        server.forbid(login)
        yield
        server.allow(login, policy)

    def held() -> dict[str, bytes]:
        found = {name.removeprefix("cameras/"): data for name, data in server.held(bucket).items()}
        found.pop(MARKER, None)
        return found

    return Case(store, held, refused=forbidden, unreachable=relay.gone, reply_lost=relay.losing_answers)


def dropbox(request: pytest.FixtureRequest, resources: ExitStack) -> Case:
    server: LoopbackDropbox = request.getfixturevalue("dropbox_server")
    with server.lock:
        server.files.clear()
    store = DropboxStore(refresh_token=server.tokens.new_refresh_token(), app_key=APP_KEY)

    @contextmanager
    def scope_taken() -> Iterator[None]:
        server.faults.lasting(Fault("answer", answer=unauthorised("missing_scope", required_scope=WRITE).answer))
        yield
        server.faults.clear()

    @contextmanager
    def gone() -> Iterator[None]:
        server.go_away()
        yield
        server.come_back()

    @contextmanager
    def full() -> Iterator[None]:
        server.files.space_bytes = 1000
        yield
        server.files.space_bytes = float("inf")

    @contextmanager
    def reply_lost() -> Iterator[None]:
        server.faults.next(Fault("lose reply", route="files/upload"))
        yield

    def held() -> dict[str, bytes]:
        return {path.removeprefix("/"): file.data for path, file in server.stored().items()}

    return Case(store, held, refused=scope_taken, unreachable=gone, full=full, reply_lost=reply_lost)


CASES = {"memory": memory, "directory": directory, "s3": s3, "dropbox": dropbox}
CAN_BE = {
    "unreachable": ["memory", "s3", "dropbox"],
    "full": ["memory", "directory", "dropbox"],
    "reply_lost": ["memory", "s3", "dropbox"],
}


def in_trouble(kind: str) -> pytest.MarkDecorator:
    """Only for the kinds that this can happen to here."""
    return pytest.mark.parametrize("case", CAN_BE[kind], indirect=True)


@pytest.fixture(scope="session")
def mounts() -> Iterator[Mounts]:
    with Mounts() as made:
        yield made


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with ExitStack() as resources:
        made = CASES[request.param](request, resources)
        resources.callback(made.store.close)
        yield made


def put(store: Store, path: str, data: bytes) -> None:
    store.put(path, data, interrupted=lambda: False)


def test_what_is_put_is_there(case: Case) -> None:
    put(case.store, PATH, CHUNK)
    assert case.held() == {PATH: CHUNK}


def test_a_byte_is_a_file(case: Case) -> None:
    put(case.store, PATH, b"\0")
    assert case.held() == {PATH: b"\0"}


def test_files_of_one_event_stand_beside_each_other(case: Case) -> None:
    files = {
        f"cam1/2026-11-21/09.15.00/{name}": name.encode() for name in ("motion0.jpg", "video0.h264", "video1.h264")
    }
    files["cam2/2026-11-21/09.15.00/video0.h264"] = b"another camera's"
    for path, data in files.items():
        put(case.store, path, data)
    assert case.held() == files


def test_the_same_bytes_again_are_no_second_copy(case: Case) -> None:
    put(case.store, PATH, CHUNK)
    put(case.store, PATH, CHUNK)
    assert case.held() == {PATH: CHUNK}


def test_what_stands_is_never_overwritten(case: Case) -> None:
    put(case.store, PATH, CHUNK)
    for other in (CHUNK[:-1], CHUNK[:-1] + bytes([CHUNK[-1] ^ 1]), CHUNK + b"\0", b"\0"):
        with pytest.raises(NameTaken, match=r"video0\.h264"):
            put(case.store, PATH, other)
    assert case.held() == {PATH: CHUNK}


def test_names_are_kept_as_they_are(case: Case) -> None:
    files = {f"{name}/2026-11-21/09.15.00/video0.h264": name.encode() for name in NAMES}
    for path, data in files.items():
        put(case.store, path, data)
        put(case.store, path, data)
    assert case.held() == files


def test_no_path_leads_out_of_the_place(case: Case, tmp_path: Path) -> None:
    put(case.store, PATH, b"inside")
    for path in ("../out", "cam/../../out", "/out", "cam//out", "cam/./out", "cam/..", "cam/", "", "cam/o\0ut"):
        with pytest.raises(PermanentError):
            put(case.store, path, b"outside")
    assert case.held() == {PATH: b"inside"}
    assert not [found for found in (tmp_path.parent / "out", Path("/out")) if found.exists()]


@pytest.mark.parametrize("times_asked", [0, 12])
def test_an_interrupted_file_is_not_there_and_can_be_put_later(case: Case, times_asked: int) -> None:
    asked = count()
    with pytest.raises(Interrupted):
        case.store.put(PATH, CHUNK, interrupted=lambda: next(asked) >= times_asked)
    assert case.held() == {}
    put(case.store, PATH, CHUNK)
    assert case.held() == {PATH: CHUNK}


def test_a_closed_store_opens_anew(case: Case) -> None:
    case.store.close()
    case.store.warm()
    put(case.store, PATH, b"first")
    case.store.close()
    case.store.close()
    put(case.store, f"{PATH}5", b"second")
    assert case.held() == {PATH: b"first", f"{PATH}5": b"second"}


def test_who_may_not_is_told_that_somebody_has_to_act(case: Case) -> None:
    put(case.store, PATH, b"before")
    with case.refused():
        case.store.close()
        case.store.warm()
        with pytest.raises(StoreRefuses):
            put(case.store, f"{PATH}5", CHUNK)
    assert case.held() == {PATH: b"before"}
    put(case.store, f"{PATH}5", CHUNK)
    assert case.held() == {PATH: b"before", f"{PATH}5": CHUNK}


@in_trouble("unreachable")
def test_a_place_that_cannot_be_reached_is_tried_again(case: Case) -> None:
    assert case.unreachable is not None
    put(case.store, PATH, b"before")
    with case.unreachable():
        case.store.warm()
        with pytest.raises(TemporaryError) as caught:
            put(case.store, f"{PATH}5", CHUNK)
        assert not isinstance(caught.value, StoreRefuses)
    put(case.store, f"{PATH}5", CHUNK)
    assert case.held() == {PATH: b"before", f"{PATH}5": CHUNK}


@in_trouble("full")
def test_a_full_place_keeps_what_it_has_and_nothing_half(case: Case) -> None:
    assert case.full is not None
    put(case.store, PATH, b"before")
    with case.full():
        with pytest.raises(StoreRefuses, match="full"):
            put(case.store, f"{PATH}5", CHUNK)
        assert f"{PATH}5" not in case.held()
    put(case.store, f"{PATH}5", CHUNK)
    assert case.held() == {PATH: b"before", f"{PATH}5": CHUNK}


@in_trouble("reply_lost")
def test_a_lost_reply_makes_no_second_copy(case: Case) -> None:
    assert case.reply_lost is not None
    case.store.warm()
    with case.reply_lost(), pytest.raises(TemporaryError):
        put(case.store, PATH, CHUNK)
    assert case.held() == {PATH: CHUNK}
    put(case.store, PATH, CHUNK)
    assert case.held() == {PATH: CHUNK}
