"""The outbox with its real threads: several events at once, stores in trouble, a disk that hangs, a stop."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pi_sec_cam.clock import SystemClock
from pi_sec_cam.errors import TemporaryError
from pi_sec_cam.offsite.journal import read_journal
from pi_sec_cam.offsite.outbox import Outbox
from pi_sec_cam.offsite.outbox_writer import OutboxWriter
from pi_sec_cam.offsite.stores.memory import MemoryStore, ReplyLost
from pi_sec_cam.offsite.uploader import Uploader
from pi_sec_cam.worker import stop_all
from tests.unit.outbox_bench import EVENT, Home, chunk, picture

_WITHIN_S = 30


class Running:
    """An outbox at work."""

    def __init__(self, storage: Path, stores: dict[str, MemoryStore]) -> None:
        storage.mkdir(exist_ok=True)
        self.recordings = storage / "recordings"
        self.offsite: list[str] = []
        self.settled = threading.Semaphore(0)  # released once 18 events are off-site
        self.hangs = threading.Event()
        self.goes_on = threading.Event()
        clock = SystemClock()
        self.outbox = Outbox(
            storage / "outbox",
            self.recordings,
            tuple(stores),
            max_bytes=1 << 30,
            max_age_s=None,
            clock=clock,
            on_offsite=self._is_offsite,
        )
        self.writer = OutboxWriter(self.outbox, guard=self._guard, clock=clock)
        self.uploaders = [
            Uploader(store, key, self.outbox, clock, chance=random.Random(1)) for key, store in stores.items()
        ]

    def event(self, event: str, chunks: int) -> None:
        name = self.outbox.begin(event, Home(self.recordings / event))
        self.outbox.add(name, picture())
        for number in range(chunks):
            self.outbox.add(name, chunk(number))
        self.outbox.finish(name)

    def _is_offsite(self, folder: Path) -> None:
        self.offsite.append(folder.relative_to(self.recordings).as_posix())
        if len(self.offsite) == 18:
            self.settled.release()

    def _guard(self) -> None:
        if self.hangs.is_set():
            self.goes_on.wait(_WITHIN_S)


@contextmanager
def running(storage: Path, stores: dict[str, MemoryStore]) -> Iterator[Running]:
    it = Running(storage, stores)
    for worker in (it.writer, *it.uploaders):
        worker.start()
    try:
        yield it
    finally:
        it.goes_on.set()
        stop_all([it.writer, *it.uploaders], 10)
        assert [worker.fault for worker in (it.writer, *it.uploaders)] == [None] * (1 + len(stores))


def test_events_of_several_cameras_at_once_with_stores_in_trouble(tmp_path: Path) -> None:
    stores = {
        "one": MemoryStore(script=[None, None, TemporaryError("reset"), None, ReplyLost("reset")]),
        "two": MemoryStore(script=[ReplyLost("reset"), *[None] * 20, TemporaryError("reset")]),
    }
    events = [f"{camera}/2026-05-04/18.30.{second:02}" for camera in ("Yard", "Gate", "Hall") for second in range(3)]
    expected = {f"{event}/{file.name}": file.data for event in events for file in (picture(), *map(chunk, range(7)))}
    with running(tmp_path / "storage", stores) as it:
        cameras = [
            threading.Thread(target=lambda camera=camera: [it.event(e, 7) for e in events if e.startswith(camera)])
            for camera in ("Yard", "Gate", "Hall")
        ]
        for camera in cameras:
            camera.start()
        for camera in cameras:
            camera.join()
        for store in stores.values():
            assert store.wait(lambda files: len(files) == len(expected), _WITHIN_S)
        assert it.settled.acquire(timeout=_WITHIN_S)
    assert all(store.files == expected for store in stores.values())
    assert sorted(it.offsite) == sorted(events * 2)
    for event in events:
        journal = read_journal(it.recordings / event)
        assert journal is not None
        assert journal.final
        assert len(journal.files) == 8
    assert [path for path in (tmp_path / "storage" / "outbox").rglob("*") if path.is_file()] == []


def test_a_disk_that_hangs_and_a_store_that_hangs_hold_up_nobody_else(tmp_path: Path) -> None:
    stuck = threading.Event()

    def hang(_path: str) -> None:
        stuck.wait(_WITHIN_S)

    stores = {"silent": MemoryStore(script=[hang]), "well": MemoryStore()}
    with running(tmp_path / "storage", stores) as it:
        it.event("Yard/2026-05-04/10.00.00", 1)
        assert stores["well"].wait(lambda files: len(files) == 2, _WITHIN_S)
        it.hangs.set()
        it.event(EVENT, 3)
        assert stores["well"].wait(lambda files: len(files) == 6, _WITHIN_S)
        assert stores["silent"].files == {}
        assert it.uploaders[0].status()["state"] == "sending"
        it.uploaders[0].stop()
        assert not it.uploaders[0].join(0.05)
        stuck.set()
        it.goes_on.set()
    after = MemoryStore()
    with running(tmp_path / "storage", {"silent": after}):
        assert after.wait(lambda files: len(files) == 5, _WITHIN_S)


def test_a_stop_ends_idle_threads_at_once(tmp_path: Path) -> None:
    store = MemoryStore()
    with running(tmp_path / "storage", {"one": store}) as it:
        it.event(EVENT, 0)
        assert store.wait(lambda files: len(files) == 1, _WITHIN_S)
        idle = [worker for worker in (it.writer, *it.uploaders) if not worker.join(0.1)]
        assert len(idle) == 2
        for worker in idle:
            worker.stop()
        # They look up by themselves after five seconds.
        assert all(worker.join(3) for worker in idle)


def test_what_is_handed_over_just_before_the_stop_is_on_the_disk(tmp_path: Path) -> None:
    gone = MemoryStore()
    gone.gone = TemporaryError("no network")
    with running(tmp_path / "storage", {"one": gone}) as it:
        it.event(EVENT, 3)
    folder = tmp_path / "storage" / "outbox" / "one" / EVENT
    assert sorted(path.name for path in folder.iterdir()) == ["motion0.jpg", *(f"video{n}.h264" for n in range(3))]
